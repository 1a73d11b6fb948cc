"""Autoscalers, and how the anchors follow."""

from __future__ import annotations

from mooring.model.nodes import INT32, Bool, Int, Obj, Open
from mooring.model.values.shapes import FALLBACK, METRIC, TRIGGER, annotation_map

KEDA = Obj(
    doc="A KEDA ScaledObject (keda.sh/v1alpha1) on the launcher set instead of the HorizontalPodAutoscaler, with KEDA's own field names.",
    fields={
        "enabled": Bool(
            doc="Whether to create it; then replicas is not rendered. KEDA must be in the cluster.", default=False
        ),
        "annotations": annotation_map("Its annotations, e.g. autoscaling.keda.sh/paused-replicas."),
        "minReplicaCount": Int(doc="Fewest replicas while a trigger is active.", default=1, minimum=0, maximum=1000),
        "maxReplicaCount": Int(doc="Most replicas; at most rbac.maxReplicas.", default=10, minimum=1, maximum=1000),
        "idleReplicaCount": Int(
            doc="Replicas while no trigger is active; null: minReplicaCount. Only 0 works: with any other number KEDA alternates between it and minReplicaCount (kedacore/keda#2314).",
            default=None,
            minimum=0,
            maximum=0,
        ),
        "pollingInterval": Int(
            doc="Seconds between polls of the triggers; null: KEDA's own.", default=None, minimum=1, maximum=INT32
        ),
        "cooldownPeriod": Int(
            doc="Seconds without an active trigger before it scales to idle or 0; null: KEDA's own.",
            default=None,
            minimum=0,
            maximum=INT32,
        ),
        "initialCooldownPeriod": Int(
            doc="Seconds after its creation before cooldownPeriod counts; null: KEDA's own.",
            default=None,
            minimum=0,
            maximum=INT32,
        ),
        "triggers": Open(
            doc="What it scales on, e.g. prometheus with the launcher's own metrics. On Windows not cpu or memory: metrics-server reports nothing for HostProcess pods.",
            kubernetes="ScaleTriggers",
            is_list=True,
            fields=TRIGGER,
            required=("type", "metadata"),
        ),
        "advanced": Open(
            doc="Behaviour of KEDA's own HorizontalPodAutoscaler, scalingModifiers, restoreToOriginalReplicaCount.",
            kubernetes="AdvancedConfig",
        ),
        "fallback": Open(
            doc="Replicas while a trigger cannot be read.",
            kubernetes="Fallback",
            fields=FALLBACK,
        ),
    },
)

AUTOSCALING = Obj(
    doc="A HorizontalPodAutoscaler on the launcher set; the anchors follow.",
    fields={
        "enabled": Bool(
            doc="Whether to create it; then replicas is not rendered. Cannot be combined with autoscaling.keda.",
            default=False,
        ),
        "minReplicas": Int(doc="Fewest replicas.", default=1, minimum=0, maximum=1000),
        "maxReplicas": Int(doc="Most replicas; at most rbac.maxReplicas.", default=10, minimum=1, maximum=1000),
        "metrics": Open(
            doc="What it scales on; empty, on Linux: 80 % of the CPU that launcher.resources requests. metrics-server reports nothing for HostProcess pods, so on Windows these are required, and must be of type Pods, Object or External.",
            kubernetes="MetricSpec",
            is_list=True,
            fields=METRIC,
            required=("type",),
        ),
        "behavior": Open(doc="How fast it scales.", kubernetes="HorizontalPodAutoscalerBehavior"),
        "keda": KEDA,
    },
)
