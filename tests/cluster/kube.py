"""Asking a cluster: by kubectl for what a person would type, and by a mirror that watches for what a test waits for."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from pytest_helm_charts.clusters import ExistingCluster

Object = dict[str, Any]

KINDS = {
    "pods": "v1",
    "statefulsets": "apps/v1",
    "endpointslices": "discovery.k8s.io/v1",
}
"""What a mirror keeps: plural -> API version."""


class Kube:
    """One cluster, through its kubeconfig."""

    def __init__(self, kubeconfig: str, kubectl: str = "kubectl") -> None:
        self.kubeconfig = kubeconfig
        self._kubectl = kubectl
        self.http = ExistingCluster(kubeconfig).create()
        self.gone: dict[str, str] = {}
        """The namespaces that tests have deleted, each with the moment (ISO 8601, UTC)."""

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_s: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; raises RuntimeError with its words if it fails."""
        done = subprocess.run(
            [self._kubectl, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
            timeout=timeout_s,
        )
        if check and done.returncode:
            message = f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
            raise RuntimeError(message)
        return done

    def get(self, path: str, version: str = "v1", **params: str) -> Any:
        """GET a path below an API version, e.g. `namespaces/x/pods`; raises requests.HTTPError."""
        response = self.http.get(version=version, url=path, params=params)
        response.raise_for_status()
        return response.json()

    def apply(self, *objects: Object) -> None:
        """Apply objects, server-side."""
        text = "\n---\n".join(json.dumps(each) for each in objects)
        self.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=text)

    def evict(self, namespace: str, pod: str) -> int:
        """Evict a pod; returns the HTTP status."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        return int(self.http.post(namespace=namespace, url=f"pods/{pod}/eviction", json=body).status_code)

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """Make a namespace and have it taken away again, which takes longer than anybody should wait."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            yield name
        finally:
            self.gone[name] = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            self.kubectl("delete", "namespace", name, "--wait=false", check=False)

    def wait_gone(self, timeout_s: float = 180) -> None:
        """Wait until the namespaces that tests have deleted are gone: what measures time wants the nodes for itself."""
        deadline = time.monotonic() + timeout_s
        while left := {each["metadata"]["name"] for each in self.get("namespaces")["items"]} & self.gone.keys():
            if time.monotonic() > deadline:
                message = f"after {timeout_s:.0f} s namespaces are still being deleted: {sorted(left)}"
                raise RuntimeError(message)
            time.sleep(0.5)


class Mirror:
    """The pods, StatefulSets and EndpointSlices of one namespace, kept by list and watch.

    `wait` looks again on every event, so that it returns within milliseconds of what it waited for.
    """

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.namespace = namespace
        self._kubeconfig = kube.kubeconfig
        self._changed = threading.Condition()
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
        self._closed = False
        self.events: list[tuple[float, str, str, Object]] = []
        """What happened: (time.monotonic(), kind, ADDED|MODIFIED|DELETED, object)."""
        self._listed = {kind: threading.Event() for kind in KINDS}
        for kind, version in KINDS.items():
            threading.Thread(target=self._follow, args=(kind, version), daemon=True).start()
        for listed in self._listed.values():
            if not listed.wait(60):
                message = f"the API did not list namespace {namespace}"
                raise RuntimeError(message)

    def close(self) -> None:
        """Let the threads end with their next event."""
        self._closed = True

    def _follow(self, kind: str, version: str) -> None:
        http = ExistingCluster(self._kubeconfig).create()
        while not self._closed:
            try:
                self._list_and_watch(http, kind, version)
            except (requests.RequestException, OSError, ValueError):
                time.sleep(0.2)  # the API is down, which tests bring about

    def _list_and_watch(self, http: Any, kind: str, version: str) -> None:
        answer = http.get(version=version, namespace=self.namespace, url=kind)
        answer.raise_for_status()
        listed = answer.json()
        with self._changed:
            fresh = {item["metadata"]["name"]: item for item in listed["items"]}
            for name in set(self._objects[kind]) - set(fresh):
                self._note(kind, "DELETED", self._objects[kind][name])
            for item in fresh.values():
                self._note(kind, "MODIFIED", item)
            self._changed.notify_all()
        self._listed[kind].set()
        watched = http.get(
            version=version,
            namespace=self.namespace,
            url=kind,
            params={
                "watch": "true",
                "resourceVersion": listed["metadata"]["resourceVersion"],
                "timeoutSeconds": "3000",
            },
            stream=True,
            timeout=(5, 3100),
        )
        watched.raise_for_status()
        for line in watched.iter_lines(chunk_size=None):
            if self._closed:
                return
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            with self._changed:
                self._note(kind, event["type"], event["object"])
                self._changed.notify_all()

    def _note(self, kind: str, what: str, item: Object) -> None:
        name = item["metadata"]["name"]
        if what == "DELETED":
            self._objects[kind].pop(name, None)
        else:
            self._objects[kind][name] = item
        self.events.append((time.monotonic(), kind, what, item))

    def all(self, kind: str) -> dict[str, Object]:
        """Return the objects of a kind by name, as of now."""
        with self._changed:
            return dict(self._objects[kind])

    def pod(self, name: str) -> Object | None:
        """Return a pod, or None."""
        return self.all("pods").get(name)

    def wait(self, done: Callable[[], bool], timeout_s: float, what: str) -> float:
        """Wait until a predicate over the mirror holds; returns the seconds it took.

        Raises AssertionError that says what was waited for and how the namespace looks.
        """
        began = time.monotonic()
        with self._changed:
            while not done():
                left = began + timeout_s - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"after {timeout_s:.0f} s not yet: {what}\n{self.describe()}")
                self._changed.wait(min(left, 1))
        return time.monotonic() - began

    def describe(self) -> str:
        """Return a line for each pod: where it is, how it is, since when it ends, and why it is not scheduled."""
        lines = []
        for name, pod in sorted(self.all("pods").items()):
            status = pod.get("status", {})
            states = [str(each.get("state")) for each in status.get("containerStatuses", [])]
            lines.append(
                f"  {name} on {pod['spec'].get('nodeName')} {status.get('phase')} ready={is_ready(pod)}"
                f" ip={status.get('podIP')} deleted={pod['metadata'].get('deletionTimestamp')} {' '.join(states)[:300]}"
            )
            if (scheduled := condition(pod, "PodScheduled")).get("status") != "True":
                lines.append(f"    not scheduled: {scheduled or 'the scheduler has said nothing'}")
        return "\n".join(lines)


def condition(pod: Object, kind: str) -> Object:
    """Return one condition of an object's status, or an empty one."""
    found = [each for each in pod.get("status", {}).get("conditions", []) if each["type"] == kind]
    return found[0] if found else {}


def is_ready(pod: Object | None) -> bool:
    """Tell whether a pod is there, is not ending and has the condition Ready."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return False
    return condition(pod, "Ready").get("status") == "True"
