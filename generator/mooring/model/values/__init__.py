"""The values of every chart: one tree, and the only place where a value is added, changed or removed; a module a topic.

Order is the order of values.yaml: what an app team writes first, what a platform team sets next, Kubernetes' own last.
"""

from __future__ import annotations

from mooring.model.nodes import Bool, Int, Node, Obj, Open, Str
from mooring.model.values.anchor import ANCHOR
from mooring.model.values.gate import GATE
from mooring.model.values.kubernetes import EXTRAS, LAUNCHER_KUBERNETES, METADATA, service_account
from mooring.model.values.launcher import LAUNCHER, RBAC, TESTS
from mooring.model.values.mesh import MESH
from mooring.model.values.scaling import AUTOSCALING
from mooring.model.values.service import NETWORK_POLICY, PDB, ROUTES, SERVICE
from mooring.model.values.stop import READINESS, STOP
from mooring.model.values.target import TARGET

__all__ = ["VALUES"]

_FIELDS: dict[str, Node] = {
    "replicas": Int(
        doc="Pairs of launcher and anchor. Scale later with kubectl scale statefulset <fullname>.",
        default=1,
        minimum=0,
        maximum=1000,
    ),
    "platform": Str(
        doc="Operating system of the nodes: windows is the product; linux rehearses the same chart with network namespaces.",
        default="windows",
        enum=("windows", "linux"),
    ),
    "colocation": Str(
        doc="perReplica: anchor n follows launcher n to any node (Kubernetes 1.31 or later). singleNode: all pairs on one node.",
        default="perReplica",
        enum=("perReplica", "singleNode"),
    ),
    "target": TARGET,
    "gate": GATE,
    "stop": STOP,
    "readiness": READINESS,
    "launcher": LAUNCHER,
    "anchor": ANCHOR,
    "ordinals": Obj(
        doc="Numbering of the replicas.",
        fields={"start": Int(doc="The first ordinal.", default=0, minimum=0, maximum=9999)},
    ),
    "scaling": Obj(
        doc="How the number of anchors follows the number of launchers.",
        fields={
            "follow": Bool(
                doc="With anchor.strategy: ordinal, the launcher of the first ordinal mirrors the replicas of its set to the anchors' "
                "set. If not, scale both sets by hand. Other strategies have nothing to mirror.",
                default=True,
            )
        },
    ),
    "service": SERVICE,
    "routes": ROUTES,
    "networkPolicy": NETWORK_POLICY,
    "mesh": MESH,
    "serviceAccount": service_account("ServiceAccount of the launchers, the only ones with a token."),
    "rbac": RBAC,
    "podDisruptionBudget": PDB,
    "autoscaling": AUTOSCALING,
    "tests": TESTS,
    **LAUNCHER_KUBERNETES,
    **METADATA,
    **EXTRAS,
    "enabled": Bool(doc="For an umbrella chart's condition; the chart itself does not read it.", default=True),
    "global": Open(
        doc="What an umbrella chart shares with its charts; this chart does not read it.", kubernetes="object"
    ),
}

VALUES = Obj(doc="The values of the chart.", fields=_FIELDS)
