"""Rules about routes and the network policy; their twin is templates/_rules_network.tpl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mooring.model.rules.gate import PORT_UNKNOWN
from mooring.model.rules.rule import Rule, Sentence, Values, Violation

_NO_SERVICE = "needs the Service over all replicas"
SERVICE_OFF = Sentence(_NO_SERVICE, "set service.enabled: true, or leave the route out")
SERVICES_MANY = Sentence(
    f"{_NO_SERVICE}; with anchor.strategy: shared each replica has its own", "write one for each into extraObjects"
)
ANCHORS_OF_OTHERS = Sentence("needs anchors that the chart creates", "write it into extraObjects")
NOT_TCP = Sentence("is a UDP port, which {kind:s} does not carry", "name a TCP port")
PARENT_MISSING = Sentence("must name a parent: without one, no traffic comes to this {kind:s}", "add a Gateway")
INGRESS = "Ingress"
BESIDE_INGRESS = ("parentRefs", "weight", "backendRefs")
NOT_FOR_INGRESS = Sentence("is not for kind: Ingress", "leave it out, or use HTTPRoute")
PARENTS = "parentRefs"
PARENTS_BESIDE = Sentence("is mooring's own", "use the parentRefs beside spec")
OF_KINDS = {
    "hostnames": ("HTTPRoute", "GRPCRoute"),
    "ingressClassName": ("Ingress",),
    "defaultBackend": ("Ingress",),
    "tls": ("Ingress",),
}
"""Fields of a spec, by the kinds that have them: the API would drop or refuse them elsewhere."""
OTHER_KIND_NEEDED = Sentence("is only for kind: {wanted:s}", "leave it out, or change kind")

PEERS = ("podSelector", "namespaceSelector", "ipBlock")
PEER_EMPTY = Sentence(
    f"must name someone ({', '.join(PEERS)})", "add one; an empty namespaceSelector is every pod of the cluster"
)
BLOCK_OR_PODS = Sentence("must be the only one: Kubernetes takes either ipBlock or selectors", "write a peer for each")


def _routes_possible(values: Values) -> Iterator[Violation]:
    for name, route in values["routes"].items():
        path = ("routes", name)
        if not values["service"]["enabled"]:
            yield SERVICE_OFF.at(path, route["kind"])
        if values["anchor"]["strategy"] == "shared":
            yield SERVICES_MANY.at(path, route["kind"])
        elif not values["anchor"]["create"]:
            yield ANCHORS_OF_OTHERS.at(path, route["kind"])
        port = values["target"]["ports"].get(route["port"])
        if port is None:
            yield PORT_UNKNOWN.at((*path, "port"), route["port"])
        elif (port.get("protocol") or "TCP") != "TCP":
            yield NOT_TCP.at((*path, "port"), route["port"], kind=route["kind"])
        yield from _route_of_kind(path, route)


def _route_of_kind(path: tuple[str, ...], route: Values) -> Iterator[Violation]:
    kind, spec = route["kind"], route.get("spec") or {}
    if kind == INGRESS:
        for key in BESIDE_INGRESS:
            if route.get(key) not in (None, []):
                yield NOT_FOR_INGRESS.at((*path, key), route[key])
    elif not route.get(PARENTS):
        yield PARENT_MISSING.at((*path, PARENTS), route.get(PARENTS) or [], kind=kind)
    for key, found in sorted(spec.items()):
        if found is not None and key == PARENTS:
            yield PARENTS_BESIDE.at((*path, "spec", key), found)
        elif found is not None and kind not in OF_KINDS.get(key, (kind,)):
            yield OTHER_KIND_NEEDED.at((*path, "spec", key), found, wanted=" or ".join(OF_KINDS[key]))


def _policy_possible(values: Values) -> Iterator[Violation]:
    policy = values["networkPolicy"]
    if policy["enabled"] and not values["anchor"]["create"]:
        yield ANCHORS_OF_OTHERS.at(("networkPolicy", "enabled"), True)
    for name in policy["from"]:
        if name not in values["target"]["ports"]:
            yield PORT_UNKNOWN.at(("networkPolicy", "from", name), name)


def _peers_named(values: Values) -> Iterator[Violation]:
    policy = values["networkPolicy"]
    places: list[tuple[tuple[str, ...], Sequence[Mapping[str, Any]]]] = [
        *((("from", name), peers) for name, peers in sorted(policy["from"].items())),
        (("metricsFrom",), policy["metricsFrom"]),
        *((("egress", str(number), "to"), rule.get("to") or []) for number, rule in enumerate(policy["egress"])),
    ]
    for place, peers in places:
        for number, peer in enumerate(peers):
            path = ("networkPolicy", *place, str(number))
            named = [key for key in PEERS if peer.get(key) is not None]
            if not named:
                yield PEER_EMPTY.at(path, peer)
            elif "ipBlock" in named and len(named) > 1:
                yield BLOCK_OR_PODS.at((*path, "ipBlock"), peer["ipBlock"])


NETWORK_RULES: tuple[Rule, ...] = (
    Rule("routes-possible", _routes_possible),
    Rule("policy-possible", _policy_possible),
    Rule("peers-named", _peers_named),
)
