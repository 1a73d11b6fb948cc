"""An embedded Kubernetes API over TLS: pods, StatefulSets and their scale, eviction, watches, tokens, RBAC.

It implements what a launcher uses, with the real server's answers (Status objects, 401, 403, 404, 409, 410 as an
ERROR event, bookmarks), plus ways for a test to make it fail: `intercept`, `cut_watches`, `expire`, `close` and
`start` again. Sources: the Kubernetes API concepts page; the apiserver's sources for the wording of errors.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mooring.rehearse.store import API_VERSIONS, KIND_NAMES, ExpiredError, Object, Store, matches
from mooring.rehearse.wire import HttpServer, Request, Response, failure, selectors

_BOOKMARK_PERIOD_S = 60.0


@dataclass(frozen=True)
class _Grant:
    """What a token may do: None allows all, else RBAC PolicyRules within a namespace (None: any)."""

    rules: list[Object] | None
    namespace: str | None
    user: str

    def allows(self, request: Request) -> bool:
        if self.rules is None:
            return True
        return self.namespace in (None, request.namespace) and any(_rule_covers(rule, request) for rule in self.rules)


def _rule_covers(rule: Object, request: Request) -> bool:
    """Return whether an RBAC PolicyRule covers a request; empty resourceNames cover all names."""
    names = rule.get("resourceNames") or [request.name]
    return (
        {request.verb, "*"} & set(rule.get("verbs", ())) != set()
        and {request.group, "*"} & set(rule.get("apiGroups", ())) != set()
        and {request.resource, "*"} & set(rule.get("resources", ())) != set()
        and request.name in names
    )


class ApiServer:
    """The embedded API. `start` and `close` may alternate: state, port and certificate stay the same."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        intercept: Callable[[Request], Response | None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.intercept = intercept
        self.on_eviction: Callable[[str, str, Object], None] | None = None
        self.on_scale: Callable[[str, str, Object], None] | None = None
        self.requests: list[Request] = []
        self.evictions: list[Object] = []
        self.store = Store()
        self.ca_pem, self._tls = _make_tls(host)
        self._grants: dict[str, _Grant] = {}
        self._watch_era = 0
        self._server: HttpServer | None = None

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"https://[{self.host}]:{self.port}" if ":" in self.host else f"https://{self.host}:{self.port}"

    def start(self) -> None:
        """Listen, and answer each connection in its own thread."""
        self._server = HttpServer(self, self.host, self.port, self._tls)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections and cut the open ones. Idempotent."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_connections()
            self._server = None

    def add_token(
        self,
        token: str,
        rules: list[Object] | None = None,
        namespace: str | None = None,
        user: str = "system:serviceaccount:default:rehearse",
    ) -> None:
        """Accept a token; `rules` are RBAC PolicyRules (None allows all), valid in `namespace` (None: any)."""
        self._grants[token] = _Grant(rules, namespace, user)

    def revoke_token(self, token: str) -> None:
        """Answer 401 to a token from now on."""
        self._grants.pop(token, None)

    def put(self, kind: str, obj: Object) -> Object:
        """Create or replace an object (kind `pods` or `statefulsets`) and notify the watchers."""
        return self.store.put(kind, obj)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        return self.store.get(kind, namespace, name)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object and notify the watchers."""
        self.store.delete(kind, namespace, name)

    def expire(self) -> None:
        """Make every resourceVersion so far too old to watch from."""
        self.store.expire()

    def cut_watches(self) -> None:
        """Break off all watch streams, as a restarting API server does."""
        with self.store.changed:
            self._watch_era += 1
            self.store.changed.notify_all()

    def take(self, request: Request) -> Response | None:
        """Record a request; return None if it is a watch to stream, else the answer."""
        self.requests.append(request)
        injected = self.intercept(request) if self.intercept else None
        if injected or request.verb != "watch":
            return injected or self.answer(request)
        return self.refusal(request)

    def answer(self, request: Request) -> Response:
        """Decide a request other than a watch: authentication, authorization, then the object."""
        refused = self.refusal(request)
        if refused:
            return refused
        resource, _, subresource = request.resource.partition("/")
        if resource not in API_VERSIONS:
            return failure(404, "NotFound", "the server could not find the requested resource")
        operation = {
            ("get", ""): self._get,
            ("list", ""): self._list,
            ("patch", ""): self._patch,
            ("get", "scale"): self._get_scale,
            ("patch", "scale"): self._patch_scale,
            ("create", "eviction"): self._evict,
        }.get((request.verb, subresource))
        if operation is None:
            return failure(405, "MethodNotAllowed", f"{request.verb} is not offered by this embedded API")
        return operation(resource, request)

    def refusal(self, request: Request) -> Response | None:
        """Return 401 or 403, or None where the token may make the request."""
        grant = self._grants.get(request.token)
        if grant is None:
            return failure(401, "Unauthorized", "Unauthorized")
        if grant.allows(request):
            return None
        message = (
            f'{request.resource.partition("/")[0]} "{request.name}" is forbidden: User "{grant.user}" cannot '
            f'{request.verb} resource "{request.resource}" in API group "{request.group}" '
            f'in the namespace "{request.namespace}"'
        )
        return failure(403, "Forbidden", message)

    def watch(self, request: Request) -> Iterator[Object | None]:
        """Return the events of a watch from now on; None from time to time, to notice that a client has left."""
        version = int(request.query.get("resourceVersion") or 0)
        present: list[Object] = []
        if version == 0:
            with self.store.changed:
                version = self.store.version
                present = self._select(request.resource, request, *selectors(request.query))
        return self._events(request, self._watch_era, version, present)

    def _events(self, request: Request, era: int, version: int, present: list[Object]) -> Iterator[Object | None]:
        resource = request.resource
        name, labels = selectors(request.query)
        deadline = time.monotonic() + float(request.query.get("timeoutSeconds") or 1800)
        bookmarks = request.query.get("allowWatchBookmarks") in ("true", "1")
        yield from ({"type": "ADDED", "object": obj} for obj in present)
        last_bookmark = time.monotonic()
        while time.monotonic() < deadline and era == self._watch_era:
            try:
                events = self.store.since(version)
            except ExpiredError:
                yield {"type": "ERROR", "object": failure(410, "Expired", "too old resource version").body}
                return
            for event in events:
                version = event.version
                if event.kind == resource and matches(event.object, request.namespace or None, name, labels):
                    yield {"type": event.type, "object": event.object}
            if bookmarks and time.monotonic() - last_bookmark > _BOOKMARK_PERIOD_S:
                last_bookmark = time.monotonic()
                yield _bookmark(resource, version)
            self._wait_for_events(version, min(1.0, deadline - time.monotonic()), era)
            yield None

    def _wait_for_events(self, version: int, timeout_s: float, era: int) -> None:
        with self.store.changed:
            self.store.changed.wait_for(
                lambda: self.store.version > version or era != self._watch_era, max(timeout_s, 0)
            )

    def _select(self, resource: str, request: Request, name: str | None, labels: dict[str, str]) -> list[Object]:
        return [o for o in self.store.all(resource) if matches(o, request.namespace or None, name, labels)]

    def _get(self, resource: str, request: Request) -> Response:
        obj = self.store.get(resource, request.namespace, request.name)
        return Response(body=obj) if obj else _not_found(resource, request.name)

    def _list(self, resource: str, request: Request) -> Response:
        name, labels = selectors(request.query)
        with self.store.changed:
            items = self._select(resource, request, name, labels)
            metadata = {"resourceVersion": str(self.store.version)}
        body = {"kind": f"{KIND_NAMES[resource]}List", "apiVersion": API_VERSIONS[resource]}
        return Response(body={**body, "metadata": metadata, "items": items})

    def _patch(self, resource: str, request: Request) -> Response:
        obj = self.store.update(resource, request.namespace, request.name, request.body)
        return Response(body=obj) if obj else _not_found(resource, request.name)

    def _get_scale(self, resource: str, request: Request) -> Response:
        obj = self.store.get(resource, request.namespace, request.name)
        return Response(body=_scale_of(obj)) if obj else _not_found(resource, request.name)

    def _patch_scale(self, resource: str, request: Request) -> Response:
        replicas = (request.body.get("spec") or {}).get("replicas")
        if not isinstance(replicas, int) or replicas < 0:
            return failure(422, "Invalid", f"spec.replicas: Invalid value: {json.dumps(replicas)}")
        change = {"spec": {"replicas": replicas}}
        obj = self.store.update(resource, request.namespace, request.name, change)
        if obj is None:
            return _not_found(resource, request.name)
        if self.on_scale:
            self.on_scale(request.namespace, request.name, request.body)
        return Response(body=_scale_of(obj))

    def _evict(self, resource: str, request: Request) -> Response:
        """Set the pod's deletionTimestamp, unless a callback handles the eviction."""
        pod = self.store.get(resource, request.namespace, request.name)
        if pod is None:
            return _not_found(resource, request.name)
        wanted = ((request.body.get("deleteOptions") or {}).get("preconditions") or {}).get("uid")
        uid = pod["metadata"]["uid"]
        if wanted not in (None, uid):
            return failure(409, "Conflict", f"Precondition failed: UID in precondition: {wanted}, UID: {uid}")
        self.evictions.append(request.body)
        if self.on_eviction:
            self.on_eviction(request.namespace, request.name, request.body)
        else:
            self.store.mark_deleted(pod)
        return Response(201, body={"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201})


def _make_tls(host: str) -> tuple[str, ssl.SSLContext]:
    """Issue a certificate for an address; returns the authority's PEM and the server's context."""
    import trustme  # slow to import (cryptography)

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, "localhost").configure_cert(context)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        return path.read_text("ascii"), context


def _not_found(resource: str, name: str) -> Response:
    """Refuse as apimachinery's NewNotFound does: its details distinguish it from any other 404."""
    group = API_VERSIONS[resource].rpartition("/")[0]
    details = {"name": name, **({"group": group} if group else {}), "kind": resource}
    return failure(404, "NotFound", f'{resource} "{name}" not found', details)


def _scale_of(obj: Object) -> Object:
    """Return the scale subresource of a StatefulSet."""
    metadata = {k: obj["metadata"][k] for k in ("name", "namespace", "uid", "resourceVersion")}
    replicas = obj["spec"].get("replicas", 1)
    observed = {"replicas": (obj.get("status") or {}).get("replicas", 0)}
    head = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata}
    return {**head, "spec": {"replicas": replicas}, "status": observed}


def _bookmark(resource: str, version: int) -> Object:
    head = {"kind": KIND_NAMES[resource], "apiVersion": API_VERSIONS[resource]}
    return {"type": "BOOKMARK", "object": {**head, "metadata": {"resourceVersion": str(version)}}}
