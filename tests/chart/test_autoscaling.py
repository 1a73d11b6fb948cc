"""Who sets the number of replicas: the values, a HorizontalPodAutoscaler, or KEDA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests import keda
from tests.chart.rendering import MINIMAL, Objects, assert_accepted, layered, notes, render

LINUX = {"platform": "linux", "target": {"exe": "/opt/orders", "ports": {"http": {"port": 8080}}}}
QUEUE = {
    "type": "prometheus",
    "metadata": {"serverAddress": "http://prometheus:9090", "query": "sum(queue)", "threshold": "5"},
    "authenticationRef": {"name": "prometheus"},
}
EVERYTHING: dict[str, Any] = {
    "enabled": True,
    "annotations": {"autoscaling.keda.sh/paused": "true"},
    "minReplicaCount": 2,
    "maxReplicaCount": 9,
    "idleReplicaCount": 0,
    "pollingInterval": 10,
    "cooldownPeriod": 0,
    "initialCooldownPeriod": 5,
    "triggers": [QUEUE, {"type": "cron", "metadata": {"start": "0 6 * * *"}, "metricType": "AverageValue"}],
    "advanced": {
        "restoreToOriginalReplicaCount": False,
        "horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}},
    },
    "fallback": {"failureThreshold": 3, "replicas": 4, "behavior": "currentReplicasIfHigher"},
}


def with_keda(**fields: Any) -> dict[str, Any]:
    """Return values under KEDA with these of its fields."""
    return layered(MINIMAL, {"autoscaling": {"keda": {"enabled": True, "triggers": [QUEUE], **fields}}})


def set_replicas(objects: Objects) -> dict[str, Any]:
    """Return how many replicas each StatefulSet sets."""
    return {name: one["spec"].get("replicas") for (kind, name), one in objects.items() if kind == "StatefulSet"}


@pytest.mark.parametrize("fields", [{}, EVERYTHING], ids=["least", "everything"])
def test_keda_takes_the_scaled_object(fields: dict[str, Any]) -> None:
    """It has no field that KEDA's own definition lacks, and none has the wrong type."""
    jsonschema.validate(render(with_keda(**fields))["ScaledObject", "orders"], keda.schema())


def test_keda_refuses_what_is_not_its_own() -> None:
    """The judge is strict: a field that KEDA does not know is refused."""
    objects = render(with_keda(fallback={"failureThreshold": 3, "replicas": 4, "replcas": 4}))
    with pytest.raises(jsonschema.ValidationError, match="replcas"):
        jsonschema.validate(objects["ScaledObject", "orders"], keda.schema())


def test_keda_is_told_what_the_values_say() -> None:
    """Each field reaches the ScaledObject, zeros too, and its target is the launchers' set."""
    one = render(with_keda(**EVERYTHING))["ScaledObject", "orders"]
    fields = {key: value for key, value in EVERYTHING.items() if key not in ("enabled", "annotations")}
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "orders"}
    assert one["spec"] == {"scaleTargetRef": target, **fields}
    assert one["metadata"]["annotations"] == EVERYTHING["annotations"]


def test_what_is_not_given_is_kedas_own() -> None:
    """Times that are not set are not rendered, so KEDA's defaults apply."""
    spec = render(with_keda())["ScaledObject", "orders"]["spec"]
    assert set(spec) == {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers"}


def test_under_keda_nothing_else_sets_replicas() -> None:
    """Neither set has replicas, and there is no HorizontalPodAutoscaler, because KEDA creates its own."""
    objects = render(with_keda())
    assert set_replicas(objects) == {"orders": None, "orders-anchor": None}
    assert not [name for kind, name in objects if kind == "HorizontalPodAutoscaler"]


def test_services_per_replica_cover_what_keda_may_start() -> None:
    """There is one for each replica up to maxReplicaCount."""
    objects = render(layered(with_keda(maxReplicaCount=3), {"service": {"replica": {"enabled": True}}}))
    services = {name for kind, name in objects if kind == "Service"}
    assert {"orders-anchor-0", "orders-anchor-2"} <= services
    assert "orders-anchor-3" not in services


def test_without_an_autoscaler_there_is_none() -> None:
    """By default the values set the replicas."""
    objects = render(MINIMAL)
    assert not {kind for kind, _ in objects} & {"HorizontalPodAutoscaler", "ScaledObject"}
    assert set_replicas(objects)["orders"] == 1


def test_on_linux_cpu_is_the_default() -> None:
    """An autoscaler without metrics aims at 80 % of the requested CPU, which Kubernetes accepts."""
    objects = render(layered(LINUX, {"autoscaling": {"enabled": True, "behavior": {"scaleUp": {"policies": []}}}}))
    spec = objects["HorizontalPodAutoscaler", "orders"]["spec"]
    target = {"type": "Utilization", "averageUtilization": 80}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    assert spec["behavior"] == {"scaleUp": {"policies": []}}
    assert_accepted(objects, "1.37")


def test_own_metrics_replace_the_default() -> None:
    """The user's own metrics are rendered unchanged, including CPU of Linux pods."""
    metrics = [{"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}}]
    objects = render(layered(LINUX, {"autoscaling": {"enabled": True, "metrics": metrics}}))
    assert objects["HorizontalPodAutoscaler", "orders"]["spec"]["metrics"] == metrics


def test_notes_name_the_autoscaler(tmp_path: Path) -> None:
    """The notes of an installation say what sets the number of replicas, and its limits."""
    assert "KEDA sets the number of replicas (0 to 9)." in notes(tmp_path / "keda", with_keda(**EVERYTHING))
    values = layered(LINUX, {"autoscaling": {"enabled": True}})
    assert "An autoscaler sets the number of replicas (1 to 10)." in notes(tmp_path / "hpa", values)


def test_notes_say_what_an_upgrade_does_after_kubectl_scale(tmp_path: Path) -> None:
    """Both versions of Helm are named, and the command that is right for both."""
    text = notes(tmp_path, MINIMAL)
    assert "kubectl -n apps scale statefulset orders --replicas=N" in text
    assert "--set replicas=N" in text
    assert "Helm 3 scales back" in text
    assert "Helm 4 stops with a conflict" in text
