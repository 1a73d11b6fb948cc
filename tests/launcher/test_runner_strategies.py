"""Anchors that others created, and one anchor for several launchers: found, followed, and held for the last of them."""

import json
import threading
from typing import Any

import pytest
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.rig import (
    PORT,
    READINESS_PORT,
    SERVER_TOY,
    Launcher,
    Rig,
    anchor_pod,
    http_get,
    make_config,
    unschedulable_pod,
    wait_for,
)

pytestmark = pytest.mark.sandbox

LABELS = {"app": "net-0", "tier": "net"}
FOREIGN = {"create": False, "selector": "app=net-{ordinal},tier=net", "namespace": "nets"}


def foreign_pod(ip: str = "10.1.0.1", **changes: Any) -> dict[str, Any]:
    """Return an anchor that others created, in their namespace."""
    pod = anchor_pod(ip, **{"name": "net-0-x7f", **changes})
    pod["metadata"] |= {"namespace": "nets", "labels": dict(LABELS)}
    return pod


def own_pod(ordinal: int = 0) -> dict[str, Any]:
    """Return a launcher's own pod."""
    return {"metadata": {"name": f"orders-{ordinal}", "namespace": "apps", "uid": "own-uid"}, "spec": {}}


def test_an_anchor_of_others_is_found_by_its_labels(rig: Rig, ip: str, compartment: Compartment) -> None:
    """In another namespace, by one LIST and one WATCH; what it lacks is reported, and it is used anyway."""
    rig.api.put("pods", foreign_pod(ip))
    launcher = rig.launch(anchor=FOREIGN)
    launcher.wait_line("ready")
    record = launcher.wait_event("bootstrap")
    assert (record["anchorLabel"], record["namespace"]) == ("app=net-0,tier=net", "nets")
    assert [gap.split()[1] for gap in launcher.wait_event("anchor-incomplete")["gaps"][:2]] == [
        "readinessProbe",
        "preStop",
    ]
    assert rig.verbs() == ["list", "watch"]


def test_check_warns_of_what_an_anchor_lacks(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Before anything starts: what the anchor lacks of probe, hold and grace, one line each; two anchors are named."""
    rig.api.put("pods", foreign_pod(ip))
    (rig.tmp / "config.json").write_text(json.dumps(make_config(anchor=FOREIGN)))
    checked = rig.command("check")
    assert checked.returncode == 0
    assert checked.stdout.count("warning: the anchor net-0-x7f has no ") == 2
    assert "warning: the anchor net-0-x7f has terminationGracePeriodSeconds 30" not in checked.stdout
    rig.api.put("pods", foreign_pod("10.9.9.9", name="net-0-b2c", uid="uid-2"))
    checked = rig.command("check")
    assert checked.returncode == 210
    assert "found net-0-b2c and net-0-x7f" in checked.stdout + checked.stderr


def test_a_watch_by_labels_goes_on_after_410(rig: Rig, ip: str, compartment: Compartment) -> None:
    """If the history has expired, another LIST follows, which shows what happened in the meantime."""
    launcher = rig.launch(anchor=FOREIGN)
    launcher.wait_event(
        "waiting", reason="an anchor with the labels app=net-0,tier=net does not exist in namespace nets"
    )
    wait_for(lambda: rig.verbs() == ["list", "watch"], "the first watch")
    with rig.api.store.changed:
        rig.api.put("pods", foreign_pod(ip))
        rig.api.expire()
    rig.api.cut_watches()
    launcher.wait_line("ready")
    assert rig.verbs().count("list") == 2


def test_a_pod_that_loses_the_labels_is_no_anchor_any_more(rig: Rig, ip: str, compartment: Compartment) -> None:
    """As with a deletion, the target is stopped; the next pod with the labels gets it."""
    rig.api.put("pods", foreign_pod(ip))
    launcher = rig.launch(anchor=FOREIGN)
    launcher.wait_line("ready")
    rig.api.delete("pods", "nets", "net-0-x7f")
    launcher.wait_line("SIGTERM")
    rig.api.put("pods", foreign_pod(ip, name="net-0-b2c", uid="uid-2"))
    launcher.wait_line("ready", count=2)


def test_two_anchors_of_others_are_not_guessed_between(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Two live pods with the labels: the launcher waits, and when the budget is used up it ends and names both."""
    rig.api.put("pods", foreign_pod(ip))
    rig.api.put("pods", foreign_pod("10.9.9.9", name="net-0-b2c", uid="uid-2"))
    launcher = rig.launch(anchor={**FOREIGN, "waitSeconds": 10})
    assert launcher.wait_exit() == 210
    assert "net-0-b2c and net-0-x7f" in rig.message()["message"]
    assert launcher.events("bootstrap") == []


def test_two_become_one(rig: Rig, ip: str, compartment: Compartment) -> None:
    """If one of two is terminating, as in a rollout of theirs, the other is the anchor."""
    rig.api.put("pods", foreign_pod("10.9.9.9", name="net-0-old", uid="uid-0"))
    rig.api.put("pods", foreign_pod(ip))
    launcher = rig.launch(anchor=FOREIGN)
    launcher.wait_event("waiting", reason="one anchor, found net-0-old and net-0-x7f")
    rig.api.put("pods", foreign_pod("10.9.9.9", name="net-0-old", uid="uid-0", deleting=True))
    launcher.wait_line("ready")


def test_a_launcher_goes_to_an_anchor_of_others(rig: Rig) -> None:
    """If the anchor starts on another node, the launcher evicts itself once its budget is used up, never the anchor."""
    rig.api.put("pods", own_pod())
    rig.api.put("pods", foreign_pod(node="node-b"))
    launcher = rig.launch(anchor={**FOREIGN, "unschedulableSeconds": 5})
    body = wait_for(lambda: rig.api.evictions, "an eviction")[0]
    assert body["metadata"] == {"name": "orders-0", "namespace": "apps"}
    assert body["deleteOptions"]["preconditions"]["uid"] == "own-uid"
    told = launcher.wait_event("evicting")["reason"]
    assert "the anchor net-0-x7f is on node node-b, not on node-a" in told


def test_a_launcher_follows_at_once_to_where_its_anchor_moved(rig: Rig, ip: str, compartment: Compartment) -> None:
    """After an attachment there is no reason to wait: the anchor will not come back by itself."""
    rig.api.put("pods", own_pod())
    rig.api.put("pods", foreign_pod(ip))
    launcher = rig.launch(anchor={**FOREIGN, "unschedulableSeconds": 3600})
    launcher.wait_line("ready")
    rig.api.delete("pods", "nets", "net-0-x7f")
    rig.api.put("pods", foreign_pod("10.9.9.9", name="net-0-b2c", uid="uid-2", node="node-b"))
    assert wait_for(lambda: rig.api.evictions, "an eviction")[0]["metadata"]["name"] == "orders-0"


def test_an_unschedulable_anchor_of_others_is_only_waited_for(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Where an anchor of theirs can be scheduled does not depend on where the launcher is."""
    rig.api.put("pods", own_pod())
    pending = foreign_pod("")
    pending["spec"], pending["status"] = unschedulable_pod()["spec"], unschedulable_pod()["status"]
    rig.api.put("pods", pending)
    launcher = rig.launch(anchor={**FOREIGN, "unschedulableSeconds": 5})
    launcher.wait_event("waiting", count=2)  # logged again after 5 s, when a launcher that moves would have moved
    rig.api.put("pods", foreign_pod(ip))
    launcher.wait_line("ready")
    assert rig.api.evictions == []


def launch_siblings(rig: Rig, *ordinals: int, manner: str = "end") -> list[Launcher]:
    """Start launchers that share an anchor and a configuration; the last one's program has that manner."""
    own = {
        str(ordinal): {
            "args": ["-S", str(SERVER_TOY), str(PORT + ordinal), manner if ordinal == ordinals[-1] else "end"],
            "ports": {"http": PORT + ordinal},
        }
        for ordinal in ordinals
    }
    anchor = {"strategy": "shared", "namespace": "apps", "unschedulableSeconds": 5}
    stop = {"drainSeconds": 0, "consoleSeconds": 2}
    config = {"anchor": anchor, "anchorPod": "orders-anchor-0", "target": {"perOrdinal": own}, "stop": stop}
    return [rig.launch(ordinal=n, **config) for n in ordinals]


def test_siblings_serve_side_by_side_in_one_network(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Each has its own program's port and its own readiness port; all read and watch the same anchor."""
    rig.api.put("pods", anchor_pod(ip))
    launchers = launch_siblings(rig, 0, 1)
    for ordinal, launcher in enumerate(launchers):
        launcher.wait_event("gate-holds")
        assert launcher.wait_event("bootstrap")["ports"] == {"http": PORT + ordinal}
        assert http_get(compartment, ip, "/readyz", READINESS_PORT + ordinal)[0] == 200
    assert {request.name for request in rig.api.requests} == {"orders-anchor-0"}


def test_a_sibling_is_ready_by_itself(rig: Rig, ip: str, compartment: Compartment) -> None:
    """While the anchor is not Ready the first ordinal is not, but its siblings are: a rollout proceeds past them."""
    rig.api.put("pods", anchor_pod(ip))
    launchers = launch_siblings(rig, 0, 1)
    for launcher in launchers:
        launcher.wait_event("gate-holds")
    wait_for(lambda: rig.command("probe", "ready", ordinal=1).returncode == 0, "the sibling's readiness")
    assert rig.command("probe", "ready").returncode == 1
    rig.api.put("pods", anchor_pod(ip, ready=True))
    wait_for(lambda: rig.command("probe", "ready").returncode == 0, "the first one's readiness")


def test_a_shared_anchor_elsewhere_is_followed(rig: Rig) -> None:
    """A launcher at a shared anchor evicts itself, because its siblings' programs run at the anchor."""
    rig.api.put("pods", own_pod(1))
    rig.api.put("pods", anchor_pod(node="node-b"))
    launch_siblings(rig, 1)
    assert wait_for(lambda: rig.api.evictions, "an eviction")[0]["metadata"]["name"] == "orders-1"


def test_a_shared_hold_waits_for_the_siblings(rig: Rig, ip: str, compartment: Compartment) -> None:
    """The first ordinal's /hold is answered when the last sibling's program has stopped, long after its own."""
    rig.api.put("pods", anchor_pod(ip))
    first, second = launch_siblings(rig, 0, 1, manner="stay")
    for launcher in (first, second):
        launcher.wait_event("gate-holds")
    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(http_get(compartment, ip, "/hold")))
    asking.start()
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    first.wait_event("stopping", step=f"waiting for the sibling on port {READINESS_PORT + 1} to stop")
    assert "SIGTERM" in first.lines
    assert not answers
    second.wait_event("stopping", step="SIGKILL")
    asking.join(20)
    assert answers == [(200, "the target has stopped\n")]


def test_a_replica_that_stops_alone_does_not_wait_for_its_siblings(rig: Rig, ip: str, compartment: Compartment) -> None:
    """If the anchor stays and nothing requests /hold, the siblings run on and the first ordinal ends."""
    rig.api.put("pods", anchor_pod(ip))
    first, second = launch_siblings(rig, 0, 1)
    for launcher in (first, second):
        launcher.wait_event("gate-holds")
    first.process.terminate()
    assert first.wait_exit() == 0
    assert second.process.poll() is None
