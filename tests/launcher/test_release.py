"""What `check-release`, the program behind `helm test`, sees and prints."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.launcher.rig import PORT, READINESS_PORT, Rig, anchor_pod, make_config, stateful_set

pytestmark = pytest.mark.sandbox

# Tests that run at the same time listen on the same ports: each worker has its own addresses.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
FIRST, SECOND = f"127.77.{WORKER}.2", f"127.77.{WORKER}.3"


@contextmanager
def replica(ip: str, *, status: int = 200, program: bool = True) -> Iterator[None]:
    """Answer on an address as a launcher does (`/readyz`) and, if wanted, as its program does."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"gate: port http is not listened on\n" if status != 200 else b"ready\n")

        def log_message(self, *_: object) -> None:
            pass

    servers = [ThreadingHTTPServer((ip, port), Answer) for port in (READINESS_PORT, *([PORT] if program else []))]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def service(ip: str) -> dict[str, Any]:
    """Return the Service over all replicas."""
    metadata = {"name": "orders", "namespace": "apps"}
    return {"metadata": metadata, "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": PORT}]}}


@pytest.fixture
def release(rig: Rig) -> Rig:
    """Return an API that knows a release of two replicas, on FIRST and SECOND, and its Service."""
    (rig.tmp / "config.json").write_text(json.dumps(make_config()))
    rig.api.put("statefulsets", stateful_set("orders", 2))
    for ordinal in (0, 1):
        rig.api.put("pods", anchor_pod((FIRST, SECOND)[ordinal], ordinal))
    rig.api.put("services", service(FIRST))
    # The pod of the test itself; its own name is that of the rig.
    rig.api.put("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders-0", "namespace": "apps"}})
    return rig


def check(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `check-release` as the test's pod does."""
    return rig.command("check-release", *(words or ("0", "orders")))


def test_a_release_that_is_well(release: Rig) -> None:
    """One line for each replica with its own IP and ports, one for the Service, and exit code 0."""
    with replica(FIRST), replica(SECOND):
        answer = check(release)
    assert answer.stdout.splitlines() == [
        f"replica 0: ready on {FIRST}, http 8080",
        f"replica 1: ready on {SECOND}, http 8080",
        f"Service orders: accepts on {FIRST}, http 8080",
        "3 of 3 checks passed",
    ]
    assert answer.returncode == 0


def test_an_unready_replica_fails_and_says_why(release: Rig) -> None:
    """The others are still checked, and the answer of /readyz is printed."""
    with replica(FIRST), replica(SECOND, status=503):
        answer = check(release)
    assert answer.returncode == 1
    assert f"replica 1: FAILED: /readyz on {SECOND}:8091: 503 gate: port http is not listened on" in answer.stdout
    assert answer.stdout.endswith("2 of 3 checks passed\n")


def test_a_ready_replica_whose_program_refuses_fails(release: Rig) -> None:
    """The program's own port is checked too, so that a gate which checks the wrong thing is found out."""
    with replica(FIRST), replica(SECOND, program=False):
        answer = check(release)
    assert answer.returncode == 1
    assert f"replica 1: FAILED: port http on {SECOND}:8080: Connection refused" in answer.stdout


def test_a_dead_launcher_fails(release: Rig) -> None:
    """If nothing answers, the line says so."""
    with replica(FIRST):
        answer = check(release)
    assert answer.returncode == 1
    assert f"replica 1: FAILED: /readyz on {SECOND}:8091: Connection refused" in answer.stdout


def test_an_absent_anchor_and_service_fail(release: Rig) -> None:
    """What the API does not know is named."""
    release.api.delete("pods", "apps", "orders-anchor-1")
    release.api.delete("services", "apps", "orders")
    with replica(FIRST):
        answer = check(release)
    assert "replica 1: FAILED: its anchor orders-anchor-1 has no IP yet" in answer.stdout
    assert "Service orders: FAILED: does not exist" in answer.stdout


def test_what_becomes_well_in_time_is_well(release: Rig) -> None:
    """Right after an installation the test waits, and returns as soon as every check passes."""
    with replica(FIRST):
        late = replica(SECOND)
        timer = threading.Timer(1.5, late.__enter__)
        timer.start()
        try:
            answer = check(release, "12", "orders")
        finally:
            timer.join()
            late.__exit__(None, None, None)
    assert answer.returncode == 0, answer.stdout


def test_no_replicas_are_well(release: Rig) -> None:
    """A release scaled to 0 has nothing that could fail, and its Service is not checked."""
    release.api.put("statefulsets", stateful_set("orders", 0))
    answer = check(release)
    assert (answer.returncode, answer.stdout) == (0, "0 of 0 checks passed\n")


def test_without_a_service_none_is_asked(release: Rig) -> None:
    """A program without ports has no Service."""
    with replica(FIRST), replica(SECOND):
        answer = check(release, "0")
    assert answer.returncode == 0
    assert "Service" not in answer.stdout


def test_a_set_that_is_not_there_fails(release: Rig) -> None:
    """A release that was uninstalled is not healthy."""
    release.api.delete("statefulsets", "apps", "orders")
    answer = check(release)
    assert answer.returncode == 1
    assert "statefulsets orders in namespace apps: FAILED: does not exist" in answer.stdout


def test_it_asks_by_name_alone(release: Rig) -> None:
    """GET of the set, the anchors and the Service, PATCH of its own pod; it neither lists nor watches."""
    with replica(FIRST), replica(SECOND):
        check(release)
    asked = {(request.verb, request.resource, request.name) for request in release.api.requests}
    assert asked == {
        ("get", "statefulsets", "orders"),
        ("patch", "pods", "orders-0"),
        ("get", "pods", "orders-anchor-0"),
        ("get", "pods", "orders-anchor-1"),
        ("get", "services", "orders"),
    }


def test_its_pod_goes_with_the_release(release: Rig) -> None:
    """The set becomes the owner of the test's pod; if the API refuses that, it is reported and changes nothing."""
    release.api.put("statefulsets", stateful_set("orders", 0))
    assert check(release).returncode == 0
    uid = release.api.get("statefulsets", "apps", "orders")["metadata"]["uid"]
    references = release.api.get("pods", "apps", "orders-0")["metadata"]["ownerReferences"]
    assert references == [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "orders", "uid": uid}]

    release.api.delete("pods", "apps", "orders-0")
    answer = check(release)
    assert answer.returncode == 0
    assert answer.stdout.startswith("note: pod orders-0 outlives the release: ")
