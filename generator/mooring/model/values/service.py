"""The Services over the anchors, and the budget for evictions."""

from __future__ import annotations

from mooring.model.nodes import INT32, Bool, IntOrStr, Obj, Open, Str
from mooring.model.values.shapes import SERVICE_SPEC, annotation_map

SERVICE = Obj(
    doc="The Services. They select the anchors, which own the IPs; a program without ports has none.",
    fields={
        "enabled": Bool(doc="Whether to create a Service over all replicas.", default=True),
        "type": Str(doc="Its type.", default="ClusterIP", enum=("ClusterIP", "NodePort", "LoadBalancer")),
        "annotations": annotation_map(
            "Annotations of the Service over all replicas; with anchor.strategy: shared, of the Services in its place."
        ),
        "perReplica": Bool(
            doc="One more Service for each replica, <fullname>-anchor-<n>, for clients that must reach one replica: their number is replicas, or autoscaling.maxReplicas, at installation; kubectl scale adds none. With anchor.strategy: shared these replace the one over all.",
            default=False,
        ),
        "spec": Open(
            doc="Other fields of its spec, e.g. sessionAffinity or loadBalancerClass; not type (use service.type), selector (it selects the anchors) or ports (use target.ports).",
            kubernetes="ServiceSpec",
            fields=SERVICE_SPEC,
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
