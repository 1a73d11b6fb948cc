"""What every release must survive, however its anchors and launcher are provided: install, kill, delete."""

from __future__ import annotations

import time
from typing import Any

from tests.cluster.driving import processes
from tests.cluster.driving.release import Release
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Object


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
