"""Every fault on its own: afterwards all pairs are whole and answer, nothing is left over, the oracle saw nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cluster.driving.faults import FAULTS, World
from tests.cluster.driving.faults.attacks import build_clock
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import QUICK_GATE, Helm, Release, fetch, target
from tests.cluster.stack import control_plane
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

REPLICAS = 4
A_MINUTE_S = 60.0


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, own_cluster: Cluster | None, kube: Kube, helm3: Helm) -> Iterator[World]:
    """A release of four pairs whose programs have a child and leave a daemon behind."""
    if own_cluster is None:
        pytest.skip("kills nodes or the API server, or looks into them: only in the cluster of `make e2e`")
    with kube.namespace("e2e-faults") as namespace:
        release = Release(kube, helm3, Mirror(kube, namespace), "f")
        # A hanging program is restarted, so that every fault heals by itself.
        gate = QUICK_GATE | {"onUnhealthy": "restart"}
        # Each launcher reads a clock that a fault can turn.
        clock = {"name": "LD_PRELOAD", "value": build_clock(own_cluster)}
        release.install(REPLICAS, target=target("-child", "-daemon"), gate=gate, extraEnv=[clock])
        release.wait_whole(REPLICAS)
        yield World(own_cluster, release, REPLICAS)
        release.mirror.close()


@pytest.mark.parametrize("name", FAULTS)
def test_heals(world: World, name: str) -> None:
    """After each single fault every pair is whole again; the oracle watches, as in every test."""
    world.dice.seed(name)
    world.settle()
    FAULTS[name](world)
    took = world.settle()
    print(f"{name}: whole again {took:.1f} s after the fault was over")


def test_a_minute_without_the_api(world: World) -> None:
    """Programs keep answering without the API; one whose launcher is killed meanwhile is back when the API is."""
    world.settle()
    killed, *others = world.release.pairs().values()
    world.cluster.control_plane.stop_api()
    stopped = time.monotonic()
    try:
        end = time.monotonic() + A_MINUTE_S
        before = world.launcher(killed)
        before.kill()
        while time.monotonic() < end:
            for pair in others:
                assert f"ordinal {pair.ordinal} " in fetch(pair.ip)
            time.sleep(1)
    finally:
        began = time.monotonic()
        world.cluster.control_plane.start_api()
    world.cluster.wait(lambda: control_plane.is_up(world.cluster.pki), 60, "the API answers again")
    world.note_outage(time.monotonic() - stopped)
    world.settle()
    took = time.monotonic() - began
    print(f"figure: API started again after a minute, a launcher killed meanwhile, until all is whole: {took:.1f} s")
    assert world.launcher(world.release.pair(killed.ordinal)).pid != before.pid


def test_a_launcher_that_stands_still_for_a_minute(world: World) -> None:
    """Its pair turns unready, and ready again when it resumes: kubelet does not restart it."""
    world.settle()
    pair = world.pair()
    process = world.launcher(pair)
    process.suspend()
    try:
        unready = world.wait_not_ready(pair)
        time.sleep(max(0.0, A_MINUTE_S - unready))
    finally:
        process.resume()
    world.settle()
    print(f"figure: launcher stands still, until its anchor is not Ready: {unready:.1f} s")
    assert world.launcher(world.release.pair(pair.ordinal)).pid == process.pid, "it was restarted"
