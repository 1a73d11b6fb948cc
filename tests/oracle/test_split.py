"""The rule `split`: a launcher and its anchor, both Ready, on two nodes."""

from __future__ import annotations

import dataclasses

import pytest

from tests.cluster.oracle.picture import Config, Pod, belong_together
from tests.cluster.oracle.rules import judge
from tests.oracle.pictures import anchor, launcher, picture, rules


def test_a_ready_pair_on_two_nodes_is_split() -> None:
    """A launcher and its anchor, both Ready, on two nodes are a violation, even while one is being deleted."""
    seen = picture(launcher(), anchor(node="b"), launcher(1), anchor(1))
    assert rules(seen) == [("split", ("orders-0", "orders-anchor-0"))]
    [violation] = judge(seen, 0.0)
    assert violation.sentence == "a Ready pair is split: orders-0 on a, orders-anchor-0 on b"


@pytest.mark.parametrize(
    "pods",
    [
        (launcher(), anchor()),
        (launcher(ready=False), anchor(node="b")),
        (launcher(), anchor(node="b", ready=False)),
        (launcher(), anchor(1, node="b")),
        (launcher(), anchor(node="b", release=("orders", "other"))),
        (launcher(), anchor(node="b", namespace="others")),
        (launcher(), anchor(node="b", component="")),
    ],
    ids=["together", "launcher-unready", "anchor-unready", "other-ordinal", "other-release", "other-ns", "no-anchor"],
)
def test_no_ready_pair_is_split(pods: tuple[Pod, ...]) -> None:
    """Pairs that are together or not Ready, and pods that are not a pair, are not split."""
    assert rules(picture(*pods)) == []


def test_a_pod_that_has_gone_is_not_split() -> None:
    """A removed pod no longer counts."""
    seen = picture(launcher(), anchor(node="b"))
    seen.remove("a0")
    assert rules(seen) == []


def test_every_launcher_of_a_shared_anchor_belongs_to_it() -> None:
    """With strategy shared, each launcher on a different node than the one anchor is split from it."""
    config = Config("shared")
    seen = picture(launcher(0, config=config), launcher(1, config=config, node="b"), anchor())
    assert rules(seen) == [("split", ("orders-1", "orders-anchor-0"))]


def test_an_anchor_of_others_is_found_by_its_selector() -> None:
    """`{ordinal}` stands for the launcher's ordinal, in the anchors' namespace."""
    config = Config(selector="app=my-anchor-{ordinal}, tier==net", anchor_namespace="nets")
    labels = {"app": "my-anchor-1", "tier": "net"}
    foreign = Pod("nets", "my-anchor-1", "f1", labels=labels, node="b", ready=True)
    assert belong_together(launcher(1, config=config), foreign)
    assert not belong_together(launcher(0, config=config), foreign)
    assert not belong_together(launcher(1, config=config), dataclasses.replace(foreign, namespace="apps"))
    assert rules(picture(launcher(1, config=config), foreign)) == [("split", ("orders-1", "my-anchor-1"))]
