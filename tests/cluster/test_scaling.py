"""The anchors follow whoever sets the number of replicas; and what each Helm does with a number that others set."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.driving import processes
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import Helm, Release, target
from tests.cluster.stack.cluster import Cluster

NewRelease = Callable[..., Release]

FOLLOWS_WITHIN_S = 2.0


def changes(mirror: Mirror, set_name: str, since: float = 0.0) -> list[tuple[float, int]]:
    """Return (time.monotonic(), spec.replicas) for every change of a set's replicas since a moment."""
    found: list[tuple[float, int]] = []
    for moment, kind, what, item in list(mirror.events):
        if kind == "statefulsets" and what != "DELETED" and item["metadata"]["name"] == set_name:
            replicas = int(item["spec"]["replicas"])
            if not found or found[-1][1] != replicas:
                found.append((moment, replicas))
    return [change for change in found if change[0] >= since]


def replicas(release: Release, set_name: str) -> int:
    """Return a set's current replicas."""
    return int(release.mirror.all("statefulsets")[set_name]["spec"]["replicas"])


def anchors_of(release: Release) -> str:
    """Return the name of the anchor set."""
    return f"{release.name}-anchor"


def wait_followed(release: Release, wanted: int, since: float, timeout_s: float = 120) -> float:
    """Wait until the anchor set has this many replicas; return the moment (time.monotonic()) it got them."""
    release.mirror.wait(
        lambda: replicas(release, anchors_of(release)) == wanted, timeout_s, f"the anchor set has replicas: {wanted}"
    )
    return next(moment for moment, number in changes(release.mirror, anchors_of(release), since) if number == wanted)


def follow_s(release: Release, wanted: int, since: float) -> float:
    """Return how many seconds after the launcher set the anchor set changed to a number."""
    followed = wait_followed(release, wanted, since)
    asked = next(moment for moment, number in changes(release.mirror, release.name, since) if number == wanted)
    return followed - asked


def change(release: Release, what: str, wanted: int, act: Callable[[], object]) -> float:
    """Scale by `act`, wait until exactly these pairs are whole; return the delay of the anchor set."""
    since = time.monotonic()
    act()
    followed = follow_s(release, wanted, since)
    release.wait_whole(wanted)
    print(f"figure: {what} to {wanted}, anchor set follows: {followed * 1000:.0f} ms")
    print(f"figure: {what} to {wanted}, all pairs whole: {time.monotonic() - since:.1f} s")
    return followed


def test_anchors_follow(release: Release) -> None:
    """2 -> 8 -> 2 by kubectl scale and by helm upgrade, 0 and back: the anchor set follows within 2 s."""
    release.install(2)
    release.wait_whole(2)
    late = [
        change(release, "kubectl scale", 8, lambda: release.scale(8)),
        change(release, "helm upgrade --set replicas", 2, lambda: release.upgrade(None, "--set=replicas=2")),
        change(release, "helm upgrade --set replicas", 8, lambda: release.upgrade(None, "--set=replicas=8")),
        change(release, "kubectl scale", 2, lambda: release.scale(2)),
        change(release, "kubectl scale", 0, lambda: release.scale(0)),
    ]
    assert not release.mirror.all("pods")
    since = time.monotonic()
    release.scale(1)
    # The launcher has to start first; how soon after that the anchors follow is measured below, on our own cluster.
    wait_followed(release, 1, since)
    release.wait_whole(1)
    print(f"figure: kubectl scale 0 to 1, all pairs whole: {time.monotonic() - since:.1f} s")
    numbers = [number for _, number in changes(release.mirror, anchors_of(release))]
    assert numbers == [1, 2, 8, 2, 8, 2, 0, 1], "nothing else ever changed the anchors' number"
    assert max(late) <= FOLLOWS_WITHIN_S


def test_follows_from_another_start(release: Release) -> None:
    """With ordinals.start the launcher of that ordinal scales the anchors, and the pairs have those ordinals."""
    release.start = 3
    release.install(1, ordinals={"start": 3})
    release.wait_whole(1)
    assert change(release, "kubectl scale from ordinal 3 on", 2, lambda: release.scale(2)) <= FOLLOWS_WITHIN_S
    assert set(release.pairs()) == {3, 4}


@contextmanager
def nowhere_to_go(cluster: Cluster) -> Iterator[None]:
    """Keep new pods from being placed."""
    cluster.kube.kubectl("cordon", *cluster.nodes)
    try:
        yield
    finally:
        cluster.kube.kubectl("uncordon", *cluster.nodes)


def started(pid: int) -> float:
    """Return the moment (time.monotonic()) a process was created, from its start time in ticks since boot."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age_s


def start_of_launcher(cluster: Cluster, release: Release, ordinal: int) -> float:
    """Wait until a launcher runs; return the moment (time.monotonic()) its process was created."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for node in cluster.nodes.values():
            for launcher in processes.launchers(node.machine, release.namespace, release.pod(ordinal)):
                return started(launcher.pid)
        time.sleep(0.05)
    message = f"{release.pod(ordinal)} did not start"
    raise AssertionError(message)


def test_next_start_catches_up(cluster: Cluster, release: Release) -> None:
    """While launcher 0 is down the anchors do not follow; they do within 2 s of its next start."""
    release.install(2)
    release.wait_whole(2)
    with nowhere_to_go(cluster):
        release.kube.kubectl("delete", "pod", release.pod(0), "--namespace", release.namespace)
        since = time.monotonic()
        release.scale(3)
        release.mirror.wait(lambda: release.pod(2) in release.mirror.all("pods"), 120, "launcher 2 exists")
        assert replicas(release, anchors_of(release)) == 2
    began = start_of_launcher(cluster, release, 0)
    followed = wait_followed(release, 3, since) - began
    print(f"figure: launcher 0 starts, anchor set has caught up: {followed * 1000:.0f} ms")
    release.wait_whole(3)
    assert followed <= FOLLOWS_WITHIN_S


def test_installed_with_0(cluster: Cluster, release: Release) -> None:
    """Installed with 0 replicas, one anchor stays Pending; the first launcher that starts corrects the number."""
    release.install(0)
    release.mirror.wait(lambda: len(release.mirror.all("pods")) == 1, 120, "one anchor")
    assert release.pair(0).anchor and not release.pair(0).anchor["spec"].get("nodeName")
    since = time.monotonic()
    release.scale(2)
    began = start_of_launcher(cluster, release, 0)
    followed = wait_followed(release, 2, since) - began
    print(f"figure: from 0, launcher 0 starts, anchor set follows: {followed * 1000:.0f} ms")
    release.wait_whole(2)
    assert followed <= FOLLOWS_WITHIN_S


def owners(release: Release) -> set[str]:
    """Return the field managers that own spec.replicas of the launcher set."""
    answer = release.kube.get(f"namespaces/{release.namespace}/statefulsets/{release.name}", version="apps/v1")
    return {
        entry["manager"]
        for entry in answer["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }


def now(release: Release) -> int:
    """Return the launcher set's replicas, as the API has them."""
    path = f"namespaces/{release.namespace}/statefulsets/{release.name}"
    return int(release.kube.get(path, version="apps/v1")["spec"]["replicas"])


def test_helm_3_after_kubectl_scale(release: Release) -> None:
    """Helm 3 silently scales back to the replicas in the values, and keeps a number that it is given."""
    release.install(1)
    release.scale(2)
    release.upgrade(2, target=target("-version", "2"))
    assert now(release) == 2
    release.scale(3)
    release.upgrade(2, target=target("-version", "3"))
    assert now(release) == 2, "an upgrade with the old number in the values scales back"


def test_helm_4_after_kubectl_scale(new_release: NewRelease, helm4: Helm) -> None:
    """Helm 4 refuses to change replicas that kubectl set, keeps a number it is given, and scales back if forced."""
    release = new_release(helm=helm4)
    release.install(1)
    assert owners(release) == {"helm"}
    release.scale(2)
    with pytest.raises(RuntimeError, match=r'(?s)conflict.*with "kubectl".*\.spec\.replicas'):
        release.upgrade(1, target=target("-version", "2"))
    assert now(release) == 2, "an upgrade that was refused changes nothing"
    release.upgrade(2, target=target("-version", "2"))
    assert now(release) == 2
    assert owners(release) == {"helm", "kubectl"}
    with pytest.raises(RuntimeError, match=r"\.spec\.replicas"):
        release.upgrade(3)
    release.upgrade(1, "--force-conflicts")
    assert now(release) == 1
    assert owners(release) == {"helm"}


def test_helm_4_goes_on_patching_what_helm_3_installed(new_release: NewRelease, helm3: Helm, helm4: Helm) -> None:
    """Helm 4 upgrades a release of Helm 3 as Helm 3 would: it silently scales back."""
    release = new_release(helm=helm3)
    release.install(1)
    release.scale(2)
    release.helm = helm4
    release.upgrade(1, target=target("-version", "2"))
    assert now(release) == 1


def test_to_an_autoscaler_and_back(helm: Helm, new_release: NewRelease) -> None:
    """Enabling the autoscaler removes replicas, which counts as 1, and it scales to its minimum at once."""
    release = new_release(helm=helm)
    release.install(3)
    since = time.monotonic()
    autoscaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 4}
    release.upgrade(None, autoscaling=autoscaling, launcher={"resources": {"requests": {"cpu": "100m"}}})
    release.mirror.wait(lambda: replicas(release, release.name) == 2, 120, "the autoscaler's minimum")
    assert [number for _, number in changes(release.mirror, release.name, since)] == [1, 2]
    release.upgrade(3, autoscaling={"enabled": False})
    assert now(release) == 3
