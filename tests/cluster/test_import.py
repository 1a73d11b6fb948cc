"""`mooring import --from-cluster`, then the cutover as its report describes it: no client notices."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.driving.asking import asked
from tests.cluster.driving.mirror import is_ready
from tests.cluster.driving.release import PORT, Helm, Release, values
from tests.cluster.stack import images
from tests.cluster.stack.kube import Kube, Object

NewRelease = Callable[..., Release]

ANCHOR = {"app": "orders-anchor-1"}
LAUNCHER = {"app": "orders-hostprocess"}


def old_anchor(namespace: str) -> Object:
    """Return the old anchor. On Windows the program in its network answers on its IP; here the anchor runs it."""
    container = {
        "name": "pause",
        "image": images.DEBIAN,
        "command": ["/opt/apps/served", "-port", str(PORT), "-version", "old"],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "apps", "mountPath": "/opt/apps", "readOnly": True}],
    }
    volumes = [{"name": "apps", "hostPath": {"path": "/opt/apps"}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "orders-net", "namespace": namespace, "labels": ANCHOR},
        "spec": {"tolerations": [{"operator": "Exists"}], "containers": [container], "volumes": volumes},
    }


def old_launcher(namespace: str) -> Object:
    """Return the old HostProcess Deployment; no node here can run its pod, which stays Pending."""
    label = ",".join(f"{key}={value}" for key, value in ANCHOR.items())
    words = ["-label", label, "-namespace", namespace, "--", r"C:\apps\served.exe", "-port", str(PORT)]
    container = {"name": "cplauncher", "image": "base:1", "command": [r"C:\k2s\cplauncher.exe", *words]}
    options = {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}
    pod = {
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "hostNetwork": True,
        "securityContext": {"windowsOptions": options},
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders-hostprocess", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": LAUNCHER},
            "template": {"metadata": {"labels": LAUNCHER}, "spec": pod},
        },
    }


def old_service(namespace: str) -> Object:
    """Return the old Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "orders", "namespace": namespace},
        "spec": {"selector": ANCHOR, "ports": [{"name": "http", "port": 80, "targetPort": PORT}]},
    }


def import_namespace(kube: Kube, namespace: str, folder: Path) -> Any:
    """Import a namespace into folder/apps; returns the report of its only App."""
    words = ["import", "--from-cluster", "-n", namespace, "--out", "apps", "--output", "json"]
    done = mooring([*words, "--kubeconfig", kube.kubeconfig], folder)
    report = json.loads(done.stdout)
    assert (report["exitCode"], len(report["apps"])) == (0, 1), report
    return report["apps"][0]


def mooring(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run mooring in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mooring", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )


def linux_values(folder: Path) -> Path:
    """Adapt the imported App to this cluster's nodes: platform, paths, images."""
    base = values()
    base["launcher"] = {"image": {"registry": "", "repository": "", "tag": ""}}
    registry, _, rest = images.PAUSE.partition("/")
    repository, _, tag = rest.partition(":")
    base["anchor"] |= {"image": {"registry": registry, "repository": repository, "tag": tag}}
    base["tolerations"] = []
    path = folder / "linux.json"
    path.write_text(json.dumps(base))
    return path


def follow(step: dict[str, str], folder: Path, release: Release, overlay: Path) -> None:
    """Run one step of the cutover: its command, with this cluster's values for Helm.

    `mooring bundle` is for Windows nodes; the nodes here have had their launcher from the start.
    """
    program, *words = shlex.split(step["command"])
    if (program, words[0]) == ("mooring", "bundle"):
        return
    if program == "mooring":
        mooring(words, folder)
    elif program == "kubectl":
        release.kube.kubectl(*words)
    else:
        words = [str(folder / word) if word.startswith("charts/") else word for word in words]
        if words[0] in ("install", "upgrade"):
            words += ["--values", str(overlay)]
        release.helm.run(*words, timeout_s=700)


def test_cut_over_loses_no_request(helm: Helm, kube: Kube, new_release: NewRelease, tmp_path: Path) -> None:
    """Every step of the report works as written, in order, and the Service answers all the time.

    The Service stays the same object with the same address; in the end the release owns it, and the old pods are gone.
    """
    release = new_release("orders", helm=helm)
    namespace = release.namespace
    kube.apply(old_anchor(namespace), old_launcher(namespace), old_service(namespace))
    release.mirror.wait(lambda: is_ready(release.mirror.pod("orders-net")), 120, "the old program serves")
    release.mirror.wait(lambda: len(release.ready_endpoints()) == 1, 30, "the Service has its address")
    before = kube.get(f"namespaces/{namespace}/services/orders")

    imported = import_namespace(kube, namespace, tmp_path)
    assert (imported["app"], imported["namespace"]) == ("orders", namespace)
    overlay = linux_values(tmp_path)
    with asked(release) as answers:
        for step in imported["cutOver"]:
            if step["command"]:
                follow(step, tmp_path, release, overlay)
        release.wait_whole(1)
        release.wait_endpoints({release.pair(0).ip})
    answers.print_figures("cutover from K2s")
    answers.assert_nothing_lost()

    after = kube.get(f"namespaces/{namespace}/services/orders")
    for key in ("uid", "clusterIP"):
        assert (before["metadata"] | before["spec"])[key] == (after["metadata"] | after["spec"])[key]
    assert "app" not in after["spec"]["selector"], "the old selector was replaced, not added to"
    assert after["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    release.mirror.wait(lambda: release.mirror.pod("orders-net") is None, 60, "the old anchor is gone")
    deployments = kube.get(f"namespaces/{namespace}/deployments", version="apps/v1")["items"]
    assert [each["metadata"]["name"] for each in deployments] == []


def test_imported_twice_is_the_same(kube: Kube, namespace: str, tmp_path: Path) -> None:
    """What the API server adds to objects is not a difference: a second import leaves the App unchanged."""
    kube.apply(old_anchor(namespace), old_launcher(namespace), old_service(namespace))
    import_namespace(kube, namespace, tmp_path)
    text = (tmp_path / "apps" / "orders.yaml").read_text()
    import_namespace(kube, namespace, tmp_path)
    assert (tmp_path / "apps" / "orders.yaml").read_text() == text
    assert "managedFields" not in text
