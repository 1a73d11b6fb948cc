"""Rules about replicas: how many, what changes their number, and in which order they start."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

BEYOND_ROLE = Sentence(
    "must be at most rbac.maxReplicas ({most:d}), the number of ordinals named in the launchers' Role",
    "raise rbac.maxReplicas, or lower it",
)
TWO_SCALERS = Sentence(
    "must be false with autoscaling.enabled: KEDA creates its own autoscaler, and two would fight",
    "enable one of them",
)
NOT_SCALABLE = Sentence(
    "must be false unless the chart creates the anchors with anchor.strategy: ordinal: no others can follow",
    "leave it out, and scale with helm upgrade",
)
NOT_FOLLOWED = Sentence("must be true with an autoscaler: nothing else would scale the anchors", "leave it out")
LEAST_ABOVE_MOST = Sentence("is above autoscaling.maxReplicas ({most:d})", "swap or correct them")
KEDA_LEAST_ABOVE_MOST = Sentence("is above autoscaling.keda.maxReplicaCount ({most:d})", "swap or correct them")
IDLE_TOO_HIGH = Sentence(
    "must be below autoscaling.keda.minReplicaCount ({least:d})", "raise that one, or leave this one out"
)
_NOTHING = "must say what to scale on"
METRIC_MISSING = Sentence(_NOTHING, "add a MetricSpec")
TRIGGER_MISSING = Sentence(_NOTHING, "add a trigger")
UNMEASURED_AT_ZERO = Sentence(
    "needs a metric of type Object or External, because no pods means no pod metrics", "add one, or raise it"
)
SOURCE_MISSING = Sentence("must be set, because type {kind:s} reads it", "add it")
_UNMEASURED = "is never measured on Windows: metrics-server reports nothing for HostProcess pods"
METRIC_UNMEASURED = Sentence(_UNMEASURED, "use a Pods, Object or External metric")
TRIGGER_UNMEASURED = Sentence(_UNMEASURED, "use another trigger, such as prometheus")
UNMEASURED_METRICS = ("Resource", "ContainerResource")
UNMEASURED_TRIGGERS = ("cpu", "memory")
MEASURED_AT_ZERO = ("Object", "External")
NOT_PARALLEL = Sentence(
    "must be Parallel: OrderedReady stops at the first unready pod, which blocks rollouts and scale-in", "leave it out"
)


def _replicas_in_role(values: Values) -> Iterator[Violation]:
    most = values["rbac"]["maxReplicas"]
    if values["replicas"] > most:
        yield BEYOND_ROLE.at(("replicas",), values["replicas"], most=most)
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["maxReplicas"] > most:
        yield BEYOND_ROLE.at(("autoscaling", "maxReplicas"), scaler["maxReplicas"], most=most)
    keda = scaler["keda"]
    if keda["enabled"] and keda["maxReplicaCount"] > most:
        yield BEYOND_ROLE.at(("autoscaling", "keda", "maxReplicaCount"), keda["maxReplicaCount"], most=most)


def _autoscaling_single(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["keda"]["enabled"]:
        yield TWO_SCALERS.at(("autoscaling", "keda", "enabled"), True)
    anchor = values["anchor"]
    numbered = anchor["strategy"] == "ordinal" and anchor["create"]
    for path, enabled in ((("autoscaling",), scaler["enabled"]), (("autoscaling", "keda"), scaler["keda"]["enabled"])):
        if enabled and not numbered:
            yield NOT_SCALABLE.at((*path, "enabled"), True)
    if (scaler["enabled"] or scaler["keda"]["enabled"]) and not values["scaling"]["follow"]:
        yield NOT_FOLLOWED.at(("scaling", "follow"), False)


def _autoscaling_ordered(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["minReplicas"] > scaler["maxReplicas"]:
        yield LEAST_ABOVE_MOST.at(("autoscaling", "minReplicas"), scaler["minReplicas"], most=scaler["maxReplicas"])
    keda = scaler["keda"]
    if not keda["enabled"]:
        return
    least, idle = keda["minReplicaCount"], keda["idleReplicaCount"]
    if least > keda["maxReplicaCount"]:
        place = ("autoscaling", "keda", "minReplicaCount")
        yield KEDA_LEAST_ABOVE_MOST.at(place, least, most=keda["maxReplicaCount"])
    if idle is not None and idle >= least:
        yield IDLE_TOO_HIGH.at(("autoscaling", "keda", "idleReplicaCount"), idle, least=least)


def _autoscaling_measured(values: Values) -> Iterator[Violation]:
    """Refuse scaling on nothing, and on Windows scaling on metrics that never exist."""
    scaler, windows = values["autoscaling"], values["platform"] == "windows"
    if scaler["enabled"]:
        yield from _metrics_measured(scaler, windows=windows)
    if scaler["keda"]["enabled"]:
        triggers = scaler["keda"]["triggers"]
        if not triggers:
            yield TRIGGER_MISSING.at(("autoscaling", "keda", "triggers"), [])
        for number, trigger in enumerate(triggers):
            if windows and trigger.get("type") in UNMEASURED_TRIGGERS:
                place = ("autoscaling", "keda", "triggers", str(number), "type")
                yield TRIGGER_UNMEASURED.at(place, trigger["type"])


def _metrics_measured(scaler: Values, *, windows: bool) -> Iterator[Violation]:
    if windows and not scaler["metrics"]:
        yield METRIC_MISSING.at(("autoscaling", "metrics"), [])
    kinds = {metric.get("type") for metric in scaler["metrics"]}
    if scaler["minReplicas"] == 0 and kinds.isdisjoint(MEASURED_AT_ZERO):
        yield UNMEASURED_AT_ZERO.at(("autoscaling", "minReplicas"), 0)
    for number, metric in enumerate(scaler["metrics"]):
        place = ("autoscaling", "metrics", str(number))
        kind = str(metric.get("type") or "")
        source = kind[:1].lower() + kind[1:]
        if kind and not metric.get(source):
            yield SOURCE_MISSING.at((*place, source), None, kind=kind)
        if windows and kind in UNMEASURED_METRICS:
            yield METRIC_UNMEASURED.at((*place, "type"), kind)


def _parallel_only(values: Values) -> Iterator[Violation]:
    if values["podManagementPolicy"] != "Parallel":
        yield NOT_PARALLEL.at(("podManagementPolicy",), values["podManagementPolicy"])


SCALING_RULES: tuple[Rule, ...] = (
    Rule("replicas-in-role", _replicas_in_role),
    Rule("autoscaling-single", _autoscaling_single),
    Rule("autoscaling-ordered", _autoscaling_ordered),
    Rule("autoscaling-measured", _autoscaling_measured),
    Rule("parallel-only", _parallel_only),
)
