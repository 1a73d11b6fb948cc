"""Rules about Linkerd; their twin is templates/_rules_linkerd.tpl."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

NO_ANCHORS = Sentence(
    "must be false with anchor.create: false: the proxy is injected into anchors, and others create those",
    "leave it out, and annotate the anchors where they are created",
)
NODES_MISSING = Sentence(
    "must name the networks that kubelet's requests come from: Linkerd lets its probes in by default but not its hook, "
    "and the network would go before the program has stopped",
    "add them, e.g. the nodes' network 10.0.0.0/16",
)
CLIENTS_MISSING = Sentence(
    "must have identities or networks: nobody could reach port {name:s}",
    "add them, or a route of the port with its own; 0.0.0.0/0 lets everyone in",
)
PORT_UNKNOWN = Sentence("must be a TCP port named in target.ports", "correct it, or add the port")
PORT_OPAQUE = Sentence(
    "is one of mesh.linkerd.opaquePorts, where Linkerd sees no HTTP requests", "leave the route out, or the port there"
)


def _linkerd(values: Values) -> Iterator[Violation]:
    linkerd, path = values["mesh"]["linkerd"], ("mesh", "linkerd")
    if not linkerd["enabled"]:
        return
    if not values["anchor"]["create"]:
        yield NO_ANCHORS.at((*path, "enabled"), True)
    if not linkerd["nodeNetworks"]:
        yield NODES_MISSING.at((*path, "nodeNetworks"), [])
    ports = values["target"]["ports"]
    tcp = {name for name, port in ports.items() if (port.get("protocol") or "TCP") == "TCP"}
    for number, name in enumerate(linkerd["opaquePorts"]):
        if name not in tcp:
            yield PORT_UNKNOWN.at((*path, "opaquePorts", str(number)), name)
    reached = tcp if any(linkerd["allow"].values()) else set()
    for name, route in linkerd["httpRoutes"].items():
        port = route["port"]
        if port not in tcp:
            yield PORT_UNKNOWN.at((*path, "httpRoutes", name, "port"), port)
        elif port in linkerd["opaquePorts"]:
            yield PORT_OPAQUE.at((*path, "httpRoutes", name, "port"), port)
        if route.get("identities") or route.get("networks"):
            reached = reached | {port}
    for name in sorted(tcp - reached):
        yield CLIENTS_MISSING.at((*path, "allow"), linkerd["allow"], name=name)


LINKERD_RULES: tuple[Rule, ...] = (Rule("linkerd", _linkerd),)
