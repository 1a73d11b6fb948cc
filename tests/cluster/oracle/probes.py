"""Probes the addresses that Services send traffic to, from inside a node's network, within a budget.

Each address is probed every 2 s while all is quiet. For 10 s after anything changed (a pod, an EndpointSlice, a process
of a container), and as long as it does not answer, it is probed every 0.5 s. At most ten new probes per look, the
longest overdue first. So a silence that nothing announced (a program that hangs) is seen up to 2 s late, and is
reported that much later, never too early.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.cluster.oracle.picture import Endpoint, HttpCheck, Silence
from tests.cluster.oracle.sight import Node

QUIET_S, AWAKE_S, AWAKE_FOR_S = 2.0, 0.5, 10.0
_AT_ONCE = 10
_CONNECT_TIMEOUT_S = 1.0
_PAUSE_S = 0.2
_BODY_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Question:
    """One address to probe: from which node, and by which HTTP request; None: a connection is enough."""

    endpoint: Endpoint
    node: Node
    check: HttpCheck | None


@dataclass
class _Address:
    question: Question
    due_s: float = 0.0
    silent_since_s: float | None = None
    heard: str = ""
    asking: bool = False


class _Asking:
    """One probe under way: connect, send, read to the end."""

    def __init__(self, address: _Address, sock: socket.socket, now_s: float) -> None:
        check = address.question.check
        self.address = address
        self.sock = sock
        self.began_s = now_s
        self.deadline_s = now_s + (check.timeout_s if check else _CONNECT_TIMEOUT_S)
        self.received = b""
        self.connected = False
        self.ended = False


class Prober:
    """Keeps probing what `ask` names. All in the caller's thread, which gives it time by `serve`."""

    def __init__(self) -> None:
        self.count = 0
        self._addresses: dict[tuple[str, int], _Address] = {}
        self._selector = selectors.DefaultSelector()
        self._awake_until_s = 0.0
        self._ran_s = time.monotonic()

    def wake(self, now_s: float) -> None:
        """Probe more often for a while: something has changed."""
        self._awake_until_s = now_s + AWAKE_FOR_S

    def ask(self, questions: Iterable[Question]) -> None:
        """Probe these from now on and no others. The same address with another pod starts from scratch."""
        wanted = {(q.endpoint.ip, q.endpoint.port): q for q in questions}
        for key in self._addresses.keys() - wanted.keys():
            del self._addresses[key]
        for key, question in wanted.items():
            known = self._addresses.get(key)
            if known is None or known.question.endpoint.pod_uid != question.endpoint.pod_uid:
                self._addresses[key] = _Address(question)
            else:
                known.question = question

    def silences(self) -> list[Silence]:
        """Return the addresses that did not answer the last probe, and since when."""
        return [
            Silence(address.question.endpoint, address.silent_since_s, address.heard)
            for address in self._addresses.values()
            if address.silent_since_s is not None
        ]

    def start_due(self, now_s: float) -> None:
        """Start the probes that are due."""
        self._forgive_pause()
        due = sorted((a for a in self._addresses.values() if not a.asking and a.due_s <= now_s), key=_due)
        for address in due[:_AT_ONCE]:
            awake = now_s < self._awake_until_s or address.silent_since_s is not None
            address.due_s = now_s + (AWAKE_S if awake else QUIET_S)
            self._begin(address, now_s)
        if now_s < self._awake_until_s:
            for address in self._addresses.values():
                address.due_s = min(address.due_s, now_s + AWAKE_S)

    def serve(self, until_s: float) -> None:
        """Continue the probes under way until a moment of time.monotonic()."""
        while (left_s := until_s - time.monotonic()) > 0:
            if not self._selector.get_map():
                time.sleep(left_s)
                self._forgive_pause()
                return
            for key, _ in self._selector.select(min(left_s, 0.05)):
                if isinstance(key.data, Node):
                    self._lose(key.data)
                elif not key.data.ended:
                    self._go_on(key.data)
            self._forgive_pause()
            self._give_up(time.monotonic())

    def _forgive_pause(self) -> None:
        """Count no silence while this process did not run: answers may have been waiting."""
        ran_s, self._ran_s = self._ran_s, time.monotonic()
        pause_s = self._ran_s - ran_s
        if pause_s < _PAUSE_S:
            return
        for asking in self._under_way():
            asking.deadline_s += pause_s
        for address in self._addresses.values():
            if address.silent_since_s is not None:
                address.silent_since_s += pause_s

    def follow(self, node: Node) -> None:
        """Release a node the moment it ends."""
        self._selector.register(node.pidfd, selectors.EVENT_READ, node)

    def _lose(self, node: Node) -> None:
        """Drop the probes under way from there, without a verdict, and the node."""
        for asking in [asking for asking in self._under_way() if asking.address.question.node is node]:
            self._close(asking)
        self._selector.unregister(node.pidfd)
        node.release()

    def _under_way(self) -> list[_Asking]:
        return [key.data for key in self._selector.get_map().values() if isinstance(key.data, _Asking)]

    def _close(self, asking: _Asking) -> None:
        self._selector.unregister(asking.sock)
        asking.sock.close()
        asking.ended = True
        asking.address.asking = False

    def _begin(self, address: _Address, now_s: float) -> None:
        endpoint = address.question.endpoint
        if not address.question.node.is_alive:
            return
        with address.question.node.inside():
            sock = socket.socket(socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((endpoint.ip, endpoint.port))  # SO_ERROR has the outcome, once it is writable
        address.asking = True
        self.count += 1
        self._selector.register(sock, selectors.EVENT_WRITE, _Asking(address, sock, now_s))

    def _go_on(self, asking: _Asking) -> None:
        try:
            if asking.connected:
                self._read(asking)
            else:
                self._greet(asking)
        except OSError as error:
            self._end(asking, error.strerror or str(error))

    def _greet(self, asking: _Asking) -> None:
        error = asking.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        check = asking.address.question.check
        if error or check is None:
            self._end(asking, os.strerror(error) if error else "")
            return
        endpoint = asking.address.question.endpoint
        lines = [f"GET {check.path} HTTP/1.1", f"Host: {check.host or endpoint.ip}", "Connection: close"]
        lines += ["User-Agent: mooring-oracle", *(f"{name}: {value}" for name, value in check.headers)]
        asking.sock.send("\r\n".join([*lines, "", ""]).encode())
        asking.connected = True
        self._selector.modify(asking.sock, selectors.EVENT_READ, asking)

    def _read(self, asking: _Asking) -> None:
        # Read to the end: closing with unread bytes would reset the connection, which the program might log.
        chunk = asking.sock.recv(1 << 16)
        asking.received += chunk
        if not chunk or len(asking.received) > _BODY_LIMIT:
            self._end(asking, _what_is_wrong(asking, "the connection ended without an answer"))

    def _give_up(self, now_s: float) -> None:
        for asking in [asking for asking in self._under_way() if asking.deadline_s <= now_s]:
            seconds = asking.deadline_s - asking.began_s
            what = "answer" if asking.connected else "connection"
            self._end(asking, _what_is_wrong(asking, f"no {what} within {seconds:g} s"))

    def _end(self, asking: _Asking, wrong: str) -> None:
        self._close(asking)
        address = asking.address
        address.heard = wrong
        if not wrong:
            address.silent_since_s = None
        elif address.silent_since_s is None:
            address.silent_since_s = asking.began_s


def _what_is_wrong(asking: _Asking, nothing: str) -> str:
    """Return what is wrong with the received status, '' if nothing is; `nothing` if there is no status."""
    words = asking.received.split(b"\r\n", 1)[0].split()
    check = asking.address.question.check
    if check is None or len(words) < 2 or not words[1].isdigit():
        return nothing
    return "" if check.accepts(int(words[1])) else f"GET {check.path} answers {int(words[1])}"


def _due(address: _Address) -> float:
    return address.due_s
