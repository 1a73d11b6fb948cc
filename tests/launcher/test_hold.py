"""Who may hold the anchor: the node and the anchor's own network, whatever strangers do to the server."""

import contextlib
import itertools
import os
import resource
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from mooring_launcher.health import askers as askers_module
from mooring_launcher.health.askers import Askers, Origin
from mooring_launcher.health.metrics import Metrics
from mooring_launcher.health.pages import View
from mooring_launcher.health.server import HOLD_LIMIT, HealthServer
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment, Inside

from tests.launcher.inside_helpers import namespace, run, wait_for
from tests.launcher.rig import Rig, anchor_pod

pytestmark = pytest.mark.sandbox

PORT = 8091
HOLD = b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
HOOK = b"GET /hold HTTP/1.1\r\nHost: x\r\nUser-Agent: kube-lifecycle/1.33\r\n\r\n"
_subnets = itertools.count(os.getpid() % 200)


class Net(NamedTuple):
    """An anchor's network and a stranger's, both on the node's bridge, as a CNI makes them."""

    node_ip: str
    anchor_ip: str
    anchor: Compartment
    stranger: Compartment

    def connect(self, inside: Compartment | None) -> socket.socket:
        """Connect to the server from a namespace, or from the node."""

        def open_socket() -> socket.socket:
            return socket.create_connection((self.anchor_ip, PORT), timeout=10)

        return open_socket() if inside is None else backend().run_inside(inside, open_socket)

    def ask(self, inside: Compartment | None, request: bytes) -> bytes:
        """Send a request and return the whole answer."""
        with self.connect(inside) as sock:
            sock.sendall(request)
            return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: sock.recv(65536), b""))
    return b""


@contextmanager
def pod(bridge: str, ip: str) -> Iterator[Compartment]:
    """Make a network namespace with an address on the bridge."""
    with namespace(ip) as made:
        name, outer = made.name.rpartition("/")[2], f"v{uuid.uuid4().hex[:8]}"
        run("ip", "link", "add", "name", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", outer, "master", bridge, "up")
        run("ip", "-n", name, "address", "add", f"{ip}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        yield made


@pytest.fixture
def net() -> Iterator[Net]:
    """Make the node's bridge and both networks."""
    subnet, bridge = f"10.77.{next(_subnets) % 256}", f"b{uuid.uuid4().hex[:8]}"
    run("ip", "link", "add", "name", bridge, "type", "bridge", "forward_delay", "0")
    try:
        run("ip", "address", "add", f"{subnet}.1/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        with pod(bridge, f"{subnet}.2") as anchor, pod(bridge, f"{subnet}.3") as stranger:
            yield Net(f"{subnet}.1", f"{subnet}.2", anchor, stranger)
    finally:
        run("ip", "link", "delete", bridge)


@pytest.fixture
def server(net: Net) -> Iterator[HealthServer]:
    """Serve in the anchor's network."""
    metrics = Metrics("0.1.0", "orders", 2, False, 0.5, None, 0, [], None)
    inside = Inside(backend(), net.anchor)
    made = HealthServer(inside, net.anchor_ip, PORT, lambda: View(True, True, "", [], {}, ""), lambda: metrics)
    made.start()
    yield made
    made.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process open thousands of sockets."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_stranger_cannot_hold(net: Net, server: HealthServer) -> None:
    """/hold waits for the node and for the anchor's own network, and answers another pod with 403."""
    assert net.ask(net.stranger, HOLD).startswith(b"HTTP/1.1 403 ")
    assert net.ask(net.stranger, b"GET /readyz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    with net.connect(None) as kubelet, net.connect(net.anchor) as proxy:
        kubelet.sendall(HOLD)
        proxy.sendall(HOLD)
        wait_for(lambda: len(server._held) == 2, "both to wait")
        server.release_hold()
        assert read_all(kubelet).startswith(b"HTTP/1.1 200 ")
        assert read_all(proxy).startswith(b"HTTP/1.1 200 ")
    assert net.ask(net.stranger, HOLD).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("request_text", [HOLD, b"GET /readyz HTTP/1.1\r\nX-Slow: ", b"", b"GET /hold HTTP/1.1\r\n"])
def test_two_thousand_strangers_do_not_keep_kubelet_out(
    net: Net, server: HealthServer, many_files: None, request_text: bytes
) -> None:
    """Neither requests that hold nor slow ones delay kubelet's probe, or push out its hook."""
    with contextlib.ExitStack() as strangers, net.connect(None) as kubelet:
        kubelet.sendall(HOLD)
        late = strangers.enter_context(net.connect(None))  # has sent nothing yet, and remains the node's
        for _ in range(2000):
            sock = strangers.enter_context(net.connect(net.stranger))
            with contextlib.suppress(OSError):
                sock.sendall(request_text)
        began_s = time.monotonic()
        assert net.ask(None, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began_s < 1
        late.sendall(HOLD)
        wait_for(lambda: len(server._held) == 2, "the node's questions")
        server.release_hold()
        assert read_all(kubelet).startswith(b"HTTP/1.1 200 ")
        assert read_all(late).startswith(b"HTTP/1.1 200 ")


def test_holders_inside_the_network_take_no_place_of_the_nodes(net: Net, server: HealthServer) -> None:
    """However often the program itself, or a proxy, requests /hold, kubelet's request still waits."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(HOLD_LIMIT):
            open_ones.enter_context(net.connect(net.anchor)).sendall(HOLD)
        wait_for(lambda: len(server._held) == HOLD_LIMIT, "all to wait")
        assert net.ask(net.anchor, HOLD).startswith(b"HTTP/1.1 503 ")
        kubelet = open_ones.enter_context(net.connect(None))
        kubelet.sendall(HOLD)
        wait_for(lambda: len(server._held) == HOLD_LIMIT + 1, "kubelet")
        through_a_mesh = open_ones.enter_context(net.connect(net.anchor))
        through_a_mesh.sendall(HOOK)
        wait_for(lambda: any(one.is_hook for one in server._held.values()), "the hook through the proxy")
        assert len(server._held) == HOLD_LIMIT + 1
        server.release_hold()
        assert read_all(kubelet).startswith(b"HTTP/1.1 200 ")
        assert read_all(through_a_mesh).startswith(b"HTTP/1.1 200 ")


def test_an_address_the_node_gets_later_counts(net: Net, server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge or tunnel that the CNI creates while the launcher runs also belongs to the node."""
    monkeypatch.setattr(askers_module, "_REREAD_S", 0.0)
    later = net.node_ip.removesuffix(".1") + ".9"
    bridge = next(line.split()[-1] for line in _addresses() if f" {net.node_ip}/" in line)
    run("ip", "address", "add", f"{later}/24", "dev", bridge)
    with socket.create_connection((net.anchor_ip, PORT), timeout=10, source_address=(later, 0)) as kubelet:
        kubelet.sendall(HOLD)
        wait_for(lambda: server._held, "the node's question")


def _addresses() -> list[str]:
    return subprocess.run(["ip", "-4", "address"], capture_output=True, text=True, check=True).stdout.splitlines()


def failing() -> frozenset[bytes]:
    raise OSError(24, "no descriptor is left")


def node_of(*texts: str) -> Callable[[], frozenset[bytes]]:
    return lambda: frozenset(pack_ip(text) for text in texts)


@pytest.mark.parametrize(
    ("peer", "origin"),
    [
        ("10.0.0.1", Origin.NODE),
        ("::ffff:10.0.0.1", Origin.NODE),
        ("fe80::1%eth0", Origin.NODE),
        ("10.0.0.5", Origin.NETWORK),
        ("127.0.0.6", Origin.NETWORK),
        ("::1", Origin.NETWORK),
        ("10.0.0.2", Origin.STRANGER),
        ("fd00::2", Origin.STRANGER),
    ],
)
def test_an_asker_is_known_by_its_address(peer: str, origin: Origin) -> None:
    """Node, own network or stranger, in both families; a zone and an IPv4-mapped IPv6 address make no difference."""
    told: list[str] = []
    assert Askers("10.0.0.5", node_of("10.0.0.1", "fe80::1"), told.append).origin(peer) is origin
    assert told == []


def test_without_the_nodes_addresses_nobody_is_refused() -> None:
    """A platform that does not report them causes a warning; if it did once, the last report counts while it cannot."""
    told: list[str] = []
    assert Askers("10.0.0.5", failing, told.append).origin("10.0.0.2") is Origin.NODE
    assert "anyone may request /hold" in told[0]
    answers = iter([node_of("10.0.0.1"), failing])
    askers = Askers("10.0.0.5", lambda: next(answers)(), told.append)
    askers._read_s = float("-inf")
    assert askers.origin("10.0.0.2") is Origin.STRANGER
    assert len(told) == 1


def test_kubelets_question_outlasts_the_drain_whoever_asks_first(rig: Rig, net: Net) -> None:
    """Sixteen requests from inside the anchor's network and sixteen from another pod do not affect the node's request.

    It is answered once the program has stopped, after the drain, as the network must stay until then.
    """
    rig.api.put("pods", anchor_pod(net.anchor_ip))
    launcher = rig.launch(stop={"drainSeconds": 2})
    launcher.wait_event("gate-holds")
    with contextlib.ExitStack() as open_ones:
        for inside in [net.anchor] * 16 + [net.stranger] * 16:
            open_ones.enter_context(net.connect(inside)).sendall(HOLD)
        kubelet = open_ones.enter_context(net.connect(None))
        kubelet.sendall(HOLD)
        assert net.ask(None, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        began_s = time.monotonic()
        launcher.process.terminate()
        assert read_all(kubelet).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began_s > 1.9
        assert "SIGTERM" in launcher.lines
    assert launcher.wait_exit() == 0
