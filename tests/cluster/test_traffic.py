"""A Service with 200 requests a second loses none while pairs come and go in order; a network outlives its program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.driving import nodes
from tests.cluster.driving.asking import asked
from tests.cluster.driving.faults import World
from tests.cluster.driving.mirror import Mirror, is_ready
from tests.cluster.driving.release import Helm, Release, values
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

REPLICAS = 2
STOP = values()["stop"] | {"consoleSeconds": 20}
SLOW_S = STOP["drainSeconds"] + 2.5
"""Duration of the slowest request: beyond SIGTERM, but less than the time the program is given to end."""


@pytest.fixture(scope="module")
def shop(kube: Kube, helm3: Helm) -> Iterator[Release]:
    """Two pairs, one on each node."""
    with kube.namespace("e2e-traffic") as namespace:
        release = Release(kube, helm3, Mirror(kube, namespace), "shop")
        spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
        release.install(REPLICAS, topologySpreadConstraints=[spread], stop=STOP)
        release.wait_whole(REPLICAS)
        yield release
        release.mirror.close()


@pytest.fixture
def world(cluster: Cluster, shop: Release) -> World:
    """The same release on our own cluster, where its processes can be killed."""
    return World(cluster, shop, REPLICAS)


@dataclass
class Slow:
    """A request that takes SLOW_S, sent to a pair's own IP the moment its deletion begins."""

    ordinal: int
    ip: str
    answer: str = ""
    error: str = ""


class LastRequests(threading.Thread):
    """Sends one slow request to each pair when the first of its halves is deleted."""

    def __init__(self, release: Release) -> None:
        super().__init__(daemon=True)
        self._release = release
        self._seen = len(release.mirror.events)
        self._ended = threading.Event()
        self._requests: dict[str, Slow] = {}
        self._threads: list[threading.Thread] = []
        self.start()

    def run(self) -> None:
        """Look at every event of the mirror."""
        while not self._ended.wait(0.02):
            events = self._release.mirror.events[self._seen :]
            self._seen += len(events)
            for _moment, kind, what, item in events:
                if kind == "pods" and what == "MODIFIED" and item["metadata"].get("deletionTimestamp"):
                    self._send(int(item["metadata"].get("labels", {}).get("apps.kubernetes.io/pod-index", -1)))

    def _send(self, ordinal: int) -> None:
        pair = self._release.pair(ordinal)
        # Only for a whole pair: a re-created one gets its own request.
        if not pair.ip or pair.ip in self._requests:
            return
        request = self._requests[pair.ip] = Slow(ordinal, pair.ip)
        self._threads.append(threading.Thread(target=self._fetch, args=(request,), daemon=True))
        self._threads[-1].start()

    def _fetch(self, request: Slow) -> None:
        began = time.monotonic()
        try:
            request.answer = self._release.ask(request.ordinal, f"/slow?seconds={SLOW_S}", timeout_s=60)
        except OSError as error:
            request.error = f"{error} after {time.monotonic() - began:.1f} s"

    def assert_answered(self, at_least: int) -> None:
        """Assert that this many were sent and every one was answered."""
        self._ended.set()
        self.join(10)
        for thread in self._threads:
            thread.join(90)
        failed = [request for request in self._requests.values() if f"after {SLOW_S:g} s" not in request.answer]
        assert not failed, f"the network ended before the program's last byte: {failed}"
        assert len(self._requests) >= at_least, f"only {len(self._requests)} pairs were being deleted"


def _restart(shop: Release, component: str) -> None:
    """`kubectl rollout restart` of one set; returns when every pod of it is new and all pairs are whole."""
    name = shop.name if component == "launcher" else f"{shop.name}-anchor"

    def uids() -> set[str]:
        pods = [getattr(pair, component) for pair in shop.pairs().values()]
        return {pod["metadata"]["uid"] for pod in pods if pod}

    before = uids()
    shop.kube.kubectl("rollout", "restart", f"statefulset/{name}", "--namespace", shop.namespace)
    shop.mirror.wait(
        lambda: not before & uids() and shop.is_whole(REPLICAS),
        240,
        f"every {component} is new and the pairs are whole",
    )


def test_a_roll_out_of_the_launchers_loses_no_request(shop: Release) -> None:
    """Each program is stopped and restarted under traffic, and no request is lost."""
    last = LastRequests(shop)
    with asked(shop) as result:
        _restart(shop, "launcher")
    result.print_figures("rollout of the launchers")
    result.assert_nothing_lost()
    last.assert_answered(REPLICAS)


def test_a_roll_out_of_the_anchors_loses_no_request(shop: Release) -> None:
    """Each network is replaced under traffic, after its program's last byte, and no launcher is restarted for it."""
    launchers = {n: pair.launcher["metadata"]["uid"] for n, pair in shop.pairs().items() if pair.launcher}
    last = LastRequests(shop)
    with asked(shop) as result:
        _restart(shop, "anchor")
    result.print_figures("rollout of the anchors")
    result.assert_nothing_lost()
    last.assert_answered(REPLICAS)
    assert launchers == {n: pair.launcher["metadata"]["uid"] for n, pair in shop.pairs().items() if pair.launcher}


def test_a_drain_loses_no_request(shop: Release) -> None:
    """A node is drained under traffic; its pairs serve elsewhere, and no request is lost."""
    node = shop.pair(0).node
    last = LastRequests(shop)
    try:
        with asked(shop) as result:
            took = nodes.Drain(shop, node).wait()
            shop.wait_whole(REPLICAS)
    finally:
        shop.kube.kubectl("uncordon", node)
    print(f"figure: drain of a node under traffic: {took:.1f} s")
    result.print_figures("drain of a node")
    result.assert_nothing_lost()
    last.assert_answered(1)
    assert {pair.node for pair in shop.pairs().values()} == set(nodes.names(shop.kube)) - {node}


def test_scale_in_loses_no_request(shop: Release) -> None:
    """A replica is added and removed again under traffic, and no request is lost."""
    with asked(shop) as result:
        shop.scale(REPLICAS + 1)
        shop.wait_whole(REPLICAS + 1)
        last = LastRequests(shop)
        shop.scale(REPLICAS)
        shop.wait_whole(REPLICAS)
    result.print_figures("scale-out and scale-in")
    result.assert_nothing_lost()
    last.assert_answered(1)


def test_a_killed_program_costs_what_is_printed(world: World, shop: Release) -> None:
    """After kill -9 of a program, requests are lost only until its pair has turned unready."""
    _told_kill(world, shop, "kill -9 of a program", lambda: world.target(shop.pair(0)).kill())


def test_a_killed_launcher_costs_what_is_printed(world: World, shop: Release) -> None:
    """Kill -9 of a launcher, which takes its program with it."""
    _told_kill(world, shop, "kill -9 of a launcher", lambda: world.launcher(shop.pair(0)).kill())


def _told_kill(world: World, shop: Release, what: str, kill: Callable[[], None]) -> None:
    restarts = _restarts(shop)
    with asked(shop) as result:
        time.sleep(1)
        kill()
        took = shop.mirror.wait(
            lambda: _restarts(shop) > restarts and shop.is_whole(REPLICAS),
            240,
            "the launcher has restarted and all pairs are whole",
        )
        time.sleep(3)  # nothing more is lost: these requests are counted too
    print(f"figure: {what} to whole again: {took:.1f} s")
    result.print_figures(what)
    # The client sees losses where there must be some; otherwise its silence elsewhere would mean nothing.
    assert result.lost > 0
    assert result.lost_for_s < took, f"requests were lost for {result.lost_for_s} s, longer than until all was whole"
    assert result.sent - result.lost > result.sent / 2, "the other pair must have gone on serving"


def _restarts(shop: Release) -> int:
    launcher = shop.pair(0).launcher
    statuses = launcher["status"].get("containerStatuses", []) if launcher else []
    return int(statuses[0]["restartCount"]) if statuses else 0


def test_without_its_launcher_an_anchor_ends_at_once(world: World, shop: Release) -> None:
    """With nobody left to answer /hold, an anchor does not wait."""
    pair = shop.pair(0)
    assert is_ready(pair.anchor)
    with nodes.cordoned(shop.kube, *nodes.names(shop.kube)):  # so that no other launcher takes its place
        process = world.launcher(pair)
        world.kubectl("delete", "pod", shop.pod(0), "--force", "--grace-period=0")
        process.kill()
        began = time.monotonic()
        world.kubectl("delete", "pod", shop.anchor(0), "--wait=true")
        took = time.monotonic() - began
    assert pair.anchor is not None
    grace = pair.anchor["spec"]["terminationGracePeriodSeconds"]
    print(f"figure: deletion of an anchor whose launcher is dead: {took:.1f} s")
    assert took < grace / 2, f"it took {took:.1f} s of {grace} s"
    world.settle()


def test_uninstall_lets_the_programs_finish(shop: Release) -> None:
    """`helm uninstall` deletes sets, Role and accounts at once; each program still finishes its requests."""
    last = LastRequests(shop)
    began = time.monotonic()
    shop.uninstall()
    shop.mirror.wait(lambda: not shop.mirror.all("pods"), 240, "every pod has gone")
    print(f"figure: uninstall of {REPLICAS} pairs to the last pod gone: {time.monotonic() - began:.1f} s")
    last.assert_answered(REPLICAS)
