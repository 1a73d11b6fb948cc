"""The launcher's own HTTP server, on the anchor's IP inside the compartment: kubelet's probes, /hold, metrics.

One thread and a selector, so that no client can hold up another: what a client may take of time, size and number is
limited, and a connection answers one request. The node, the anchor's network and strangers have their own slots, so
strangers never crowd out kubelet; requests for /hold are parked apart, and strangers may not hold. When the process is
out of descriptors, strangers go first, and one is kept for the node.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from mooring_launcher.health.askers import Askers, Origin
from mooring_launcher.health.intake import Intake, listen
from mooring_launcher.health.metrics import Metrics
from mooring_launcher.health.pages import Answer, Pages, View
from mooring_launcher.platforms.compartment import Hold, Inside

HEAD_LIMIT = 8 * 1024
REQUEST_LIMIT_S = 5.0
CONNECTION_LIMIT = 64
"""For each origin. Above it the oldest of the same origin is dropped."""
HOLD_LIMIT = 16
"""For each origin that may hold. kubelet sends one for each preStop, so there is one request, or two."""

# More than the limit in one read: closing with bytes unread would reset the connection and lose the answer.
_READ_SIZE = 64 * 1024

SIBLING_AGENT = b"mooring-sibling"
# How kubelet names itself in a lifecycle hook (Kubernetes, pkg/probe/http/request.go), and a launcher to its sibling.
_HOOKS = (b"\r\nuser-agent: kube-lifecycle/", b"\r\nuser-agent: " + SIBLING_AGENT)


class _Connection:
    """One client: what it has sent so far, what it is still to get, and until when."""

    def __init__(self, sock: socket.socket, origin: Origin) -> None:
        self.sock = sock
        self.origin = origin
        self.is_hook = False
        self.deadline_s = time.monotonic() + REQUEST_LIMIT_S
        self.received = b""
        self.to_send = b""
        self.head_only = False


class HealthServer:
    """Serves /readyz, /livez, /hold, /metrics and /status from `start()` to `close()`."""

    def __init__(
        self,
        inside: Inside,
        ip: str,
        port: int,
        view: Callable[[], View],
        metrics: Callable[[], Metrics],
        warn: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """Take what the pages show, and what to call if something fails here."""
        self._inside = inside
        self._address = (ip, port)
        self._warn = warn
        self._pages = Pages(view, metrics)
        self._selector = selectors.DefaultSelector()
        self._wake_up, self._wake = socket.socketpair()
        self._active: dict[socket.socket, _Connection] = {}
        self._held: dict[socket.socket, _Connection] = {}
        self._released = False
        self._closing = False
        self.thread = threading.Thread(target=self._serve, name="mooring-http", daemon=True)
        self._intake: Intake | None = None
        self._askers: Askers | None = None
        self._hold: Hold | None = None

    def start(self) -> None:
        """Listen and serve. LauncherError READINESS_PORT_TAKEN when something else has the port.

        The listener also keeps the compartment alive, so that its id means this one as long as it is served.
        """
        with ExitStack() as undo:
            self._hold = self._inside.backend.hold(self._inside.compartment)
            undo.callback(self._hold.close)
            listener = undo.enter_context(self._inside.run(partial(listen, *self._address)))
            askers = Askers(self._address[0], self._inside.backend.node_addresses, self._warn)

            def may_hold(peer: str) -> bool:
                return askers.origin(peer) is not Origin.STRANGER

            intake = Intake(listener, self._selector, self._admit, self._drop_a_stranger, may_hold, self._warn)
            self._askers, self._intake = askers, intake
            self._selector.register(self._wake_up, selectors.EVENT_READ, self._on_wake)
            self.thread.start()
            undo.pop_all()

    def release_hold(self) -> None:
        """Answer every /hold, those that are waiting and those still to come."""
        self._released = True
        self._signal()

    def close(self) -> None:
        """Stop listening and hang up on every client. Releases /hold first."""
        if not self.thread.is_alive():
            return
        self._released = True
        self._closing = True
        self._signal()
        self.thread.join()

    def _signal(self) -> None:
        try:
            self._wake.send(b"!")
        except OSError:
            return  # closed meanwhile

    def _serve(self) -> None:
        try:
            while not self._closing:
                for key, events in self._selector.select(self._time_left_s()):
                    try:
                        key.data(key.fileobj, events)
                    except Exception as error:  # noqa: BLE001 - one client must not end the thread that serves all
                        self._give_up(key.fileobj, error)
                self._drop_overdue()
                if self._intake is not None:
                    self._intake.resume()
                if self._released:
                    self._answer_held()
        finally:
            self._hang_up()

    def _give_up(self, sock: Any, error: Exception) -> None:
        """Hang up on a client that caused an unforeseen error, and log it."""
        self._warn(f"a client of the health server: {type(error).__name__}: {error}")
        connection = self._active.get(sock) or self._held.get(sock)
        if connection is not None:
            self._drop(connection)

    def _hang_up(self) -> None:
        self._answer_held()
        for connection in [*self._active.values(), *self._held.values()]:
            self._drop(connection)
        self._selector.close()
        for closable in (self._intake, self._wake, self._wake_up, self._hold):
            if closable is not None:
                closable.close()

    def _time_left_s(self) -> float | None:
        """Seconds to the next deadline; None, so no wake-up at all, while no client is connected."""
        deadlines = [connection.deadline_s for connection in self._active.values()]
        if self._intake is not None and self._intake.resume_at_s is not None:
            deadlines.append(self._intake.resume_at_s)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _drop_overdue(self) -> None:
        now_s = time.monotonic()
        for connection in [c for c in self._active.values() if c.deadline_s <= now_s]:
            self._drop(connection)

    def _on_wake(self, sock: socket.socket, _events: int) -> None:
        sock.recv(64)

    def _admit(self, sock: socket.socket, peer: str) -> None:
        origin = self._askers.origin(peer) if self._askers is not None else Origin.STRANGER
        if sum(connection.origin is origin for connection in self._active.values()) >= CONNECTION_LIMIT:
            self._drop_oldest(origin)
        sock.setblocking(False)
        self._active[sock] = _Connection(sock, origin)
        self._selector.register(sock, selectors.EVENT_READ, self._on_client)

    def _drop_a_stranger(self) -> bool:
        return self._drop_oldest(Origin.STRANGER) or self._drop_oldest(Origin.NETWORK)

    def _drop_oldest(self, origin: Origin) -> bool:
        """Drop the oldest connection of an origin that does not wait for /hold; return whether there was one."""
        oldest = next((one for one in self._active.values() if one.origin is origin), None)
        if oldest is not None:  # dicts keep the order of arrival
            self._drop(oldest)
        return oldest is not None

    def _drop(self, connection: _Connection) -> None:
        with suppress(KeyError):  # it could not be registered
            self._selector.unregister(connection.sock)
        self._active.pop(connection.sock, None)
        self._held.pop(connection.sock, None)
        connection.sock.close()

    def _on_client(self, sock: socket.socket, events: int) -> None:
        connection = self._active.get(sock)
        if connection is None:
            return  # dropped earlier in this round
        try:
            if events & selectors.EVENT_READ:
                self._receive(connection)
            else:
                self._send(connection)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)

    def _on_held_client(self, sock: socket.socket, _events: int) -> None:
        """Drop a parked client that hangs up, or that sends more."""
        connection = self._held.get(sock)
        if connection is not None:
            self._drop(connection)

    def _receive(self, connection: _Connection) -> None:
        chunk = connection.sock.recv(_READ_SIZE)
        connection.received += chunk
        head, end, _body = connection.received.partition(b"\r\n\r\n")
        if len(head) > HEAD_LIMIT:
            self._answer(connection, Answer(431, "too long\n"))
        elif end:
            connection.is_hook = any(agent in head.lower() for agent in _HOOKS)
            self._handle(connection, head.split(b"\r\n", 1)[0].decode("latin-1"))
        elif not chunk:
            self._drop(connection)

    def _handle(self, connection: _Connection, request_line: str) -> None:
        method, _, rest = request_line.partition(" ")
        path, _, version = rest.partition(" ")
        connection.head_only = method == "HEAD"
        path = path.partition("?")[0]
        if not version.startswith("HTTP/1."):
            self._answer(connection, Answer(400, "not HTTP/1\n"))
        elif method not in ("GET", "HEAD"):
            self._answer(connection, Answer(405, "only GET and HEAD\n"))
        elif path == "/hold":
            self._park(connection)
        else:
            in_full = connection.origin is Origin.NODE and self._askers is not None and self._askers.knows_node
            self._answer(connection, self._pages.look_up(path, in_full))

    def _park(self, connection: _Connection) -> None:
        if connection.origin is Origin.STRANGER:
            self._answer(connection, Answer(403, "only the node itself may request /hold\n"))
            return
        if not self._has_place_to_hold(connection):
            self._answer(connection, Answer(503, "too many are waiting\n"))
            return
        del self._active[connection.sock]
        self._held[connection.sock] = connection
        self._selector.modify(connection.sock, selectors.EVENT_READ, self._on_held_client)

    def _has_place_to_hold(self, connection: _Connection) -> bool:
        """Make room for kubelet's hook in any case: other processes of the node, or a mesh's clients, go first."""
        held = [one for one in self._held.values() if one.origin is connection.origin]
        if len(held) < HOLD_LIMIT:
            return True
        others = [one for one in held if not one.is_hook] if connection.is_hook else []
        if others:
            self._drop(others[0])
        return bool(others)

    def _answer_held(self) -> None:
        for connection in list(self._held.values()):
            del self._held[connection.sock]
            connection.deadline_s = time.monotonic() + REQUEST_LIMIT_S
            self._active[connection.sock] = connection
            self._answer(connection, Answer(200, "the target has stopped\n"))

    def _answer(self, connection: _Connection, answer: Answer) -> None:
        connection.to_send = answer.encode(connection.head_only)
        self._selector.modify(connection.sock, selectors.EVENT_WRITE, self._on_client)
        try:
            self._send(connection)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)

    def _send(self, connection: _Connection) -> None:
        sent = connection.sock.send(connection.to_send)
        connection.to_send = connection.to_send[sent:]
        if not connection.to_send:
            self._drop(connection)
