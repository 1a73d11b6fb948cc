"""Say how every other object is related to a program and what to do about it; no object is changed.

Some select old pods, some refer to a Service or a workload, some are used by the pods. Whatever selects pods for their
network must select the anchors from now on: HostProcess pods only have their node's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mooring.importing.manifests import Leftover, Manifest, dig
from mooring.importing.neighbours.references import find_references, holds_dns_name, names_in
from mooring.importing.neighbours.selectors import Selector, find_selectors
from mooring.importing.pairs.found import POD_KINDS
from mooring.importing.pairs.users import UnreadableError
from mooring.importing.programs.make import Program
from mooring.importing.programs.services import Route

_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler")
_BUDGET = "PodDisruptionBudget"
_SERVICE_MONITORS = ("ServiceMonitor", "VMServiceScrape")
"""Kinds that select Services, not pods, by their labels."""
_POD_MONITORS = ("PodMonitor", "PodMonitoring", "VMPodScrape")
_ADDRESSES = ("Endpoints", "EndpointSlice")
_USED_BY_NAME = (
    *("ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "PriorityClass"),
    *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
)


class _Relation(NamedTuple):
    """How an object is related to a program; `is_same` if nothing has to be done about it."""

    why: str
    is_same: bool = False


def settle_neighbours(
    others: Sequence[Manifest], programs: Sequence[Program], unreadable: Mapping[int, UnreadableError]
) -> list[Leftover]:
    """Add to each program the objects related to it; return those related to none.

    `unreadable` holds, by the id of their manifest, objects that run a script which was not read.
    """
    strangers = []
    for manifest in others:
        related = [(program, _relate(manifest, program)) for program in programs]
        for program, relation in related:
            if relation is not None:
                program.neighbours.append(_word(manifest, relation.why, is_same=relation.is_same))
        if all(relation is None for _, relation in related):
            strangers.append(_word(manifest, _stranger(unreadable.get(id(manifest)))))
    return strangers


def _word(manifest: Manifest, why: str, *, is_same: bool = True) -> Leftover:
    return Leftover(manifest.place(), manifest.title, "", None, why, is_same)


def _stranger(unreadable: UnreadableError | None) -> str:
    if unreadable is None:
        return "is not related to an imported program, and is not touched"
    return f"is not related to an imported program as far as known, and is not touched; it {unreadable.script}"


def _relate(manifest: Manifest, program: Program) -> _Relation | None:
    """Return how an object is related to a program, None if it is not."""
    launchers = [member.pair.launcher.manifest.namespace for member in program.members]
    is_near = any(manifest.is_in(place) for place in {program.namespace, *launchers} if place) or not program.namespace
    spec = manifest.value.get("spec")
    if manifest.kind == "Namespace":
        return _relate_namespace(manifest, program)
    relation = _relate_used(manifest, program) if is_near else None
    if relation is None and manifest.kind in _SERVICE_MONITORS:
        return _relate_service_monitor(manifest, program)
    if relation is None and is_near:
        relation = _relate_scaler(manifest, program)
    if relation is None:
        relation = _relate_route(manifest, program, is_near=is_near)
    if relation is not None:
        return relation
    return _relate_selector(manifest, program, [*find_selectors(_without_own(manifest, spec))])


def _relate_namespace(manifest: Manifest, program: Program) -> _Relation | None:
    if manifest.name != program.namespace:
        return None
    key = "pod-security.kubernetes.io/enforce"
    level = dig(manifest.value, "metadata", "labels", key)
    if level in ("baseline", "restricted"):
        return _Relation(f"rejects HostProcess pods by its label {key}: {level}; the launchers need privileged")
    return _Relation("is the namespace of the new pods, and is not touched", is_same=True)


def _relate_used(manifest: Manifest, program: Program) -> _Relation | None:
    """Relate what pods refer to by name: configuration, accounts, claims."""
    if manifest.kind not in _USED_BY_NAME:
        return None
    if manifest.kind == "ConfigMap" and manifest.name in {m.pair.launch.script for m in program.members}:
        why = "was the script that started the program; the launcher does that now, so delete it with the old pods"
        return _Relation(why, is_same=True)
    names = names_in(program.values) | set(program.values.get("imagePullSecrets", []))
    accounts = {dig(program.values, *half, "serviceAccount", "name") for half in ((), ("anchor",))} - {None}
    subjects = manifest.value.get("subjects")
    bound = {dig(each, "name") for each in subjects} if isinstance(subjects, list) else set()
    if manifest.name in names or bound & accounts:
        return _Relation("stays a separate object, which the new pods use by name as the old ones did", is_same=True)
    if manifest.kind in ("ConfigMap", "Secret") and manifest.name in _names_used(program):
        return _Relation("is not needed by the new pods: what the old ones read from it is in the App", is_same=True)
    return None


def _relate_service_monitor(manifest: Manifest, program: Program) -> _Relation | None:
    for selector in find_selectors(manifest.value.get("spec")):
        for route in program.routes:
            labels = dig(route.manifest.value, "metadata", "labels")
            looks = selector.looks_in(program.namespace, manifest.namespace)
            if looks and not selector.is_empty and selector.selects(labels if isinstance(labels, dict) else {}):
                name = route.manifest.name
                why = f"selects Service {name} by labels, which stay on it as long as the object does"
                if not route.is_main or not program.takes_over:
                    return _Relation(f"{why}; leave it as it is", is_same=True)
                ports = ", ".join(program.values["target"]["ports"])
                return _Relation(
                    f"{why}. The chart's Service has other labels, and its ports are named {ports}: use a PodMonitor "
                    f"that selects the anchors instead, {_wanted(program, 'anchor')}"
                )
    return None


def _relate_scaler(manifest: Manifest, program: Program) -> _Relation | None:
    for key in ("scaleTargetRef", "targetRef"):
        reference = dig(manifest.value, "spec", key)
        for half in program.manifests:
            if dig(reference, "name") != half.name or dig(reference, "kind") not in (None, half.kind):
                continue
            text = f"refers to {half.name}, which is replaced"
            if manifest.kind == "VerticalPodAutoscaler":
                return _Relation(f"{text}; HostProcess pods have no usage metrics, so delete it with the old pods")
            if manifest.kind in _SCALERS:
                return _Relation(
                    f"{text}; the chart has its own autoscaling (autoscaling, or autoscaling.keda): set that, and "
                    "delete this one with the old pods"
                )
            return _Relation(f"{text}; change it to StatefulSet {program.name}")
    return None


def _relate_route(manifest: Manifest, program: Program, *, is_near: bool) -> _Relation | None:
    """Relate what refers to a Service of the program by name."""
    if manifest.kind in (*POD_KINDS, "ConfigMap", "Secret"):
        return None
    for route in program.routes:
        name = route.manifest.name
        if manifest.kind in _ADDRESSES and is_near:
            made_for = dig(manifest.value, "metadata", "labels", "kubernetes.io/service-name") or manifest.name
            if made_for == name:
                return _Relation(
                    f"lists the addresses of Service {name}, which Kubernetes maintains itself", is_same=True
                )
        value = {key: item for key, item in manifest.value.items() if key not in ("metadata", "status", "kind")}
        references = [*find_references(value, "", name, program.namespace)]
        ports = [port for place, port in references if is_near if not place or place == program.namespace]
        ports += [port for place, port in references if not is_near and place == program.namespace]
        if not ports and holds_dns_name(manifest.name, name, program.namespace):
            ports = [None]
        if ports:
            return _word_route(manifest, program, route, ports)
    return None


def _word_route(manifest: Manifest, program: Program, route: Route, ports: Sequence[Any]) -> _Relation:
    name = route.manifest.name
    text = f"refers to Service {name}, which keeps its name and address and selects the new anchors after the cutover"
    if route.is_main and program.takes_over:
        served = {
            number
            for key, port in program.values["target"]["ports"].items()
            for number in (key, port.get("servicePort", port["port"]))
        }
        lost = [port for port in ports if port is not None and port not in served and str(port) not in map(str, served)]
        if lost:
            known = ", ".join(map(str, served))
            return _Relation(
                f"{text}; but the chart's Service has no port {lost[0]}, only {known}: change it to one of these when "
                "the chart takes over the Service"
            )
    return _Relation(f"{text}; leave this {manifest.kind} as it is", is_same=True)


def _relate_selector(manifest: Manifest, program: Program, selectors: Sequence[Selector]) -> _Relation | None:
    """Relate what selects pods by their labels."""
    for selector in selectors:
        if not selector.looks_in(program.namespace, manifest.namespace):
            continue
        if selector.is_empty:
            if manifest.kind in POD_KINDS or manifest.namespace not in ("", program.namespace):
                continue
            return _Relation(
                "selects every pod of the namespace, including the new ones; leave it as it is", is_same=True
            )
        for component in ("anchor", "launcher"):
            for member in program.members:
                half = member.pair.anchor if component == "anchor" else member.pair.launcher
                if selector.selects(half.labels):
                    return _word_selector(manifest, program, selector, half.manifest.title, component)
    return None


def _word_selector(manifest: Manifest, program: Program, selector: Selector, title: str, component: str) -> _Relation:
    if manifest.kind == _BUDGET:
        return _Relation(
            f"selects {title}, which is replaced; the chart has its own budget (podDisruptionBudget), and two budgets "
            "over one pod block its eviction: delete this one with the old pods"
        )
    # The network is now the anchor's, whichever half had it before; only placement rules mean the launchers.
    wanted = component if manifest.kind in POD_KINDS else "anchor"
    labels = {
        "app.kubernetes.io/name": program.name,
        "app.kubernetes.io/instance": program.name,
        "app.kubernetes.io/component": wanted,
        **(dig(program.values, wanted, "podLabels") or {}),
    }
    if selector.selects(labels):
        return _Relation(f"selects {title}, and the new pods too; leave it as it is", is_same=True)
    text = f"selects {title}, which is replaced; change it to {_wanted(program, wanted)}"
    if manifest.kind in _POD_MONITORS:
        text += f", and a port of target.ports ({', '.join(dig(program.values, 'target', 'ports') or ['none yet'])})"
    elif component != wanted:
        text += ", which now have the program's network"
    return _Relation(text)


def _wanted(program: Program, component: str) -> str:
    return f"app.kubernetes.io/instance: {program.name}, app.kubernetes.io/component: {component}"


def _without_own(manifest: Manifest, spec: Any) -> Any:
    """Return a spec without the selectors by which a workload finds, or spreads, its own pods."""
    if manifest.kind not in POD_KINDS or not isinstance(spec, dict):
        return spec
    rest = {key: value for key, value in spec.items() if key not in ("selector", "volumeClaimTemplates")}
    template = dig(rest, "template", "spec")
    return dig(template, "affinity") if isinstance(template, dict) else dig(rest, "affinity")


def _names_used(program: Program) -> set[str]:
    """Return the names of the objects that the old pods' environment came from."""
    return names_in([member.pair.environment.indirect for member in program.members])
