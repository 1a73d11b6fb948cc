"""Every way to provide anchors and the launcher, as in docs/strategies.md: install, scale, kill, heal."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mooring.bundle.archive import ARCHIVE_FILE

from tests.cluster.driving import processes
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import PORT, READINESS_PORT, Helm, Pair, Release, target
from tests.cluster.stack import images
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube, Object

NewRelease = Callable[..., Release]


class Numbered(Release):
    """A release whose anchors have names of their own: `named` is given an ordinal."""

    named: Callable[[int], str]

    def anchor(self, ordinal: int) -> str:
        """Name of anchor n."""
        return self.named(ordinal)


class Foreign(Release):
    """A release whose anchors others made in another namespace; a label selects them."""

    nets: Mirror

    def pod(self, ordinal: int) -> str:
        """Name of launcher n, which has a set of its own."""
        return f"{self.name}-launcher-{ordinal}-{ordinal}"

    def pair(self, ordinal: int) -> Pair:
        """Return launcher n and the anchor labelled with ordinal n, preferably one that is not being deleted."""
        found = [
            pod for pod in self.nets.all("pods").values() if pod["metadata"]["labels"].get("app") == f"net-{ordinal}"
        ]
        found.sort(key=lambda pod: "deletionTimestamp" in pod["metadata"])
        return Pair(ordinal, self.mirror.pod(self.pod(ordinal)), found[0] if found else None)

    def pairs(self) -> dict[int, Pair]:
        """Return a pair for every launcher."""
        index = "apps.kubernetes.io/pod-index"
        ordinals = [int(pod["metadata"]["labels"][index]) for pod in self.mirror.all("pods").values()]
        return {ordinal: self.pair(ordinal) for ordinal in ordinals}


def ask_service(release: Release, service: str) -> str:
    """GET / of a Service's port http through the API server; return the whole answer.

    The API server learns a Service's addresses by its own watch, which may lag behind ours: until then it answers that
    there are no endpoints. Any other refusal comes from the program or the network, and fails.
    """
    url = f"namespaces/{release.namespace}/services/{service}:http/proxy/"
    deadline = time.monotonic() + 5
    while True:
        answer = release.kube.http.get(version="v1", url=url)
        if answer.status_code == 200:
            return str(answer.text)
        behind = answer.status_code == 503 and "no endpoints available for service" in answer.text
        assert behind and time.monotonic() < deadline, (answer.status_code, answer.text)
        time.sleep(0.1)


def ask_anchors(release: Release, replicas: int) -> None:
    """Assert that each anchor's IP is answered by the program of its own ordinal."""
    for ordinal in range(replicas):
        assert f"ordinal {ordinal} " in release.ask(ordinal)


def uid(pod: Object | None) -> str:
    """Return a pod's uid, or ''."""
    return str(pod["metadata"]["uid"]) if pod else ""


def restarts(pod: Object | None) -> int:
    """Return how often a pod's containers have been restarted."""
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", [])) if pod else 0


def kill_and_heal(cluster: Cluster, release: Release, replicas: int, what: str) -> None:
    """Kill launcher 1 with no chance to clean up, then delete its anchor: each time all pairs heal by themselves."""
    pair = release.pair(1)
    (launcher,) = processes.launchers(cluster.nodes[pair.node].machine, release.namespace, release.pod(1))
    began, before = time.monotonic(), restarts(pair.launcher)
    launcher.kill()
    release.mirror.wait(lambda: restarts(release.pair(1).launcher) > before, 120, "launcher 1 has restarted")
    release.wait_whole(replicas)
    print(f"figure: {what}, kill -9 of a launcher to all whole: {time.monotonic() - began:.1f} s")

    anchor = release.pair(1).anchor
    assert anchor is not None
    began = time.monotonic()
    where = ("--namespace", anchor["metadata"]["namespace"], "--wait=false")
    release.kube.kubectl("delete", "pod", anchor["metadata"]["name"], *where)
    release.mirror.wait(lambda: uid(release.pair(1).anchor) not in ("", uid(anchor)), 120, "there is a new anchor 1")
    release.wait_whole(replicas)
    print(f"figure: {what}, anchor deleted to all whole: {time.monotonic() - began:.1f} s")


def install(release: Release, replicas: int, what: str, **more: Any) -> None:
    """Install and wait until the pairs are whole."""
    began = time.monotonic()
    release.install(replicas, **more)
    release.wait_whole(replicas)
    print(f"figure: {what}, install to {replicas} whole pairs: {time.monotonic() - began:.1f} s")


@pytest.fixture
def make(kube: Kube, helm3: Helm, namespace: str) -> Iterator[Callable[[type[Release]], Release]]:
    """A function that makes a release `r` of a class."""
    mirror = Mirror(kube, namespace)
    yield lambda kind: kind(kube, helm3, mirror, "r")
    helm3.run("uninstall", "r", "--namespace", namespace, "--ignore-not-found", check=False)
    mirror.close()


def test_static(cluster: Cluster, make: Callable[[type[Numbered]], Numbered]) -> None:
    """With a set for each anchor, helm upgrade adds and removes whole pairs and leaves the others alone."""
    release = make(Numbered)
    release.named = lambda ordinal: f"r-anchor-{ordinal}-{ordinal}"
    anchor = {"strategy": "static", "unschedulableSeconds": 10}
    install(release, 2, "static", anchor=anchor)
    ask_anchors(release, 2)
    stay = {uid(half) for n in (0, 1) for half in (release.pair(n).launcher, release.pair(n).anchor)}
    release.upgrade(3)
    release.wait_whole(3)
    assert set(release.mirror.all("statefulsets")) == {"r", "r-anchor-0", "r-anchor-1", "r-anchor-2"}
    ask_anchors(release, 3)
    release.upgrade(2)
    release.wait_whole(2)
    assert {uid(half) for n in (0, 1) for half in (release.pair(n).launcher, release.pair(n).anchor)} == stay
    kill_and_heal(cluster, release, 2, "static")
    ask_anchors(release, 2)


def test_shared(cluster: Cluster, make: Callable[[type[Numbered]], Numbered]) -> None:
    """With one IP and a port and Service for each, one more replica leaves the network and the others alone."""
    release = make(Numbered)
    release.named = lambda _ordinal: "r-anchor-0"
    ports = {ordinal: PORT + ordinal for ordinal in range(3)}
    own = {str(n): {"args": ["-port", str(port)], "ports": {"http": port}} for n, port in ports.items() if n}
    anchor = {"strategy": "shared", "unschedulableSeconds": 10}
    rbac = {"create": True, "maxReplicas": 3}
    install(release, 2, "shared", anchor=anchor, rbac=rbac, target=target(perOrdinal=own))

    def ask_services(replicas: int) -> None:
        for ordinal in range(replicas):
            service = f"r-anchor-{ordinal}"
            # A pod is Ready a moment before its Services have its address.
            now = {release.pair(ordinal).ip}
            release.mirror.wait(
                lambda name=service, now=now: release.ready_endpoints(name) == now, 10, f"{service} has {now}"
            )
            said = ask_service(release, service)
            assert f"ordinal {ordinal} " in said
            assert f":{ports[ordinal]}" in said

    ask_services(2)
    assert len({release.pair(ordinal).ip for ordinal in (0, 1)}) == 1
    stay = {uid(release.pair(n).launcher) for n in (0, 1)} | {uid(release.pair(0).anchor)}
    release.upgrade(3)
    release.wait_whole(3)
    ask_services(3)
    release.upgrade(2)
    release.wait_whole(2)
    assert {uid(release.pair(n).launcher) for n in (0, 1)} | {uid(release.pair(0).anchor)} == stay
    kill_and_heal(cluster, release, 2, "shared")
    ask_services(2)


def foreign_anchor(ordinal: int, namespace: str) -> Object:
    """Return an anchor as K2s users write it, a Deployment and a label, with all that docs/strategies.md advises."""
    labels = {"app": f"net-{ordinal}"}
    container = {
        "name": "anchor",
        "image": images.PAUSE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "readiness", "containerPort": READINESS_PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "readiness"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"httpGet": {"path": "/hold", "port": "readiness"}}},
    }
    pod = {"terminationGracePeriodSeconds": 40, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"net-{ordinal}", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def test_anchors_of_others(cluster: Cluster, make: Callable[[type[Foreign]], Foreign]) -> None:
    """With Deployments in another namespace as anchors, launchers go to them, follow them and never evict one."""
    release = make(Foreign)
    with release.kube.namespace(f"{release.namespace}-nets") as nets:
        release.nets = Mirror(release.kube, nets)
        release.kube.apply(*(foreign_anchor(ordinal, nets) for ordinal in range(3)))
        selector = {"create": False, "strategy": "static", "selector": "app=net-{ordinal}", "namespace": nets}
        install(release, 2, "anchors of others", anchor=selector | {"unschedulableSeconds": 10})
        ask_anchors(release, 2)
        release.upgrade(3)
        release.wait_whole(3)
        ask_anchors(release, 3)
        release.upgrade(2)
        release.wait_whole(2)
        kill_and_heal(cluster, release, 2, "anchors of others")
        ask_anchors(release, 2)
        # Nothing of that may have touched anchor 0.
        assert len({uid(item) for _, kind, _, item in release.nets.events if kind == "pods" and is_net(item, 0)}) == 1
        release.uninstall()
        release.mirror.wait(lambda: not release.mirror.all("pods"), 120, "no launcher is left")
        release.nets.close()


def is_net(pod: Object, ordinal: int) -> bool:
    """Return whether a pod is an anchor for an ordinal."""
    return bool(pod["metadata"]["labels"]["app"] == f"net-{ordinal}")


APP = """\
apiVersion: mooring/v1
kind: App
name: carried
version: 1.0.0
values: {platform: linux, target: {exe: /opt/apps/served}, launcher: {source: configMap}}
"""


def test_launcher_from_the_chart(cluster: Cluster, new_release: NewRelease, tmp_path: Path) -> None:
    """With launcher.source: configMap the chart's launcher runs; it scales and heals like the node's."""
    (tmp_path / "app.yaml").write_text(APP)
    command = [sys.executable, "-m", "mooring", "generate", str(tmp_path / "app.yaml"), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    (chart,) = (tmp_path / "out").rglob("Chart.yaml")
    release = new_release(chart=chart.parent)
    install(release, 2, "launcher from the chart", launcher={"source": "configMap"})
    pair = release.pair(1)
    (launcher,) = processes.launchers(cluster.nodes[pair.node].machine, release.namespace, release.pod(1))
    assert "/etc/mooring-launcher/mooring-launcher.pyz" in launcher.cmdline()
    ask_anchors(release, 2)
    release.scale(3)
    release.wait_whole(3)
    release.scale(2)
    release.wait_whole(2)
    kill_and_heal(cluster, release, 2, "launcher from the chart")
    ask_anchors(release, 2)
    upgrade_the_launcher(release, chart.parent, tmp_path / "newer")


def upgrade_the_launcher(release: Release, chart: Path, newer: Path) -> None:
    """Install a chart with another launcher in it: below the partition a new pod still has the old one.

    The old one's ConfigMap goes with the first upgrade after the rollout.
    """
    shutil.copytree(chart, newer)
    archive = newer / ARCHIVE_FILE
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive.read_text()))) as old:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
            new.writestr("newer", "")
    archive.write_text(base64.b64encode(content.getvalue()).decode())
    first = code_of(release, 0)
    before = [uid(release.pair(n).launcher) for n in (0, 1)]
    release.chart = newer
    release.upgrade(2, updateStrategy={"type": "RollingUpdate", "partition": 1})
    wait_renewed(release, 1, before[1])
    second = code_of(release, 1)
    assert second != first
    release.kube.kubectl("--namespace", release.namespace, "delete", "pod", release.pod(0), "--wait=false")
    wait_renewed(release, 0, before[0])
    assert (code_of(release, 0), code_of(release, 1)) == (first, second), "each by its own revision"
    before = [uid(release.pair(n).launcher) for n in (0, 1)]
    release.upgrade(2, updateStrategy={"type": "RollingUpdate", "partition": 0})
    wait_renewed(release, 0, before[0])
    assert code_of(release, 0) == second
    assert {first, second} <= config_maps(release)
    release.upgrade(2, revisionHistoryLimit=5)
    assert first not in config_maps(release)
    assert second in config_maps(release)


def wait_renewed(release: Release, ordinal: int, before: str) -> None:
    """Wait until a launcher is a new pod and both pairs are whole."""
    release.mirror.wait(
        lambda: uid(release.pair(ordinal).launcher) not in ("", before) and release.is_whole(2),
        120,
        f"launcher {ordinal} is new and both pairs are whole",
    )


def code_of(release: Release, ordinal: int) -> str:
    """Return the name of the ConfigMap that a launcher is started from."""
    launcher = release.pair(ordinal).launcher
    assert launcher is not None
    (name,) = [each["configMap"]["name"] for each in launcher["spec"]["volumes"] if each["name"] == "launcher-code"]
    return str(name)


def config_maps(release: Release) -> set[str]:
    """Return the names of the namespace's ConfigMaps."""
    found = release.kube.get(f"namespaces/{release.namespace}/configmaps")["items"]
    return {each["metadata"]["name"] for each in found}
