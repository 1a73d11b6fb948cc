"""What leads to the anchors: Services, routes and the network policy; and the budget for evictions."""

from __future__ import annotations

from mooring.model.nodes import INT32, Bool, Int, IntOrStr, MapOf, Node, Obj, Open, Str
from mooring.model.values.kubernetes import PORT_NAME
from mooring.model.values.shapes import (
    BACKEND_REF,
    EGRESS_RULE,
    PARENT_REF,
    PEER,
    ROUTE_SPEC,
    SERVICE_SPEC,
    annotation_map,
    label_map,
)


def _kind_of_service(others: str) -> dict[str, Node]:
    """Return what one Service and those of single replicas are given in the same way."""
    return {
        "type": Str(doc="Its type.", default="ClusterIP", enum=("ClusterIP", "NodePort", "LoadBalancer")),
        "annotations": annotation_map(f"Its annotations{others}"),
        "spec": Open(
            doc="Other fields of its spec, e.g. sessionAffinity or loadBalancerClass; not type (it is beside spec), selector (it selects the anchors) or ports (use target.ports).",
            kubernetes="ServiceSpec",
            fields=SERVICE_SPEC,
        ),
    }


SERVICE = Obj(
    doc="The Services. They select the anchors, which own the IPs; a program without ports has none.",
    fields={
        "enabled": Bool(doc="Whether to create a Service over all replicas.", default=True),
        **_kind_of_service("; with anchor.strategy: shared, those of the Services in its place."),
        "labels": label_map("Its labels; with anchor.strategy: shared, those of the Services in its place."),
        "replica": Obj(
            doc="One more Service for each replica, <fullname>-anchor-<n>, for clients that must reach one replica. With anchor.strategy: shared they replace the one over all, and have the type, annotations, spec and labels of service itself.",
            fields={
                "enabled": Bool(
                    doc="Whether to create them. Their number is replicas, or autoscaling.maxReplicas, at installation; kubectl scale adds none.",
                    default=False,
                ),
                **_kind_of_service("."),
            },
        ),
        "perReplica": Bool(doc="The older name of service.replica.enabled; either creates them.", default=False),
        "headless": Obj(
            doc="The anchors' headless Service, which gives each its DNS name.",
            fields={
                "publishNotReadyAddresses": Bool(
                    doc="Whether DNS has anchors that are not ready too, for programs that must find each other before they are.",
                    default=False,
                )
            },
        ),
    },
)

ROUTES = MapOf(
    doc="Routes to the Service over all replicas, each an object <fullname>-<name>.",
    key_pattern=r"^[a-z][a-z0-9]{0,14}$",
    item=Obj(
        doc="One route.",
        required=("kind", "port"),
        fields={
            "kind": Str(
                doc="A kind of the Gateway API, which must be in the cluster, or Kubernetes' own Ingress.",
                enum=("HTTPRoute", "GRPCRoute", "TCPRoute", "Ingress"),
            ),
            "port": Str(doc="Name of the port in target.ports."),
            "parentRefs": Open(
                doc="The Gateways it belongs to; not for Ingress.",
                kubernetes="ParentReference",
                is_list=True,
                fields=PARENT_REF,
                required=("name",),
            ),
            "weight": Int(
                doc="This release's share of the requests, beside backendRefs; null: the API's default, 1. Not for Ingress.",
                default=None,
                minimum=0,
                maximum=1_000_000,
            ),
            "backendRefs": Open(
                doc="Further backends, e.g. the Service of another release; not for Ingress.",
                kubernetes="BackendRef",
                is_list=True,
                fields=BACKEND_REF,
                required=("name", "port"),
            ),
            "annotations": annotation_map("Its annotations."),
            "spec": Open(
                doc="Other fields of its spec, e.g. hostnames, rules or ingressClassName. Each rule (of an Ingress: each path) without a backend gets this release's; without rules there is one for everything.",
                kubernetes="RouteSpec",
                fields=ROUTE_SPEC,
            ),
        },
    ),
)

NETWORK_POLICY = Obj(
    doc="A NetworkPolicy for the anchors: what is not named here is denied, in and out. Launchers are on the node's network, where none applies.",
    fields={
        "enabled": Bool(doc="Whether to create it. The cluster's network plugin must enforce it.", default=False),
        "from": MapOf(
            doc="Who may reach a port, by its name in target.ports; a port that is not here is closed.",
            key_pattern=PORT_NAME,
            item=Open(doc="The port's clients.", kubernetes="NetworkPolicyPeer", is_list=True, fields=PEER),
        ),
        "metricsFrom": Open(
            doc="Who may reach readiness.port: Prometheus, for the launcher's metrics. kubelet needs no entry.",
            kubernetes="NetworkPolicyPeer",
            is_list=True,
            fields=PEER,
        ),
        "egress": Open(
            doc="What the program may reach besides DNS (port 53 of any address).",
            kubernetes="NetworkPolicyEgressRule",
            is_list=True,
            fields=EGRESS_RULE,
        ),
    },
)

PDB = Obj(
    doc="One budget over both halves of all pairs.",
    fields={
        "enabled": Bool(doc="Whether to create it.", default=True),
        "maxUnavailable": IntOrStr(
            doc="Pods that evictions may take down at once; a pair goes together. With anchor.strategy: shared all replicas go together, so anything but 0 means 100%.",
            default=1,
            minimum=0,
            maximum=INT32,
            pattern=r"^(100|[0-9]{1,2})%$",
        ),
        "unhealthyPodEvictionPolicy": Str(
            doc="With AlwaysAllow the other half of a broken pair can follow.",
            default="AlwaysAllow",
            enum=("AlwaysAllow", "IfHealthyBudget"),
        ),
    },
)
