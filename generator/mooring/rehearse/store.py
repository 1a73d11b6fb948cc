"""The embedded API's objects: current state, history of events, waiting for the next event."""

import copy
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
API_VERSIONS = {
    "pods": "v1",
    "statefulsets": "apps/v1",
    "deployments": "apps/v1",
    "services": "v1",
    "configmaps": "v1",
}
KIND_NAMES = {
    "pods": "Pod",
    "statefulsets": "StatefulSet",
    "deployments": "Deployment",
    "services": "Service",
    "configmaps": "ConfigMap",
}


class ExpiredError(Exception):
    """The history no longer reaches back to that resourceVersion (410 Gone)."""


@dataclass(frozen=True)
class Event:
    """One change, as a watch reports it: ADDED, MODIFIED or DELETED."""

    version: int
    kind: str
    type: str
    object: Object


def now() -> str:
    """Return the current time in Kubernetes' format."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def matches(obj: Object, namespace: str | None, name: str | None, labels: dict[str, str]) -> bool:
    """Return whether an object is in a namespace (None: any), has a name (None: any) and all of the labels."""
    metadata = obj["metadata"]
    own = metadata.get("labels") or {}
    return (
        namespace in (None, metadata["namespace"])
        and name in (None, metadata["name"])
        and all(own.get(key) == value for key, value in labels.items())
    )


class Store:
    """Pods and StatefulSets by namespace and name; safe to use from any thread. Objects go in and out as copies."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = 1
        self._objects: dict[tuple[str, str, str], Object] = {}
        self._events: list[Event] = []
        self._oldest = 0

    def put(self, kind: str, obj: Object) -> Object:
        """Create or replace an object; keeps its uid and creation time unless the new one has them."""
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        metadata.setdefault("namespace", "default")
        key = (kind, metadata["namespace"], metadata["name"])
        with self.changed:
            old = self._objects.get(key)
            known = old["metadata"] if old else {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
            for field in ("uid", "creationTimestamp"):
                metadata.setdefault(field, known[field])
            obj.setdefault("apiVersion", API_VERSIONS[kind])
            obj.setdefault("kind", KIND_NAMES[kind])
            self._objects[key] = obj
            self._record(kind, "MODIFIED" if old else "ADDED", obj)
            return copy.deepcopy(obj)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        with self.changed:
            return copy.deepcopy(self._objects.get((kind, namespace, name)))

    def update(self, kind: str, namespace: str, name: str, change: Object) -> Object | None:
        """Apply a JSON merge patch (RFC 7386) to an object in one step; None if there is none."""
        with self.changed:
            obj = self._objects.get((kind, namespace, name))
            return None if obj is None else self.put(kind, merge_patch(obj, change))

    def delete(self, kind: str, namespace: str, name: str) -> Object | None:
        """Remove an object and return it, or None if there was none."""
        with self.changed:
            obj = self._objects.pop((kind, namespace, name), None)
            if obj is not None:
                self._record(kind, "DELETED", obj)
            return obj

    def mark_deleted(self, pod: Object) -> None:
        """Set a pod's deletionTimestamp, once; its worker then stops it and deletes the object."""
        metadata = pod["metadata"]
        with self.changed:
            current = self._objects.get(("pods", metadata["namespace"], metadata["name"]))
            if current and current["metadata"]["uid"] == metadata["uid"]:
                stamp = current["metadata"].get("deletionTimestamp") or now()
                change = {"metadata": {"deletionTimestamp": stamp}}
                self.update("pods", metadata["namespace"], metadata["name"], change)

    def all(self, kind: str) -> list[Object]:
        """Return all objects of a kind, by namespace and name."""
        with self.changed:
            return [copy.deepcopy(obj) for key, obj in sorted(self._objects.items()) if key[0] == kind]

    def since(self, version: int) -> list[Event]:
        """Return the events after a resourceVersion; raises ExpiredError if the history does not go back that far."""
        with self.changed:
            if version < self._oldest:
                raise ExpiredError
            return [event for event in self._events if event.version > version]

    def expire(self) -> None:
        """Drop the history: every resourceVersion so far is too old from now on."""
        with self.changed:
            self.version += 1
            self._oldest = self.version
            self._events.clear()

    def _record(self, kind: str, event_type: str, obj: Object) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self._events.append(Event(self.version, kind, event_type, copy.deepcopy(obj)))
        self.changed.notify_all()


def merge_patch(target: Object, patch: Object) -> Object:
    """Return the target with a JSON merge patch applied: null removes, objects merge, the rest replaces."""
    result = copy.deepcopy(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            old = result.get(key)
            result[key] = merge_patch(old if isinstance(old, dict) else {}, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
