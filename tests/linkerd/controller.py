"""What decides for the stand-in proxies, in place of Linkerd's policy controller: `policy` applied to the API.

A client's identity is that of the pod which has its address, if that pod has a proxy: nothing is encrypted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.linkerd.policy import Object, Policies, Request, identity

KINDS = {
    "servers": "policy.linkerd.io/v1beta1",
    "authorizationpolicies": "policy.linkerd.io/v1alpha1",
    "meshtlsauthentications": "policy.linkerd.io/v1alpha1",
    "networkauthentications": "policy.linkerd.io/v1alpha1",
    "httproutes": "policy.linkerd.io/v1beta3",
}
"""Whose objects count: plural -> API version."""
_FRESH_S = 0.5

List = Callable[[str, str], Sequence[Object]]
"""Returns all objects of an API version and a plural."""


class PolicyController:
    """Decides, and remembers what it decided in `decisions`."""

    def __init__(self, list_all: List) -> None:
        self._list_all = list_all
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._policies = Policies(())
        self._pods: Sequence[Object] = ()
        self.decisions: list[tuple[str, Request, bool]] = []
        """Pod as namespace:name, request, whether it was let in."""

    def admits(self, name: str, port: int, source: str, method: str, path: str) -> bool:
        """Return whether a pod, given as namespace:name, lets a request in."""
        with self._lock:
            # While the API is down the last state holds, as it does for Linkerd.
            with suppress(OSError):
                self._read()
            pods = {f"{each['metadata']['namespace']}:{each['metadata']['name']}": each for each in self._pods}
            request = Request(port, source, self._identity(source), method, path)
            admitted = name in pods and self._policies.admits(pods[name], request)
            self.decisions.append((name, request, admitted))
            return admitted

    def _read(self) -> None:
        if time.monotonic() - self._read_at < _FRESH_S:
            return
        self._pods = self._list_all("v1", "pods")
        kinds = [self._list_all(version, plural) for plural, version in KINDS.items()]
        self._policies = Policies([each for objects in kinds for each in objects])
        self._read_at = time.monotonic()

    def _identity(self, source: str) -> str:
        for pod in self._pods:
            is_meshed = any(each["name"] == "linkerd-proxy" for each in pod["spec"]["containers"])
            if is_meshed and pod.get("status", {}).get("podIP") == source:
                return identity(pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"])
        return ""


@contextmanager
def policy_controller(address: tuple[str, int], list_all: List) -> Iterator[PolicyController]:
    """Answer the stand-in proxies during the block."""
    controller = PolicyController(list_all)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            admitted = controller.admits(
                query["pod"], int(query["port"]), query["source"], query.get("method", ""), query.get("path", "")
            )
            self.send_response(200 if admitted else 403)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield controller
    finally:
        server.shutdown()
        server.server_close()
