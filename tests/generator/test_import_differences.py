"""What an App does not carry over with the same meaning is reported, and refused with --strict."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from mooring.batch.generate import generate
from mooring.cli import main as _cli
from mooring.errors import ExitCode

from tests.generator.importing import run, told, values
from tests.generator.manifests import EXE, Object, anchor, command, launcher, service, write
from tests.tools import require


@pytest.mark.parametrize("flag", ["-wait-tree", "--wait-tree", "-wait-tree=true", "-wait-tree=1", "-wait-tree=T"])
def test_wait_tree_is_the_same_in_an_app(tmp_path: Path, flag: str) -> None:
    """Cplauncher that waited for the last process becomes an App that does too; --strict accepts that."""
    result = run(tmp_path, anchor(), launcher(words=command(flags=(flag,))), service(), strict=True)
    assert result.exit_code == ExitCode.DONE
    assert values(result)["target"]["lifetime"] == "tree"


@pytest.mark.parametrize("flags", [(), ("-wait-tree=false",), ("-wait-tree=0",), ("-wait-tree", "-wait-tree=F")])
def test_without_wait_tree_it_is_not_reported(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Cplauncher without the flag ends with the first process too; a flag may be switched off."""
    result = run(tmp_path, anchor(), launcher(words=command(flags=flags)), strict=True)
    assert "wait-tree" not in told(result)
    assert values(result)["target"]["exe"] == EXE


def test_strict_refuses_each_difference_and_writes_the_others(tmp_path: Path) -> None:
    """Every difference of a program is a separate problem; a program without differences is still written."""
    made = launcher(pod={"dnsConfig": {"options": [{"name": "ndots"}]}, "terminationGracePeriodSeconds": 5})
    made["spec"]["strategy"] = {"type": "Recreate"}
    other = launcher("billing", command("app=b", r"C:\apps\billing.exe"))
    result = run(tmp_path, anchor(), made, anchor("b"), other, strict=True)
    assert [each.program.name for each in result.apps] == ["billing"]
    assert result.exit_code == ExitCode.BAD_INPUT
    assert sorted(problem.key for problem in result.problems) == [
        "spec.strategy.type",
        "spec.template.spec.dnsConfig.options",
        "spec.template.spec.terminationGracePeriodSeconds",
    ]
    assert all(problem.line == 3 for problem in result.problems)


def test_strict_is_an_option_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`mooring import --strict` exits 2 where the App differs, 0 where it does not."""
    differs = write(tmp_path / "differs.yaml", anchor(), launcher(words=command(flags=("-dry-run",))))
    same = write(tmp_path / "same.yaml", anchor(), launcher(), service())
    assert _cli.main(["import", str(differs), "--out", str(tmp_path / "a"), "--strict"]) == 2
    assert "-dry-run started nothing" in capsys.readouterr().err
    assert _cli.main(["import", str(differs), "--out", str(tmp_path / "b")]) == 0
    assert _cli.main(["import", str(same), "--out", str(tmp_path / "c"), "--strict"]) == 0


def test_the_cutover_begins_with_the_launcher_on_the_nodes(tmp_path: Path) -> None:
    """No launcher starts without its bundle, so that comes first, with its place on the node."""
    first, second, *_ = run(tmp_path, anchor(), launcher(), service()).apps[0].steps
    assert first.command.startswith("mooring bundle --out ")
    assert "on every Windows node that the new pods may run on, at C:\\mooring" in first.what
    assert "launcher.source: configMap" in first.what
    assert second.command.startswith("mooring generate ")


IMAGES = {
    "pause-win:1": "pause-win:1",
    "pause": "pause:latest",
    "library/pause:3": "library/pause:3",
    "registry.k8s.io/pause:3.10.1": "registry.k8s.io/pause:3.10.1",
    "registry.k8s.io/pause:3.9": "registry.k8s.io/pause:3.9",
    "localhost:5000/a/b/c": "localhost:5000/a/b/c:latest",
    f"ghcr.io/a/b@sha256:{'0' * 64}": f"ghcr.io/a/b@sha256:{'0' * 64}",
}


@pytest.mark.parametrize(("given", "expected"), IMAGES.items(), ids=IMAGES)
def test_images_are_the_same_in_the_chart(tmp_path: Path, given: str, expected: str) -> None:
    """The chart's pods have the old images and pull policies, without any of the model's defaults."""
    pause = {"name": "pause", "image": given}
    run(tmp_path, anchor(containers=[pause]), launcher(image=given))
    assert generate([str(tmp_path / "out")], tmp_path / "charts").problems == []
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in _sets(tmp_path / "charts" / "orders")
    }
    policy = "Always" if expected.endswith(":latest") else "IfNotPresent"
    for name in ("orders", "orders-anchor"):
        container = pods[name]["containers"][0]
        assert (container["image"], container["imagePullPolicy"]) == (expected, policy)


def _sets(chart: Path) -> list[Any]:
    """Return the StatefulSets that Helm renders."""
    words = [require("helm"), "template", "orders", str(chart), "--namespace", "apps"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [each for each in yaml.safe_load_all(done.stdout) if each and each["kind"] == "StatefulSet"]


def test_what_only_one_half_has_is_reported_or_refused(tmp_path: Path) -> None:
    """Fields that used to be silently dropped or changed are carried over, reported or refused."""
    tolerated = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    tolerated["tolerationSeconds"] = 30  # type: ignore[assignment]
    pod = {"tolerations": [tolerated], "serviceAccount": "old-name", "enableServiceLinks": True}
    net = anchor(securityContext={"windowsOptions": {"runAsUserName": "ContainerUser"}})
    net["spec"]["containers"][0] |= {"ports": [{"containerPort": 8080, "hostPort": 8080}], "env": [{"name": "A"}]}
    made = launcher(
        pod=pod, lifecycle={"postStart": {"exec": {"command": ["x"]}}, "preStop": {"sleep": {"seconds": 5}}}
    )
    labels = {"app": "orders-hostprocess", "app.kubernetes.io/name": "orders-old"}
    made["spec"]["template"]["metadata"]["labels"] = labels
    result = run(tmp_path, net, made)
    found, report = values(result), told(result)
    assert found["tolerations"] == [tolerated]
    assert found["serviceAccount"] == {"create": False, "name": "old-name"}
    assert found["anchor"]["securityContext"] == {"windowsOptions": {"runAsUserName": "ContainerUser"}}
    assert found["lifecycle"] == {"postStart": {"exec": {"command": ["x"]}}}
    assert "podLabels" not in found["launcher"]
    for expected in (
        "containers[0].ports[0].hostPort = 8080",
        'containers[0].env = [{"name": "A"}]',
        "an App's pods do not get the environment variables of the namespace's Services",
        'lifecycle.preStop = {"sleep": {"seconds": 5}} (stop.command needs a program',
        r'labels.app\.kubernetes\.io/name = "orders-old" (the chart sets this label itself',
    ):
        assert expected in report


@pytest.mark.parametrize(
    ("anchored", "launched", "expected"),
    [
        ({"nodeSelector": {"zone": "a"}}, {"nodeSelector": {"zone": "b"}}, "no node fits both halves"),
        (
            {
                "containers": [
                    {"name": "pause", "image": "p:1"},
                    {"name": "proxy", "image": "x:1", "volumeMounts": [{"name": "certs", "mountPath": "C:/certs"}]},
                ]
            },
            {},
            "mounts the volume certs, but an App's anchors have no volumes",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, anchored: Object, launched: Object, expected: str) -> None:
    """Halves that fit no node, and a sidecar with a volume that an anchor cannot have, are errors with their place."""
    result = run(tmp_path, anchor(**anchored), launcher(pod=launched))
    assert (result.exit_code, len(result.problems)) == (ExitCode.BAD_INPUT, 1)
    assert expected in str(result.problems[0])


def test_another_namespace_is_reported_with_what_must_exist_there(tmp_path: Path) -> None:
    """A launcher that moves to its anchor's namespace needs the objects it uses there too."""
    secret = {"name": "P", "valueFrom": {"secretKeyRef": {"name": "orders", "key": "p"}}}
    made = launcher(namespace="hosts", env=[secret], pod={"serviceAccountName": "hp"})
    report = told(run(tmp_path, anchor(), made))
    assert "moves to namespace apps" in report
    assert "these objects, which the launcher uses, must exist there too: Secret orders, ServiceAccount hp" in report


def test_numbers_beyond_ordinals_are_no_replicas(tmp_path: Path) -> None:
    """Anchors whose labels end with a number too large for an ordinal are separate programs."""
    objects: list[Object] = []
    for number in (10001, 10002):
        objects += [anchor(f"line-{number}"), launcher(f"orders-{number}", command(f"app=line-{number}"))]
    assert [each.program.values["replicas"] for each in run(tmp_path, *objects).apps] == [1, 1]
