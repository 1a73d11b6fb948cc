"""Rules about the Services; their twin is templates/_rules_services.tpl."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

_OWN = "is mooring's own"
MADE_BY_MOORING = {
    "type": Sentence(_OWN, "use the type beside spec"),
    "selector": Sentence(_OWN, "leave it out: Services select the anchors, which own the IPs"),
    "ports": Sentence(_OWN, "use target.ports, with servicePort, nodePort and appProtocol"),
}
_BALANCED = ("LoadBalancer",)
_OPEN_TO_NODES = ("NodePort", "LoadBalancer")
NEEDS_TYPE = {
    "loadBalancerClass": _BALANCED,
    "loadBalancerSourceRanges": _BALANCED,
    "allocateLoadBalancerNodePorts": _BALANCED,
    "healthCheckNodePort": _BALANCED,
    "externalTrafficPolicy": _OPEN_TO_NODES,
}
OF_ONE_SERVICE = ("clusterIP", "clusterIPs", "loadBalancerIP", "externalIPs", "healthCheckNodePort")
"""What no two Services can have."""
OF_REPLICAS = {"type": "ClusterIP", "annotations": {}, "spec": {}}
"""What service.replica is if nothing is said of it."""

NOT_SHARED = Sentence("is for a single Service; with anchor.strategy: shared each replica has one", "leave it out")
NOT_OF_REPLICAS = Sentence("is for a single Service; each replica has one of these", "leave it out")
OTHER_TYPE_NEEDED = Sentence("needs {service:s}.type: {wanted:s}", "set it, or leave {key:s} out")
WITHOUT_IP = Sentence(
    "leaves the Service without an IP, which {service:s}.type: {type:s} needs",
    "use type: ClusterIP, or leave it out",
)
NO_EXTERNAL_NAME = Sentence("is for type ExternalName, which is not supported", "leave it out")
AFFINITY_NEEDED = Sentence("needs {service:s}.spec.sessionAffinity: ClientIP", "set it, or leave this out")
IN_ITS_PLACE = Sentence(
    "has no effect with anchor.strategy: shared, where the replicas' Services are in place of the one over all",
    "use service.{key:s}",
)
NODE_PORT_CLOSED = Sentence("needs service.type: NodePort or LoadBalancer", "set it, or leave nodePort out")
NODE_PORT_TWICE = Sentence("is used by more than one port of the Service ({protocol:s})", "give each its own nodePort")


def _service_spec(values: Values) -> Iterator[Violation]:
    service, shared = values["service"], values["anchor"]["strategy"] == "shared"
    yield from _spec(("service",), service, NOT_SHARED if shared else None)
    yield from _spec(("service", "replica"), service["replica"], NOT_OF_REPLICAS)


def _spec(place: tuple[str, ...], service: Values, many: Sentence | None) -> Iterator[Violation]:
    """Refuse fields that do not fit; `many` is said of those that only one Service can have, if there are many."""
    kind, name = service["type"], ".".join(place)
    for key, found in service["spec"].items():
        path = (*place, "spec", key)
        if found in (None, [], ""):
            continue
        if key in MADE_BY_MOORING:
            yield MADE_BY_MOORING[key].at(path, found)
        elif many and key in OF_ONE_SERVICE and found not in ("None", ["None"]):
            yield many.at(path, found)
        elif kind not in NEEDS_TYPE.get(key, (kind,)):
            yield OTHER_TYPE_NEEDED.at(path, found, service=name, wanted=" or ".join(NEEDS_TYPE[key]), key=key)
        elif key in ("clusterIP", "clusterIPs") and found in ("None", ["None"]) and kind in _OPEN_TO_NODES:
            yield WITHOUT_IP.at(path, found, service=name, type=kind)
        elif key == "externalName":
            yield NO_EXTERNAL_NAME.at(path, found)
        elif key == "sessionAffinityConfig" and service["spec"].get("sessionAffinity") != "ClientIP":
            yield AFFINITY_NEEDED.at(path, found, service=name)


def _replica_services(values: Values) -> Iterator[Violation]:
    if values["anchor"]["strategy"] == "shared":
        for key, usual in OF_REPLICAS.items():
            if values["service"]["replica"][key] != usual:
                yield IN_ITS_PLACE.at(("service", "replica", key), values["service"]["replica"][key], key=key)


def _node_ports(values: Values) -> Iterator[Violation]:
    shared, closed = values["anchor"]["strategy"] == "shared", values["service"]["type"] not in _OPEN_TO_NODES
    users: set[tuple[int, str]] = set()
    for name, port in sorted(values["target"]["ports"].items()):
        path, found = ("target", "ports", name, "nodePort"), port.get("nodePort")
        if found is None:
            continue
        protocol = port.get("protocol") or "TCP"
        if shared:
            yield NOT_SHARED.at(path, found)
        elif closed:
            yield NODE_PORT_CLOSED.at(path, found)
        elif (found, protocol) in users:
            yield NODE_PORT_TWICE.at(path, found, protocol=protocol)
        users.add((found, protocol))


SERVICE_RULES: tuple[Rule, ...] = (
    Rule("service-spec", _service_spec),
    Rule("replica-services", _replica_services),
    Rule("node-ports", _node_ports),
)
