"""List once, then watch: the API's objects as a stream of changes. One thread and one connection for each resource."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import yaml

from tests.cluster.oracle.picture import Object

_WATCH_S = 300
_SILENT_S = _WATCH_S + 30
"""A connection with no data for longer than a watch may last is dead."""
_CONNECT_S = 5
_RETRY_S = (0.1, 0.2, 0.5, 1.0)
_TELL_AFTER = 5
"""Failures in a row before it prints a message."""


class ExpiredError(Exception):
    """The server no longer has the history from there (410): list again."""


@dataclass(frozen=True)
class Change:
    """One change of the picture: `type` is ADDED, MODIFIED or DELETED, or LISTED with all objects there are."""

    resource: str
    type: str
    objects: tuple[Object, ...]
    scope: str = ""


class Server:
    """The API's address and credentials, from a kubeconfig's current context."""

    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        entry = {kind: {e["name"]: e for e in config[kind + "s"]} for kind in ("context", "cluster", "user")}
        context = entry["context"][config["current-context"]]["context"]
        cluster, user = entry["cluster"][context["cluster"]]["cluster"], entry["user"][context["user"]]["user"]
        url = urllib.parse.urlsplit(cluster["server"])
        self._host, self._port = url.hostname or "", url.port or 443
        self._prefix = url.path.rstrip("/")
        self._token = user.get("token", "")
        if not self._token and user.get("tokenFile"):
            self._token = Path(user["tokenFile"]).read_text().strip()
        self._tls = ssl.create_default_context(cadata=_text(cluster, "certificate-authority"))
        if cluster.get("insecure-skip-tls-verify"):
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        certificate, key = _text(user, "client-certificate"), _text(user, "client-key")
        if certificate and key:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # OpenSSL reads these only from files
                file.write(f"{certificate}\n{key}")
                file.flush()
                self._tls.load_cert_chain(file.name)

    @contextlib.contextmanager
    def get(self, path: str, **query: Any) -> Iterator[http.client.HTTPResponse]:
        """GET a path and give the 200 answer. Raises OSError, HTTPException or ExpiredError."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=_CONNECT_S, context=self._tls)
        try:
            connection.connect()
            connection.sock.settimeout(_SILENT_S)
            headers = {"Accept": "application/json"} | (
                {"Authorization": f"Bearer {self._token}"} if self._token else {}
            )
            connection.request("GET", f"{self._prefix}{path}?{urllib.parse.urlencode(query)}", headers=headers)
            response = connection.getresponse()
            if response.status == 410:
                raise ExpiredError
            if response.status != 200:
                message = f"GET {path}: {response.status} {response.read(300).decode(errors='replace')}"
                raise OSError(message)
            yield response
        finally:
            connection.close()


def _text(section: Object, key: str) -> str | None:
    """Return what a kubeconfig holds as `<key>-data` (base64) or names as a file."""
    if section.get(f"{key}-data"):
        return base64.b64decode(section[f"{key}-data"]).decode()
    return Path(section[key]).read_text() if section.get(key) else None


class Feed:
    """Follows one resource of one namespace (or of all), putting each change into a queue."""

    def __init__(self, server: Server, group: str, resource: str, namespace: str, queue: SimpleQueue[Change]) -> None:
        self.resource = resource
        self.namespace = namespace
        self.problem = ""
        #: When the picture was cut off from the API (time.monotonic()); None while a watch lives.
        self.cut_since_s: float | None = time.monotonic()
        #: How often everything was listed: once, and once for each 410.
        self.lists = 0
        self._server = server
        self._path = f"{group}/{f'namespaces/{namespace}/' if namespace else ''}{resource}"
        self._queue = queue
        self._version = ""
        self._failures = 0

    def start(self) -> None:
        """Start following, in a thread."""
        threading.Thread(target=self._run, name=f"feed-{self.resource}", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                if not self._version:
                    self._list()
                self._watch()
            except ExpiredError:
                self._version = ""
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.problem = f"{type(error).__name__}: {error}"
                self._mark_cut()
                time.sleep(_RETRY_S[min(self._failures, len(_RETRY_S) - 1)])
                self._failures += 1
                if self._failures == _TELL_AFTER:
                    print(f"oracle: {self.problem}", file=sys.stderr)

    def _mark_cut(self) -> None:
        if self.cut_since_s is None:
            self.cut_since_s = time.monotonic()

    def _list(self) -> None:
        with self._server.get(self._path) as response:
            answer = json.load(response)
        self._version = answer["metadata"]["resourceVersion"]
        self._queue.put(Change(self.resource, "LISTED", tuple(answer["items"]), self.namespace))
        self.lists += 1

    def _watch(self) -> None:
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": _WATCH_S}
        with self._server.get(self._path, resourceVersion=self._version, **query) as response:
            self.cut_since_s, self._failures = None, 0
            while line := response.readline():
                self._take(json.loads(line))

    def _take(self, event: Object) -> None:
        obj = event["object"]
        if event["type"] == "ERROR":
            if obj.get("code") == 410:
                raise ExpiredError
            message = f"the watch of {self.resource}: {obj.get('message')}"
            raise OSError(message)
        self._version = obj["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            self._queue.put(Change(self.resource, event["type"], (obj,), self.namespace))
