"""Give an App the ports of the Services that send traffic to its old pods, and plan how each is switched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mooring.importing.manifests import Fields, Leftover, Manifest, Object, dig
from mooring.importing.model import choices, default, is_key, node
from mooring.importing.programs.convert import Converted
from mooring.model.rules.ports import is_port_name_free

_SPEC_DEFAULTS: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("sessionAffinity",): ("None",),
    ("internalTrafficPolicy",): ("Cluster",),
    ("externalTrafficPolicy",): ("Cluster",),
    ("ipFamilyPolicy",): ("SingleStack",),
    ("ipFamilies",): (["IPv4"], ["IPv6"]),
    ("clusterIPs",): (),
    ("allocateLoadBalancerNodePorts",): (True,),
    ("publishNotReadyAddresses",): (False,),
}


@dataclass(slots=True)
class Route:
    """A Service that sends traffic to old pods: to which ones, and what has to be patched."""

    manifest: Manifest
    old_selector: dict[str, str]
    selects_launchers: bool
    number: int | None = None
    """The only replica it sends to, None for all."""
    target_ports: dict[int, int] = field(default_factory=dict)
    """Ports by position whose targetPort is a name, which the new anchors do not have, each with its number."""
    is_main: bool = False


def find_routes(services: Sequence[Manifest], members: Sequence[Converted]) -> list[Route]:
    """Return the Services whose selector matches pods of these pairs."""
    routes = []
    for service in services:
        selector = dig(service.value, "spec", "selector")
        if not isinstance(selector, dict) or not selector or not service.is_in(members[0].pair.namespace):
            continue
        anchors = [each for each in members if selector.items() <= each.pair.anchor.labels.items()]
        launchers = [each for each in members if selector.items() <= each.pair.launcher.labels.items()]
        hit = anchors or launchers
        if hit:
            number = hit[0].start if len(hit) == 1 < len(members) else None
            routes.append(Route(service, dict(selector), not anchors, number))
    return routes


def convert_services(routes: Sequence[Route], made: Converted) -> None:
    """Take the ports of all Services, and everything else of the one over all replicas."""
    main = next((each for each in routes if each.number is None and _is_ordinary(each.manifest)), None)
    for route in sorted(routes, key=lambda each: each is not main):
        fields = Fields(route.manifest, route.manifest.value)
        spec = fields.child("spec")
        kind = spec.text("type")
        _convert_ports(route, spec, made, is_main=route is main)
        if route is main:
            route.is_main = True
            made.put(kind if kind != "ClusterIP" else "", "service", "type")
            _convert_main(fields, spec, made)
            made.leftovers += fields.rest()
    for name, number, protocol in made.declared:
        if not _is_known(made, number, protocol):
            put_port(made, name, number, number, protocol)
    if any(each.number is not None for each in routes):
        made.put(True, "service", "replica", "enabled")
    _move_readiness(made)


def _is_ordinary(manifest: Manifest) -> bool:
    spec = manifest.value.get("spec")
    return dig(spec, "clusterIP") != "None" and (dig(spec, "type") or "ClusterIP") in choices("service", "type")


def _convert_main(fields: Fields, spec: Fields, made: Converted) -> None:
    metadata = fields.child("metadata")
    for key in ("apiVersion", "kind", "status"):
        fields.drop((key,))
    for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
        metadata.drop((key,))
    metadata.drop(("annotations", "kubectl.kubernetes.io/last-applied-configuration"))
    made.put(metadata.strings("annotations"), "service", "annotations")
    spec.drop(("selector",))
    for keys, values in _SPEC_DEFAULTS.items():
        spec.drop(keys, *values)
    if fields.manifest.is_live:
        spec.drop(("clusterIP",))  # the cluster assigned it, and keeps it as long as the Service exists
    rest = {key: spec.take(key) for key in spec.value if key != "ports"}
    for key, value in rest.items():
        made.put(value, "service", "spec", key)


def _convert_ports(route: Route, spec: Fields, made: Converted, *, is_main: bool) -> None:
    for number, port in enumerate(spec.children("ports")):
        served = port.number("port")
        wanted = port.take("targetPort")
        name, protocol = port.text("name"), port.text("protocol") or "TCP"
        of_service = _of_service(port, made, is_main=is_main)
        if not isinstance(served, int) or protocol not in choices("target", "ports", "", "protocol"):
            made.leftovers.append(port.leftover(port.value, "an App's ports need a number, and must be TCP or UDP"))
            continue
        listened = _number_of(wanted, served, made.ports(of_launcher=route.selects_launchers))
        if listened is None:
            port.refuse(f"targets the port named {wanted!r}, which no container of the pair has; give its number")
        if isinstance(wanted, str):
            route.target_ports[number] = listened
        if not _is_known(made, listened, protocol):
            put_port(made, name, listened, served if is_main else listened, protocol, of_service)
        elif is_main:
            why = "an App's Service has exactly one port for each port of the program"
            made.leftovers.append(port.leftover(served, why, "port"))


def _of_service(port: Fields, made: Converted, *, is_main: bool) -> Object:
    """Take what only a Service says of a port; the cluster chose the node's port of a live one, and keeps it."""
    node_port = port.number("nodePort")
    if node_port is None or port.manifest.is_live:
        return {}
    if is_main:
        return {"nodePort": node_port}
    why = "an App has one for each port of its Service over all replicas; this Service keeps it"
    made.leftovers.append(port.leftover(node_port, why, "nodePort"))
    return {}


def _number_of(wanted: object, served: int, names: Mapping[str, int]) -> int | None:
    if wanted is None:
        return served
    if isinstance(wanted, str) and not wanted.isdecimal():
        return names.get(wanted)
    return int(wanted) if isinstance(wanted, (int, str)) and not isinstance(wanted, bool) else None


def _is_known(made: Converted, listened: int, protocol: str) -> bool:
    ports: Object = dig(made.values, "target", "ports") or {}
    return any(each["port"] == listened and each.get("protocol", "TCP") == protocol for each in ports.values())


def put_port(
    made: Converted, name: str, listened: int, served: int, protocol: str, of_service: Object | None = None
) -> None:
    """Add a port of the program."""
    ports: Object = made.values.setdefault("target", {}).setdefault("ports", {})
    if not is_key(name, "target", "ports") or not is_port_name_free(name) or name in ports:
        name = "http" if not ports and protocol == "TCP" else f"port-{listened}"
    entry: Object = {"port": listened}
    if protocol != "TCP":
        entry["protocol"] = protocol
    if served != listened:
        entry["servicePort"] = served
    entry |= of_service or {}
    ports[name] = entry
    if listened in made.foreign_ports:
        made.put("any", "gate", "ports", name, "owner")  # a sidecar listens on it, not the program


def _move_readiness(made: Converted) -> None:
    """Move mooring's readiness port away from the program's ports."""
    taken = {each["port"] for each in (dig(made.values, "target", "ports") or {}).values()}
    usual = default("readiness", "port")
    if usual in taken:
        free = next(port for port in range(usual + 1, node("readiness", "port").maximum + 1) if port not in taken)
        made.put(free, "readiness", "port")


def leftover_routes(routes: Sequence[Route]) -> list[Leftover]:
    """Return the Services that stay separate objects."""
    why = "it stays a separate object; the cutover changes its selector"
    return [
        Leftover(each.manifest.place(), each.manifest.title, "spec.selector", each.old_selector, why, is_same=True)
        for each in routes
        if not each.is_main
    ]
