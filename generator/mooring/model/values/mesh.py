"""What a service mesh must know of the program: the anchors' proxies let in whom these values name."""

from __future__ import annotations

from mooring.model.nodes import Bool, ListOf, MapOf, Node, Obj, Open, Pattern, Str
from mooring.model.values.kubernetes import PORT_NAME
from mooring.model.values.shapes import HTTP_ROUTE_MATCH

IDENTITY = Pattern(
    r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "a mesh identity, e.g. web.apps.serviceaccount.identity.linkerd.cluster.local, *.apps.serviceaccount.identity.linkerd.cluster.local "
    "or * for every one",
)
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
NETWORK = Pattern(
    rf"^({_OCTET}(\.{_OCTET}){{3}}/(3[0-2]|[12]?[0-9])|([0-9a-f]{{0,4}}:){{1,7}}[0-9a-f]{{0,4}}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$",
    "a network in CIDR notation, e.g. 10.0.0.0/16 or fd00::/64",
)


def _networks(doc: str) -> ListOf:
    return ListOf(doc=doc, item=Str(doc="A network.", pattern=NETWORK))


_CLIENTS: dict[str, Node] = {
    "identities": ListOf(
        doc="Mesh identities of clients, as <ServiceAccount>.<namespace>.serviceaccount.identity.linkerd.<cluster domain>; * is every "
        "meshed client.",
        item=Str(doc="An identity.", pattern=IDENTITY),
    ),
    "networks": _networks("Networks of clients that need no identity; 0.0.0.0/0 is every one."),
}

MESH = Obj(
    doc="A service mesh whose proxy is injected into the anchors. See docs/mesh.md of mooring.",
    fields={
        "linkerd": Obj(
            doc="Linkerd: injection of the anchors, and policies that let in only whom they name.",
            fields={
                "enabled": Bool(
                    doc="Whether to inject Linkerd's proxy into the anchors and to create its policy objects. Linkerd must be in the cluster.",
                    default=False,
                ),
                "allow": Obj(
                    doc="Who may reach the program's TCP ports: clients with one of the identities, or in one of the networks.",
                    fields=_CLIENTS,
                ),
                "metricsFrom": Obj(
                    doc="Who besides the nodes may reach readiness.port, e.g. the identity of Prometheus.",
                    fields=_CLIENTS,
                ),
                "nodeNetworks": _networks(
                    "Networks that kubelet's requests come from: the nodes' own and, with most CNIs, the nodes' addresses in the pods' "
                    "network. Required: without them the policies would refuse kubelet's hook on readiness.port."
                ),
                "opaquePorts": ListOf(
                    doc="Ports of target.ports where Linkerd must not look for HTTP, because the server speaks first.",
                    item=Str(doc="A port's name.", pattern=PORT_NAME),
                ),
                "httpRoutes": MapOf(
                    doc="Requests that more clients than those of allow may send, by name. A port with routes refuses every request that "
                    "none of them matches.",
                    key_pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
                    item=Obj(
                        doc="One route.",
                        required=("port",),
                        fields={
                            "port": Str(doc="The name of a port of target.ports.", default=None, pattern=PORT_NAME),
                            "matches": Open(
                                doc="Paths, methods and headers of the requests; empty: all.",
                                kubernetes="HTTPRouteMatch",
                                is_list=True,
                                fields=HTTP_ROUTE_MATCH,
                            ),
                            **_CLIENTS,
                        },
                    ),
                ),
                "apiVersion": Str(
                    doc="Version of Servers and HTTPRoutes (policy.linkerd.io); empty: v1beta3 if the cluster serves it, else v1beta1.",
                    enum=("", "v1beta3", "v1beta2", "v1beta1"),
                ),
            },
        )
    },
)
