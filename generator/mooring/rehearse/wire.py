"""HTTP and TLS of the embedded API: parses requests, writes responses and watch streams."""

import contextlib
import http.server
import json
import socket
import socketserver
import ssl
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from mooring.rehearse.store import Object

_HANDSHAKE_TIMEOUT_S = 10.0
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@dataclass
class Request:
    """One request as audited: `resource` includes a subresource (`pods/eviction`), `status` 0 means cut off."""

    time_s: float
    method: str
    path: str
    query: dict[str, str]
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    body: Object = field(default_factory=dict)
    token: str = ""
    status: int = 0


@dataclass(frozen=True)
class Response:
    """JSON for a dict body. `Response.drop()` cuts the connection instead; `Response.raw()` sends any bytes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Object | str | bytes = ""
    chunks: Iterable[bytes] | None = None

    @classmethod
    def drop(cls) -> "Response":
        """Make the response that closes the connection without an answer."""
        return cls(status=0)

    @classmethod
    def raw(cls, chunks: Iterable[bytes]) -> "Response":
        """Make the response that writes these bytes unchanged and closes the connection."""
        return cls(status=0, chunks=chunks)

    @property
    def content(self) -> bytes:
        """Return the body as sent."""
        body = json.dumps(self.body) if isinstance(self.body, dict) else self.body
        return body.encode() if isinstance(body, str) else body


def failure(status: int, reason: str, message: str, details: Object | None = None) -> Response:
    """Make the Status object of an API error."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "details": details or {}}
    return Response(status, body={**body, "message": message, "reason": reason, "code": status})


class Answerer(Protocol):
    """Decides requests: the API as HTTP sees it."""

    def take(self, request: Request) -> Response | None:
        """Record a request; return None if it is a watch to stream, else the answer."""

    def watch(self, request: Request) -> Iterator[Object | None]:
        """Yield the events of a watch; None from time to time, to notice that a client has left."""


def selectors(query: dict[str, str]) -> tuple[str | None, dict[str, str]]:
    """Return the name that fieldSelector selects, if any, and the labels that labelSelector selects."""
    fields = dict(part.split("=", 1) for part in query.get("fieldSelector", "").split(",") if "=" in part)
    labels = dict(part.split("=", 1) for part in query.get("labelSelector", "").split(",") if "=" in part)
    return fields.get("metadata.name"), {key.rstrip("="): value.lstrip("=") for key, value in labels.items()}


def parse_request(method: str, target: str) -> Request:
    """Split a request target the way the API server's requestinfo.go does."""
    url = urllib.parse.urlsplit(target)
    query = dict(urllib.parse.parse_qsl(url.query))
    parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
    group = parts[1] if parts[:1] == ["apis"] and len(parts) > 1 else ""
    rest = parts[3:] if group else parts[2:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = (*rest, "", "", "")[:3]
    verb = _VERBS.get(method, method.lower())
    if verb == "get" and not name:
        verb = "watch" if query.get("watch") in ("1", "true") else "list"
        # A name in the field selector counts as the request's name, so resourceNames can match it.
        name = selectors(query)[0] or ""
    full = f"{resource}/{subresource}" if subresource else resource
    return Request(time.monotonic(), method, url.path, query, verb, group, full, namespace, name)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 with keep-alive, watches as chunked streams."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "HttpServer"

    def _serve(self) -> None:
        request = parse_request(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length) if length else b""
        request.token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            request.body = json.loads(content) if content else {}
        except ValueError:
            return self._send(request, failure(400, "BadRequest", "the body is not JSON"))
        response = self.server.api.take(request)
        return self._stream(request) if response is None else self._send(request, response)

    # http.server finds its methods by these names.
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    def _send(self, request: Request, response: Response) -> None:
        request.status = response.status
        if response.status == 0:
            self.close_connection = True
            for chunk in response.chunks or ():
                self.wfile.write(chunk)
            return
        content = response.content
        self.send_response(response.status)
        for name, value in {"Content-Type": "application/json", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, request: Request) -> None:
        # Before the response: everything that happens from now on belongs to this watch.
        events = self.server.api.watch(request)
        request.status = 200
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            if event is not None:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            elif self._client_left():
                return
        self.wfile.write(b"0\r\n\r\n")

    def _client_left(self) -> bool:
        """Return whether the client closed the stream."""
        self.connection.settimeout(0)
        try:
            return not self.connection.recv(1)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            self.connection.settimeout(None)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
        """Stay silent: `ApiServer.requests` is the record."""


class HttpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts in one thread; the handshake and requests of each connection run in a separate one."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, api: Answerer, host: str, port: int, tls: ssl.SSLContext) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.api = api
        self._tls = tls
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake in the connection's thread: a client that never finishes it blocks no other."""
        # Errors of a client that leaves, does not speak TLS or trusts another CA do not matter here.
        with contextlib.suppress(OSError):
            request.settimeout(_HANDSHAKE_TIMEOUT_S)
            connection = self._tls.wrap_socket(request, server_side=True)
            connection.settimeout(None)
            self._connections.add(connection)
            try:
                super().finish_request(connection, client_address)
            finally:
                self._connections.discard(connection)
                connection.close()

    def cut_connections(self) -> None:
        """Break off every open connection."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
