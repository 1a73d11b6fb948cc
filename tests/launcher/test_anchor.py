"""The rules on which pod is the anchor, and what each state of it means."""

from typing import Any

import pytest
from mooring_launcher.anchor import (
    Ambiguous,
    Attach,
    Attached,
    Elsewhere,
    Keep,
    Leaving,
    Me,
    Pod,
    Replaced,
    Unschedulable,
    Verify,
    Wait,
    judge,
)
from rig import NODE, anchor_pod, unschedulable_pod

ME = Me("apps", NODE, "orders-anchor-0")
ATTACHED = Attached("orders-anchor-0", "uid-1", "10.1.0.1", "containerd://c1")


def test_a_running_anchor_on_this_node_is_attached_to() -> None:
    """One live pod with the label, on this node, running, with an IP, is the anchor; Ready is only told."""
    assert judge([anchor_pod()], ME) == Attach(ATTACHED, ready=False)
    assert judge([anchor_pod(ready=True)], ME) == Attach(ATTACHED, ready=True)


def test_no_pod_is_waited_for() -> None:
    """Without a pod the launcher waits."""
    assert judge([], ME) == Wait("the anchor orders-anchor-0 does not exist in namespace apps")


@pytest.mark.parametrize("key, value", [("namespace", "other"), ("labels", {}), ("labels", {"app": "orders"})])
def test_a_pod_of_others_is_not_the_anchor(key: str, value: Any) -> None:
    """A pod of another namespace, or without the label, is none."""
    pod = anchor_pod()
    pod["metadata"][key] = value
    assert isinstance(judge([pod], ME), Wait)


def test_two_live_anchors_are_ambiguous() -> None:
    """Two live candidates are named, in order."""
    verdict = judge([anchor_pod(name="b", uid="2"), anchor_pod(name="a")], ME)
    assert verdict == Ambiguous(("a", "b"))


@pytest.mark.parametrize("changes", [{"deleting": True}, {"phase": "Failed"}, {"phase": "Succeeded"}])
def test_an_anchor_that_ends_is_not_live(changes: dict[str, Any]) -> None:
    """A terminating or finished pod is passed over, alone and beside a live one."""
    assert isinstance(judge([anchor_pod(**changes)], ME), Wait)
    assert isinstance(judge([anchor_pod(uid="old", **changes), anchor_pod()], ME), Attach)


def test_an_anchor_elsewhere_is_named_with_its_uid() -> None:
    """A pod on another node has to be evicted, and only that very pod."""
    assert judge([anchor_pod(node="node-b")], ME) == Elsewhere("orders-anchor-0", "uid-1", "node-b")


def test_an_unschedulable_anchor_tells_why() -> None:
    """A pod that the scheduler gave up on says so; one it has not looked at is only waited for."""
    assert judge([unschedulable_pod()], ME) == Unschedulable("the anchor orders-anchor-0: 0/1 nodes are available")
    assert isinstance(judge([anchor_pod(node="")], ME), Wait)


def test_a_container_that_does_not_run_is_waited_for() -> None:
    """Not Ready but `state.running` counts, and the reason of a wait is told."""
    pod = anchor_pod()
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ImagePullBackOff"}}
    assert judge([pod], ME) == Wait("the anchor orders-anchor-0: its container is not running (ImagePullBackOff)")


def test_a_sidecar_before_the_anchors_container_does_not_count() -> None:
    """A mesh proxy that runs first is not the anchor's container."""
    pod = anchor_pod()
    pod["spec"]["containers"].insert(0, {"name": "proxy"})
    pod["status"]["containerStatuses"].insert(0, {"name": "proxy", "containerID": "p", "state": {"running": {}}})
    assert judge([pod], ME) == Attach(ATTACHED, ready=False)
    pod["status"]["containerStatuses"].pop()
    assert isinstance(judge([pod], ME), Wait)


def test_an_anchor_without_an_ip_is_waited_for() -> None:
    """A running container without an IP is not usable yet."""
    assert judge([anchor_pod(ip="")], ME) == Wait("the anchor orders-anchor-0 has no IP yet")


ATTACHED_CASES: list[tuple[list[Pod], type]] = [
    ([anchor_pod()], Keep),
    ([anchor_pod(), anchor_pod(uid="uid-2", name="other")], Keep),
    ([anchor_pod(ip="")], Keep),
    ([anchor_pod(container="containerd://c2")], Verify),
    ([anchor_pod(ip="10.1.0.2")], Replaced),
    ([anchor_pod(uid="uid-2")], Replaced),
    ([], Replaced),
    ([anchor_pod(deleting=True)], Leaving),
    ([anchor_pod(phase="Failed")], Leaving),
    ([anchor_pod(deleting=True), anchor_pod(uid="uid-2")], Leaving),
]


@pytest.mark.parametrize("candidates, kind", ATTACHED_CASES)
def test_an_attached_launcher_judges_its_own_anchor(candidates: list[Pod], kind: type) -> None:
    """Once attached, what becomes of that very pod decides."""
    assert isinstance(judge(candidates, ME, ATTACHED), kind)


def test_a_crashed_anchor_container_does_not_stop_the_target() -> None:
    """While the container is down the network stays: the target is kept."""
    pod = anchor_pod()
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    assert judge([pod], ME, ATTACHED) == Keep(ready=False)
