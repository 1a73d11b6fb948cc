"""The in-cluster client against a real TLS server, without a launcher."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mooring.rehearse.api import ApiServer
from mooring.rehearse.wire import Request, Response
from mooring_launcher.cluster import api
from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.cluster.resources import pod, pods, stateful_set
from mooring_launcher.cluster.watch import Backoff, ObjectWatch
from mooring_launcher.errors import ExitCode, LauncherError

from tests.launcher.rig import anchor_pod, wait_for

ANCHOR = pod("apps", "orders-anchor-0")
LABEL = "statefulset.kubernetes.io/pod-name=orders-anchor-0"


class Heard:
    """Collects what an ObjectWatch reports."""

    def __init__(self, client: ApiClient) -> None:
        self.objects: list[tuple[str | None, bool]] = []
        self.problems: list[ApiError] = []
        self.watch = ObjectWatch(client, ANCHOR, self._on_object, self.problems.append)
        self.watch.start()

    def _on_object(self, found: dict[str, Any] | None, fresh: bool) -> None:
        self.objects.append((found["metadata"]["uid"] if found else None, fresh))

    def wait(self, *expected: tuple[str | None, bool]) -> None:
        """Wait until exactly these have been reported."""
        wait_for(lambda: len(self.objects) >= len(expected), f"{expected}, got {self.objects}")
        assert self.objects == list(expected)


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    """Return an address of either family."""
    return str(request.param)


@pytest.fixture
def server(host: str) -> Iterator[ApiServer]:
    """Start an API."""
    made = ApiServer(host)
    made.add_token("token-1")
    made.start()
    yield made
    made.close()


@pytest.fixture
def account(server: ApiServer, tmp_path: Path) -> Path:
    """Write what kubelet mounts."""
    (tmp_path / "ca.crt").write_text(server.ca_pem)
    (tmp_path / "token").write_text("token-1\n")
    return tmp_path


@pytest.fixture
def client(server: ApiServer, account: Path) -> ApiClient:
    """Make the client."""
    return ApiClient(server.host, server.port, str(account))


def verbs(server: ApiServer) -> list[str]:
    """Return the verbs of all requests, in order."""
    return [request.verb for request in server.requests]


def test_an_object_is_read_by_name(server: ApiServer, client: ApiClient) -> None:
    """GET returns the object, or None if it does not exist; over IPv6 as over IPv4."""
    assert client.get(ANCHOR) is None
    server.put("pods", anchor_pod())
    found = client.get(ANCHOR)
    assert found
    assert found["metadata"]["uid"] == "uid-1"


def test_a_quiet_watch_is_two_requests_on_one_connection(server: ApiServer, client: ApiClient) -> None:
    """One GET, one WATCH by name from its version with bookmarks and a timeout; changes arrive without another."""
    server.put("pods", anchor_pod())
    heard = Heard(client)
    heard.wait(("uid-1", True))
    wait_for(lambda: len(server.requests) == 2, "the watch")
    server.put("pods", anchor_pod(ready=True))
    heard.wait(("uid-1", True), ("uid-1", False))
    query = server.requests[1].query
    assert verbs(server) == ["get", "watch"]
    assert query["fieldSelector"] == "metadata.name=orders-anchor-0"
    assert query["allowWatchBookmarks"] == "true"
    assert 290 <= int(query["timeoutSeconds"]) <= 320
    assert int(query["resourceVersion"]) > 0


def test_an_absent_object_is_watched_without_a_version(server: ApiServer, client: ApiClient) -> None:
    """After a 404 the watch has no version and reports the object when it appears."""
    heard = Heard(client)
    heard.wait((None, True))
    wait_for(lambda: len(server.requests) == 2, "the watch")
    assert "resourceVersion" not in server.requests[1].query
    server.put("pods", anchor_pod())
    heard.wait((None, True), ("uid-1", False))


def test_a_deletion_is_proved_by_a_get(server: ApiServer, client: ApiClient) -> None:
    """A DELETED event is only a reason to send a GET: its 404 is the proof."""
    server.put("pods", anchor_pod())
    heard = Heard(client)
    wait_for(lambda: len(server.requests) == 2, "the watch")
    server.delete("pods", "apps", "orders-anchor-0")
    heard.wait(("uid-1", True), (None, True))
    assert verbs(server)[:3] == ["get", "watch", "get"]
    assert heard.problems == []


def test_an_expired_version_is_read_anew(server: ApiServer, client: ApiClient) -> None:
    """After 410 comes a GET, silently, and what changed in the meantime is reported."""
    server.put("pods", anchor_pod())
    heard = Heard(client)
    wait_for(lambda: len(server.requests) == 2, "the watch")
    server.close()
    server.put("pods", anchor_pod(uid="uid-2"))
    server.expire()
    server.start()
    wait_for(lambda: ("uid-2", True) in heard.objects, "the new object")
    wait_for(lambda: "watch" in verbs(server)[-2:], "the watch")


def test_an_api_server_that_remembers_nothing_is_watched_at_once(server: ApiServer, client: ApiClient) -> None:
    """An unchanged object's version is older than the server's history: a WATCH from the current state, then a GET."""
    server.put("pods", anchor_pod())
    heard = Heard(client)
    wait_for(lambda: len(server.requests) == 2, "the watch")
    server.close()
    server.expire()
    server.start()
    wait_for(lambda: verbs(server)[2:] == ["get", "watch", "watch", "get"], "the watch, and the GET that decides")
    assert "resourceVersion" not in server.requests[4].query
    server.delete("pods", "apps", "orders-anchor-0")
    heard.wait(("uid-1", True), ("uid-1", True), ("uid-1", True), ("uid-1", False), (None, True))
    wait_for(lambda: verbs(server)[6:] == ["get", "watch"], "the watch after that")
    assert all("410" not in problem for problem in map(str, heard.problems))


def test_a_410_answer_is_not_a_problem(server: ApiServer, client: ApiClient) -> None:
    """A 410 is followed by a WATCH and a GET, and is not reported as a problem."""
    server.put("pods", anchor_pod())
    server.intercept = lambda _request: Response(410) if len(server.requests) == 2 else None
    heard = Heard(client)
    wait_for(lambda: len(server.requests) == 4, "the second watch")
    assert verbs(server) == ["get", "watch", "watch", "get"]
    assert heard.problems == []


def test_watches_that_end_at_once_are_not_a_poll(server: ApiServer, client: ApiClient) -> None:
    """If the server ends or cuts every watch, the client retries with growing pauses."""
    server.put("pods", anchor_pod())

    def cut(request: Request) -> Response | None:
        return Response.drop() if request.verb == "watch" else None

    server.intercept = cut
    Heard(client)
    wait_for(lambda: verbs(server).count("watch") == 4, "four watches")
    times = [request.time_s for request in server.requests if request.verb == "watch"]
    # The first pause is 0.2 s at most, the third 0.4 s at least; a busy machine makes them longer, never shorter.
    assert times[3] - times[2] > 0.35


def test_a_401_reads_the_token_again(server: ApiServer, client: ApiClient, account: Path) -> None:
    """A token that is rotated between reading it and the request costs one more request, and is not a problem."""

    def rotate(request: Request) -> Response | None:
        if len(server.requests) == 1:
            (account / "token").write_text("token-2")
            server.revoke_token("token-1")
        return None

    server.put("pods", anchor_pod())
    server.add_token("token-2")
    server.intercept = rotate
    assert client.get(ANCHOR) is not None
    assert [request.status for request in server.requests] == [401, 200]


@pytest.mark.parametrize(
    "response, status, code",
    [
        (Response(403), 403, ExitCode.API_FORBIDDEN),
        (Response(500), 500, ExitCode.API_UNREACHABLE),
        (Response(429, {"Retry-After": "7"}), 429, ExitCode.API_UNREACHABLE),
        (Response.drop(), 0, ExitCode.API_UNREACHABLE),
        (Response(200, body="no json"), 0, ExitCode.API_UNREACHABLE),
    ],
)
def test_every_failure_is_one_error(
    server: ApiServer, client: ApiClient, response: Response, status: int, code: ExitCode
) -> None:
    """Every failure is an ApiError that names verb and object."""
    server.intercept = lambda _request: response
    with pytest.raises(ApiError, match="get pods orders-anchor-0 in namespace apps") as caught:
        client.get(ANCHOR)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.retry_after_s == (7 if status == 429 else 0)


def drip(*parts: bytes) -> Iterator[bytes]:
    """Send something, then its last part again and again, slowly."""
    yield from parts
    for _ in range(200):
        time.sleep(0.1)
        yield parts[-1]


ENDLESS = {
    "a head": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n",),
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.mark.parametrize("host", ["127.0.0.1"])
@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_that_trickles_is_given_up(
    server: ApiServer, client: ApiClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A byte every now and then does not keep the client waiting: there is a time limit for the whole answer."""
    monkeypatch.setattr(api, "ANSWER_TIMEOUT_S", 0.7)
    server.intercept = lambda _request: Response.raw(drip(*ENDLESS[name]))
    began_s = time.monotonic()
    with pytest.raises(ApiError, match=r"took too long|timed out"):
        client.get(ANCHOR)
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize("host", ["127.0.0.1"])
def test_a_watch_that_trickles_is_given_up(
    server: ApiServer, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that continues past its time limit, in the middle of a line, is closed."""
    monkeypatch.setattr(api, "_READ_SLACK_S", 0.0)
    server.intercept = lambda _request: Response.raw(drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "))
    with api.Session(client) as session, pytest.raises(ApiError, match=r"took too long|timed out"):
        list(session.watch(ANCHOR, "", 1))


@pytest.mark.parametrize("host", ["127.0.0.1"])
def test_finding_an_object_has_a_time(server: ApiServer, client: ApiClient) -> None:
    """A caller that cannot wait gives a time limit; by name and by labels."""
    server.put("pods", anchor_pod())
    assert [found["metadata"]["uid"] for found in client.find(ANCHOR)] == ["uid-1"]
    assert [found["metadata"]["uid"] for found in client.find(pods("apps", LABEL))] == ["uid-1"]
    assert client.find(pod("apps", "other")) == []
    server.intercept = lambda _request: Response.raw(drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"))
    began_s = time.monotonic()
    with pytest.raises(ApiError):
        client.find(ANCHOR, within_s=0.5)
    assert time.monotonic() - began_s < 3


def test_a_server_of_another_authority_is_not_trusted(server: ApiServer, client: ApiClient, account: Path) -> None:
    """Only the cluster's CA is trusted."""
    (account / "ca.crt").write_text(ApiServer("localhost").ca_pem)
    with pytest.raises(ApiError, match="certificate"):
        client.get(ANCHOR)
    assert server.requests == []


def test_a_scale_is_merged(server: ApiServer, client: ApiClient) -> None:
    """PATCH changes the scale and returns it."""
    server.put("statefulsets", {"metadata": {"name": "a", "namespace": "apps"}, "spec": {"replicas": 1}})
    client.patch(stateful_set("apps", "a", "scale"), {"spec": {"replicas": 4}})
    changed = server.get("statefulsets", "apps", "a")
    assert changed
    assert changed["spec"]["replicas"] == 4


def test_an_error_of_the_listener_is_tried_anew(server: ApiServer, client: ApiClient) -> None:
    """An ApiError that on_object raises is reported and followed by a GET."""
    server.put("pods", anchor_pod())
    problems: list[ApiError] = []
    told = threading.Event()

    def listen(_found: object, _fresh: bool) -> None:
        if not problems:
            raise ApiError("the scale is refused")
        told.set()

    ObjectWatch(client, ANCHOR, listen, problems.append).start()
    assert told.wait(10)
    assert [str(problem) for problem in problems] == ["the scale is refused"]


def test_outside_a_cluster_there_is_no_client() -> None:
    """Without the API server's address the launcher says so."""
    with pytest.raises(LauncherError, match="KUBERNETES_SERVICE_HOST"):
        ApiClient.in_cluster({})


def test_pauses_grow_to_a_limit_and_obey_the_server() -> None:
    """Each pause is longer than the last, up to 30 s, and never shorter than Retry-After."""
    backoff = Backoff()
    pauses = [backoff.next_s() for _ in range(12)]
    assert 0.1 <= pauses[0] <= 0.2
    assert 15 <= pauses[-1] <= 30
    assert backoff.next_s(100) == 100
    backoff.reset()
    assert backoff.next_s() <= 0.2
