"""One TCP, HTTP or command check, made inside the compartment and bounded in time as a whole.

Only making the socket happens inside; a socket stays in the compartment that it was made in. Nothing here raises for
what the program does: a failed check is a value.
"""

import re
import socket
import time
from typing import NamedTuple

from mooring_launcher.backends import backend
from mooring_launcher.compartment import Compartment
from mooring_launcher.errors import LauncherError
from mooring_launcher.target import Target

BODY_LIMIT = 64 * 1024
_HEAD_LIMIT = 32 * 1024


class Look(NamedTuple):
    """What one look at a condition saw: whether it was good, and a sentence with the value."""

    good: bool
    value: str


class Endpoint(NamedTuple):
    """Where a check connects to."""

    compartment: Compartment
    ip: str
    port: int

    @property
    def authority(self) -> str:
        """`ip:port`, IPv6 in brackets."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class HttpRequest(NamedTuple):
    """What to ask and what to accept. An empty `statuses` accepts 200 to 399, as kubelet does."""

    https: bool
    path: str
    headers: dict[str, str]
    statuses: frozenset[int]
    body: re.Pattern[str] | None


class _Response(NamedTuple):
    status: int
    body: str


def check_tcp(endpoint: Endpoint, timeout_s: float) -> Look:
    """Connect, and hang up."""
    what = f"TCP connection to {endpoint.authority}"
    try:
        _connect(endpoint, time.monotonic() + timeout_s).close()
    except (OSError, LauncherError) as error:
        return Look(False, f"{what}: {_reason(error, timeout_s)}")
    return Look(True, f"{what}: accepted")


def check_http(endpoint: Endpoint, request: HttpRequest, timeout_s: float) -> Look:
    """Send one GET and judge status and body. Certificates are not verified, as kubelet's own probes do not."""
    what = f"GET {'https' if request.https else 'http'}://{endpoint.authority}{request.path}"
    try:
        response = _get(endpoint, request, time.monotonic() + timeout_s)
    except (OSError, ValueError, LauncherError) as error:
        return Look(False, f"{what}: {_reason(error, timeout_s)}")
    return _judge(what, request, response)


def check_command(target: Target, command: list[str], timeout_s: float) -> Look:
    """Run a command beside the target; good when it exits 0 in time."""
    try:
        result = target.run_command(command, timeout_s)
    except LauncherError as error:
        return Look(False, f"command {error}")
    last_line = result.output.splitlines()[-1:]
    said = f": {last_line[0][:200]}" if last_line else ""
    if result.exit is None:
        return Look(False, f"command {command[0]} did not end within {timeout_s:g} s{said}")
    return Look(result.exit.code == 0, f"command {command[0]} {result.exit.sentence}{said}")


def _judge(what: str, request: HttpRequest, response: _Response) -> Look:
    wanted = request.statuses or range(200, 400)
    if response.status not in wanted:
        allowed = ", ".join(map(str, sorted(request.statuses))) or "200 to 399"
        return Look(False, f"{what}: status {response.status}, wanted {allowed}")
    if request.body and not request.body.search(response.body):
        return Look(False, f"{what}: status {response.status}, body does not match {request.body.pattern!r}")
    return Look(True, f"{what}: status {response.status}")


def _reason(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _connect(endpoint: Endpoint, deadline: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET
    sock = backend().run_inside(endpoint.compartment, lambda: socket.socket(family, socket.SOCK_STREAM))
    try:
        sock.settimeout(_left_s(deadline))
        sock.connect((endpoint.ip, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _left_s(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _get(endpoint: Endpoint, request: HttpRequest, deadline: float) -> _Response:
    with _connect(endpoint, deadline) as plain, _secure(plain, request, deadline) as sock:
        sock.settimeout(_left_s(deadline))
        sock.sendall(_compose(endpoint, request))
        reader = _Reader(sock, deadline)
        status, headers = reader.read_head()
        body = reader.read_body(headers) if request.body else b""
        return _Response(status, body.decode("utf-8", "replace"))


def _secure(plain: socket.socket, request: HttpRequest, deadline: float) -> socket.socket:
    if not request.https:
        return plain
    import ssl  # costs 2 MB, which a replica without https checks need not pay

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain.settimeout(_left_s(deadline))
    return context.wrap_socket(plain)


def _compose(endpoint: Endpoint, request: HttpRequest) -> bytes:
    headers = {
        "host": endpoint.authority,
        "user-agent": "mooring-launcher",
        "accept": "*/*",
        "connection": "close",
        **{name.lower(): value for name, value in request.headers.items()},
    }
    lines = [f"GET {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        message = "a header holds a line break"
        raise ValueError(message)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Reader:
    """Reads one response, never past the limits or the deadline, however slowly it drips."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._data = b""

    def read_head(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers by lower-case name; ValueError when it is no HTTP."""
        while b"\r\n\r\n" not in self._data:
            if len(self._data) > _HEAD_LIMIT or not self._read_more():
                message = "the answer is not HTTP"
                raise ValueError(message)
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.[01] (\d{3})\b", lines[0])
        if not match:
            message = "the answer is not HTTP"
            raise ValueError(message)
        pairs = (line.partition(":") for line in lines[1:])
        return int(match[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def read_body(self, headers: dict[str, str]) -> bytes:
        """Return the body, or its first BODY_LIMIT bytes."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length", "")
        return self._read_up_to(min(int(length), BODY_LIMIT) if length.isdigit() else BODY_LIMIT)

    def _read_chunks(self) -> bytes:
        body = b""
        while len(body) < BODY_LIMIT:
            while b"\r\n" not in self._data and len(self._data) < BODY_LIMIT and self._read_more():
                pass
            size, _, self._data = self._data.partition(b"\r\n")
            length = int(size.partition(b";")[0] or b"0", 16)
            if length == 0:
                break
            chunk = self._read_up_to(min(length, BODY_LIMIT) + 2)
            body += chunk[:length]
            self._data = self._data[len(chunk) :]
        return body[:BODY_LIMIT]

    def _read_up_to(self, length: int) -> bytes:
        while len(self._data) < length and self._read_more():
            pass
        return self._data[:length]

    def _read_more(self) -> bool:
        self._sock.settimeout(_left_s(self._deadline))
        chunk = self._sock.recv(16384)
        self._data += chunk
        return bool(chunk)
