"""One HTTP request over a connected socket, sent and read as kubelet's httpGet probe does (pkg/probe/http, net/http).

So a check that was a probe means the same here. Nothing is verified with https, and what old programs speak is
accepted: TLS 1.0, SHA-1, short keys, renegotiation without its extension.
"""

import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from mooring_launcher.gate.deadline import Deadline

BODY_LIMIT = 64 * 1024
"""How much of a body is matched against an expression."""
READ_LIMIT = 10 * 1024
"""How much is read without an expression: a server that hangs in its body fails, as with kubelet
(maxRespBodyLength)."""
_REDIRECT_LIMIT = 10
"""As Go's default, which kubelet keeps."""
_REDIRECTS = (301, 302, 303, 307, 308)
_INTERIM_LIMIT = 5
_HEAD_LIMIT = 32 * 1024

# What Go leaves in a path, in one that came escaped and in one it escapes itself (net/url, EscapedPath).
_ESCAPED_PATH = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9\-_.~!$&'()*+,;=:@\[\]/])*\Z")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|[\x00-\x1f\x7f]")
_PATH_SAFE = "/$&+,:;=@~"
_QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F)))

_STATUS_LINE = re.compile(r"HTTP/[0-9]\.[0-9] +(\d{3})(?: .*)?\Z")
_OP_LEGACY_SERVER_CONNECT = 0x4  # ssl has the name from Python 3.12 on


class Origin(NamedTuple):
    """Where to send requests: `ip` is the anchor's own, also after a redirect."""

    https: bool
    ip: str
    port: int

    @property
    def authority(self) -> str:
        """`ip:port`, IPv6 in brackets."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Response(NamedTuple):
    """Status and the requested part of the body; `location` is empty unless it redirects."""

    status: int
    location: str
    body: str


class Question(NamedTuple):
    """One request: `follow` allows redirects to the anchor itself, `limit` is how much of the body is read."""

    path: str
    headers: dict[str, str]
    follow: bool
    limit: int


def get(connect: Callable[[int], socket.socket], origin: Origin, question: Question, deadline: Deadline) -> Response:
    """Send it; a redirect to another host is the answer, as with kubelet. `connect` gives a connection to a port.

    OSError, or ValueError with a sentence when the answer is not HTTP.
    """
    for _ in range(_REDIRECT_LIMIT):
        response = _exchange(connect(origin.port), origin, question, deadline)
        to = _redirected(origin, question, response.location) if response.location and question.follow else None
        if to is None:
            return response
        origin, question = to
    message = f"stopped after {_REDIRECT_LIMIT} redirects"
    raise ValueError(message)


def _exchange(plain: socket.socket, origin: Origin, question: Question, deadline: Deadline) -> Response:
    with plain, _secure(plain, deadline) if origin.https else plain as sock:
        sock.settimeout(deadline.left_s())
        sock.sendall(_compose(origin, question))
        reader = _Reader(sock, deadline)
        status, fields = reader.read_head()
        body = b"" if status in (101, 204, 304) else reader.read_body(fields, question.limit)
    location = fields.get("location", "") if status in _REDIRECTS else ""
    return Response(status, location, body.decode("utf-8", "replace"))


def _redirected(origin: Origin, question: Question, location: str) -> tuple[Origin, Question] | None:
    """Return the next request; None when it goes to another host. A relative redirect keeps the Host header."""
    scheme = "https" if origin.https else "http"
    to = urlsplit(urljoin(f"{scheme}://{origin.authority}{question.path}", location))
    if to.hostname != origin.ip.lower() or to.scheme not in ("http", "https"):
        return None
    port = to.port or (443 if to.scheme == "https" else 80)
    path = f"{to.path or '/'}?{to.query}" if to.query else to.path or "/"
    headers = question.headers
    if urlsplit(location).netloc:
        headers = {name: value for name, value in headers.items() if name.lower() != "host"}
    return Origin(to.scheme == "https", origin.ip, port), question._replace(path=path, headers=headers)


def _encode_path(path: str) -> str:
    """Return path and query as Go's net/url sends them: what a request line cannot contain is percent-encoded."""
    path, _, _fragment = path.partition("#")
    if _BROKEN_ESCAPE.search(path.partition("?")[0]):
        return quote(path, safe=_PATH_SAFE)  # Go cannot parse it: kubelet takes the whole text for a path
    path, mark, query = path.partition("?")
    if not _ESCAPED_PATH.match(path):
        path = quote(unquote_to_bytes(path), safe=_PATH_SAFE)
    return path + mark + quote(query, safe=_QUERY_SAFE)


def _compose(origin: Origin, question: Question) -> bytes:
    fields = {"Host": origin.authority, "User-Agent": "kube-probe/mooring", "Accept": "*/*", "Connection": "close"}
    fields |= {
        "-".join(part.capitalize() for part in name.split("-")): value for name, value in question.headers.items()
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value or name not in ("Accept", "User-Agent")]
    if any(letter in line for line in lines for letter in "\r\n\0"):
        message = "a header contains a line break"
        raise ValueError(message)
    return "\r\n".join([f"GET {_encode_path(question.path)} HTTP/1.1", *lines, "", ""]).encode()


def _secure(plain: socket.socket, deadline: Deadline) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= _OP_LEGACY_SERVER_CONNECT
    plain.settimeout(deadline.left_s())
    return context.wrap_socket(plain)


class _Reader:
    """Reads one response, never past the limits or the deadline, however slowly it arrives."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._data = bytearray()
        self._ended = False

    def read_head(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers by lower-case name, after interim answers. ValueError if it is not HTTP."""
        for _ in range(_INTERIM_LIMIT + 1):
            status, fields = self._read_one_head()
            if status >= 200 or status == 101:
                return status, fields
        message = f"more than {_INTERIM_LIMIT} interim answers"
        raise ValueError(message)

    def _read_one_head(self) -> tuple[int, dict[str, str]]:
        match = _STATUS_LINE.match(self._read_line())
        if match is None:
            message = "the answer is not HTTP"
            raise ValueError(message)
        fields: dict[str, str] = {}
        size = 0
        while line := self._read_line():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip().lower(), value.strip())
            size += len(line)
            if size > _HEAD_LIMIT:
                message = f"the answer's head is longer than {_HEAD_LIMIT} bytes"
                raise ValueError(message)
        return int(match[1]), fields

    def _read_line(self) -> str:
        """Return a line without its end, CRLF or a bare LF (RFC 9112, 2.2)."""
        searched = 0
        while (end := self._data.find(b"\n", searched)) < 0:
            searched = len(self._data)
            if searched > _HEAD_LIMIT or not self._read_more():
                message = "the answer is not HTTP" if searched else "the answer is not HTTP: the connection was closed"
                raise ValueError(message)
        line = self._data[:end].removesuffix(b"\r").decode("latin-1")
        del self._data[: end + 1]
        return line

    def read_body(self, fields: dict[str, str], limit: int) -> bytes:
        """Return the body, or its first `limit` bytes. ValueError if it breaks off."""
        if fields.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks(limit)
        length = fields.get("content-length", "")
        if not length.isdecimal():
            return self._read_up_to(limit, to_end=False)
        return self._read_up_to(min(int(length), limit), to_end=True)

    def _read_chunks(self, limit: int) -> bytes:
        body = b""
        while len(body) < limit:
            size = self._read_line().partition(";")[0].strip()
            if re.fullmatch(r"[0-9A-Fa-f]{1,16}", size) is None:
                message = "the answer's body is broken"
                raise ValueError(message)
            if int(size, 16) == 0:
                break
            length = min(int(size, 16), limit - len(body))
            body += self._read_up_to(length, to_end=True)
            if length == int(size, 16) and self._read_line():
                message = "the answer's body is broken"
                raise ValueError(message)
        return body

    def _read_up_to(self, length: int, *, to_end: bool) -> bytes:
        while len(self._data) < length and self._read_more():
            pass
        if to_end and len(self._data) < length:
            message = "the answer's body ends early"
            raise ValueError(message)
        taken = bytes(self._data[:length])
        del self._data[:length]
        return taken

    def _read_more(self) -> bool:
        self._sock.settimeout(self._deadline.left_s())
        chunk = self._sock.recv(16384)
        self._data += chunk
        return bool(chunk)
