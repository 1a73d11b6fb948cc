"""Rules of what goes into the pods as it is; their twin is templates/_rules_pods.tpl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Values, Violation, find_repeats
from mooring.model.shapes import HANDLERS

_SELECTOR_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")
_POD_LABELS = (
    *_SELECTOR_LABELS,
    "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name",
    "controller-revision-hash",
)
_OBJECT_LABELS = (*_POD_LABELS, "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart")

_LINUX_FIELDS = (
    *("appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls"),
    *("runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy"),
    *("capabilities", "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation", "procMount"),
)
"""Of security contexts. Without spec.os the API lets them pass, and a Windows node ignores them."""


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
        if container.get("name") == "anchor":
            place = ("anchor", "extraContainers", str(number), "name")
            yield Violation(place, "anchor", "is mooring's own container", "choose another name")


def _env_sources(values: Values) -> Iterator[Violation]:
    for number, variable in enumerate(values["extraEnv"]):
        if variable.get("value") and variable.get("valueFrom"):
            place = ("extraEnv", str(number), "valueFrom")
            yield Violation(place, variable["valueFrom"], "stands beside a value", "give one of the two")
    for number, source in enumerate(values["envFrom"]):
        if bool(source.get("configMapRef")) == bool(source.get("secretRef")):
            yield Violation(("envFrom", str(number)), source, "must have one of configMapRef and secretRef", "give one")


def _handlers(hook: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in (*HANDLERS, "sleep") if hook.get(name) is not None)


def _probes_ask_once(values: Values) -> Iterator[Violation]:
    unanswered = values["launcher"]["kind"] == "cplauncher" and values["platform"] == "windows"
    for kind, probe in values["probes"].items():
        found = _handlers(probe)
        if len(found) > 1:
            yield Violation(("probes", kind), found, "asks in more than one way, and a probe has one", "keep one")
        elif probe and not found and unanswered:
            rule = f"must say how to ask ({', '.join(HANDLERS)}): cplauncher answers no probe"
            yield Violation(("probes", kind), probe, rule, "add one, or leave the probe out")


def _hooks_act_once(values: Values) -> Iterator[Violation]:
    for key, hook in values["lifecycle"].items():
        if key not in ("postStart", "preStop"):
            rule = "is not done: mooring's stop ladder decides how the program ends"
            yield Violation(("lifecycle", key), hook, rule, "use stop instead")
    hook = values["lifecycle"].get("postStart")
    if hook is not None and len(_handlers(hook)) != 1:
        rule = "must say in one way what to do (exec, httpGet, tcpSocket, sleep)"
        yield Violation(("lifecycle", "postStart"), _handlers(hook), rule, "give one, or leave the hook out")


def _prestop_reserved(values: Values) -> Iterator[Violation]:
    if "preStop" in values["lifecycle"]:
        yield Violation(
            ("lifecycle", "preStop"),
            values["lifecycle"]["preStop"],
            "is mooring's own hook",
            "use stop.command instead",
        )


def _tolerations(values: Values) -> Iterator[Violation]:
    for number, one in enumerate(values["tolerations"]):
        place = ("tolerations", str(number))
        exists = one.get("operator") == "Exists"
        if not one.get("key") and not exists:
            rule = "must have a key, or operator: Exists, which tolerates every taint"
            yield Violation(place, one, rule, "add one of the two")
        if exists and one.get("value"):
            yield Violation((*place, "value"), one["value"], "is for operator: Equal", "leave it out")
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            found = one["tolerationSeconds"]
            yield Violation(
                (*place, "tolerationSeconds"), found, "needs effect: NoExecute", "set it, or leave this out"
            )


def _spread_unique(values: Values) -> Iterator[Violation]:
    constraints = values["topologySpreadConstraints"]
    pairs = [f"{one.get('topologyKey')} with {one.get('whenUnsatisfiable')}" for one in constraints]
    yield from find_repeats(("topologySpreadConstraints",), pairs, "")


def _labels_own(values: Values) -> Iterator[Violation]:
    """Refuse what mooring's own labels, annotations and node labels would silently win over."""
    anchor = values["anchor"]
    apart = anchor["strategy"] == "static"
    places: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        (("commonLabels",), (*_OBJECT_LABELS, *(["app"] if apart else []))),
        (("launcher", "podLabels"), (*_POD_LABELS, *(["app"] if apart and not anchor["create"] else []))),
        (("anchor", "podLabels"), (*_POD_LABELS, *(["app"] if apart and anchor["create"] else []))),
        (("commonAnnotations",), ("mooring/config",)),
        (("launcher", "podAnnotations"), ("mooring/config",)),
        (("tests", "podAnnotations"), ("mooring/config", "helm.sh/hook", "helm.sh/hook-delete-policy")),
    ]
    for path, own in places:
        found: Any = values
        for key in path:
            found = found[key]
        for key in own:
            if found.get(key) is not None:
                yield Violation((*path, key), found[key], "is set by mooring", "leave it out")
    system = values["nodeSelector"].get("kubernetes.io/os")
    if system is not None and system != values["platform"]:
        place = ("nodeSelector", "kubernetes.io/os")
        yield Violation(place, system, f"is set by platform: {values['platform']}", "leave it out, or change platform")


def _security_fits(values: Values) -> Iterator[Violation]:
    platform, anchor = values["platform"], values["anchor"]
    foreign = _LINUX_FIELDS if platform == "windows" else ("windowsOptions",)
    places: list[tuple[tuple[str, ...], Any]] = [(("anchor", "securityContext"), anchor["securityContext"])]
    for number, container in enumerate(anchor["extraContainers"]):
        place = ("anchor", "extraContainers", str(number), "securityContext")
        places.append((place, container.get("securityContext") or {}))
    for path, context in places:
        for key in foreign:
            if context.get(key) is not None:
                yield Violation((*path, key), context[key], f"does nothing on {platform}", "leave it out")


def _values_used(values: Values) -> Iterator[Violation]:
    """Refuse what would be left out because another value makes it void."""
    halves: list[tuple[tuple[str, ...], Values]] = [((), values), (("anchor",), values["anchor"])]
    for path, half in halves:
        strategy, account = half["updateStrategy"], half["serviceAccount"]
        if strategy["type"] == "OnDelete":
            for key in ("partition", "maxUnavailable"):
                if strategy[key]:
                    rule = "is for type: RollingUpdate; with OnDelete whoever deletes pods decides"
                    yield Violation((*path, "updateStrategy", key), strategy[key], rule, "leave it out")
        if account["annotations"] and not account["create"]:
            place = (*path, "serviceAccount", "annotations")
            rule = "is for an account that the chart makes"
            yield Violation(place, account["annotations"], rule, "set create: true, or leave it out")


POD_RULES: tuple[Rule, ...] = (
    Rule("names-unique", _names_unique),
    Rule("containers-reserved", _containers_reserved),
    Rule("env-sources", _env_sources),
    Rule("probes-ask-once", _probes_ask_once),
    Rule("hooks-act-once", _hooks_act_once),
    Rule("prestop-reserved", _prestop_reserved),
    Rule("tolerations", _tolerations),
    Rule("spread-unique", _spread_unique),
    Rule("labels-own", _labels_own),
    Rule("security-fits", _security_fits),
    Rule("values-used", _values_used),
)
