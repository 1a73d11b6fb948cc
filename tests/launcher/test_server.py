"""The health server inside the compartment: its pages, and that hostile clients cannot harm it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.conditions import Condition
from mooring_launcher.health import server as server_module
from mooring_launcher.health.askers import Askers, Origin
from mooring_launcher.health.metrics import Metrics
from mooring_launcher.health.pages import View
from mooring_launcher.health.server import HealthServer
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment, Inside

from tests.launcher.inside_helpers import namespace, random_ip, wait_for

pytestmark = pytest.mark.sandbox

PORT = 8091
STATUS = {"ordinal": 2, "reason": "GET http://10.0.0.1/secret", "target": {"exe": "/opt/secret"}}
CONDITIONS = [Condition("uptime", True, "running"), Condition("port http", False, "port http 8080: not listening")]


class Served:
    """A health server in a namespace; a test can change what it reports."""

    def __init__(self, inside: Compartment, ip: str) -> None:
        self.inside = inside
        self.ip = ip
        self.view = View(False, True, "the gate does not hold", CONDITIONS, STATUS, "port http")
        metrics = Metrics("0.1.0", "orders", 2, False, 0.5, None, 0, CONDITIONS, None)
        self.server = HealthServer(Inside(backend(), inside), ip, PORT, lambda: self.view, lambda: metrics)
        self.server.start()

    def connect(self) -> socket.socket:
        """Connect to it from inside."""
        family = socket.AF_INET6 if ":" in self.ip else socket.AF_INET
        sock = backend().run_inside(self.inside, lambda: socket.socket(family))
        sock.settimeout(10)
        sock.connect((self.ip, PORT))
        return sock

    def ask(self, request: str) -> tuple[int, str, str]:
        """Send a request; return status, head and body."""
        with self.connect() as sock:
            sock.sendall(request.encode())
            return parse(read_all(sock))

    def get(self, path: str) -> tuple[int, str, str]:
        """GET a page."""
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


def parse(data: bytes) -> tuple[int, str, str]:
    head, _, body = data.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


@contextmanager
def served(ip: str | None = None) -> Iterator[Served]:
    ip = ip or random_ip()
    with namespace(ip) as inside:
        serving = Served(inside, ip)
        try:
            yield serving
        finally:
            serving.server.close()


@contextmanager
def parked(serving: Served) -> Iterator[socket.socket]:
    with serving.connect() as sock:
        sock.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        wait_for(lambda: serving.server._held, "the parked client")
        yield sock


@pytest.mark.parametrize("ip", [None, "fd00:12::1"])
def test_readyz_follows_the_view(ip: str | None) -> None:
    """Readiness is 503 with the reason and each condition until the view is ready, on IPv4 and IPv6."""
    with served(ip) as serving:
        code, _, body = serving.get("/readyz")
        assert code == 503
        assert body == "not ready: port http\n[+] uptime\n[-] port http\n"
        serving.view = serving.view._replace(ready=True)
        assert serving.get("/readyz?verbose")[0] == 200


def test_strangers_are_told_names_and_states_alone() -> None:
    """A request that is not from the node gets no values: no path, no body, no output, no error's words."""
    with served() as serving:
        status = json.loads(serving.get("/status")[2])
        names = [{"name": "uptime", "holds": True}, {"name": "port http", "holds": False}]
        assert status == {"ordinal": 2, "reason": "port http", "conditions": names, "more": status["more"]}
        everything = "".join(serving.get(path)[2] for path in ("/readyz", "/status", "/metrics", "/livez", "/x"))
        assert "secret" not in everything
        assert "listening" not in everything
        serving.view = serving.view._replace(status={"app": object()})
        assert serving.get("/status")[2] == "TypeError\n"


def test_the_node_is_told_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request from one of the node's own addresses gets the values too; while these are unknown, no request does."""
    monkeypatch.setattr(Askers, "origin", lambda _askers, _peer: Origin.NODE)
    with served() as serving:
        assert json.loads(serving.get("/status")[2]) == STATUS
        assert serving.get("/readyz")[2] == (
            "not ready: the gate does not hold\n[+] uptime: running\n[-] port http: port http 8080: not listening\n"
        )
        monkeypatch.setattr(Askers, "knows_node", False)
        assert "listening" not in serving.get("/readyz")[2] + serving.get("/status")[2]


def test_livez_follows_the_view() -> None:
    """Liveness is what the launcher's loop reports."""
    with served() as serving:
        assert serving.get("/livez")[0] == 200
        serving.view = serving.view._replace(live=False)
        assert serving.get("/livez")[0] == 503


def test_status_and_metrics_are_served() -> None:
    """Status is JSON, metrics are Prometheus text with its content type."""
    with served() as serving:
        code, head, body = serving.get("/status")
        assert (code, json.loads(body).pop("ordinal")) == (200, 2)
        assert "Content-Type: application/json" in head
        code, head, body = serving.get("/metrics")
        assert code == 200
        assert "version=0.0.4" in head
        assert 'mooring_gate_condition{condition="uptime"} 1\n' in body


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 404),
        ("GET /readyz/x HTTP/1.1\r\n\r\n", 404),
        ("POST /readyz HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        ("DELETE /hold HTTP/1.1\r\n\r\n", 405),
        ("GET /readyz\r\n\r\n", 400),
        ("\0\1\2 nonsense\r\n\r\n", 400),
        ("\r\n\r\n", 400),
    ],
)
def test_other_requests_are_refused(request_text: str, code: int) -> None:
    """Unknown pages, other methods and requests that are not HTTP get their own answers."""
    with served() as serving:
        assert serving.ask(request_text)[0] == code


def test_head_has_no_body() -> None:
    """HEAD answers as GET does, without the body."""
    with served() as serving:
        code, head, body = serving.ask("HEAD /livez HTTP/1.1\r\n\r\n")
        assert (code, body) == (200, "")
        assert "Content-Length: 5" in head


def test_a_failing_page_does_not_end_the_server() -> None:
    """If a page cannot be made the answer is 500, and the next page is served."""
    with served() as serving:
        serving.view = serving.view._replace(status={"app": object()})
        assert serving.get("/status")[0] == 500
        assert serving.get("/livez")[0] == 200


def test_it_is_not_on_the_host() -> None:
    """The server answers only inside the compartment."""
    with served() as serving:
        with pytest.raises(OSError, match=r"unreachable|timed out|refused"):
            socket.create_connection((serving.ip, PORT), 0.5).close()
        assert serving.get("/livez")[0] == 200


def test_a_taken_port_is_told_by_name() -> None:
    """If another listener has the readiness port, that is one error; if the IP does not exist, that is another."""
    with served() as serving:
        inside = Inside(backend(), serving.inside)
        again = HealthServer(inside, serving.ip, PORT, lambda: serving.view, lambda: None)  # type: ignore[arg-type, return-value]
        with pytest.raises(LauncherError, match=r"readiness\.port 8091") as caught:
            again.start()
        assert caught.value.code is ExitCode.READINESS_PORT_TAKEN
        again.close()
        elsewhere = HealthServer(inside, "10.1.2.3", PORT, lambda: serving.view, lambda: None)  # type: ignore[arg-type, return-value]
        with pytest.raises(LauncherError) as caught:
            elsewhere.start()
        assert caught.value.code is ExitCode.COMPARTMENT_NOT_FOUND


def test_a_start_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start that fails halfway, for want of a descriptor say, the next one gets the port and serves."""

    def fail(*_: object) -> None:
        raise OSError(24, "no descriptor is left")

    ip = random_ip()
    with namespace(ip) as inside:
        with monkeypatch.context() as patched:
            patched.setattr(server_module, "Intake", fail)
            with pytest.raises(OSError, match="no descriptor"):
                Served(inside, ip)
        serving = Served(inside, ip)
        assert serving.get("/livez")[0] == 200
        serving.server.close()


def test_the_port_is_free_again_at_once() -> None:
    """After close, the next attachment can listen on the same port, although connections linger."""
    ip = random_ip()
    with namespace(ip) as inside:
        for _ in range(3):
            serving = Served(inside, ip)
            assert serving.get("/livez")[0] == 200
            serving.server.close()


def test_it_keeps_the_compartment_while_it_serves() -> None:
    """The namespace's name may be removed: the server is still reached, and closing it releases the namespace."""
    ip = random_ip()
    with namespace(ip) as inside:
        serving = Served(inside, ip)
    try:
        assert serving.get("/livez")[0] == 200
    finally:
        serving.server.close()
    with pytest.raises(LauncherError):
        backend().run_inside(inside, lambda: None)


def test_hold_is_answered_on_release() -> None:
    """A /hold waits without a time limit and is answered when released; later ones are answered immediately."""
    with served() as serving, parked(serving) as first, parked(serving) as second:
        assert serving.get("/livez")[0] == 200
        serving.server.release_hold()
        for sock in (first, second):
            assert parse(read_all(sock))[0::2] == (200, "the target has stopped\n")
        assert serving.get("/hold")[0] == 200


def test_closing_releases_hold() -> None:
    """A server that is closed answers the requests that wait."""
    with served() as serving, parked(serving) as waiting:
        serving.server.close()
        assert parse(read_all(waiting))[0] == 200


def test_hold_outlives_the_request_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of other requests does not apply to /hold."""
    monkeypatch.setattr(server_module, "REQUEST_LIMIT_S", 0.2)
    with served() as serving, parked(serving) as waiting, serving.connect() as slow:
        slow.sendall(b"GET /livez")
        assert slow.recv(1) == b""
        serving.server.release_hold()
        assert parse(read_all(waiting))[0] == 200


def test_hold_has_a_limited_pool_of_its_own() -> None:
    """Sixteen may wait; the seventeenth is refused, other pages are served, and one that hangs up makes room."""
    with served() as serving:
        waiting = [serving.connect() for _ in range(16)]
        for sock in waiting:
            sock.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        wait_for(lambda: len(serving.server._held) == 16, "all to wait")
        assert serving.get("/hold")[0] == 503
        assert serving.get("/livez")[0] == 200
        waiting.pop().close()
        wait_for(lambda: len(serving.server._held) == 15, "the one that hung up")
        serving.server.release_hold()
        assert [parse(read_all(sock))[0] for sock in waiting] == [200] * 15


def test_slow_clients_do_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred clients that send byte by byte neither delay a probe nor push out requests that wait for /hold."""
    with served() as serving, parked(serving) as waiting:
        slow = [serving.connect() for _ in range(100)]
        for sock in slow:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nX-Slow: ")
        began = time.monotonic()
        assert serving.get("/livez")[0] == 200
        assert time.monotonic() - began < 1
        assert len(serving.server._active) <= server_module.CONNECTION_LIMIT
        serving.server.release_hold()
        assert parse(read_all(waiting))[0] == 200
        for sock in slow:
            sock.close()


def test_a_slowloris_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps sending byte by byte is disconnected when its time is up, and the next is served."""
    monkeypatch.setattr(server_module, "REQUEST_LIMIT_S", 0.3)
    with served() as serving, serving.connect() as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")

        def refused() -> bool:
            try:
                slow.sendall(b"X: y\r\n")
            except OSError:
                return True
            return False

        wait_for(refused, "the cut", 5)
        assert serving.get("/livez")[0] == 200


def test_a_huge_header_is_refused() -> None:
    """Five megabytes of header are not read; the client is refused and the next one is served."""
    with served() as serving:
        with serving.connect() as sock:
            try:
                sock.sendall(b"GET /livez HTTP/1.1\r\nX: " + b"y" * 5_000_000)
                answer = read_all(sock)
            except OSError:
                answer = b""
            assert answer == b"" or parse(answer)[0] == 431
        assert serving.get("/livez")[0] == 200
        assert serving.ask("GET /livez HTTP/1.1\r\nX: " + "y" * 8000 + "\r\n\r\n")[0] == 200
        assert serving.ask("GET /livez HTTP/1.1\r\nX: " + "y" * 8200 + "\r\n\r\n")[0] == 431


def test_a_client_that_never_reads_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge answer that a client does not read is given up in time; others are served in the meantime."""
    monkeypatch.setattr(server_module, "REQUEST_LIMIT_S", 0.5)
    with served() as serving:
        serving.view = serving.view._replace(status={"app": "x" * 8_000_000})
        with serving.connect() as deaf:
            deaf.sendall(b"GET /status HTTP/1.1\r\n\r\n")
            wait_for(lambda: any(c.to_send for c in serving.server._active.values()), "the stuck answer")
            assert serving.get("/livez")[0] == 200
            wait_for(lambda: not serving.server._active, "the end of its time")


def test_it_sleeps_while_nobody_asks() -> None:
    """Without clients the server's thread never wakes up."""
    with served() as serving:
        waits: list[Any] = []
        selector = serving.server._selector
        real: Callable[..., Any] = selector.select

        def select(timeout: float | None = None) -> Any:
            waits.append(timeout)
            return real(timeout)

        selector.select = select  # type: ignore[method-assign]
        assert serving.get("/livez")[0] == 200
        wait_for(lambda: waits and waits[-1] is None, "the endless wait")


def test_callers_may_come_from_any_thread() -> None:
    """Releasing and closing from several threads at the same time, and twice, is harmless."""
    with served() as serving, parked(serving) as waiting:
        threads = [threading.Thread(target=serving.server.close) for _ in range(4)]
        threads += [threading.Thread(target=serving.server.release_hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert parse(read_all(waiting))[0] == 200
        serving.server.close()
