"""The anchors: the pods that own networks."""

from __future__ import annotations

from mooring.model.nodes import Bool, Int, Obj, Open, Str
from mooring.model.values.kubernetes import ANCHOR_KUBERNETES, NAME, image
from mooring.model.values.shapes import RESOURCES, annotation_map, label_map

ANCHOR = Obj(
    doc="The anchors: ordinary pods that own the network compartment and the pod IP. A mesh proxy is injected here.",
    fields={
        "strategy": Str(
            doc="How anchors are provided: one StatefulSet of all (ordinal), one StatefulSet for each replica (static), one anchor "
            "for all replicas (shared). See docs/strategies.md of mooring for what each costs.",
            default="ordinal",
            enum=("ordinal", "static", "shared"),
        ),
        "create": Bool(
            doc="Whether the chart creates the anchors. If not, launchers follow anchors that others create: with strategy ordinal "
            "those carry the label apps.kubernetes.io/pod-index, as StatefulSets give it; with static they may be any pods, and each "
            "launcher has a StatefulSet of its own.",
            default=True,
        ),
        "selector": Str(
            doc="With create: false, the labels of anchor {ordinal}: key=value pairs separated by commas, e.g. app=my-anchor-{ordinal}; "
            "with strategy shared without {ordinal}."
        ),
        "namespace": Str(
            doc="With create: false, the anchors' namespace; empty: the release's. In another namespace there are no Services.",
            pattern=NAME,
        ),
        "waitSeconds": Int(
            doc="Seconds a launcher waits for its anchor's network before it gives up and restarts.",
            default=300,
            minimum=10,
            maximum=86400,
        ),
        "unschedulableSeconds": Int(
            doc="Seconds an anchor may be unschedulable on its launcher's node before the launcher evicts itself to look for "
            "a node where both fit.",
            default=60,
            minimum=5,
            maximum=86400,
        ),
        "image": image(
            "Image of the anchor's container, which only has to wait.", "registry.k8s.io", "pause", "3.10.1"
        ),
        "podAnnotations": annotation_map("Annotations of the anchors' pods, e.g. linkerd.io/inject: enabled."),
        "podLabels": label_map("Labels of the anchors' pods."),
        "resources": Open(
            doc="Requests and limits of the anchor's container.", kubernetes="ResourceRequirements", fields=RESOURCES
        ),
        **ANCHOR_KUBERNETES,
    },
)
