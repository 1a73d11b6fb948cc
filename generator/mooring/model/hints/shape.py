"""Hints for values of the wrong shape, written the way other charts accept them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mooring.model.hints.find import KeyPath, below_values
from mooring.model.nodes import MapOf, Node, Obj

_IN_CHECKS = ("port", "path", "scheme", "host", "command", "periodSeconds", "timeoutSeconds", "failureThreshold")


def shape_hint(node: Node, value: Any, path: KeyPath) -> str:
    """Return a hint for a value of the wrong kind that other charts would accept, or nothing."""
    below = below_values(path)
    return next((f"; {words}" for fits, words in _shapes(node, value, below) if fits), "") if below else ""


def _shapes(node: Node, value: Any, below: KeyPath) -> Iterator[tuple[bool, str]]:
    is_env = below[:2] == ("target", "env") or (below[:2] == ("target", "perOrdinal") and "env" in below)
    yield (
        is_env and isinstance(value, dict) and "valueFrom" in value,
        "values from a Secret, a ConfigMap or the pod go into extraEnv, a list of {name, valueFrom}",
    )
    yield is_env and isinstance(value, dict) and "value" in value, "write NAME: value"
    yield is_env and isinstance(value, list), "write NAME: value; a list of {name, value} goes into extraEnv"
    yield (
        below == ("target", "ports") and isinstance(value, list),
        "write each port under its name, e.g. http: {port: 8080}",
    )
    yield (
        below[:2] == ("target", "ports") and len(below) == 3 and isinstance(value, (int, str)),
        "write the port as {port: 8080}",
    )
    yield (
        below == ("target", "mounts") and isinstance(value, list),
        r"write each directory under a name, e.g. data: {hostPath: 'D:\data'}",
    )
    yield (
        below[:2] == ("target", "mounts") and len(below) == 3 and isinstance(value, str),
        r"write it as {hostPath: 'D:\data'}",
    )
    yield (
        below[:2] in (("gate", "http"), ("gate", "tcp"), ("gate", "exec"))
        and len(below) == 3
        and below[2] in _IN_CHECKS,
        f"each check has a name: {'.'.join(below[:2])}.<name>.{below[-1]}",
    )
    yield (
        len(below) == 2 and below[0] == "imagePullSecrets" and isinstance(value, dict),
        "write only the Secret's name",
    )
    yield (
        isinstance(value, str) and bool(below) and below[-1] in ("args", "command"),
        "write each argument as its own item: [--port, '8080']",
    )
    yield below == ("extraEnv",) and isinstance(value, dict), "a map of NAME: value goes into target.env"
    yield isinstance(node, MapOf) and isinstance(value, list), "write each entry under its own name"
    yield isinstance(node, Obj) and below == ("service",) and isinstance(value, bool), "write service.enabled"
