"""How fast it is: each figure beside its goal, printed in one table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import processes
from tests.cluster.cluster import Cluster
from tests.cluster.faults import World, drain
from tests.cluster.kube import Kube, Mirror, is_ready
from tests.cluster.release import Helm, Release, fetch, values

PAIRS = 4


def figure(what: str, value_s: float, goal: str = "") -> None:
    print(f"figure: {what}{f' (goal {goal})' if goal else ''}: {value_s:.2f} s")


def answers(ip: str) -> bool:
    """Tell whether the program on an IP answers right now."""
    try:
        fetch(ip, timeout_s=1)
    except OSError:
        return False
    return True


def wait_answer(ip: str, timeout_s: float = 60) -> float:
    """Ask every 10 ms until the program answers; returns the seconds."""
    began = time.monotonic()
    while not answers(ip):
        assert time.monotonic() < began + timeout_s, f"{ip} does not answer after {timeout_s} s"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def world(
    own_cluster: Cluster | None, kube: Kube, helm3: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Four pairs, applied and not yet waited for."""
    if own_cluster is None:
        pytest.skip("looks into nodes: only in the cluster of `make e2e`")
    with kube.namespace("e2e-speeds") as namespace:
        release = Release(kube, helm3, Mirror(kube, namespace), "s")
        yield World(own_cluster, release, PAIRS)
        release.mirror.close()


def test_four_pairs_from_apply_to_ready(world: World, tmp_path: Path) -> None:
    release = world.release
    release.values = values()
    import json

    file = tmp_path / "values.json"
    file.write_text(json.dumps(release.values | {"replicas": PAIRS}))
    rendered = release.helm.run(
        "template", "s", str(release.chart), "--namespace", release.namespace, "--values", str(file)
    ).stdout
    # What a release leaves to Helm: it takes over what is there.
    began = time.monotonic()
    release.kube.kubectl("apply", "--namespace", release.namespace, "--filename", "-", stdin=rendered)
    release.wait_whole(PAIRS)
    took = time.monotonic() - began
    figure("4 pairs applied, until all are Ready", took, "<= 10 s")
    _print_launch_times(world)
    _print_ready_lag(world)


def _print_launch_times(world: World) -> None:
    """By the launcher's own clock: the API's has whole seconds."""
    lags = []
    for pair in world.release.pairs().values():
        shown = fetch(pair.ip, "/metrics", 8091)
        found = [float(line.split()[-1]) for line in shown.splitlines() if line.startswith("mooring_attach_seconds ")]
        lags += found
    if lags:
        figure("anchor's address usable, until the program was started, median", statistics.median(lags), "<= 0.15 s")


def _print_ready_lag(world: World) -> None:
    """From the first answer of a program that starts anew to its anchor's Ready in the API."""
    pair = world.release.pair(0)
    release = world.release
    world.target(pair).kill()
    world.wait_not_ready(pair)
    wait_answer(pair.ip)
    began = time.monotonic()
    release.mirror.wait(lambda: is_ready(release.pair(0).anchor), 60, "anchor 0 is Ready")
    figure("port open, until the anchor is Ready in the API (probe period 1 s)", time.monotonic() - began)
    world.settle()


@pytest.mark.parametrize("who", ["launcher", "target"])
def test_kill(world: World, who: str) -> None:
    serving, ready = [], []
    for ordinal in range(3):
        world.settle()
        pair = world.release.pair(ordinal)
        process = world.launcher(pair) if who == "launcher" else world.target(pair)
        began = time.monotonic()
        process.kill()
        process.wait(10) if False else None
        while answers(pair.ip):
            assert time.monotonic() < began + 10, "it was killed and still answers"
        wait_answer(pair.ip)
        serving.append(time.monotonic() - began)
        # The kubelets' view lags: first the kill must have been seen, or the pair was Ready all along.
        world.settle()
        ready.append(time.monotonic() - began)
    figure(
        f"kill -9 of the {who}, until its address serves again, median of 3",
        statistics.median(serving),
        "<= 3 s" if who == "launcher" else "",
    )
    figure(f"kill -9 of the {who}, until the pair is Ready, median of 3", statistics.median(ready), "<= 10 s")


def test_anchor_deleted(world: World) -> None:
    world.settle()
    old = world.release.pair(1)
    began = time.monotonic()
    world.kubectl("delete", "pod", world.release.anchor(1), "--wait=false")
    release = world.release

    def is_new() -> bool:
        anchor = release.pair(1).anchor
        assert old.anchor is not None
        return anchor is not None and anchor["metadata"]["uid"] != old.anchor["metadata"]["uid"] and is_ready(anchor)

    release.mirror.wait(is_new, 90, "another anchor 1 is Ready")
    wait_answer(release.pair(1).ip)
    figure("anchor deleted, until its ordinal serves again (7 s of it drain)", time.monotonic() - began)
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
    # Their inits share pages with them: the proportional set counts each page once.
    memory = sum(process.memory_full_info().pss for process in found) / 2**20
    print(f"figure: CPU of 8 launchers at rest, together, of one core: {(after - before) / 30:.2%}")
    print(f"figure: memory of 8 launchers, together (PSS): {memory:.0f} MiB")
