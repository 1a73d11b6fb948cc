"""Find references from one object to another: to a Service by name or DNS name, and to whatever pods use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MOST_DEPTH = 64
_NAME_KEYS = ("name", "secretName", "claimName", "priorityClassName", "configMapName")
# Below these keys a name means a Service: Ingress, Gateway API, service meshes, Traefik, Contour, OpenShift, webhooks.
_BACKENDS = (
    *("service", "services", "backend", "backends", "backendRefs", "backendRef", "defaultBackend", "targetRefs"),
    *("targetRef", "to", "alternateBackends", "serviceRef", "destination", "parentRefs"),
)
_SERVICE_KEYS = ("serviceName", "service", "host", "hosts")


def find_references(value: Any, parent: str, service: str, namespace: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield each reference to a Service: its namespace ("" if not given) and its port (None if not given)."""
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from find_references(item, parent, service, namespace, depth + 1)
    elif isinstance(value, dict):
        place = value.get("namespace")
        if parent in _BACKENDS and value.get("name") == service and value.get("kind") in (None, "", "Service"):
            yield place if isinstance(place, str) else "", _port_of(value)
        for key, item in value.items():
            if isinstance(item, str) and key in _SERVICE_KEYS and item == service:
                yield place if isinstance(place, str) else "", _port_of(value)
            yield from find_references(item, key, service, namespace, depth + 1)
    elif isinstance(value, str) and namespace and holds_dns_name(value, service, namespace):
        yield namespace, None
    elif value == service and parent == "hosts":
        yield "", None


def holds_dns_name(text: str, service: str, namespace: str) -> bool:
    """Return whether a text contains a Service's DNS name with its namespace."""
    name = rf"{re.escape(service)}\.{re.escape(namespace)}" if namespace else rf"{re.escape(service)}\.[a-z0-9-]+"
    return re.search(rf"(?<![\w.-]){name}(\.svc)?(\.[a-z0-9.-]+)?(?![\w-])", text) is not None


def _port_of(value: Mapping[str, Any]) -> Any:
    """Return the port given with a Service's name, by number or name."""
    port = value.get("port", value.get("servicePort"))
    if isinstance(port, dict):
        port = port.get("number", port.get("name"))
    return port if isinstance(port, (str, int)) else None


def names_in(value: Any, depth: int = 0) -> set[str]:
    """Return the names of all objects that values make the pods refer to."""
    found: set[str] = set()
    if depth > _MOST_DEPTH:
        return found
    if isinstance(value, list):
        return found.union(*(names_in(item, depth + 1) for item in value))
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _NAME_KEYS and isinstance(item, str):
                found.add(item)
            found |= names_in(item, depth + 1)
    return found
