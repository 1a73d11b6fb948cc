"""Speeds: each figure beside its goal, in one table."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.driving import processes
from tests.cluster.driving.faults import World
from tests.cluster.driving.faults.nodes import drain
from tests.cluster.driving.mirror import Mirror, is_ready
from tests.cluster.driving.release import Helm, Release, fetch, values
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube, Object

PAIRS = 4


def figure(what: str, value_s: float, goal_s: float | None = None) -> None:
    """Print a figure, and assert its goal if it has one."""
    print(f"figure: {what}{f' (goal <= {goal_s:g} s)' if goal_s else ''}: {value_s:.2f} s")
    assert goal_s is None or value_s <= goal_s, f"{what}: {value_s:.2f} s, and {goal_s:g} s is the goal"


def answers(ip: str) -> bool:
    """Return whether the program on an IP answers right now."""
    try:
        fetch(ip, timeout_s=0.2)
    except OSError:
        return False
    return True


def wait_answer(ip: str, timeout_s: float = 60) -> float:
    """Send a request every 10 ms until the program answers; returns the seconds."""
    began = time.monotonic()
    while not answers(ip):
        assert time.monotonic() < began + timeout_s, f"{ip} does not answer after {timeout_s} s"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def world(
    own_cluster: Cluster | None, kube: Kube, helm3: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A release of four pairs, applied but not waited for."""
    if own_cluster is None:
        pytest.skip("looks into nodes: only in the cluster of `make e2e`")
    kube.wait_gone()
    with kube.namespace("e2e-speeds") as namespace:
        release = Release(kube, helm3, Mirror(kube, namespace), "s")
        yield World(own_cluster, release, PAIRS)
        release.mirror.close()


def test_four_pairs_from_apply_to_ready(world: World, tmp_path: Path) -> None:
    release = world.release
    release.values = values()
    file = tmp_path / "values.json"
    file.write_text(json.dumps(release.values | {"replicas": PAIRS}))
    rendered = release.helm.run(
        "template", "s", str(release.chart), "--no-hooks", "--namespace", release.namespace, "--values", str(file)
    ).stdout
    where = ("--namespace", release.namespace, "--filename", "-")
    took = []
    for number in range(3):
        if number:
            release.kube.kubectl("delete", *where, stdin=rendered)
            release.mirror.wait(lambda: not release.mirror.all("pods"), 120, "the previous pairs are gone")
        began = time.monotonic()
        release.kube.kubectl("apply", *where, stdin=rendered)
        release.wait_whole(PAIRS)
        took.append(time.monotonic() - began)
    figure("4 pairs applied to a cluster that has run nothing yet, until all are Ready", took[0])
    figure("4 pairs applied, until all are Ready, median of 3", statistics.median(took), 10)


@pytest.mark.parametrize(("who", "ordinals"), [("launcher", (0, 1)), ("target", (2, 3))])
def test_kill(world: World, who: str, ordinals: tuple[int, int]) -> None:
    """A killed launcher takes its program along; after a killed program its launcher restarts.

    Each ordinal is killed once: before a second start kubelet waits (here 4 s, by default 10 s).
    """
    release = world.release
    serving, ready = [], []
    for ordinal in ordinals:
        world.settle()
        pair = release.pair(ordinal)
        process = world.launcher(pair) if who == "launcher" else world.target(pair)
        began = time.monotonic()
        with world.renewed(release.pod(ordinal)):  # otherwise it would still be Ready from before
            process.kill()
            while answers(pair.ip):
                assert time.monotonic() < began + 10, "it was killed and still answers"
            wait_answer(pair.ip)
            serving.append(time.monotonic() - began)
        world.settle()
        ready.append(time.monotonic() - began)
    figure(
        f"kill -9 of the {who}, until its address serves again, median of 2",
        statistics.median(serving),
        3 if who == "launcher" else None,
    )
    figure(f"kill -9 of the {who}, until the pair is Ready, median of 2", statistics.median(ready), 10)


def test_anchor_deleted(world: World) -> None:
    """The program stops while its old network lasts; its launcher waits for the next anchor's address."""
    release = world.release
    serving, lags, noticed = [], [], []
    for _ in range(3):
        world.settle()
        began = time.monotonic()
        old = release.pair(1).anchor
        world.kubectl("delete", "pod", release.anchor(1), "--wait=false")

        def address(old: Object | None = old) -> str:
            anchor = release.pair(1).anchor
            is_new = anchor is not None and old is not None and anchor["metadata"]["uid"] != old["metadata"]["uid"]
            return release.pair(1).ip if is_new else ""

        release.mirror.wait(lambda: bool(address()), 90, "another anchor 1 has an address")
        told = time.monotonic()
        wait_answer(address())
        open_s = time.monotonic()
        lags.append(open_s - told)
        serving.append(open_s - began)
        release.mirror.wait(lambda: is_ready(release.pair(1).anchor), 60, "the new anchor is Ready")
        noticed.append(time.monotonic() - open_s)
    figure("anchor deleted, until its ordinal serves again (7 s of it drain), median of 3", statistics.median(serving))
    figure(
        "port open, until the anchor is Ready in the API (probe period 1 s), median of 3", statistics.median(noticed)
    )
    figure("anchor's address in the API, until its program answers there, median of 3", statistics.median(lags), 0.15)
    world.settle()


def test_drain_of_four(world: World) -> None:
    """All four pairs on one node, which is drained."""
    world.settle()
    release = world.release
    nodes = sorted(world.cluster.nodes)
    release.kube.kubectl("cordon", nodes[1])
    try:
        for pair in release.pairs().values():
            if pair.node == nodes[1]:
                world.kubectl("delete", "pod", release.pod(pair.ordinal), "--wait=false")
        release.mirror.wait(
            lambda: {pair.node for pair in release.pairs().values()} == {nodes[0]} and release.is_whole(PAIRS),
            120,
            f"four pairs on {nodes[0]}",
        )
    finally:
        release.kube.kubectl("uncordon", nodes[1])
    began = time.monotonic()
    try:
        drain(world, nodes[0])
        release.wait_whole(PAIRS)
        figure("drain of a node with 4 pairs, one at a time, until all serve elsewhere", time.monotonic() - began)
        assert {pair.node for pair in release.pairs().values()} == {nodes[1]}
    finally:
        release.kube.kubectl("uncordon", nodes[0])
    world.settle()


def test_eight_launchers_at_rest(world: World) -> None:
    """Memory and CPU of eight launchers together, over a minute in which nothing happens."""
    world.release.scale(8)
    world.replicas = 8
    world.settle()
    time.sleep(5)
    found = [
        process
        for node in world.cluster.nodes.values()
        for process in processes.launchers(node.machine, world.release.namespace)
    ]
    assert len(found) == 8
    before = sum(sum(process.cpu_times()[:2]) for process in found)
    time.sleep(30)
    after = sum(sum(process.cpu_times()[:2]) for process in found)
    # Their init processes share pages with them: the proportional set size counts each page once.
    memory = sum(process.memory_full_info().pss for process in found) / 2**20
    print(f"figure: CPU of 8 launchers at rest, together, of one core: {(after - before) / 30:.2%}")
    print(f"figure: memory of 8 launchers, together (PSS): {memory:.0f} MiB")
