"""A running replica survives every fault of the API."""

import pytest
from mooring.rehearse.wire import Request, Response
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.rig import Rig, anchor_pod, wait_for

pytestmark = pytest.mark.sandbox


def test_a_lost_watch_is_followed_by_a_get(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A cut stream costs one GET and one WATCH, and what happened in the meantime is noticed."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    rig.api.close()
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    rig.api.start()
    launcher.wait_line("SIGTERM")
    assert rig.verbs()[:3] == ["get", "watch", "get"]


def test_an_api_that_is_down_leaves_the_target_alone(rig: Rig, ip: str, compartment: Compartment) -> None:
    """While the API is down the target runs on and the replica stays ready."""
    rig.api.put("pods", anchor_pod(ip, ready=True))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    rig.api.close()
    launcher.wait_event("api-problem", count=3)
    assert rig.command("probe", "ready").returncode == 0
    assert launcher.lines.count("SIGTERM") == 0


def test_an_api_that_comes_late_is_waited_for(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A refused connection at the start is retried until the API is up."""
    rig.api.put("pods", anchor_pod(ip))
    rig.api.close()
    launcher = rig.launch()
    launcher.wait_event("api-problem")
    rig.api.start()
    launcher.wait_line("ready")


def test_a_rotated_token_is_read_again(rig: Rig, ip: str, compartment: Compartment) -> None:
    """After a rotation the launcher continues with the new token."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    rig.api.add_token("token-2")
    rig.api.revoke_token("token-1")
    (rig.account / "token").write_text("token-2")
    rig.api.cut_watches()
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    launcher.wait_line("SIGTERM")


def test_a_forbidden_request_names_what_to_grant(rig: Rig, ip: str) -> None:
    """A 403 names verb, resource, object and rbac.maxReplicas; once granted, the launcher continues."""
    rig.api.put("pods", anchor_pod(ip))
    rig.api.add_token("token-1", rules=[])
    launcher = rig.launch()
    problem = launcher.wait_event("api-problem")["problem"]
    for word in ("get", "pods", "orders-anchor-0", "rbac.maxReplicas", "403"):
        assert word in problem
    rig.api.add_token("token-1")
    launcher.wait_event("waiting", count=1, level="info")
    wait_for(lambda: "watch" in rig.verbs(), "the watch")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_api_is_asked_again_when_it_says(rig: Rig, ip: str, compartment: Compartment, status: int) -> None:
    """429 and 5xx are retried, but not before Retry-After."""
    rig.api.put("pods", anchor_pod(ip))

    def once(request: Request) -> Response | None:
        return Response(status, {"Retry-After": "1"}) if len(rig.api.requests) == 1 else None

    rig.api.intercept = once
    launcher = rig.launch()
    launcher.wait_line("ready")
    first, second = (request.time_s for request in rig.api.requests[:2])
    assert second - first >= 1.0


def test_a_refused_eviction_is_asked_again(rig: Rig) -> None:
    """An eviction that a PodDisruptionBudget refuses (429) is retried until it is granted."""
    refused: list[Request] = []

    def budget(request: Request) -> Response | None:
        if request.resource == "pods/eviction" and len(refused) < 2:
            refused.append(request)
            return Response(429)
        return None

    rig.api.intercept = budget
    rig.api.put("pods", anchor_pod(node="node-b"))
    launcher = rig.launch()
    launcher.wait_event("evicted")
    assert len(launcher.events("eviction-refused")) == 2
    assert len(rig.api.evictions) == 1
