"""Install, upgrade, rollback and uninstall by each Helm, as its users do; afterwards nothing is left."""

from __future__ import annotations

import functools
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.driving import processes
from tests.cluster.driving.release import QUICK_GATE, Helm, Pair, Release, target
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

NewRelease = Callable[..., Release]


def undo_on_failure(helm: Helm) -> str:
    """Return the option that undoes a failed install or upgrade; Helm 4 renamed it."""
    return "--rollback-on-failure" if Path(helm.program).name == "helm4" else "--atomic"


def version(release: Release, ordinal: int) -> str:
    """Return which version of the program answers on an anchor's IP, through the API server."""
    words = release.ask(ordinal).split()
    return words[words.index("version") + 1]


def assert_whole_now(release: Release, replicas: int, what: str) -> None:
    """Assert that this many pairs are whole right now, by the API and not by a mirror that may lag."""
    listed = release.kube.get(f"namespaces/{release.namespace}/pods")["items"]
    pods = {pod["metadata"]["name"]: pod for pod in listed}
    pairs = [Pair(n, pods.get(release.pod(n)), pods.get(release.anchor(n))) for n in range(replicas)]
    broken = [pair.ordinal for pair in pairs if not pair.is_whole]
    assert not broken, f"{what} returned before these pairs were whole: {broken}\n{release.mirror.describe()}"


@functools.cache
def kinds(kube: Kube, namespaced: bool) -> str:
    """Return every kind of the API that can be listed and deleted, except events."""
    choice = (f"--namespaced={str(namespaced).lower()}", "--verbs=list,delete", "--output=name")
    listed = kube.kubectl("api-resources", *choice).stdout.split()
    return ",".join(kind for kind in listed if not kind.startswith("events"))


def objects(kube: Kube, namespace: str, instance: str) -> set[str]:
    """Return everything in a namespace except events, and what a release has outside namespaces."""
    found: list[str] = []
    for namespaced, choice in (
        (True, ["--namespace", namespace]),
        (False, ["-l", f"app.kubernetes.io/instance={instance}"]),
    ):
        asked = kube.kubectl("get", kinds(kube, namespaced), *choice, "--output=name", "--ignore-not-found")
        found += asked.stdout.split()
    return set(found)


def on_nodes(cluster: Cluster | None, namespace: str) -> list[str]:
    """Return what runs on our own nodes for a namespace's releases; nothing on other clusters' nodes."""
    found = []
    for node in cluster.nodes.values() if cluster else ():
        found += [f"{node.name}: launcher {each.pid}" for each in processes.launchers(node.machine, namespace)]
        found += [f"{node.name}: program {each.pid}" for each in processes.targets(node.machine)]
        found += [f"{node.name}: network {each}" for each in processes.network_namespaces(node.machine)]
    return found


@contextmanager
def nothing_left(release: Release, cluster: Cluster | None, within_s: float = 120) -> Iterator[None]:
    """Assert that within some seconds after the block the API and the nodes are as they were before it."""

    def look() -> set[str]:
        return objects(release.kube, release.namespace, release.name) | set(on_nodes(cluster, release.namespace))

    before = look()
    yield
    deadline = time.monotonic() + within_s
    release.mirror.wait(lambda: not release.mirror.all("pods"), within_s, "no pod is left")
    while left := look() - before:
        assert time.monotonic() < deadline, f"{within_s:.0f} s later there is still {sorted(left)}"
        time.sleep(2)  # each look lists sixty kinds, which keeps the API busy for a second


def run_helm_test(release: Release) -> subprocess.CompletedProcess[str]:
    """Run `helm test --logs`."""
    return release.helm.run(
        "test", release.name, "--namespace", release.namespace, "--logs", "--timeout=60s", check=False
    )


def test_lifecycle(helm: Helm, new_release: NewRelease, own_cluster: Cluster | None) -> None:
    """With --wait each step returns when its pairs are whole and its version answers; uninstall leaves nothing.

    `helm test` passes while every pair answers and fails while one does not; its pod goes with the release.
    """
    name = Path(helm.program).name
    release = new_release(helm=helm)
    with nothing_left(release, own_cluster):
        took = release.install(2, "--wait", "--timeout=300s", tests={"timeoutSeconds": 5}, gate=QUICK_GATE)
        assert_whole_now(release, 2, "install")
        assert [version(release, ordinal) for ordinal in (0, 1)] == ["1", "1"]
        print(f"figure: {name} install --wait, 2 pairs: {took:.1f} s")

        done = run_helm_test(release)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3 of 3 checks passed" in done.stdout

        took = release.upgrade(2, "--wait", "--timeout=300s", target=target("-version", "2"))
        assert_whole_now(release, 2, "upgrade")
        assert [version(release, ordinal) for ordinal in (0, 1)] == ["2", "2"]
        print(f"figure: {name} upgrade --wait of the arguments, 2 pairs: {took:.1f} s")

        began = time.monotonic()
        helm.run("rollback", release.name, "1", "--namespace", release.namespace, "--wait", "--timeout=300s")
        assert_whole_now(release, 2, "rollback")
        assert [version(release, ordinal) for ordinal in (0, 1)] == ["1", "1"]
        print(f"figure: {name} rollback --wait, 2 pairs: {time.monotonic() - began:.1f} s")

        # The program of one pair stops answering; with onUnhealthy: unready it stays that way.
        release.ask(1, "/hang")
        release.mirror.wait(lambda: not release.pair(1).is_whole, 120, "pair 1 is unready")
        done = run_helm_test(release)
        assert done.returncode != 0, f"helm test passed with a pair that does not answer: {done.stdout}"
        assert "replica 1: FAILED: /readyz" in done.stdout, done.stdout + done.stderr

        began = time.monotonic()
        release.uninstall()
    print(f"figure: {name} uninstall until nothing is left: {time.monotonic() - began:.1f} s")


def test_failing_install_leaves_nothing(helm: Helm, new_release: NewRelease, own_cluster: Cluster | None) -> None:
    """An install that cannot become ready fails at its timeout and removes everything again."""
    release = new_release(helm=helm)
    with nothing_left(release, own_cluster), pytest.raises(RuntimeError):
        release.install(1, undo_on_failure(helm), "--timeout=10s", target=target(exe="/opt/apps/absent"))


def test_failing_upgrade_is_taken_back(helm: Helm, new_release: NewRelease) -> None:
    """An upgrade that cannot become ready is rolled back; the previous version serves again."""
    release = new_release(helm=helm)
    release.install(1, "--wait", "--timeout=300s")
    with pytest.raises(RuntimeError):
        release.upgrade(
            1, undo_on_failure(helm), "--timeout=20s", target=target("-version", "2", exe="/opt/apps/absent")
        )
    assert_whole_now(release, 1, "a rolled back upgrade")
    assert version(release, 0) == "1"
