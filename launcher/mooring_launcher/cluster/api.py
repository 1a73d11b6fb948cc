"""The in-cluster client: one object by name, or a few by labels, read, watched, patched or posted to.

Written for the launcher's few requests on http.client and ssl, as a general client would cost more start-up time and
memory than everything else together. Every foreign error is translated in `Session._checked`. No answer is trusted to
end, to be small or to match the request: `connection` limits its time and size, `answers` says what it must be.
"""

import contextlib
import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from mooring_launcher.cluster import answers
from mooring_launcher.cluster.answers import BODY_LIMIT, Object
from mooring_launcher.cluster.connection import CONNECT_TIMEOUT_S, HEAD_LIMIT, LimitedSocket, connect, make_context
from mooring_launcher.cluster.resources import Resource
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.mounts import find_mounted

# With its drive: a container's working directory may be on another one.
SERVICE_ACCOUNT = ("C:" if sys.platform == "win32" else "") + "/var/run/secrets/kubernetes.io/serviceaccount"
ANSWER_TIMEOUT_S = 30.0
"""For one whole answer, however slowly it arrives."""
_READ_SLACK_S = 20.0
_REFUSAL_LIMIT = 64 * 1024
"""Bytes read of a refusal: a Status has a few hundred, and a proxy's page means nothing here."""
_SAID_LIMIT = 300
"""Characters of foreign text in our own messages."""
_MERGE_PATCH = "application/merge-patch+json"


class ApiError(LauncherError):
    """A request that failed. `status` is the HTTP status, 0 if there was no meaningful answer.

    `is_absent`: the API itself says that the object does not exist; `reason`: of its Status, where it gave one.
    """

    def __init__(
        self, message: str, status: int = 0, retry_after_s: float = 0.0, *, is_absent: bool = False, reason: str = ""
    ) -> None:
        super().__init__(ExitCode.API_FORBIDDEN if status == 403 else ExitCode.API_UNREACHABLE, message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.is_absent = is_absent
        self.reason = reason


class ApiClient:
    """Makes requests as the pod's ServiceAccount. Safe to use from every thread: each opens its own connections."""

    def __init__(self, host: str, port: int, account: str = SERVICE_ACCOUNT) -> None:
        """Take the API server's address (an IPv6 address without brackets) and the folder of token and ca.crt."""
        self.address = (host, port)
        self._account = account

    @classmethod
    def in_cluster(cls, environ: Mapping[str, str]) -> "ApiClient":
        """Make the client from what Kubernetes puts into every container. LauncherError when it has not."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
        if not host or not port.isdigit():
            message = f"KUBERNETES_SERVICE_HOST is {host!r} and KUBERNETES_SERVICE_PORT {port!r}: not inside a cluster"
            raise LauncherError(ExitCode.API_UNREACHABLE, message)
        return cls(host.strip("[]"), int(port), find_mounted(SERVICE_ACCOUNT, environ))

    def get(self, resource: Resource) -> Object | None:
        """Return the object, or None when the API server says that it does not exist."""
        with Session(self) as session:
            return session.get(resource)

    def find(self, resource: Resource, within_s: float = ANSWER_TIMEOUT_S) -> list[Object]:
        """Return the one object of that name, if it exists, or those with the labels. ApiError, in time."""
        with Session(self, within_s) as session:
            if resource.labels:
                return session.select(resource)[0]
            found = session.get(resource)
            return [] if found is None else [found]

    def patch(self, resource: Resource, body: Object) -> Object:
        """Merge into an object and return it. ApiError when refused."""
        return self._send("PATCH", "patch", resource, body)

    def post(self, resource: Resource, body: Object) -> Object:
        """Create, for example an eviction. ApiError when refused."""
        return self._send("POST", "create", resource, body)

    def _send(self, method: str, verb: str, resource: Resource, body: Object) -> Object:
        with Session(self) as session:
            return session.exchange(method, verb, resource, resource.path, body)

    def token(self) -> str:
        """Return the current token: kubelet rotates it."""
        return self._read("token").strip()

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that trusts the cluster's current CA, and nothing else."""
        try:
            return make_context(self._read("ca.crt"))
        except (ssl.SSLError, ValueError) as error:
            message = f"{self._account}/ca.crt is not a certificate: {error}"
            raise ApiError(message) from error

    def _read(self, name: str) -> str:
        path = f"{self._account}/{name}"
        try:
            with open(path, encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError) as error:
            message = f"{path}: {error}"
            raise ApiError(message) from error


class Session:
    """One connection, used for one request after the other; a watch follows its GET without a second handshake."""

    def __init__(self, client: ApiClient, within_s: float = float("inf")) -> None:
        """Limit each answer, and all of them together, to this many seconds."""
        self._client = client
        self._deadline_s = time.monotonic() + within_s
        self._connection: http.client.HTTPSConnection | None = None
        self._sock: LimitedSocket | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. Also from another thread: a read that is under way then ends."""
        connection, self._connection = self._connection, None
        # A response that ends the connection has taken the socket out of it.
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):  # the peer closed first
                sock.shutdown(socket.SHUT_RDWR)
        if connection is not None:
            connection.close()

    def get(self, resource: Resource) -> Object | None:
        """Return the object, or None on the API's own NotFound, not on just any 404."""
        try:
            found = self.exchange("GET", "get", resource, resource.path)
        except ApiError as error:
            if error.is_absent:
                return None
            raise
        address = (resource.plural, resource.name, resource.namespace)
        checked: Object = self._checked("get", resource, answers.check_object, found, *address)
        return checked

    def select(self, resource: Resource) -> tuple[list[Object], str]:
        """Return the objects with the resource's labels and the version from which to watch."""
        answer = self.exchange("GET", "list", resource, f"{resource.collection}?{resource.selection}")
        found: tuple[list[Object], str]
        found = self._checked("list", resource, answers.check_list, answer, resource.plural, resource.namespace)
        return found

    def watch(self, resource: Resource, version: str, timeout_s: int) -> Iterator[tuple[str, Object]]:
        """Begin a watch, and yield type and object of each event after `version` until the server's end.

        Without a version it begins with what there is. It has begun when this returns. ApiError when the stream is lost
        or is none. An ERROR event is raised with the status it carries.
        """
        query = f"{resource.selection}&watch=1&allowWatchBookmarks=true"
        query += f"&timeoutSeconds={timeout_s}" + (f"&resourceVersion={version}" if version else "")
        response = self._ask("GET", "watch", resource, f"{resource.collection}?{query}")
        return self._read_events(resource, response, time.monotonic() + timeout_s + _READ_SLACK_S)

    def _read_events(
        self, resource: Resource, response: http.client.HTTPResponse, until_s: float
    ) -> Iterator[tuple[str, Object]]:
        address = (resource.plural, resource.name, resource.namespace)
        while True:
            left_s = until_s - time.monotonic()
            self._allow(BODY_LIMIT, left_s, left_s)
            line = self._checked("watch", resource, response.readline)
            if not line:
                return
            event = self._checked("watch", resource, answers.parse, line)
            kind, found = self._checked("watch", resource, answers.check_event, event, *address)
            if kind == "ERROR":
                code = found.get("code")
                said = str(found.get("message", "ended by the server"))[:_SAID_LIMIT]
                msg = f"watch of {resource}: {said}"
                raise ApiError(msg, code if isinstance(code, int) else 0)
            yield kind, found

    def exchange(self, method: str, verb: str, resource: Resource, path: str, body: Object | None = None) -> Object:
        """Send one request and return the object it is answered with, which may be any."""
        response = self._ask(method, verb, resource, path, body)
        answer: Object = self._checked(verb, resource, lambda: answers.parse(response.read()))
        return answer

    def _ask(
        self, method: str, verb: str, resource: Resource, path: str, body: Object | None = None
    ) -> http.client.HTTPResponse:
        """Return a response with a good status. A 401 is retried once with the token that is current then."""
        refusal = None
        for _ in range(2):
            response: http.client.HTTPResponse
            response = self._checked(verb, resource, self._send, method, path, body)
            if response.status in (200, 201):
                return response
            refusal = self._checked(verb, resource, _refusal, response, verb, resource)
            if not response.isclosed():
                self.close()  # what is left of it would be taken for the next answer
            if refusal.status != 401:
                break
        raise refusal or AssertionError

    def _send(self, method: str, path: str, body: Object | None) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._client.token()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = _MERGE_PATCH if method == "PATCH" else "application/json"
        if self._connection is None or self._connection.sock is None:
            # Also when the peer has closed: http.client would connect by itself, without what `connect` sets.
            self._connection = connect(
                self._client.address, self._client.tls_context(), min(CONNECT_TIMEOUT_S, self._left_s())
            )
            self._sock = cast("LimitedSocket", self._connection.sock)
        self._connection.sock.settimeout(CONNECT_TIMEOUT_S)
        self._allow(BODY_LIMIT + HEAD_LIMIT, ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S)
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        return self._connection.getresponse()

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("no time is left")
        return left_s

    def _allow(self, limit: int, timeout_s: float, patience_s: float) -> None:
        if self._sock is not None:
            self._sock.allow(limit, min(timeout_s, self._deadline_s - time.monotonic()), patience_s)

    def _checked(self, verb: str, resource: Resource, action: Callable[..., Any], *arguments: Any) -> Any:
        """Run one step and turn whatever http.client, ssl, socket or json raise into an ApiError."""
        try:
            return action(*arguments)
        except (OSError, http.client.HTTPException, ValueError, AttributeError, RecursionError, MemoryError) as error:
            # AttributeError: http.client's own, when close() takes the socket from under a read.
            self.close()
            host, port = self._client.address
            message = f"{verb} {resource} at {host}:{port}: {type(error).__name__}: {str(error)[:_SAID_LIMIT]}"
            raise ApiError(message) from error


def _refusal(response: http.client.HTTPResponse, verb: str, resource: Resource) -> ApiError:
    """Return the error for an answer that is neither 200 nor 201, with what an operator can do about a 403."""
    body = response.read(_REFUSAL_LIMIT)
    try:
        answer = answers.parse(body)
    except (ValueError, RecursionError):
        answer = {}
    said = str(answer.get("message", "")) or body[:_SAID_LIMIT].decode("utf-8", "replace")
    message = f"{verb} {resource}: {response.status} {response.reason[:_SAID_LIMIT]}: {said[:_SAID_LIMIT]}"
    if response.status == 403:
        message += f"; the Role must allow {verb!r} on {resource}"
        message += "" if resource.labels else ": if its names end below this ordinal, raise rbac.maxReplicas"
    is_absent = response.status == 404 and answers.says_absent(answer, resource.plural, resource.name)
    if response.status == 404 and not is_absent:
        message += "; this is not the Kubernetes API's own NotFound: is something else answering there?"
    reason = answer.get("reason", "") if (answer.get("kind"), answer.get("code")) == ("Status", response.status) else ""
    wait_s = _seconds(response.headers.get("Retry-After"))
    return ApiError(message, response.status, wait_s, is_absent=is_absent, reason=str(reason))


def _seconds(header: str | None) -> float:
    """Return Retry-After in seconds; its other form, a date, is not used by the API server."""
    return min(float(header), 300.0) if header and header.isascii() and header.isdecimal() else 0.0
