"""Find the label selectors in an object of any kind, and match them against labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mooring.importing.manifests import dig

_KEYS = (
    *("selector", "podSelector", "labelSelector", "endpointSelector", "workloadSelector"),
    *("fromEndpoints", "toEndpoints"),  # Cilium's, lists of selectors
)
_EQUAL = re.compile(r"""([\w./-]+)\s*==\s*["']([\w./-]*)["']""")  # Calico's
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_MOST_DEPTH = 64


class Selector(NamedTuple):
    """A label selector: its labels and expressions, and the namespaces it looks in, None for the object's own."""

    labels: Mapping[str, str]
    expressions: list[Any]
    namespaces: Any

    @property
    def is_empty(self) -> bool:
        """Return whether it selects everything."""
        return not self.labels and not self.expressions

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Return whether it selects an object with these labels (Kubernetes, "Labels and Selectors")."""
        return self.labels.items() <= labels.items() and all(_holds(each, labels) for each in self.expressions)

    def looks_in(self, namespace: str, own: str) -> bool:
        """Return whether it looks, or may look, in a namespace: its name is the only label that is known."""
        if self.namespaces is None:
            return not own or not namespace or own == namespace
        names = dig(self.namespaces, "matchNames")
        if isinstance(names, list):
            return namespace in names
        wanted = dig(self.namespaces, "matchLabels", _NAMESPACE_NAME)
        return wanted is None or not namespace or wanted == namespace


def _holds(expression: Any, labels: Mapping[str, str]) -> bool:
    key, values = dig(expression, "key"), dig(expression, "values")
    value = labels.get(key) if isinstance(key, str) else None
    listed = values if isinstance(values, list) else []
    match dig(expression, "operator"):
        case "In":
            return value in listed
        case "NotIn":
            return value not in listed
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def find_selectors(value: Any, depth: int = 0) -> Iterator[Selector]:
    """Yield every selector in a value."""
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from find_selectors(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            items = item if isinstance(item, list) else [item]
            found = [_read(each, value.get("namespaceSelector")) for each in items] if key in _KEYS else []
            selectors = [each for each in found if each is not None]
            yield from selectors or find_selectors(item, depth + 1)


def _plain(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return labels without Cilium's prefix for their source."""
    return {key.removeprefix("k8s:").removeprefix("any:"): value for key, value in labels.items()}


def _read(value: Any, namespaces: Any) -> Selector | None:
    """Read a selector: a LabelSelector, a Service's map, Istio's workloadSelector or Calico's text."""
    if isinstance(value, str):
        found = dict(_EQUAL.findall(value))
        return Selector(found, [], namespaces) if found else None
    if not isinstance(value, dict):
        return None
    labels, expressions = value.get("matchLabels", {}), value.get("matchExpressions", [])
    if set(value) <= {"matchLabels", "matchExpressions"}:
        is_right = isinstance(labels, dict) and isinstance(expressions, list)
        return Selector(_plain(labels), expressions, namespaces) if is_right else None
    if set(value) == {"labels"}:
        value = value["labels"]
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return Selector(value, [], namespaces)
    return None
