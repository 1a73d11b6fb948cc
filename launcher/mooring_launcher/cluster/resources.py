"""Where an object of the API is: its paths, and how messages name it."""

from typing import NamedTuple


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
