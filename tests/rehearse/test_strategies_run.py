"""Each way to provide anchors runs: real launcher, chart, Helm, RBAC and sockets; a rehearsal has only one node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mooring.rehearse import sandbox
from mooring.rehearse.pods import is_ready
from mooring.rehearse.rehearsal import Rehearsal, fetch

ROOT = Path(__file__).resolve().parents[2]
DEV_LINUX = ROOT / "values-examples" / "dev-linux.yaml"

OTHERS = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "net"},
    "spec": {
        "replicas": 2,
        "serviceName": "net",
        "selector": {"matchLabels": {"app": "net"}},
        "template": {
            "metadata": {"labels": {"app": "net"}},
            "spec": {"containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10.1"}]},
        },
    },
}
FOREIGN = {
    "anchor": {"create": False, "selector": "statefulset.kubernetes.io/pod-name=net-{ordinal},app=net"},
    "extraObjects": [OTHERS],
}
WAYS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "static": ({"anchor": {"strategy": "static"}}, {"mooring-anchor-0-0": 8080, "mooring-anchor-1-1": 8080}),
    "foreign": (FOREIGN, {"net-0": 8080, "net-1": 8080}),
    "foreign-static": (
        {**FOREIGN, "anchor": {**FOREIGN["anchor"], "strategy": "static"}},
        {"net-0": 8080, "net-1": 8080},
    ),
}
SHARED = {
    "anchor": {"strategy": "shared"},
    "target": {"perOrdinal": {"1": {"args": ["python3", "-m", "http.server", "8081"], "ports": {"http": 8081}}}},
}


def rehearse(tmp: Path, values: dict[str, Any]) -> Rehearsal:
    """Return a rehearsal of chart/ with the developer's example and these values."""
    file = tmp / "values.json"
    file.write_text(json.dumps(values))
    return Rehearsal(ROOT / "chart", [DEV_LINUX, file])


def wait_for_all(rehearsal: Rehearsal, count: int) -> dict[str, str]:
    """Wait until there are that many pods and all are Ready; return the anchors' addresses by name."""
    rehearsal.wait(lambda pods: len(pods) == count and all(map(is_ready, pods)), 60, f"{count} ready pods")
    return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in rehearsal.anchors()}


@pytest.mark.parametrize("way", WAYS)
def test_each_replica_serves_on_the_ip_of_its_own_anchor(way: str, tmp_path: Path) -> None:
    """The launchers find their anchors with the rights that the chart gives them, and start their programs there."""
    assert sandbox.run(lambda: _serve_each(tmp_path, *WAYS[way])) == 0


def test_replicas_share_an_ip_and_its_fate(tmp_path: Path) -> None:
    """Both programs answer on the one anchor's IP; when it is deleted both stop, and both come back on the next one."""
    assert sandbox.run(lambda: _share_one(tmp_path)) == 0


def test_the_server_of_a_start_program_is_served(tmp_path: Path) -> None:
    """A shell starts a server and exits; with lifetime tree its pair is Ready and stays so, without a restart."""
    assert sandbox.run(lambda: _start_and_leave(tmp_path)) == 0


def _start_and_leave(tmp_path: Path) -> int:
    program = {"exe": "/bin/sh", "args": ["-c", "python3 -m http.server 8080 & sleep 1; exit 0"], "lifetime": "tree"}
    with rehearse(tmp_path, {"replicas": 1, "target": program}) as rehearsal:
        ((_, ip),) = wait_for_all(rehearsal, 2).items()

        def told() -> dict[str, Any]:
            target: dict[str, Any] = json.loads(fetch(ip, 8091, "/status")[1])["target"]
            return target

        wait_until(lambda: told()["mainExit"] == 0, "the start program's end")
        assert fetch(ip, 8080)[0] == 200
        assert fetch(ip, 8091, "/readyz")[0] == 200
        assert told()["pid"] is None
        rehearsal.wait(lambda pods: len(pods) == 2 and all(map(is_ready, pods)), 10, "both still ready")
    return 0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition that no pod shows."""
    until_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until_s, f"waited 30 s for {what}"
        time.sleep(0.1)


def _serve_each(tmp_path: Path, values: dict[str, Any], expected: dict[str, int]) -> int:
    with rehearse(tmp_path, values) as rehearsal:
        addresses = wait_for_all(rehearsal, 4)
        assert addresses.keys() == expected.keys()
        for name, port in expected.items():
            assert fetch(addresses[name], port)[0] == 200
        assert {request.status for request in rehearsal.api.requests} <= {0, 200}
    return 0


def _share_one(tmp_path: Path) -> int:
    with rehearse(tmp_path, SHARED) as rehearsal:
        ((name, ip),) = wait_for_all(rehearsal, 3).items()
        for port in (8080, 8081):
            assert fetch(ip, port)[0] == 200
        (before,) = rehearsal.anchors()
        rehearsal.delete(name)
        rehearsal.wait(lambda pods: not {before["metadata"]["uid"]} & uids(pods), 60, "the anchor's end")
        ((_, ip),) = wait_for_all(rehearsal, 3).items()
        for port in (8080, 8081):
            assert fetch(ip, port)[0] == 200
    return 0


def uids(pods: list[dict[str, Any]]) -> set[str]:
    """Return the pods' uids."""
    return {pod["metadata"]["uid"] for pod in pods}
