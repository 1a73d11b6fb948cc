"""A TLS connection to the API server, none of whose answers may take for ever or fill the memory."""

import contextlib
import http.client
import socket
import ssl
import time
from typing import Any

CONNECT_TIMEOUT_S = 10.0
"""For connecting, for the handshake, and for every single byte of an answer that is not a watch."""
HEAD_LIMIT = 256 * 1024
"""Bytes of an answer's head: http.client itself would read 100 lines of 64 KiB, and interim answers without end."""

# A peer that vanished without a word is noticed after 30 + 3 x 10 seconds, not at the end of a watch.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class LimitedSocket(ssl.SSLSocket):
    """A TLS socket that limits what its peer may send, and for how long: neither drip nor flood holds its reader."""

    deadline_s = float("inf")
    patience_s = CONNECT_TIMEOUT_S
    limit = bytes_left = HEAD_LIMIT

    def allow(self, limit: int, timeout_s: float, patience_s: float) -> None:
        """Let the peer send `limit` bytes from now on within `timeout_s`, and pause for `patience_s` at most."""
        self.limit = self.bytes_left = limit
        self.deadline_s = time.monotonic() + timeout_s
        self.patience_s = patience_s

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive, as http.client does for everything it reads. OSError above a limit."""
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer took too long")
        self.settimeout(min(left_s, self.patience_s))
        count = super().recv_into(buffer, nbytes, flags)
        self.bytes_left -= count
        if self.bytes_left < 0:
            message = f"the answer is larger than {self.limit} bytes"
            raise OSError(message)
        return count


def connect(address: tuple[str, int], context: ssl.SSLContext, timeout_s: float) -> http.client.HTTPSConnection:
    """Connect; the connection's socket is a LimitedSocket where the context is `make_context`'s."""
    host, port = address
    connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # not every platform has all three
        if option is not None:
            with contextlib.suppress(OSError):  # Windows before Server 2019 has the names and not the options
                connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)
    return connection


def make_context(ca: str) -> ssl.SSLContext:
    """Return a context that trusts these certificates (PEM) and nothing else. SSLError or ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = LimitedSocket
    context.load_verify_locations(cadata=ca)
    return context
