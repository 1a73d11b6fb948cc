"""A drain never disrupts more pairs than the budget allows, and never hangs.

Three releases share the cluster: one of a single pair, one of three, one with a pair that is not ready and does not
heal by itself. Each node in turn is drained of all three at once; the tests assert on the recorded events.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.cluster.driving import nodes
from tests.cluster.driving.history import History, is_split
from tests.cluster.driving.mirror import Mirror, is_ready
from tests.cluster.driving.release import Helm, Release
from tests.cluster.stack.kube import Kube

REPLICAS = {"single": 1, "spread": 3, "unready": 2}


@dataclass
class Round:
    """The drain of one node: how long it took for each release, and everything that happened to its pods meanwhile."""

    node: str
    history: History
    seconds: dict[str, float] = field(default_factory=dict)
    waited_for_other_node: bool = False
    """The release `unready`, its broken pair on the other node, was not drained until that pair was whole again."""


@dataclass
class Drained:
    """Both rounds."""

    releases: dict[str, Release]
    rounds: list[Round]


@pytest.fixture(scope="module")
def drained(kube: Kube, helm3: Helm) -> Iterator[Drained]:
    """Drain each node in turn."""
    with kube.namespace("e2e-disruption") as namespace:
        mirror = Mirror(kube, namespace)
        releases = {name: Release(kube, helm3, mirror, name) for name in REPLICAS}
        # Spreading must ignore a cordoned node: without Honor a drain would leave launchers pending.
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "nodeTaintsPolicy": "Honor",
        }
        # Keep a hanging program: with `restart` it would heal by itself.
        gate = {"http": {"front": {"port": "http", "path": "/", "timeoutSeconds": 1}}, "onUnhealthy": "unready"}
        for name, release in releases.items():
            release.install(REPLICAS[name], topologySpreadConstraints=[spread], gate=gate)
        for name, release in releases.items():
            release.wait_whole(REPLICAS[name])
        first, second = nodes.names(kube)[:2]
        rounds = [_first_round(releases, mirror, first, second), _second_round(releases, mirror, second)]
        yield Drained(releases, rounds)
        mirror.close()


def _first_round(releases: dict[str, Release], mirror: Mirror, node: str, other: str) -> Round:
    """Drain a node while the pair that is not ready is on the other one."""
    unready = releases["unready"]
    healthy = next(n for n, pair in unready.pairs().items() if pair.node == node)
    broken = next(n for n, pair in unready.pairs().items() if pair.node == other)
    _hang(unready, broken)
    round_ = Round(node, History(mirror))
    try:
        drains = {name: nodes.Drain(release, node) for name, release in releases.items()}
        for name in ("single", "spread"):
            round_.seconds[name] = drains[name].wait()
        round_.waited_for_other_node = drains["unready"].is_running and unready.pair(healthy).is_whole
        # Its own halves may always be evicted; then it is re-created and whole.
        began = time.monotonic()
        assert unready.kube.evict(unready.namespace, unready.pod(broken)) == 201
        drains["unready"].wait()
        round_.seconds["unready"] = time.monotonic() - began
        _wait_all_whole(releases)
    finally:
        unready.kube.kubectl("uncordon", node)
    round_.history.end()
    return round_


def _second_round(releases: dict[str, Release], mirror: Mirror, node: str) -> Round:
    """Drain the other node, where every pair is now, one of them not ready."""
    _hang(releases["unready"], 0)
    round_ = Round(node, History(mirror))
    try:
        drains = {name: nodes.Drain(release, node) for name, release in releases.items()}
        round_.seconds = {name: drain.wait() for name, drain in drains.items()}
        _wait_all_whole(releases)
    finally:
        releases["unready"].kube.kubectl("uncordon", node)
    round_.history.end()
    return round_


def _hang(release: Release, ordinal: int) -> None:
    release.ask(ordinal, "/hang")
    release.mirror.wait(
        lambda: not _is_any_ready(release, ordinal), 240, f"neither half of the hanging pair {ordinal} is ready"
    )


def _is_any_ready(release: Release, ordinal: int) -> bool:
    """Return whether a half of a pair is Ready."""
    pair = release.pair(ordinal)
    return is_ready(pair.launcher) or is_ready(pair.anchor)


def _wait_all_whole(releases: dict[str, Release]) -> None:
    for name, release in releases.items():
        release.wait_whole(REPLICAS[name])


def _print_figure(drained: Drained, name: str) -> None:
    for round_ in drained.rounds:
        print(f"figure: drain of {round_.node}, release {name} of {REPLICAS[name]} pairs: {round_.seconds[name]:.1f} s")


def test_a_single_pair_is_drained(drained: Drained) -> None:
    """With one replica the budget lets it move to the other node, and back when that one is drained."""
    _print_figure(drained, "single")
    release = drained.releases["single"]
    places = [list(round_.history.pictures(release, 1))[-1][1][0].node for round_ in drained.rounds]
    assert places == [drained.rounds[1].node, drained.rounds[0].node]


def test_pairs_are_drained_one_at_a_time(drained: Drained) -> None:
    """Of three pairs on both nodes no two are broken at the same time, and none stays on a drained node."""
    _print_figure(drained, "spread")
    release = drained.releases["spread"]
    for round_ in drained.rounds:
        most, which = round_.history.most_broken(release, REPLICAS["spread"])
        assert most == 1, f"while {round_.node} was drained pairs {which} were broken at once"
        last = list(round_.history.pictures(release, REPLICAS["spread"]))[-1][1]
        assert round_.node not in {pair.node for pair in last.values()}


def test_an_unready_pair_leaves_with_its_node(drained: Drained) -> None:
    """A pair that is not ready may always be evicted: it never blocks its node's drain, and no second pair breaks."""
    _print_figure(drained, "unready")
    release = drained.releases["unready"]
    most, which = drained.rounds[1].history.most_broken(release, REPLICAS["unready"])
    assert most == 1, f"pairs {which} were broken at once"


def test_an_unready_pair_elsewhere_is_disruption_enough(drained: Drained) -> None:
    """While a pair on the other node is broken, a drain waits instead of taking a second one, then continues."""
    release = drained.releases["unready"]
    assert drained.rounds[0].waited_for_other_node
    most, which = drained.rounds[0].history.most_broken(release, REPLICAS["unready"])
    assert most == 1, f"pairs {which} were broken at once"


def test_no_pair_is_split_for_good(drained: Drained) -> None:
    """After each drain both halves of every pair are on one node."""
    for round_ in drained.rounds:
        for name, release in drained.releases.items():
            last = list(round_.history.pictures(release, REPLICAS[name]))[-1][1]
            assert not [pair.ordinal for pair in last.values() if is_split(pair)]
