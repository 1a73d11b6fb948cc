"""Which pod is the anchor, and what each of its states means."""

from typing import Any

import pytest
from mooring_launcher.cluster.anchor import (
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
    find_gaps,
    judge,
)
from mooring_launcher.config import check_config, for_ordinal, load_schema, sibling_ports
from mooring_launcher.replica import find_me

from tests.launcher.rig import NODE, PORT, READINESS_PORT, anchor_pod, make_config, unschedulable_pod

ME = Me("apps", NODE, "orders-anchor-0")
ATTACHED = Attached("orders-anchor-0", "uid-1", "10.1.0.1", "containerd://c1")


def test_a_running_anchor_on_this_node_is_attached_to() -> None:
    """A single live pod with the label, on this node, running, with an IP, is the anchor; Ready is only reported."""
    assert judge([anchor_pod()], ME) == Attach(ATTACHED, ready=False)
    assert judge([anchor_pod(ready=True)], ME) == Attach(ATTACHED, ready=True)


def test_no_pod_is_waited_for() -> None:
    """Without a pod the launcher waits."""
    assert judge([], ME) == Wait("the anchor orders-anchor-0 does not exist in namespace apps")


@pytest.mark.parametrize("key, value", [("namespace", "other"), ("labels", {}), ("labels", {"app": "orders"})])
def test_a_pod_of_others_is_not_the_anchor(key: str, value: Any) -> None:
    """A pod in another namespace, or without the label, is not an anchor."""
    pod = anchor_pod()
    pod["metadata"][key] = value
    assert isinstance(judge([pod], ME), Wait)


def test_two_live_anchors_are_ambiguous() -> None:
    """Two live candidates are named, in order."""
    verdict = judge([anchor_pod(name="b", uid="2"), anchor_pod(name="a")], ME)
    assert verdict == Ambiguous(("a", "b"))


@pytest.mark.parametrize("changes", [{"deleting": True}, {"phase": "Failed"}, {"phase": "Succeeded"}])
def test_an_anchor_that_ends_is_not_live(changes: dict[str, Any]) -> None:
    """A terminating or finished pod is ignored, whether or not a live one exists."""
    assert isinstance(judge([anchor_pod(**changes)], ME), Wait)
    assert isinstance(judge([anchor_pod(uid="old", **changes), anchor_pod()], ME), Attach)


def test_an_anchor_elsewhere_is_named_with_its_uid() -> None:
    """A pod on another node must be evicted, and only that very pod."""
    assert judge([anchor_pod(node="node-b")], ME) == Elsewhere("orders-anchor-0", "uid-1", "node-b")


def test_an_unschedulable_anchor_tells_why() -> None:
    """The message says so if the scheduler found no node; a pod not scheduled yet is just waited for."""
    assert judge([unschedulable_pod()], ME) == Unschedulable("the anchor orders-anchor-0: 0/1 nodes are available")
    assert isinstance(judge([anchor_pod(node="")], ME), Wait)


def test_a_container_that_does_not_run_is_waited_for() -> None:
    """An anchor that is running but not Ready counts, and the reason for waiting is reported."""
    pod = anchor_pod()
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ImagePullBackOff"}}
    assert judge([pod], ME) == Wait("the anchor orders-anchor-0: its container is not running (ImagePullBackOff)")


def test_a_sidecar_before_the_anchors_container_does_not_count() -> None:
    """A mesh proxy that starts first is not the anchor's container."""
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
    """Once attached, only the state of that very pod decides."""
    assert isinstance(judge(candidates, ME, ATTACHED), kind)


def test_a_crashed_anchor_container_does_not_stop_the_target() -> None:
    """While the container is down the network stays, so the target keeps running."""
    pod = anchor_pod()
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    assert judge([pod], ME, ATTACHED) == Keep(ready=False)


def complete(**changes: Any) -> dict[str, Any]:
    """Return a complete configuration, as the launcher has it."""
    return check_config(make_config(**changes), load_schema(), "here")


BY_STRATEGY = [
    ({}, Me("apps", NODE, "orders-anchor-2")),
    ({"strategy": "static"}, Me("apps", NODE, "orders-anchor-2")),
    ({"strategy": "shared"}, Me("apps", NODE, "orders-anchor-2", anchor_follows=False)),
    (
        {"create": False, "selector": "app=n-{ordinal},x=y", "namespace": "nets"},
        Me("nets", NODE, "", (("app", "n-2"), ("x", "y")), anchor_follows=False),
    ),
    (
        {"create": False, "strategy": "shared", "selector": "app=n", "namespace": ""},
        Me("own", NODE, "", (("app", "n"),), anchor_follows=False),
    ),
]


@pytest.mark.parametrize("anchor, me", BY_STRATEGY)
def test_each_strategy_knows_its_anchor(anchor: dict[str, Any], me: Me) -> None:
    """By the configured name with its ordinal, or by labels; only mooring's own anchors ever follow a launcher."""
    config = complete(anchor=anchor, ordinals={"start": 1})
    assert find_me(config, 2, NODE, "own") == me


def test_labels_are_all_needed() -> None:
    """An anchor that others created has every label of the selector; its name does not matter."""
    me = Me("apps", NODE, "", (("app", "n-0"), ("tier", "net")))
    pod = anchor_pod(name="whatever")
    pod["metadata"]["labels"] = {"app": "n-0", "tier": "net", "other": "1"}
    assert isinstance(judge([pod], me), Attach)
    del pod["metadata"]["labels"]["tier"]
    assert judge([pod], me) == Wait("an anchor with the labels app=n-0,tier=net does not exist in namespace apps")


def sound_pod(**container: Any) -> Pod:
    """Return an anchor as others should create it, for readiness port 8091 and 60 s of grace."""
    pod = anchor_pod()
    pod["spec"]["terminationGracePeriodSeconds"] = 60
    pod["spec"]["containers"][0] |= {
        "ports": [{"name": "readiness", "containerPort": 8091}, {"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "readiness"}},
        "lifecycle": {"preStop": {"httpGet": {"path": "/hold", "port": 8091}}},
        **container,
    }
    return pod


def test_a_sound_anchor_has_no_gaps() -> None:
    """Its port may be given by name or by number."""
    assert find_gaps(sound_pod(), 8091, 60) == []


@pytest.mark.parametrize(
    "container, words",
    [
        ({"readinessProbe": {}}, "no readinessProbe"),
        ({"readinessProbe": {"tcpSocket": {"port": 8091}}}, "no readinessProbe"),
        ({"readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}}, "/readyz on port 8091"),
        ({"readinessProbe": {"httpGet": {"path": "/", "port": 8091}}}, "no readinessProbe"),
        ({"lifecycle": {}}, "no preStop"),
        ({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}, "no preStop"),
        ({"livenessProbe": {"httpGet": {"path": "/livez", "port": "readiness"}}}, "a livenessProbe on port 8091"),
    ],
)
def test_a_gap_is_named(container: dict[str, Any], words: str) -> None:
    """Each thing that an anchor created by others lacks is one sentence that says what happens without it."""
    (gap,) = find_gaps(sound_pod(**container), 8091, 60)
    assert words in gap


def test_a_short_grace_is_a_gap() -> None:
    """An anchor killed before the program has stopped takes its network away; Kubernetes' default grace is 30 s."""
    assert find_gaps(sound_pod(), 8091, 61) == [
        "terminationGracePeriodSeconds 60, not 61: its network may go before the program stops"
    ]
    pod = sound_pod()
    del pod["spec"]["terminationGracePeriodSeconds"]
    assert "terminationGracePeriodSeconds 30, not 31" in find_gaps(pod, 8091, 31)[0]


def test_replicas_at_one_anchor_have_ports_of_their_own() -> None:
    """Readiness ports count up from the first ordinal's; the program's port is the replica's own if it has one."""
    target = {"perOrdinal": {"4": {"ports": {"http": 9000}}}}
    config = complete(anchor={"strategy": "shared"}, ordinals={"start": 3}, target=target, maxReplicas=4)
    fourth = for_ordinal(config, 4)
    assert (fourth["readiness"]["port"], fourth["target"]["ports"]["http"]["port"]) == (READINESS_PORT + 1, 9000)
    third = for_ordinal(config, 3)
    assert (third["readiness"]["port"], third["target"]["ports"]["http"]["port"]) == (READINESS_PORT, PORT)
    assert sibling_ports(third, 3) == [READINESS_PORT + 1, READINESS_PORT + 2, READINESS_PORT + 3]
    assert sibling_ports(fourth, 4) == []
    assert sibling_ports(for_ordinal(complete(), 0), 0) == []
