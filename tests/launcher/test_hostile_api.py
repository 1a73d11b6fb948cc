"""Whatever the API, or something in its place, answers, the program runs on, and real changes are noticed later."""

import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from mooring.rehearse.wire import Request, Response, failure
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.mutations import Mutator
from tests.launcher.rig import Launcher, Rig, anchor_pod, http_get, stateful_set, wait_for

pytestmark = pytest.mark.sandbox

SEED = 20_270
ROUNDS = 2_000


def running(rig: Rig, ip: str, **changes: Any) -> Launcher:
    """Start a launcher and wait until its program is ready."""
    rig.api.put("pods", anchor_pod(ip, ready=True))
    launcher = rig.launch(**changes)
    launcher.wait_event("gate-holds")
    wait_for(lambda: "watch" in rig.verbs(), "the watch")
    return launcher


def assert_unharmed(rig: Rig, launcher: Launcher, ip: str, compartment: Compartment) -> None:
    """The program runs, and the launcher is alive and follows: a real deletion is noticed."""
    assert launcher.process.poll() is None, launcher.records[-5:]
    assert "SIGTERM" not in launcher.lines
    assert launcher.events("detaching") == launcher.events("thread-died") == []
    assert http_get(compartment, ip, "/livez") == (200, "live\n")
    assert http_get(compartment, ip, "/readyz")[0] == 200
    assert rig.command("probe", "live").returncode == 0
    rig.api.intercept = None
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    rig.api.cut_watches()
    launcher.wait_line("SIGTERM")


ABSENT = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404}
NO_EVIDENCE = {
    "an empty object": Response(body=b"{}"),
    "a list": Response(body=b"[]"),
    "null": Response(body=b"null"),
    "a Status": Response(body={**ABSENT}),
    "a pod without spec": Response(body={**anchor_pod(), "spec": None}),
    "a pod without metadata": Response(body={"apiVersion": "v1", "kind": "Pod", "spec": {}, "status": {}}),
    "a pod of another name": Response(body=anchor_pod(name="orders-anchor-1")),
    "a page's 404": Response(404, {"Content-Type": "text/html"}, "<h1>404 page not found</h1>"),
    "an unknown path's 404": Response(404, body={**ABSENT, "details": {}}),
    "another object's 404": Response(404, body={**ABSENT, "details": {"name": "other", "kind": "pods"}}),
    "a redirect": Response(302, {"Location": "https://127.0.0.1/"}, b""),
    "no content": Response(204),
    "JSON 100,000 deep": Response(body=b"[" * 100_000 + b"]" * 100_000),
    "garbage": Response.raw([b"\x16\x03\x01\x02\x00\x01\x00" * 100]),
}


@pytest.mark.parametrize("name", NO_EVIDENCE)
def test_an_answer_that_proves_nothing_stops_nothing(rig: Rig, ip: str, compartment: Compartment, name: str) -> None:
    """It is reported as a problem and retried with growing pauses; the program keeps running."""
    launcher = running(rig, ip)
    rig.api.intercept = lambda request: NO_EVIDENCE[name] if request.verb == "get" else None
    rig.api.cut_watches()
    launcher.wait_event("api-problem", count=2)
    assert_unharmed(rig, launcher, ip, compartment)


def events(*lines: bytes) -> Response:
    return Response(body=b"\n".join([*lines, b""]))


BAD_STREAMS = {
    "no object": events(b'{"type":"MODIFIED"}'),
    "an unknown type": events(b'{"type":"BROKEN","object":{}}'),
    "an error without a code": events(b'{"type":"ERROR","object":null}'),
    "an error whose code is not a number": events(b'{"type":"ERROR","object":{"code":1e999}}'),
    "100,000 deep": events(b'{"type":"MODIFIED","object":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "no UTF-8": events(b'{"type":"\xff\xfe"}'),
    "a line that never ends": Response.raw([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 200]),
    "a cut chunk": Response.raw([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b'ff\r\n{"type":']),
    "a chunk of no size": Response.raw([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"-1\r\n{}"]),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_stream_that_makes_no_sense_is_told_and_left(rig: Rig, ip: str, compartment: Compartment, name: str) -> None:
    """The watch continues: a GET follows, and later changes are noticed."""
    launcher = running(rig, ip)
    rig.api.intercept = lambda request: BAD_STREAMS[name] if request.verb == "watch" else None
    rig.api.cut_watches()
    launcher.wait_event("api-problem", count=2)
    assert_unharmed(rig, launcher, ip, compartment)


def test_two_thousand_mutated_answers(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Whatever a fixed seed draws as answers and streams, the program runs on, and its launcher follows its anchor."""
    rig.program = (rig.program[0], str(rig.toys / "hasty.py"))
    launcher = running(rig, ip)
    found = rig.api.get("pods", "apps", "orders-anchor-0")
    assert found
    mutator = Mutator(SEED, found)
    served = 0
    turn = threading.Lock()

    def mutate(request: Request) -> Response | None:
        nonlocal served
        with turn:
            if served >= ROUNDS or request.resource != "pods":
                return None
            served += 1
            if request.verb == "watch":
                return mutator.stream()
            return mutator.answer() if served % 2 else None

    rig.api.intercept = mutate
    rig.api.cut_watches()
    wait_for(lambda: served >= ROUNDS or launcher.process.poll() is not None, f"{ROUNDS} answers", 60)
    assert_unharmed(rig, launcher, ip, compartment)


FOREIGN = {"create": False, "selector": "app=net-{ordinal}", "namespace": "nets"}
NO_LISTS: dict[str, Any] = {
    "an empty object": {},
    "a list without items": {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}},
    "a list without a version": {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []},
    "a list of something else": {
        "kind": "NodeList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": [],
    },
    "a pod": anchor_pod(),
    "a list of junk": {"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [None]},
    "pods of another namespace": {"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [anchor_pod()]},
}


@pytest.mark.parametrize("name", NO_LISTS)
def test_a_list_that_makes_no_sense_stops_nothing(rig: Rig, ip: str, compartment: Compartment, name: str) -> None:
    """An anchor that others created counts as missing when a well-formed list lacks it, and not before."""
    own = anchor_pod(ip, name="net-0-x7f")
    own["metadata"] |= {"namespace": "nets", "labels": {"app": "net-0"}}
    rig.api.put("pods", own)
    launcher = rig.launch(anchor=FOREIGN)
    launcher.wait_event("gate-holds")
    answers = [Response(body=NO_LISTS[name]), Response(404, body=ABSENT), Response(body=b"[]")]
    rig.api.intercept = lambda r: answers[len(rig.api.requests) % 3] if r.verb == "list" else None
    rig.api.cut_watches()
    launcher.wait_event("api-problem", count=4)
    assert "SIGTERM" not in launcher.lines
    rig.api.intercept = None
    rig.api.delete("pods", "nets", "net-0-x7f")
    launcher.wait_line("SIGTERM")


def flood(head: bytes, size: int) -> Iterator[bytes]:
    yield head
    for _ in range(size // (1 << 20)):
        yield b'{"a":"' + b"x" * ((1 << 20) - 6)


@pytest.mark.parametrize("verb", ["get", "watch"])
def test_an_answer_of_gigabytes_is_not_read(rig: Rig, ip: str, compartment: Compartment, verb: str) -> None:
    """It is given up after a few megabytes: the launcher's memory does not grow."""
    launcher = running(rig, ip)
    memory = psutil.Process(launcher.process.pid)
    before = memory.memory_info().rss
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1500000000\r\n\r\n"
    rig.api.intercept = lambda request: Response.raw(flood(head, 1_500_000_000)) if request.verb == verb else None
    rig.api.cut_watches()
    launcher.wait_event("api-problem", count=2)
    assert memory.memory_info().rss < before + 64 * 1024 * 1024
    assert_unharmed(rig, launcher, ip, compartment)


def test_nonsense_about_the_own_set_scales_nothing(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A set without a number of replicas does not mean one replica, and an answer that is not a Scale did not scale."""
    rig.api.put("statefulsets", stateful_set("orders", 3))
    rig.api.put("statefulsets", stateful_set("orders-anchor", 3))
    launcher = running(rig, ip, scaling={"follow": True})
    launcher.wait_event("scale-followed")
    broken = stateful_set("orders", 3) | {"spec": {}}
    broken["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    rig.api.intercept = lambda r: Response(body=broken) if (r.resource, r.verb) == ("statefulsets", "get") else None
    rig.api.cut_watches()
    launcher.wait_event("scale-problem")
    kept = rig.api.get("statefulsets", "apps", "orders-anchor")
    assert kept
    assert kept["spec"]["replicas"] == 3
    rig.api.intercept = lambda r: Response(body=b"{}") if r.resource == "statefulsets/scale" else None
    rig.api.put("statefulsets", stateful_set("orders", 2))
    launcher.wait_event(
        "scale-problem",
        problem="patch statefulsets/scale orders-anchor in namespace apps: the answer is not its scale with 2 replicas",
    )
    rig.api.intercept = None
    launcher.wait_event("scale-followed", replicas=2)


def test_a_404_of_something_else_ends_no_eviction(rig: Rig) -> None:
    """An eviction is given up when the API says that the pod no longer exists, but not when a page was not found."""
    asked: list[Request] = []

    def not_found(request: Request) -> Response | None:
        if request.resource != "pods/eviction" or len(asked) >= 2:
            return None
        asked.append(request)
        return Response(404, body="no such page") if len(asked) == 1 else Response(409, body=b"{}")

    rig.api.intercept = not_found
    rig.api.put("pods", anchor_pod(node="node-b"))
    launcher = rig.launch()
    launcher.wait_event("evicted")
    assert len(launcher.events("eviction-refused")) == 2


def test_absence_in_the_apis_own_words_is_evidence(rig: Rig, ip: str, compartment: Compartment) -> None:
    """NotFound with the pod's name stops the program."""
    launcher = running(rig, ip)
    details = {"name": "orders-anchor-0", "kind": "pods"}
    gone = failure(404, "NotFound", 'pods "orders-anchor-0" not found', details)
    rig.api.intercept = lambda request: gone if request.verb == "get" else None
    rig.api.cut_watches()
    launcher.wait_line("SIGTERM")
    assert launcher.wait_event("detaching")["reason"] == "the anchor orders-anchor-0 is gone"
