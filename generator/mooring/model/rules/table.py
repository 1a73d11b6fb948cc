"""What a schema cannot say: rules between values, each also a ``fail`` in the chart.

The table ``RULES`` is the whole difference between "the schema accepts it" and "the chart renders". Its twin is
templates/_validate.tpl and _rules_*.tpl; the tests hold the two against each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.pods import POD_RULES
from mooring.model.rules.resources import RESOURCE_RULES
from mooring.model.rules.rule import Rule, Values, Violation
from mooring.model.rules.services import SERVICE_RULES
from mooring.model.rules.text import TEXT_RULES, has_control
from mooring.model.rules.volumes import VOLUME_RULES

CONFIG_LIMIT_BYTES = 200 * 1024
"""An annotation holds 256 KiB at most, all of a pod's together."""

_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_PREFIX = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
_PLACEHOLDER = "{ordinal}"

RESERVED_ENV = r"COMPARTMENT_ID_ATTACH, MOORING_*, POD_NAME, POD_NAMESPACE, POD_UID, NODE_NAME and KUBERNETES_*"
_RESERVED_ENV_NAMES = {"COMPARTMENT_ID_ATTACH", "POD_NAME", "POD_NAMESPACE", "POD_UID", "NODE_NAME"}
_READINESS = "readiness"
"""The name of mooring's own port."""


def _exe_set(values: Values) -> Iterator[Violation]:
    if not values["target"]["exe"]:
        yield Violation(
            ("target", "exe"),
            "",
            "must be set",
            r"give the program's full path on the node, e.g. C:\apps\orders\orders.exe",
        )


def is_absolute(path: str, platform: str) -> bool:
    """Tell whether a path is absolute on the platform; a Windows drive-relative path (``C:x``) is not."""
    if platform == "linux":
        return path.startswith("/")
    return path.startswith("\\\\") or (
        len(path) > 2 and path[0].isascii() and path[0].isalpha() and path[1:3] in (":\\", ":/")
    )


def _paths_absolute(values: Values) -> Iterator[Violation]:
    platform, target = values["platform"], values["target"]
    paths: list[tuple[tuple[str, ...], str]] = [
        (("target", "exe"), target["exe"]),
        (("target", "workingDir"), target["workingDir"]),
        (("launcher", "hostPath"), values["launcher"]["hostPath"]),
        (("launcher", "python"), values["launcher"]["python"]),
    ]
    for name, mount in target["mounts"].items():
        paths += [(("target", "mounts", name, key), mount.get(key, "")) for key in ("hostPath", "mountPath")]
    for path, value in paths:
        if value and not is_absolute(value, platform) and not has_control(value):
            example = r"such as C:\apps\orders" if platform == "windows" else "such as /opt/orders"
            yield Violation(path, value, f"must be an absolute path on {platform}", f"write the full path, {example}")


def _launcher_paths_plain(values: Values) -> Iterator[Violation]:
    for key in ("hostPath", "python") if values["platform"] == "windows" else ():
        if set("&|^%<>()!\"' ") & set(values["launcher"][key]):
            yield Violation(
                ("launcher", key),
                values["launcher"][key],
                "must be free of spaces, quotes and & | ^ % < > ( ) !: HostProcess commands pass cmd /c",
                "install the launcher in a plainly named directory",
            )


def _launcher_found(values: Values) -> Iterator[Violation]:
    """Refuse Windows Server 2019 for a launcher out of a ConfigMap: no bindflt (hcsshim internal/jobcontainers)."""
    build = "node.kubernetes.io/windows-build"
    from_chart = values["platform"] == "windows" and values["launcher"]["source"] == "configMap"
    if from_chart and values["nodeSelector"].get(build) == "10.0.17763":
        yield Violation(
            ("nodeSelector", build),
            "10.0.17763",
            "is Windows Server 2019, where a launcher out of a ConfigMap cannot be found: nothing shows volumes at"
            " their paths there (no bindflt)",
            "use launcher.source: host, or nodes of Windows Server 2022 or later",
        )


def _ports_unique(values: Values) -> Iterator[Violation]:
    listened: set[tuple[int, str]] = set()
    for name, port in sorted(values["target"]["ports"].items()):
        one = (port["port"], port.get("protocol") or "TCP")
        if one in listened:
            yield Violation(
                ("target", "ports", name, "port"),
                port["port"],
                f"is used by more than one port of target.ports ({one[1]})",
                "give each a port of its own",
            )
        listened.add(one)


def _service_ports_unique(values: Values) -> Iterator[Violation]:
    listeners: dict[tuple[int, str], int] = {}
    for name, port in sorted(values["target"]["ports"].items()):
        served = (port.get("servicePort") or port["port"], port.get("protocol") or "TCP")
        # Two of one port number have one Service port because of that: which the rule above says.
        if listeners.get(served, port["port"]) != port["port"]:
            yield Violation(
                ("target", "ports", name, "servicePort"),
                served[0],
                f"is used by more than one port of the Service ({served[1]})",
                "give each a servicePort of its own",
            )
        listeners.setdefault(served, port["port"])


def is_port_name_free(name: str) -> bool:
    """Tell whether a port of the program may have this name, as far as its pattern cannot say."""
    return "--" not in name and name != _READINESS


def _port_names_legal(values: Values) -> Iterator[Violation]:
    for name in values["target"]["ports"]:
        if "--" in name:
            yield Violation(
                ("target", "ports", name),
                name,
                "has two hyphens in a row, which Kubernetes refuses in a port's name",
                "write one",
            )


def _readiness_port_free(values: Values) -> Iterator[Violation]:
    for name, port in values["target"]["ports"].items():
        if name == _READINESS:
            yield Violation(
                ("target", "ports", name),
                name,
                "is the name of mooring's own port",
                "name the program's port otherwise",
            )
        if port["port"] == values["readiness"]["port"] and port.get("protocol", "TCP") == "TCP":
            yield Violation(
                ("readiness", "port"),
                port["port"],
                f"is the program's own port {name}",
                "choose a readiness.port that the program does not use",
            )


def _gate_ports_known(values: Values) -> Iterator[Violation]:
    known = values["target"]["ports"]
    allowed = "must be a port named in target.ports"
    for name in values["gate"]["ports"]:
        if name not in known:
            yield Violation(("gate", "ports", name), name, allowed, "declare it there, or remove it here")
    for kind in ("http", "tcp"):
        for name, check in values["gate"][kind].items():
            if isinstance(check["port"], str) and check["port"] not in known:
                yield Violation(
                    ("gate", kind, name, "port"), check["port"], allowed, "declare it there, or give the port's number"
                )


def _ranges_ordered(values: Values) -> Iterator[Violation]:
    for key, low, high in (("memory", "minMiB", "maxMiB"), ("handles", "min", "max"), ("threads", "min", "max")):
        limits = values["gate"][key]
        if limits[low] is not None and limits[high] is not None and limits[low] > limits[high]:
            yield Violation(
                ("gate", key, low), limits[low], f"is above gate.{key}.{high} ({limits[high]})", "swap or correct them"
            )


def _commands_set(values: Values) -> Iterator[Violation]:
    for name, check in values["gate"]["exec"].items():
        if not check["command"]:
            yield Violation(
                ("gate", "exec", name, "command"), [], "must name a program", "give its full path and arguments"
            )


def _drain_covers_readiness(values: Values) -> Iterator[Violation]:
    least = values["readiness"]["periodSeconds"] * values["readiness"]["failureThreshold"] + 5
    if values["stop"]["drainSeconds"] < least:
        yield Violation(
            ("stop", "drainSeconds"),
            values["stop"]["drainSeconds"],
            f"must be at least readiness.periodSeconds x readiness.failureThreshold + 5 = {least}",
            "raise it, or lower the two",
        )


def launcher_grace_s(values: Values) -> int:
    """Return the seconds a launcher needs to stop its program: drain, all rungs of the ladder, and 10 s."""
    stop = values["stop"]
    seconds = stop["drainSeconds"] + stop["consoleSeconds"] + 10
    if stop["command"]:
        seconds += stop["commandSeconds"]
    if values["platform"] == "windows":
        seconds += stop["windowSeconds"]
    return int(seconds)


def _graces_suffice(values: Values) -> Iterator[Violation]:
    least = launcher_grace_s(values)
    given, anchors = values["terminationGracePeriodSeconds"], values["anchor"]["terminationGracePeriodSeconds"]
    is_short = given is not None and given < least
    least_anchor = max(least, given or 0) + 10
    if is_short:
        both = f", and anchor.terminationGracePeriodSeconds ({anchors}) at least {least_anchor}"
        yield Violation(
            ("terminationGracePeriodSeconds",),
            given,
            f"must be at least {least}: stop.drainSeconds, all rungs of stop and 10 s"
            + (both if anchors is not None and anchors < least_anchor else ""),
            "raise it, or leave it out",
        )
    elif anchors is not None and anchors < least_anchor:
        yield Violation(
            ("anchor", "terminationGracePeriodSeconds"),
            anchors,
            f"must be at least {least_anchor}: the launcher's grace and 10 s",
            "raise it, or leave it out",
        )


def _replicas_in_role(values: Values) -> Iterator[Violation]:
    most = values["rbac"]["maxReplicas"]
    fix = "raise rbac.maxReplicas, or lower it"
    rule = f"must be at most rbac.maxReplicas ({most}), the ordinals the launchers' Role names"
    if values["replicas"] > most:
        yield Violation(("replicas",), values["replicas"], rule, fix)
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["maxReplicas"] > most:
        yield Violation(("autoscaling", "maxReplicas"), scaler["maxReplicas"], rule, fix)
    keda = scaler["keda"]
    if keda["enabled"] and keda["maxReplicaCount"] > most:
        yield Violation(("autoscaling", "keda", "maxReplicaCount"), keda["maxReplicaCount"], rule, fix)


def _autoscaling_single(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["keda"]["enabled"]:
        yield Violation(
            ("autoscaling", "keda", "enabled"),
            True,
            "must be false with autoscaling.enabled: KEDA makes an autoscaler of its own, and two would fight",
            "enable one of them",
        )
    anchor = values["anchor"]
    numbered = anchor["strategy"] == "ordinal" and anchor["create"]
    rule = "must be false unless the chart makes the anchors by anchor.strategy: ordinal: no others follow a number"
    for path, enabled in ((("autoscaling",), scaler["enabled"]), (("autoscaling", "keda"), scaler["keda"]["enabled"])):
        if enabled and not numbered:
            yield Violation(
                (*path, "enabled"),
                True,
                rule,
                "leave it out, and scale by helm upgrade",
            )
    if (scaler["enabled"] or scaler["keda"]["enabled"]) and not values["scaling"]["follow"]:
        yield Violation(
            ("scaling", "follow"),
            False,
            "must be true with an autoscaler: nothing else would scale the anchors",
            "leave it out",
        )


def _autoscaling_ordered(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["minReplicas"] > scaler["maxReplicas"]:
        yield Violation(
            ("autoscaling", "minReplicas"),
            scaler["minReplicas"],
            f"is above autoscaling.maxReplicas ({scaler['maxReplicas']})",
            "swap or correct them",
        )
    keda = scaler["keda"]
    if not keda["enabled"]:
        return
    if keda["minReplicaCount"] > keda["maxReplicaCount"]:
        yield Violation(
            ("autoscaling", "keda", "minReplicaCount"),
            keda["minReplicaCount"],
            f"is above autoscaling.keda.maxReplicaCount ({keda['maxReplicaCount']})",
            "swap or correct them",
        )
    if keda["idleReplicaCount"] is not None and keda["idleReplicaCount"] >= keda["minReplicaCount"]:
        yield Violation(
            ("autoscaling", "keda", "idleReplicaCount"),
            keda["idleReplicaCount"],
            f"must be below autoscaling.keda.minReplicaCount ({keda['minReplicaCount']})",
            "raise that, or leave this out",
        )


def _autoscaling_measured(values: Values) -> Iterator[Violation]:
    """Refuse scaling by nothing, and on Windows by figures that are never there."""
    scaler, windows = values["autoscaling"], values["platform"] == "windows"
    rule = "is never measured on Windows: metrics-server reports nothing for HostProcess pods"
    if scaler["enabled"]:
        if windows and not scaler["metrics"]:
            yield Violation(("autoscaling", "metrics"), [], "must name what to scale by", "add a MetricSpec")
        kinds = {metric.get("type") for metric in scaler["metrics"]}
        if scaler["minReplicas"] == 0 and not kinds & {"Object", "External"}:
            rule = "needs a metric of type Object or External, since pods that are not there measure nothing"
            yield Violation(("autoscaling", "minReplicas"), 0, rule, "add one, or raise it")
        for number, metric in enumerate(scaler["metrics"]):
            kind = str(metric.get("type") or "")
            source = kind[:1].lower() + kind[1:]
            if kind and not metric.get(source):
                where = ("autoscaling", "metrics", str(number), source)
                yield Violation(where, None, f"must be given, as type {kind} reads it", "add it")
            if windows and metric.get("type") in ("Resource", "ContainerResource"):
                where = ("autoscaling", "metrics", str(number), "type")
                yield Violation(where, metric["type"], rule, "use a Pods, Object or External metric")
    if scaler["keda"]["enabled"]:
        triggers = scaler["keda"]["triggers"]
        if not triggers:
            yield Violation(("autoscaling", "keda", "triggers"), [], "must name what to scale by", "add a trigger")
        for number, trigger in enumerate(triggers):
            if windows and trigger.get("type") in ("cpu", "memory"):
                place = ("autoscaling", "keda", "triggers", str(number), "type")
                yield Violation(place, trigger["type"], rule, "use another trigger, such as prometheus")


def _parallel_only(values: Values) -> Iterator[Violation]:
    if values["podManagementPolicy"] != "Parallel":
        yield Violation(
            ("podManagementPolicy",),
            values["podManagementPolicy"],
            "must be Parallel: OrderedReady stops at the first unready pod and so blocks roll-out and scale-in",
            "leave it out",
        )


def is_reserved_env(name: str, platform: str = "windows") -> bool:
    """Tell whether mooring or Kubernetes sets this environment variable; on Windows capitals do not count."""
    if platform == "windows":
        name = name.upper()
    return name in _RESERVED_ENV_NAMES or name.startswith(("MOORING_", "KUBERNETES_"))


def _env_reserved(values: Values) -> Iterator[Violation]:
    target = values["target"]
    places: list[tuple[tuple[str, ...], Values]] = [(("target", "env"), target["env"])]
    places += [(("target", "perOrdinal", n, "env"), one.get("env", {})) for n, one in target["perOrdinal"].items()]
    for number, variable in enumerate(values["extraEnv"]):
        places.append((("extraEnv", str(number)), {str(variable.get("name", "")): ""}))
    for path, variables in places:
        for name in variables:
            if is_reserved_env(name, values["platform"]):
                yield Violation((*path, name), name, f"is set by mooring: {RESERVED_ENV} are", "name it otherwise")


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _pod_affinity_single(values: Values) -> Iterator[Violation]:
    """Refuse a second required pod affinity on the half that follows the other.

    The scheduler counts a pod only if it matches all required terms (interpodaffinity: podMatchesAllAffinityTerms).
    """
    anchor = values["anchor"]
    halves: list[tuple[bool, tuple[str, ...], Any]] = [
        (anchor["create"] and anchor["strategy"] != "shared", ("anchor", "affinity"), anchor["affinity"]),
        (
            not anchor["create"] or anchor["strategy"] == "shared" or values["colocation"] == "singleNode",
            ("affinity",),
            values["affinity"],
        ),
    ]
    for follows, path, affinity in halves:
        pods = affinity.get("podAffinity")
        own = pods.get(_REQUIRED) if isinstance(pods, Mapping) else None
        if follows and own:
            rule = (
                "must be left out: mooring's own term pairs the halves, and Kubernetes wants one pod that matches all"
            )
            yield Violation(
                (*path, "podAffinity", _REQUIRED),
                own,
                rule,
                "use preferred terms, nodeAffinity, podAntiAffinity or topologySpreadConstraints",
            )


_POD_INDEX = "apps.kubernetes.io/pod-index"


def is_selector(text: str) -> bool:
    """Tell whether text is ``key=value``, more after commas, each value with {ordinal} in it or not."""
    pattern = f"{_LABEL_PREFIX}{_LABEL_NAME}={_LABEL_NAME}"
    return all(re.fullmatch(pattern, part.replace(_PLACEHOLDER, "0"), re.ASCII) for part in text.split(","))


def _anchors_found(values: Values) -> Iterator[Violation]:
    anchor = values["anchor"]
    selector, shared = anchor["selector"], anchor["strategy"] == "shared"
    if anchor["create"]:
        for key in ("selector", "namespace"):
            if anchor[key]:
                yield Violation(
                    ("anchor", key), anchor[key], "is for anchors that others make", "set anchor.create: false as well"
                )
        return
    if not selector:
        example = "app=my-anchor" if shared else "app=my-anchor-{ordinal}"
        yield Violation(
            ("anchor", "create"), False, "needs anchor.selector, the labels of the anchors", f"set it, e.g. {example}"
        )
    elif not is_selector(selector):
        yield Violation(
            ("anchor", "selector"),
            selector,
            "must be key=value, more after commas, each a legal label",
            "write it like app=my-anchor-{ordinal},tier=net",
        )
    elif any(_PLACEHOLDER in part.partition("=")[0] for part in selector.split(",")):
        yield Violation(
            ("anchor", "selector"),
            selector,
            "must have {ordinal} in values alone, not in a key",
            "move it behind the =",
        )
    elif (_PLACEHOLDER in selector) == shared:
        rule = (
            "must be without {ordinal} with anchor.strategy: shared, where all replicas have one anchor"
            if shared
            else "must have {ordinal}, by which each replica knows its own anchor"
        )
        yield Violation(("anchor", "selector"), selector, rule, "correct it, or anchor.strategy")
    elif all(part.startswith(f"{_POD_INDEX}=") for part in selector.split(",")):
        yield Violation(
            ("anchor", "selector"),
            selector,
            f"must name more than {_POD_INDEX}, which the pods of every StatefulSet carry, the launchers' too",
            f"add a label that only the anchors have, e.g. app=my-anchor,{_POD_INDEX}={_PLACEHOLDER}",
        )


def ports_of(values: Values, ordinal: int) -> dict[str, tuple[int, str]]:
    """Return one replica's ports by name, each with its protocol."""
    target = values["target"]
    own = (target["perOrdinal"].get(str(ordinal)) or {}).get("ports") or {}
    return {
        name: (own.get(name, port["port"]), port.get("protocol") or "TCP") for name, port in target["ports"].items()
    }


def _per_ordinal_ports(values: Values) -> Iterator[Violation]:
    target = values["target"]
    for ordinal, one in target["perOrdinal"].items():
        for name in (one or {}).get("ports") or {}:
            path = ("target", "perOrdinal", ordinal, "ports", name)
            if values["anchor"]["strategy"] != "shared":
                yield Violation(
                    path,
                    one["ports"][name],
                    "is for anchor.strategy: shared: otherwise each replica has the port on its own IP",
                    "leave it out",
                )
            elif name not in target["ports"]:
                yield Violation(
                    path, name, "must be a port named in target.ports", "declare it there, or remove it here"
                )


def _shared_ports_unique(values: Values) -> Iterator[Violation]:
    if values["anchor"]["strategy"] != "shared":
        return
    start, first = values["ordinals"]["start"], values["readiness"]["port"]
    last = first + values["rbac"]["maxReplicas"] - 1
    if last > 65535:
        yield Violation(
            ("readiness", "port"),
            first,
            f"is too high for rbac.maxReplicas replicas at one IP, which need the ports up to {last}",
            "lower one of the two",
        )
    users: dict[tuple[int, str], str] = {}
    told: set[str] = set()
    for ordinal in range(start, start + values["replicas"]):
        for name, listened in sorted(ports_of(values, ordinal).items()):
            number, protocol = listened
            user = f"{name} of replica {ordinal}"
            if name in told:  # once for each port, however many replicas there are
                continue
            if users.setdefault(listened, user) != user:
                told.add(name)
                yield Violation(
                    ("target", "ports", name),
                    number,
                    f"is the port of {users[listened]} and {user}, which share one IP ({protocol})",
                    f"give each replica its own by target.perOrdinal.<n>.ports.{name}",
                )
            # Where target.ports itself has readiness.port, the rule about that says so.
            elif protocol == "TCP" and first <= number <= last and values["target"]["ports"][name]["port"] != first:
                told.add(name)
                yield Violation(
                    ("target", "ports", name),
                    number,
                    f"is a readiness port: {first} to {last} are, one for each of rbac.maxReplicas replicas at one IP",
                    "choose another, or another readiness.port",
                )


def _supported(values: Values) -> Iterator[Violation]:
    launcher, target = values["launcher"], values["target"]
    wanted: list[tuple[tuple[str, ...], Any, Any]] = [
        (("launcher", "kind"), launcher["kind"], "mooring"),
        (("launcher", "attach"), launcher["attach"], "job"),
        (("target", "runAs"), target["runAs"], ""),
        (("target", "signedBy"), target["signedBy"], ""),
    ]
    if values["platform"] == "windows":
        wanted = [(("hostAliases",), values["hostAliases"], [])]
    for path, found, supported in wanted:
        if found != supported:
            problem = f"is not supported with platform {values['platform']}"
            yield Violation(path, found, problem, f"leave it at {json.dumps(supported)}")


def _cplauncher(values: Values) -> Iterator[Violation]:
    """Refuse what K2s' own launcher does not do, rather than leave it out silently."""
    if values["launcher"]["kind"] != "cplauncher" or values["platform"] != "windows":
        return
    for path, supported in _NOT_BY_CPLAUNCHER:
        found: Any = values
        for key in path:
            found = found[key]
        if found != supported:
            advice = f"leave it at {json.dumps(supported)}, or use launcher.kind: mooring"
            yield Violation(path, found, "is not done by cplauncher", advice)
    anchor = values["anchor"]
    if values["scaling"]["follow"] and anchor["create"] and anchor["strategy"] == "ordinal":
        yield Violation(
            ("scaling", "follow"),
            True,
            "is not done by cplauncher: nothing mirrors the number of launchers to the anchors",
            "set scaling.follow: false and scale both sets, by helm upgrade",
        )
    target = values["target"]
    words: list[tuple[tuple[str, ...], str]] = [(("target", "exe"), target["exe"])]
    words += [(("target", "args", str(number)), word) for number, word in enumerate(target["args"])]
    for path, word in words:
        if re.search(r'[&|^%<>"]', word):
            yield Violation(
                path,
                word,
                "must be free of & | ^ % < > and quotes: with cplauncher it passes cmd /c, which reads them",
                "move it into a file, or use launcher.kind: mooring",
            )


_NOT_BY_CPLAUNCHER: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("launcher", "source"), "host"),
    (("target", "workingDir"), ""),
    (("target", "env"), {}),
    (("target", "runAs"), ""),
    (("target", "sha256"), ""),
    (("target", "signedBy"), ""),
    (("target", "perOrdinal"), {}),
    *((("gate", kind), {}) for kind in ("http", "tcp", "exec", "processes")),
    (("gate", "cpu", "maxPercent"), None),
    *((("gate", "memory", limit), None) for limit in ("minMiB", "maxMiB")),
    *((("gate", kind, limit), None) for kind in ("handles", "threads") for limit in ("min", "max")),
    (("stop", "command"), []),
)


def _texts_survive(values: Values) -> Iterator[Violation]:
    """Refuse U+0085: Helm writes it as it is, and whoever reads YAML takes it for a line end inside the text."""

    def find(value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
        if isinstance(value, str) and "\x85" in value:
            yield Violation(path, value, "must be without U+0085, which YAML makes a space", "correct it")
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from find(key, (*path, key))
                yield from find(item, (*path, key))
        elif isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                yield from find(item, (*path, str(number)))

    yield from find(values, ())


def _config_fits(values: Values) -> Iterator[Violation]:
    parts = [values["target"], values["gate"], values["stop"]]
    # Go's JSON escapes these three, so its text is longer.
    text = "".join(json.dumps(part, separators=(",", ":"), ensure_ascii=False) for part in parts)
    size = len(text.encode()) + 5 * sum(text.count(letter) for letter in "<>&")
    if size > CONFIG_LIMIT_BYTES:
        yield Violation(
            ("target",),
            f"{size} bytes",
            f"target, gate and stop together must stay below {CONFIG_LIMIT_BYTES} bytes: they travel in an annotation",
            "move large arguments into a file on the node",
        )


RULES: tuple[Rule, ...] = (
    Rule("exe-set", _exe_set),
    Rule("paths-absolute", _paths_absolute),
    *TEXT_RULES,
    Rule("launcher-paths-plain", _launcher_paths_plain),
    Rule("launcher-found", _launcher_found),
    Rule("ports-unique", _ports_unique),
    Rule("service-ports-unique", _service_ports_unique),
    Rule("port-names-legal", _port_names_legal),
    Rule("readiness-port-free", _readiness_port_free),
    Rule("gate-ports-known", _gate_ports_known),
    Rule("ranges-ordered", _ranges_ordered),
    Rule("commands-set", _commands_set),
    Rule("drain-covers-readiness", _drain_covers_readiness),
    Rule("graces-suffice", _graces_suffice),
    Rule("replicas-in-role", _replicas_in_role),
    Rule("autoscaling-single", _autoscaling_single),
    Rule("autoscaling-ordered", _autoscaling_ordered),
    Rule("autoscaling-measured", _autoscaling_measured),
    Rule("parallel-only", _parallel_only),
    Rule("env-reserved", _env_reserved),
    Rule("pod-affinity-single", _pod_affinity_single),
    Rule("anchors-found", _anchors_found),
    Rule("per-ordinal-ports", _per_ordinal_ports),
    Rule("shared-ports-unique", _shared_ports_unique),
    Rule("supported", _supported),
    Rule("cplauncher", _cplauncher),
    Rule("config-fits", _config_fits),
    Rule("texts-survive", _texts_survive),
    *VOLUME_RULES,
    *POD_RULES,
    *RESOURCE_RULES,
    *SERVICE_RULES,
)


def find_violations(values: Values) -> list[Violation]:
    """Return every broken rule of complete values, in the table's order."""
    return [violation for rule in RULES for violation in rule.check(values)]
