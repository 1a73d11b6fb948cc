"""The in-cluster client: one object by name, or a few by labels, is read once and then watched, never polled.

Written for the launcher's few requests on http.client and ssl, as a general client would cost more start-up time and
memory than everything else together. Every foreign error is translated in `_Exchange`.
"""

import contextlib
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.mounts import find_mounted

Object = dict[str, Any]

# With its drive: a container's working directory may be on another one.
SERVICE_ACCOUNT = ("C:" if sys.platform == "win32" else "") + "/var/run/secrets/kubernetes.io/serviceaccount"
CONNECT_TIMEOUT_S = 10.0
WATCH_TIMEOUT_S = 290
_READ_SLACK_S = 20.0
_BACKOFF_FIRST_S = 0.2
_BACKOFF_CAP_S = 30.0
_MERGE_PATCH = "application/merge-patch+json"

# A peer that vanished without a word is noticed after 30 + 3 x 10 seconds, not at the end of a watch.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class Resource(NamedTuple):
    """One named object of the API, or with `labels` in place of the name those that have them.

    `group` is the path before `namespaces`.
    """

    group: str
    namespace: str
    plural: str
    name: str
    subresource: str = ""
    labels: str = ""

    @property
    def path(self) -> str:
        """Where it is read, patched or posted to."""
        tail = f"/{self.subresource}" if self.subresource else ""
        return f"{self.collection}/{self.name}{tail}"

    @property
    def collection(self) -> str:
        """Where it is watched, with a field selector on its name, and listed by labels."""
        return f"{self.group}/namespaces/{self.namespace}/{self.plural}"

    @property
    def selection(self) -> str:
        """The query parameter that selects it in its collection."""
        text = self.labels or f"metadata.name={self.name}"
        quoted = text.replace("=", "%3D").replace(",", "%2C").replace("/", "%2F")
        return f"{'labelSelector' if self.labels else 'fieldSelector'}={quoted}"

    def __str__(self) -> str:
        if self.labels:
            return f"{self.plural} with {self.labels} in namespace {self.namespace}"
        kind = f"{self.plural}/{self.subresource}" if self.subresource else self.plural
        return f"{kind} {self.name} in namespace {self.namespace}"


def pod(namespace: str, name: str, subresource: str = "") -> Resource:
    """Return a pod's address."""
    return Resource("/api/v1", namespace, "pods", name, subresource)


def pods(namespace: str, labels: str) -> Resource:
    """Return the address of the pods with these labels (`key=value,…`)."""
    return Resource("/api/v1", namespace, "pods", "", labels=labels)


def stateful_set(namespace: str, name: str, subresource: str = "") -> Resource:
    """Return a StatefulSet's address."""
    return Resource("/apis/apps/v1", namespace, "statefulsets", name, subresource)


class ApiError(LauncherError):
    """A request that failed. `status` is the HTTP status, 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0, retry_after_s: float = 0.0) -> None:
        super().__init__(ExitCode.API_FORBIDDEN if status == 403 else ExitCode.API_UNREACHABLE, message)
        self.status = status
        self.retry_after_s = retry_after_s


class Backoff:
    """How long to wait before the next try: exponential with jitter, never less than the server asks for."""

    def __init__(self) -> None:
        self._limit_s = _BACKOFF_FIRST_S

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self._limit_s = _BACKOFF_FIRST_S

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return the next wait in seconds."""
        wait_s = self._limit_s * (0.5 + 0.5 * _jitter())
        self._limit_s = min(2 * self._limit_s, _BACKOFF_CAP_S)
        return max(wait_s, at_least_s)


class ApiClient:
    """Makes requests as the pod's ServiceAccount. Safe to use from every thread: each opens connections of its own."""

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
        """Return the object, or None when the API server says that there is none (404)."""
        with Session(self) as session:
            return session.get(resource)

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
        """Return the token as it is now: kubelet rotates it."""
        return self._read("token").strip()

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that trusts the cluster's CA as it is now, and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=self._read("ca.crt"))
        except (ssl.SSLError, ValueError) as error:
            message = f"{self._account}/ca.crt is not a certificate: {error}"
            raise ApiError(message) from error
        return context

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

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. Also from another thread: a read that is under way then ends."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.sock is not None:
            with contextlib.suppress(OSError):  # the peer was first
                connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()

    def get(self, resource: Resource) -> Object | None:
        """Return the object, or None when there is none."""
        try:
            return self.exchange("GET", "get", resource, resource.path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def select(self, resource: Resource) -> tuple[list[Object], str]:
        """Return the objects with the resource's labels and the version from which to watch."""
        answer = self.exchange("GET", "list", resource, f"{resource.collection}?{resource.selection}")
        return answer.get("items") or [], _version(answer)

    def watch(self, resource: Resource, version: str, timeout_s: int) -> Iterator[Object]:
        """Yield the events of a resource after `version` (empty: from what there is) until the server ends the watch.

        ApiError when the stream is lost. An ERROR event is raised with the status it carries.
        """
        query = f"{resource.selection}&watch=1&allowWatchBookmarks=true"
        query += f"&timeoutSeconds={timeout_s}" + (f"&resourceVersion={version}" if version else "")
        response = self._ask("GET", "watch", resource, f"{resource.collection}?{query}")
        self._set_timeout(timeout_s + _READ_SLACK_S)
        while line := self._translated("watch", resource, response.readline):
            event: Object = self._translated("watch", resource, json.loads, line)
            if event.get("type") == "ERROR":
                status = event.get("object", {})
                message = f"watch of {resource}: {status.get('message', 'ended by the server')}"
                raise ApiError(message, int(status.get("code", 0)))
            yield event

    def exchange(self, method: str, verb: str, resource: Resource, path: str, body: Object | None = None) -> Object:
        """Send one request and return the object it is answered with."""
        response = self._ask(method, verb, resource, path, body)
        answer: Object = self._translated(verb, resource, lambda: json.loads(response.read() or b"{}"))
        return answer

    def _ask(
        self, method: str, verb: str, resource: Resource, path: str, body: Object | None = None
    ) -> http.client.HTTPResponse:
        """Return a response with a good status. A 401 is tried once more with the token as it is then."""
        refusal = None
        for _ in range(2):
            response: http.client.HTTPResponse
            response = self._translated(verb, resource, self._send, method, path, body)
            if response.status < 300:
                return response
            refusal = self._translated(verb, resource, _refusal, response, verb, resource)
            if refusal.status != 401:
                break
        raise refusal or AssertionError

    def _send(self, method: str, path: str, body: Object | None) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._client.token()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = _MERGE_PATCH if method == "PATCH" else "application/json"
        if self._connection is None:
            self._connection = _connect(self._client)
        self._set_timeout(CONNECT_TIMEOUT_S)
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        return self._connection.getresponse()

    def _set_timeout(self, timeout_s: float) -> None:
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)

    def _translated(self, verb: str, resource: Resource, action: Callable[..., Any], *arguments: Any) -> Any:
        """Run one step and turn whatever http.client, ssl, socket or json raise into an ApiError."""
        try:
            return action(*arguments)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # AttributeError: http.client's own, when close() takes the socket from under a read.
            self.close()
            host, port = self._client.address
            message = f"{verb} {resource} at {host}:{port}: {type(error).__name__}: {error}"
            raise ApiError(message) from error


def _connect(client: ApiClient) -> http.client.HTTPSConnection:
    host, port = client.address
    connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_TIMEOUT_S, context=client.tls_context())
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # not every platform has all three
        if option is not None:
            with contextlib.suppress(OSError):  # Windows before Server 2019 has the names and not the options
                connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)
    return connection


def _refusal(response: http.client.HTTPResponse, verb: str, resource: Resource) -> ApiError:
    """Return the error for an answer that is none of the 2xx, with what an operator can do about a 403."""
    body = response.read(65536)
    try:
        said = str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        said = body[:200].decode("utf-8", "replace")
    message = f"{verb} {resource}: {response.status} {response.reason}: {said}"
    if response.status == 403:
        message += f"; the Role must allow {verb!r} on {resource}"
        message += "" if resource.labels else ": if its names end below this ordinal, raise rbac.maxReplicas"
    return ApiError(message, response.status, _seconds(response.headers.get("Retry-After")))


def _seconds(header: str | None) -> float:
    """Return Retry-After in seconds; its other form, a date, is not used by the API server."""
    return min(float(header), 300.0) if header and header.isdigit() else 0.0


class _Watch(threading.Thread):
    """Reads, watches from there, and reads again after every loss. Subclasses say how one such round goes."""

    def __init__(self, client: ApiClient, resource: Resource, on_problem: Callable[[ApiError], None]) -> None:
        super().__init__(name=f"mooring-watch-{resource.plural}", daemon=True)
        self._client = client
        self._resource = resource
        self._on_problem = on_problem
        self._closed = threading.Event()
        self._backoff = Backoff()

    def run(self) -> None:
        """Follow until `close()`."""
        while not self._closed.is_set():
            try:
                with Session(self._client) as session:
                    self._follow(session)
            except ApiError as error:
                self._recover(error)

    def close(self) -> None:
        """Tell nothing more. The thread itself ends with the process or at its next event."""
        self._closed.set()

    def _follow(self, session: Session) -> None:
        """Read, then watch until that has to be done anew."""
        raise NotImplementedError

    def _recover(self, error: ApiError) -> None:
        if self._closed.is_set():
            return
        if error.status != 410:  # an expired version is the ordinary end of a long pause
            self._on_problem(error)
        self._closed.wait(self._backoff.next_s(error.retry_after_s))

    def _events(self, session: Session, version: str) -> Iterator[Object]:
        """Yield what changes after a version, without bookmarks, by WATCH after WATCH until a stream is lost."""
        while not self._closed.is_set():
            started_s = time.monotonic()
            timeout_s = WATCH_TIMEOUT_S + int(30 * _jitter())  # spreads the replicas' reconnects
            for event in session.watch(self._resource, version, timeout_s):
                self._backoff.reset()
                version = _version(event["object"]) or version
                if self._closed.is_set():
                    return
                if event["type"] != "BOOKMARK":
                    yield event
            if time.monotonic() - started_s < 1.0:
                # A proxy that ends every stream at once must not make this a poll.
                self._closed.wait(self._backoff.next_s())


class ObjectWatch(_Watch):
    """Tells what becomes of one object: one GET, then one WATCH from there, again after every loss.

    Only a 404 of the GET proves that there is no object, as a deletion in a gap never shows in a later watch.
    """

    def __init__(
        self,
        client: ApiClient,
        resource: Resource,
        on_object: Callable[[Object | None, bool], None],
        on_problem: Callable[[ApiError], None],
    ) -> None:
        """Call `on_object(object or None, fresh)` from this thread; `fresh` after a GET, so after each reconnect.

        An ApiError that it raises is treated like one of the watch's own: told, waited for, and tried anew.
        """
        super().__init__(client, resource, on_problem)
        self._on_object = on_object

    def _follow(self, session: Session) -> None:
        """GET, then WATCH again and again from the last version, until the object is deleted or a stream is lost."""
        found = session.get(self._resource)
        if self._closed.is_set():
            return
        self._on_object(found, True)
        for event in self._events(session, _version(found) if found else ""):
            if event["type"] == "DELETED":
                return  # of an earlier object, perhaps: a GET decides
            self._on_object(event["object"], False)


class ListWatch(_Watch):
    """Tells which objects have the resource's labels: one LIST, then one WATCH from there, again after every loss."""

    def __init__(
        self,
        client: ApiClient,
        resource: Resource,
        on_objects: Callable[[list[Object]], None],
        on_problem: Callable[[ApiError], None],
    ) -> None:
        """Call `on_objects` from this thread with all of them, after the LIST and after every change."""
        super().__init__(client, resource, on_problem)
        self._on_objects = on_objects

    def _follow(self, session: Session) -> None:
        """LIST, then WATCH from its version; an object that loses the labels comes as DELETED, like one that goes."""
        items, version = session.select(self._resource)
        found = {item["metadata"]["name"]: item for item in items}
        if self._closed.is_set():
            return
        self._on_objects(list(found.values()))
        for event in self._events(session, version):
            name = event["object"]["metadata"]["name"]
            if event["type"] == "DELETED":
                found.pop(name, None)
            else:
                found[name] = event["object"]
            self._on_objects(list(found.values()))


def _jitter() -> float:
    """Return a number from 0 to 1 that differs between replicas. The module `random` would cost milliseconds."""
    return os.urandom(1)[0] / 255


def _version(found: Object) -> str:
    return str(found.get("metadata", {}).get("resourceVersion", ""))
