"""An API server that answers nonsense: valid TLS, but no meaningful answer."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from tests.cluster.stack.machines import SWITCH_IP
from tests.cluster.stack.pki import Pki

_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "somebody", "namespace": "else", "uid": "1"}}
_STATUS = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 500, "reason": "InternalError"}
_LONG = 8 * 1024 * 1024


def _answer(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _json(value: object, status: str = "200 OK") -> bytes:
    return _answer(json.dumps(value).encode(), status)


def _event(value: object) -> bytes:
    return _json({"type": "MODIFIED", "object": value})


ANSWERS: dict[str, Callable[[], bytes]] = {
    "an empty object": lambda: _json({}),
    "an empty list": lambda: _json([]),
    "null": lambda: _json(None),
    "a number": lambda: _json(7),
    "a Status": lambda: _json(_STATUS),
    "a Status with 500": lambda: _json(_STATUS, "500 Internal Server Error"),
    "a pod without spec of another name": lambda: _json(_POD),
    "a pod without metadata": lambda: _json({"kind": "Pod", "apiVersion": "v1"}),
    "an event without object": lambda: _json({"type": "DELETED"}),
    "an event about a Status": lambda: _event(_STATUS),
    "an event about another pod": lambda: _event(_POD),
    "the deletion of another pod": lambda: _json({"type": "DELETED", "object": _POD}),
    "an event of no known type": lambda: _json({"type": "GONE", "object": _POD}),
    "a page of HTML": lambda: _answer(b"<html>sign in</html>", kind="text/html"),
    "a 404 in HTML": lambda: _answer(b"<html>not found</html>", "404 Not Found", "text/html"),
    "a redirect": lambda: b"HTTP/1.1 302 Found\r\nLocation: https://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
    "bytes that are no text": lambda: _answer(bytes(range(128, 256))),
    "half a document": lambda: _answer(b'{"kind": "Pod", "metadata": {"na'),
    "a body cut short": lambda: b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"kind": "Pod"',
    "no HTTP": lambda: b"SSH-2.0-somebody\r\n",
    "nothing": lambda: b"",
    "a deep document": lambda: _answer(b"[" * 100_000 + b"]" * 100_000),
    "a long line": lambda: _answer(b'{"kind": "' + b"x" * _LONG + b'"}'),
    "a long header": lambda: b"HTTP/1.1 200 OK\r\nX: " + b"x" * _LONG,
}
"""Its answers by name: none is evidence that a pod exists, has changed or is gone."""


class GarbageServer:
    """It listens on the tests' own `ip` and on `port`; `answers` and `kinds` count what it has sent."""

    def __init__(self, pki: Pki, dice: random.Random) -> None:
        """`dice` choose each answer."""
        self._dice = dice
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pki.path("apiserver.crt"), pki.path("apiserver.key"))
        self._listener = socket.create_server((SWITCH_IP, 0), backlog=64)
        self.ip, self.port = self._listener.getsockname()
        self.kinds: Counter[str] = Counter()

    @property
    def answers(self) -> int:
        """How many requests it has answered."""
        return self.kinds.total()

    def __enter__(self) -> GarbageServer:
        """Start listening."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop; no further request is answered."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                threading.Thread(target=self._answer_one, args=(connection,), daemon=True).start()

    def _answer_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            with self._tls.wrap_socket(connection, server_side=True) as stream:
                if not stream.recv(65536):
                    return
                kind = self._dice.choice(sorted(ANSWERS))
                stream.sendall(ANSWERS[kind]())
                self.kinds[kind] += 1
