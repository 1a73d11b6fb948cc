"""What tests watch: a mirror of a namespace, kept up to date by the API's own list and watch."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from pytest_helm_charts.clusters import ExistingCluster

from tests.cluster.stack.kube import Kube, Object

KINDS = {
    "pods": "v1",
    "statefulsets": "apps/v1",
    "endpointslices": "discovery.k8s.io/v1",
}
"""What a mirror keeps: plural -> API version."""


class Mirror:
    """The pods, StatefulSets and EndpointSlices of one namespace, kept by list and watch.

    `wait` checks again on every event, so it returns within milliseconds of what it waited for.
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
        """Make the threads end at their next event."""
        self._closed = True

    def _follow(self, kind: str, version: str) -> None:
        http = ExistingCluster(self._kubeconfig).create()
        while not self._closed:
            try:
                self._list_and_watch(http, kind, version)
            except (requests.RequestException, OSError, ValueError):
                time.sleep(0.2)  # the API is down; tests do that

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

        Raises AssertionError with what it waited for and the state of the namespace.
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
        """Return a line for each pod: its node, its state, since when it is being deleted, why it is Pending."""
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
    """Return whether a pod exists, is not being deleted and is Ready."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return False
    return condition(pod, "Ready").get("status") == "True"
