"""Rules of replicas: how many, who changes their number and in which order they come."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation


def _replicas_in_role(values: Values) -> Iterator[Violation]:
    most = values["rbac"]["maxReplicas"]
    fix = "raise rbac.maxReplicas, or lower it"
    rule = f"must be at most rbac.maxReplicas ({most}), the ordinals the launchers' Role names"
    if values["replicas"] > most:
        yield Violation(("replicas",), values["replicas"], rule, fix)
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["maxReplicas"] > most:
        yield Violation(("autoscaling", "maxReplicas"), scaler["maxReplicas"], rule, fix)
    keda = scaler["keda"]
    if keda["enabled"] and keda["maxReplicaCount"] > most:
        yield Violation(("autoscaling", "keda", "maxReplicaCount"), keda["maxReplicaCount"], rule, fix)


def _autoscaling_single(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["keda"]["enabled"]:
        yield Violation(
            ("autoscaling", "keda", "enabled"),
            True,
            "must be false with autoscaling.enabled: KEDA makes an autoscaler of its own, and two would fight",
            "enable one of them",
        )
    anchor = values["anchor"]
    numbered = anchor["strategy"] == "ordinal" and anchor["create"]
    rule = "must be false unless the chart makes the anchors by anchor.strategy: ordinal: no others follow a number"
    for path, enabled in ((("autoscaling",), scaler["enabled"]), (("autoscaling", "keda"), scaler["keda"]["enabled"])):
        if enabled and not numbered:
            yield Violation(
                (*path, "enabled"),
                True,
                rule,
                "leave it out, and scale by helm upgrade",
            )
    if (scaler["enabled"] or scaler["keda"]["enabled"]) and not values["scaling"]["follow"]:
        yield Violation(
            ("scaling", "follow"),
            False,
            "must be true with an autoscaler: nothing else would scale the anchors",
            "leave it out",
        )


def _autoscaling_ordered(values: Values) -> Iterator[Violation]:
    scaler = values["autoscaling"]
    if scaler["enabled"] and scaler["minReplicas"] > scaler["maxReplicas"]:
        yield Violation(
            ("autoscaling", "minReplicas"),
            scaler["minReplicas"],
            f"is above autoscaling.maxReplicas ({scaler['maxReplicas']})",
            "swap or correct them",
        )
    keda = scaler["keda"]
    if not keda["enabled"]:
        return
    if keda["minReplicaCount"] > keda["maxReplicaCount"]:
        yield Violation(
            ("autoscaling", "keda", "minReplicaCount"),
            keda["minReplicaCount"],
            f"is above autoscaling.keda.maxReplicaCount ({keda['maxReplicaCount']})",
            "swap or correct them",
        )
    if keda["idleReplicaCount"] is not None and keda["idleReplicaCount"] >= keda["minReplicaCount"]:
        yield Violation(
            ("autoscaling", "keda", "idleReplicaCount"),
            keda["idleReplicaCount"],
            f"must be below autoscaling.keda.minReplicaCount ({keda['minReplicaCount']})",
            "raise that, or leave this out",
        )


def _autoscaling_measured(values: Values) -> Iterator[Violation]:
    """Refuse scaling by nothing, and on Windows by figures that are never there."""
    scaler, windows = values["autoscaling"], values["platform"] == "windows"
    rule = "is never measured on Windows: metrics-server reports nothing for HostProcess pods"
    if scaler["enabled"]:
        if windows and not scaler["metrics"]:
            yield Violation(("autoscaling", "metrics"), [], "must name what to scale by", "add a MetricSpec")
        kinds = {metric.get("type") for metric in scaler["metrics"]}
        if scaler["minReplicas"] == 0 and not kinds & {"Object", "External"}:
            rule = "needs a metric of type Object or External, since pods that are not there measure nothing"
            yield Violation(("autoscaling", "minReplicas"), 0, rule, "add one, or raise it")
        for number, metric in enumerate(scaler["metrics"]):
            kind = str(metric.get("type") or "")
            source = kind[:1].lower() + kind[1:]
            if kind and not metric.get(source):
                where = ("autoscaling", "metrics", str(number), source)
                yield Violation(where, None, f"must be given, as type {kind} reads it", "add it")
            if windows and metric.get("type") in ("Resource", "ContainerResource"):
                where = ("autoscaling", "metrics", str(number), "type")
                yield Violation(where, metric["type"], rule, "use a Pods, Object or External metric")
    if scaler["keda"]["enabled"]:
        triggers = scaler["keda"]["triggers"]
        if not triggers:
            yield Violation(("autoscaling", "keda", "triggers"), [], "must name what to scale by", "add a trigger")
        for number, trigger in enumerate(triggers):
            if windows and trigger.get("type") in ("cpu", "memory"):
                place = ("autoscaling", "keda", "triggers", str(number), "type")
                yield Violation(place, trigger["type"], rule, "use another trigger, such as prometheus")


def _parallel_only(values: Values) -> Iterator[Violation]:
    if values["podManagementPolicy"] != "Parallel":
        yield Violation(
            ("podManagementPolicy",),
            values["podManagementPolicy"],
            "must be Parallel: OrderedReady stops at the first unready pod and so blocks roll-out and scale-in",
            "leave it out",
        )


SCALING_RULES: tuple[Rule, ...] = (
    Rule("replicas-in-role", _replicas_in_role),
    Rule("autoscaling-single", _autoscaling_single),
    Rule("autoscaling-ordered", _autoscaling_ordered),
    Rule("autoscaling-measured", _autoscaling_measured),
    Rule("parallel-only", _parallel_only),
)
