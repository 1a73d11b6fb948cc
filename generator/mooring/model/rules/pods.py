"""Rules about what goes into the pods unchanged; their twin is templates/_rules_pods.tpl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Sentence, Values, Violation, find_repeats
from mooring.model.values.shapes import HANDLERS

POD_LABELS = (
    *("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"),
    "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name",
    "controller-revision-hash",
)
OBJECT_LABELS = ("app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart")
CONFIG_ANNOTATIONS = ("mooring/config",)
TEST_ANNOTATIONS = ("mooring/config", "helm.sh/hook", "helm.sh/hook-delete-policy")

LINUX_FIELDS = (
    *("appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls"),
    *("runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy"),
    *("capabilities", "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation", "procMount"),
)
"""Of security contexts. Without spec.os the API server accepts them, and a Windows node ignores them."""
WINDOWS_FIELDS = ("windowsOptions",)

ANCHOR_NAME = "anchor"
OWN_CONTAINER = Sentence("is mooring's own container", "choose another name")
BESIDE_VALUE = Sentence("is set together with a value", "set only one of the two")
NOT_ONE_SOURCE = Sentence("must have either configMapRef or secretRef", "set one of the two")
TWO_HANDLERS = Sentence("probes in more than one way; a probe has one handler", "keep one")
NO_HANDLER = Sentence(
    f"must have a handler ({', '.join(HANDLERS)}): cplauncher serves no probes", "add one, or leave the probe out"
)
OWN_LADDER = Sentence("is not supported: mooring's stop ladder decides how the program ends", "use stop instead")
HOOK_ACTIONS = ("exec", "httpGet", "tcpSocket", "sleep")
NOT_ONE_HANDLER = Sentence(f"must have one handler ({', '.join(HOOK_ACTIONS)})", "set one, or leave the hook out")
OWN_HOOK = Sentence("is mooring's own hook", "use stop.command instead")
KEY_MISSING = Sentence("must have a key, or operator: Exists, which tolerates every taint", "add one of the two")
FOR_EQUAL = Sentence("is only for operator: Equal", "leave it out")
FOR_NO_EXECUTE = Sentence("needs effect: NoExecute", "set it, or leave this out")
OWN_LABEL = Sentence("is set by mooring", "leave it out")
SYSTEM_LABEL = "kubernetes.io/os"
OTHER_SYSTEM = Sentence("is set by platform: {platform:s}", "leave it out, or change platform")
DOES_NOTHING = Sentence("has no effect on {platform:s}", "leave it out")
FOR_ROLLING_UPDATE = Sentence(
    "is only for type: RollingUpdate; with OnDelete, pods change when you delete them", "leave it out"
)
FOR_OWN_ACCOUNT = Sentence("is only for an account that the chart creates", "set create: true, or leave it out")


def _names_unique(values: Values) -> Iterator[Violation]:
    windows = values["platform"] == "windows"
    yield from find_repeats(("extraEnv",), values["extraEnv"], "name", fold=windows)
    if windows:
        target = values["target"]
        places: list[tuple[tuple[str, ...], Values]] = [(("target", "env"), target["env"])]
        places += [
            (("target", "perOrdinal", n, "env"), one.get("env") or {}) for n, one in target["perOrdinal"].items()
        ]
        for place, env in places:
            yield from find_repeats(place, sorted(env), "", fold=True)
    yield from find_repeats(("imagePullSecrets",), values["imagePullSecrets"], "")
    yield from find_repeats(("hostAliases",), values["hostAliases"], "ip")
    containers = values["anchor"]["extraContainers"]
    yield from find_repeats(("anchor", "extraContainers"), containers, "name")
    for number, container in enumerate(containers):
        path: tuple[str, ...] = ("anchor", "extraContainers", str(number))
        yield from find_repeats((*path, "env"), container.get("env") or [], "name", fold=windows)
        named = [port for port in container.get("ports") or [] if port.get("name")]
        yield from find_repeats((*path, "ports"), named, "name")


def _containers_reserved(values: Values) -> Iterator[Violation]:
    for number, container in enumerate(values["anchor"]["extraContainers"]):
        if container.get("name") == ANCHOR_NAME:
            yield OWN_CONTAINER.at(("anchor", "extraContainers", str(number), "name"), ANCHOR_NAME)


def _env_sources(values: Values) -> Iterator[Violation]:
    for number, variable in enumerate(values["extraEnv"]):
        if variable.get("value") and variable.get("valueFrom"):
            yield BESIDE_VALUE.at(("extraEnv", str(number), "valueFrom"), variable["valueFrom"])
    for number, source in enumerate(values["envFrom"]):
        if bool(source.get("configMapRef")) == bool(source.get("secretRef")):
            yield NOT_ONE_SOURCE.at(("envFrom", str(number)), source)


def _handlers(hook: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in (*HANDLERS, "sleep") if hook.get(name) is not None)


def _probes_one_handler(values: Values) -> Iterator[Violation]:
    unanswered = values["launcher"]["kind"] == "cplauncher" and values["platform"] == "windows"
    for kind, probe in values["probes"].items():
        found = _handlers(probe)
        if len(found) > 1:
            yield TWO_HANDLERS.at(("probes", kind), found)
        elif probe and not found and unanswered:
            yield NO_HANDLER.at(("probes", kind), probe)


def _hooks_act_once(values: Values) -> Iterator[Violation]:
    for key, hook in values["lifecycle"].items():
        if key not in ("postStart", "preStop"):
            yield OWN_LADDER.at(("lifecycle", key), hook)
    hook = values["lifecycle"].get("postStart")
    if hook is not None and len(_handlers(hook)) != 1:
        yield NOT_ONE_HANDLER.at(("lifecycle", "postStart"), _handlers(hook))


def _prestop_reserved(values: Values) -> Iterator[Violation]:
    if "preStop" in values["lifecycle"]:
        yield OWN_HOOK.at(("lifecycle", "preStop"), values["lifecycle"]["preStop"])


def _tolerations(values: Values) -> Iterator[Violation]:
    for number, one in enumerate(values["tolerations"]):
        place = ("tolerations", str(number))
        exists = one.get("operator") == "Exists"
        if not one.get("key") and not exists:
            yield KEY_MISSING.at(place, one)
        if exists and one.get("value"):
            yield FOR_EQUAL.at((*place, "value"), one["value"])
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            yield FOR_NO_EXECUTE.at((*place, "tolerationSeconds"), one["tolerationSeconds"])


def _spread_unique(values: Values) -> Iterator[Violation]:
    constraints = values["topologySpreadConstraints"]
    pairs = [f"{one.get('topologyKey')} with {one.get('whenUnsatisfiable')}" for one in constraints]
    yield from find_repeats(("topologySpreadConstraints",), pairs, "")


def _labels_own(values: Values) -> Iterator[Violation]:
    """Refuse what mooring's own labels, annotations and node labels would silently override."""
    anchor = values["anchor"]
    app = ["app"] if anchor["strategy"] == "static" else []
    places: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        (("commonLabels",), (*POD_LABELS, *app, *OBJECT_LABELS)),
        (("service", "labels"), (*POD_LABELS, *OBJECT_LABELS)),
        (("launcher", "podLabels"), (*POD_LABELS, *([] if anchor["create"] else app))),
        (("anchor", "podLabels"), (*POD_LABELS, *(app if anchor["create"] else []))),
        (("commonAnnotations",), CONFIG_ANNOTATIONS),
        (("launcher", "podAnnotations"), CONFIG_ANNOTATIONS),
        (("tests", "podAnnotations"), TEST_ANNOTATIONS),
    ]
    for path, own in places:
        found: Any = values
        for key in path:
            found = found[key]
        for key in own:
            if found.get(key) is not None:
                yield OWN_LABEL.at((*path, key), found[key])
    system = values["nodeSelector"].get(SYSTEM_LABEL)
    if system is not None and system != values["platform"]:
        yield OTHER_SYSTEM.at(("nodeSelector", SYSTEM_LABEL), system, platform=values["platform"])


def _security_fits(values: Values) -> Iterator[Violation]:
    platform, anchor = values["platform"], values["anchor"]
    foreign = LINUX_FIELDS if platform == "windows" else WINDOWS_FIELDS
    places: list[tuple[tuple[str, ...], Any]] = [(("anchor", "securityContext"), anchor["securityContext"])]
    for number, container in enumerate(anchor["extraContainers"]):
        place = ("anchor", "extraContainers", str(number), "securityContext")
        places.append((place, container.get("securityContext") or {}))
    for path, context in places:
        for key in foreign:
            if context.get(key) is not None:
                yield DOES_NOTHING.at((*path, key), context[key], platform=platform)


def _values_used(values: Values) -> Iterator[Violation]:
    """Refuse what another value makes ineffective."""
    halves: list[tuple[tuple[str, ...], Values]] = [((), values), (("anchor",), values["anchor"])]
    for path, half in halves:
        strategy, account = half["updateStrategy"], half["serviceAccount"]
        if strategy["type"] == "OnDelete":
            for key in ("partition", "maxUnavailable"):
                if strategy[key]:
                    yield FOR_ROLLING_UPDATE.at((*path, "updateStrategy", key), strategy[key])
        if account["annotations"] and not account["create"]:
            yield FOR_OWN_ACCOUNT.at((*path, "serviceAccount", "annotations"), account["annotations"])


POD_RULES: tuple[Rule, ...] = (
    Rule("names-unique", _names_unique),
    Rule("containers-reserved", _containers_reserved),
    Rule("env-sources", _env_sources),
    Rule("probes-one-handler", _probes_one_handler),
    Rule("hooks-act-once", _hooks_act_once),
    Rule("prestop-reserved", _prestop_reserved),
    Rule("tolerations", _tolerations),
    Rule("spread-unique", _spread_unique),
    Rule("labels-own", _labels_own),
    Rule("security-fits", _security_fits),
    Rule("values-used", _values_used),
)
