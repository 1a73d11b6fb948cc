"""From an anchor to a ready replica, and what happens when the anchor changes."""

import json
import os
import signal
from pathlib import Path

import pytest
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.inside_helpers import is_running, namespace, random_ip
from tests.launcher.rig import PORT, Rig, anchor_pod, ask, http_get, unschedulable_pod, wait_for

pytestmark = pytest.mark.sandbox


def test_a_running_anchor_gets_its_target(rig: Rig, ip: str, compartment: Compartment) -> None:
    """The target serves on the anchor's IP and knows its compartment; a quiet start is one GET and one WATCH."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_line("ready")
    assert f"env {ip} 0" in launcher.lines
    launcher.wait_event("gate-holds")
    assert ask(compartment, ip, b"hi\n") == b"hello\n"
    assert http_get(compartment, ip, "/readyz")[0] == 200
    assert rig.verbs() == ["get", "watch"]


def test_readiness_needs_gate_and_anchor(rig: Rig, ip: str, compartment: Compartment) -> None:
    """The launcher is Ready only when its gate holds and its anchor's Ready condition is true."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    wait_for(lambda: "is not Ready" in rig.command("probe", "ready").stdout, "the anchor as the reason")
    assert rig.command("probe", "ready").returncode == 1
    assert rig.command("probe", "started").returncode == 1
    assert rig.command("probe", "live").returncode == 0
    rig.api.put("pods", anchor_pod(ip, ready=True))
    wait_for(lambda: rig.command("probe", "ready").returncode == 0, "ready")
    assert rig.command("probe", "started").returncode == 0
    rig.api.put("pods", anchor_pod(ip, ready=False))
    wait_for(lambda: rig.command("probe", "ready").returncode == 1, "not ready")
    assert rig.command("probe", "started").returncode == 0, "once is enough"


def test_the_bootstrap_record_has_every_parameter(rig: Rig, ip: str, compartment: Compartment) -> None:
    """One record has label, namespace, UID, IP, compartment, program and arguments, with secrets masked."""
    rig.api.put("pods", anchor_pod(ip))
    args = [*_args(), "end", "--password=hunter2"]
    launcher = rig.launch(target={"args": args, "env": {"SECRET": "hunter2"}})
    record = launcher.wait_event("bootstrap")
    assert record["anchorLabel"] == "statefulset.kubernetes.io/pod-name=orders-anchor-0"
    assert (record["namespace"], record["anchorUid"], record["anchorIp"]) == ("apps", "uid-1", ip)
    assert (record["compartment"], record["ordinal"]) == (compartment.id, 0)
    assert record["args"] == [*_args(), "end", "--password=***"]
    launcher.wait_line("ready")
    assert "hunter2" not in json.dumps(launcher.records)


def test_an_anchor_that_comes_later_is_waited_for(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Without an anchor the launcher says what it waits for; its watch is enough to notice the anchor and start."""
    launcher = rig.launch()
    launcher.wait_event("waiting", reason="the anchor orders-anchor-0 does not exist in namespace apps")
    rig.api.put("pods", anchor_pod(ip))
    launcher.wait_line("ready")
    assert rig.verbs() == ["get", "watch"]


def test_waiting_has_a_budget(rig: Rig) -> None:
    """An anchor that never comes ends the launcher with ANCHOR_NOT_FOUND and says what was missing."""
    launcher = rig.launch(anchor={"waitSeconds": 10, "namespace": "apps"})
    launcher.wait_event("waiting", count=2, reason="the anchor orders-anchor-0 does not exist in namespace apps")
    assert launcher.wait_exit() == 209
    assert rig.message()["by"] == "launcher"
    assert "does not exist" in rig.message()["message"]


def test_an_anchor_elsewhere_is_evicted(rig: Rig, ip: str, compartment: Compartment) -> None:
    """An anchor on another node is evicted by its uid; the one that follows is attached to."""
    rig.api.put("pods", anchor_pod("10.9.9.9", node="node-b"))
    launcher = rig.launch()
    body = wait_for(lambda: rig.api.evictions, "an eviction")[0]
    assert body["metadata"]["name"] == "orders-anchor-0"
    assert body["deleteOptions"]["preconditions"]["uid"] == "uid-1"
    rig.api.delete("pods", "apps", "orders-anchor-0")
    rig.api.put("pods", anchor_pod(ip, uid="uid-2"))
    launcher.wait_line("ready")
    assert len(rig.api.evictions) == 1


def test_an_unschedulable_anchor_makes_the_launcher_move(rig: Rig) -> None:
    """If the anchor does not fit onto the node, the launcher evicts its own pod once the budget is used up."""
    rig.api.put("pods", {**anchor_pod(), "metadata": {"name": "orders-0", "namespace": "apps", "uid": "own-uid"}})
    rig.api.put("pods", unschedulable_pod())
    rig.launch(anchor={"unschedulableSeconds": 5, "namespace": "apps"})
    body = wait_for(lambda: rig.api.evictions, "an eviction")[0]
    assert body["metadata"]["name"] == "orders-0"
    assert body["deleteOptions"]["preconditions"]["uid"] == "own-uid"


def test_a_replaced_anchor_restarts_the_target_in_place(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Another UID on this node stops the target and starts it again in the same launcher process."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_line("ready")
    rig.api.delete("pods", "apps", "orders-anchor-0")
    launcher.wait_line("SIGTERM")
    rig.api.put("pods", anchor_pod(ip, uid="uid-2"))
    launcher.wait_line("ready", count=2)
    assert launcher.process.poll() is None
    assert [record["anchorUid"] for record in launcher.events("bootstrap")] == ["uid-1", "uid-2"]


def test_a_changed_ip_moves_the_target(rig: Rig, ip: str, compartment: Compartment) -> None:
    """If the anchor's IP changes, the launcher attaches again, in the compartment of the new address."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_line("ready")
    other_ip = random_ip()
    with namespace(other_ip) as other:
        rig.api.put("pods", anchor_pod(other_ip))
        launcher.wait_line("ready", count=2)
        assert launcher.events("bootstrap")[-1]["compartment"] == other.id
        launcher.close()


def test_a_restarted_anchor_container_leaves_the_target_alone(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A container restart that keeps the network does not stop the target."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    rig.api.put("pods", anchor_pod(ip, container="containerd://c2"))
    launcher.wait_event("anchor-restarted", containerId="containerd://c2")
    assert ask(compartment, ip, b"hi\n") == b"hello\n"
    assert launcher.lines.count("ready") == 1


def test_a_leaving_anchor_waits_for_the_graceful_stop(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A deletionTimestamp on the anchor turns the replica unready, stops the target and then answers /hold."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch(stop={"drainSeconds": 1})
    launcher.wait_event("gate-holds")
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    launcher.wait_event("stopping")
    assert http_get(compartment, ip, "/readyz")[0] == 503
    status, body = http_get(compartment, ip, "/hold")
    assert (status, body) == (200, "the target has stopped\n")
    assert "SIGTERM" in launcher.lines
    launcher.wait_event("waiting", reason="the anchor orders-anchor-0 is being deleted")
    assert launcher.process.poll() is None


def test_a_killed_launcher_leaves_nothing(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Kill -9 of the launcher ends the target and its port."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_line("ready")
    pid = launcher.wait_event("target-started")["pid"]
    os.kill(launcher.process.pid, signal.SIGKILL)
    wait_for(lambda: not is_running(pid), "the target's end")


def _args() -> list[str]:
    return ["-S", str(Path(__file__).parent / "toys" / "server.py"), str(PORT)]


def test_an_ip_in_two_compartments_is_not_guessed(rig: Rig, ip: str, compartment: Compartment) -> None:
    """While two compartments have the anchor's IP nothing starts; when one is left, the target does."""
    rig.api.put("pods", anchor_pod(ip))
    with namespace(ip) as other:
        launcher = rig.launch()
        waiting = launcher.wait_event("waiting", count=2)
        assert compartment.name in waiting["reason"]
        assert other.name in waiting["reason"]
        assert launcher.events("bootstrap") == []
    launcher.wait_line("ready")


def test_an_anchor_before_its_compartment_is_waited_for(rig: Rig, ip: str) -> None:
    """For an IP that no compartment has yet, the launcher keeps looking until one has it."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event(
        "waiting", reason=f"a compartment with the anchor's IP {ip}: no compartment of this node has it"
    )
    with namespace(ip):
        launcher.wait_line("ready")
        launcher.close()
