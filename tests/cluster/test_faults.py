"""Every fault by itself: then each pair is whole and answers, nothing is left over, and the oracle saw nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.faults import FAULTS, World
from tests.cluster.kube import Kube, Mirror
from tests.cluster.release import QUICK_GATE, Helm, Release, target

REPLICAS = 4


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, own_cluster: Cluster | None, kube: Kube, helm3: Helm) -> Iterator[World]:
    """A release of four pairs whose programs have a child and leave a daemon behind."""
    if own_cluster is None:
        pytest.skip("kills nodes or the API server, or looks into them: only in the cluster of `make e2e`")
    with kube.namespace("e2e-faults") as namespace:
        release = Release(kube, helm3, Mirror(kube, namespace), "f")
        # A hanging program is started anew, so that every fault heals by itself.
        gate = QUICK_GATE | {"onUnhealthy": "restart"}
        release.install(REPLICAS, target=target("-child", "-daemon"), gate=gate)
        release.wait_whole(REPLICAS)
        yield World(own_cluster, release, REPLICAS)
        release.mirror.close()


@pytest.mark.parametrize("name", FAULTS)
def test_heals(world: World, name: str) -> None:
    """Each fault alone, from whole to whole; the oracle watches, as in every test."""
    world.dice.seed(name)
    world.settle()
    FAULTS[name](world)
    took = world.settle()
    print(f"{name}: whole again {took:.1f} s after the fault was over")
