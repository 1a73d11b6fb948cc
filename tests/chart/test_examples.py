"""Every example of values installs, and Kubernetes accepts what it renders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart.rendering import CHART, EXAMPLES, MINIMAL, assert_accepted, config, helm, layered, render

VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
STORIES = {
    *("legacy-exe", "dev-linux", "per-ordinal", "two-ports", "production"),
    *("static", "shared", "foreign-anchors", "linkerd"),
}


def test_every_story_is_there() -> None:
    """The README's stories each have an example."""
    assert {file.stem for file in EXAMPLES} >= STORIES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_says_who_it_is_for(example: Path) -> None:
    """The first line of an example shows its readers whether to read on."""
    assert example.read_text(encoding="utf-8").startswith("# For ")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_lints_strictly(example: Path) -> None:
    """`helm lint --strict` finds no problem in the chart with an example's values."""
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "-f", str(example))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_kubernetes_accepts_an_example(example: Path, version: str) -> None:
    """No object has an unknown or mistyped field, in any supported version of Kubernetes."""
    objects = render(files=[example], kube_version=f"{version}.0")
    assert len(objects) >= 8
    assert_accepted(objects, version)


def test_kubernetes_accepts_every_optional_part() -> None:
    """Autoscaler, per-replica Services, claims, probes and hooks are well-formed too."""
    values = {
        **MINIMAL,
        "replicas": 2,
        "autoscaling": {
            "enabled": True,
            "minReplicas": 2,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {
                        "metric": {"name": "mooring_target_resident_memory_bytes"},
                        "target": {"type": "AverageValue", "averageValue": "500Mi"},
                    },
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}},
        },
        "service": {"replica": {"enabled": True}, "spec": {"sessionAffinity": "ClientIP"}, "annotations": {"a": "b"}},
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ],
        "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
        "extraVolumeMounts": [{"name": "data", "mountPath": "C:\\data"}],
        "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
        "extraEnv": [{"name": "A", "value": "1"}],
        "envFrom": [{"configMapRef": {"name": "shared"}}],
        "probes": {"startup": {"exec": {"command": ["x"]}}},
        "lifecycle": {"postStart": {"exec": {"command": ["x"]}}},
        "imagePullSecrets": ["registry"],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
                }
            }
        },
        "anchor": {
            "podLabels": {"tier": "net"},
            "securityContext": {"windowsOptions": {"runAsUserName": "ContainerUser"}},
            "extraContainers": [{"name": "tap", "image": "example.org/tap:1"}],
            "updateStrategy": {"type": "OnDelete"},
        },
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "{{ .x }}"}}
        ],
        "commonLabels": {"team": "orders"},
        "commonAnnotations": {"contact": "orders@example.org"},
    }
    objects = render(values)
    assert objects["ConfigMap", "extra"]["data"] == {"a": "{{ .x }}"}
    assert "replicas" not in objects["StatefulSet", "orders"]["spec"]
    for version in VERSIONS:
        assert_accepted(objects, version)


def test_the_config_carries_the_program_as_it_was_written() -> None:
    """Arguments with quotes, percent signs, Unicode and template code reach the launcher unchanged."""
    args = ['--name="a b"', "%PATH%", "a&b|c^d", "größe 漢字", "{{ .Values.x }}", "", "back\\slash\\"]
    values = {"target": {**MINIMAL["target"], "args": args, "placeholders": "literal"}}
    assert config(render(values))["target"]["args"] == args


@pytest.mark.parametrize(("lifetime", "told"), [("process", None), (None, None), ("tree", "tree")])
def test_a_launcher_is_told_of_a_lifetime_that_is_not_its_default(lifetime: str | None, told: str | None) -> None:
    """An older launcher refuses the key, so the configuration has it only if it matters; null is the default."""
    document = config(render(layered(MINIMAL, {"target": {"lifetime": lifetime}})))
    assert document["target"].get("lifetime") == told
