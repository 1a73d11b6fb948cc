"""What an answer of the API may be: how large and deep, and what an object must have before anything follows from it.

A program is stopped only on evidence: a well-formed pod of the right name, or the API's own NotFound.
What a broken proxy, a wrong server or a cut stream says is neither: it raises, is logged, and the request is repeated.
"""

import json
import socket
from typing import Any

Object = dict[str, Any]

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of one answer, or of one line of a watch. etcd takes objects of 1.5 MiB, which are a few times that as JSON."""
DEPTH_LIMIT = 100
"""How deep an answer may nest. A pod with its managed fields has 12 levels; Python's own parser gives up at 1,000."""

_KINDS = {"pods": "Pod", "statefulsets": "StatefulSet", "services": "Service"}
_EVENTS = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))

_REQUEST = {"path": str, "port": (int, str)}
_ACTION = {"httpGet": _REQUEST}
_METADATA = {"name": str, "namespace": str, "uid": str, "resourceVersion": str, "deletionTimestamp": str, "labels": {}}
# What is read of a pod anywhere in the launcher. A key may be missing; one that is there has this type.
_POD = {
    "spec": {
        "nodeName": str,
        "terminationGracePeriodSeconds": int,
        "containers": [
            {
                "name": str,
                "ports": [{"name": str, "containerPort": int}],
                "readinessProbe": _ACTION,
                "livenessProbe": _ACTION,
                "startupProbe": _ACTION,
                "lifecycle": {"preStop": _ACTION},
            }
        ],
    },
    "status": {
        "phase": str,
        "podIP": str,
        "conditions": [{"type": str, "status": str, "reason": str, "message": str}],
        "containerStatuses": [{"name": str, "containerID": str, "state": {"running": {}, "waiting": {"reason": str}}}],
    },
}
_SHAPES: dict[str, Object] = {"Pod": _POD, "StatefulSet": {"spec": {"replicas": int}}, "Service": {"spec": {}}}
_NEEDED = {"Pod": ("spec.containers", "status"), "StatefulSet": ("spec.replicas",), "Service": ("spec",)}


def parse(data: bytes) -> Object:
    """Return a JSON object. ValueError says what it is instead."""
    if _is_too_deep(data):
        message = f"JSON that nests deeper than {DEPTH_LIMIT} levels, or is cut off"
        raise ValueError(message)
    answer = json.loads(data.decode("utf-8"))
    if not isinstance(answer, dict):
        message = f"expected an object, found {_name(answer)}"
        raise ValueError(message)
    return answer


def check_object(found: Any, plural: str, name: str, namespace: str, *, kind_is_told: bool = True) -> Object:
    """Return the object if it is a well-formed one of that name (any, if empty) and namespace, else ValueError.

    Items of a list come without their kind.
    """
    kind = _KINDS[plural]
    if kind_is_told and (not isinstance(found, dict) or found.get("kind") != kind):
        message = f"expected a {kind}, found {_kind_of(found)}"
        raise ValueError(message)
    _check_shape(found, {"metadata": _METADATA, **_SHAPES[kind]}, kind)
    metadata = found.get("metadata", {})
    for key, wanted in (("name", name), ("namespace", namespace), ("uid", ""), ("resourceVersion", "")):
        if not metadata.get(key) or (wanted and metadata[key] != wanted):
            expected = f" {wanted!r}" if wanted else ""
            message = f"{kind}: expected metadata.{key}{expected}, found {_short(metadata.get(key))}"
            raise ValueError(message)
    for path in _NEEDED[kind]:
        value = found
        for key in path.split("."):
            value = value.get(key)
            if value is None or value == []:
                message = f"{kind} {metadata['name']}: {path} is missing"
                raise ValueError(message)
    if kind == "Pod":
        _check_ip(found["status"].get("podIP", ""))
    return dict(found)


def check_list(answer: Object, plural: str, namespace: str) -> tuple[list[Object], str]:
    """Return the objects of a list and the version from which to watch. ValueError when it is malformed."""
    kind = f"{_KINDS[plural]}List"
    if answer.get("kind") != kind:
        message = f"expected a {kind}, found {_kind_of(answer)}"
        raise ValueError(message)
    _check_shape(answer, {"metadata": {"resourceVersion": str}}, kind)
    version = answer.get("metadata", {}).get("resourceVersion", "")
    items = answer.get("items", "")
    if items is None:  # how Go writes an empty list that was never made
        items = []
    if not version or not isinstance(items, list):
        message = f"{kind} without {'items' if version else 'metadata.resourceVersion'}"
        raise ValueError(message)
    return [check_object(item, plural, "", namespace, kind_is_told=False) for item in items], version


def check_event(event: Object, plural: str, name: str, namespace: str) -> tuple[str, Object]:
    """Return a watch event's type and object: a well-formed one, or for ERROR any. Else ValueError."""
    kind, found = event.get("type"), event.get("object")
    if kind not in _EVENTS or not isinstance(found, dict):
        message = f"expected an event, found type {_short(kind)} with {_name(found)}"
        raise ValueError(message)
    if kind == "BOOKMARK":
        _check_shape(found, {"metadata": {"resourceVersion": str}}, "bookmark")
        if not version_of(found):
            message = "a bookmark without metadata.resourceVersion"
            raise ValueError(message)
    elif kind != "ERROR":
        check_object(found, plural, name, namespace)
    return kind, found


def says_absent(answer: Object, plural: str, name: str) -> bool:
    """Return whether this is the API's own word that the object does not exist.

    A bare 404 may come from anything: the API names what it did not find (apimachinery, errors.NewNotFound), which
    neither a proxy's page does nor the API itself where it does not know the path.
    """
    details = answer.get("details")
    return (
        [answer.get(key) for key in ("kind", "status", "reason", "code")] == ["Status", "Failure", "NotFound", 404]
        and isinstance(details, dict)
        and (details.get("kind"), details.get("name")) == (plural, name)
    )


def version_of(found: Object) -> str:
    """Return the resourceVersion of an object that was checked."""
    return str(found.get("metadata", {}).get("resourceVersion", ""))


def _is_too_deep(data: bytes) -> bool:
    """Remove the innermost pairs of brackets, level by level: linear in the length, unlike a regular expression."""
    outside = b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    brackets = outside.translate(None, _NO_BRACKETS)
    for _ in range(DEPTH_LIMIT):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return bool(brackets)


def _check_shape(value: Any, shape: Any, path: str) -> None:
    wanted = type(shape) if isinstance(shape, dict | list) else shape
    if type(value) not in (wanted if isinstance(wanted, tuple) else (wanted,)):
        message = f"{path} is {_name(value)}"
        raise ValueError(message)
    if isinstance(shape, dict):
        for key, inner in shape.items():
            if key in value:
                _check_shape(value[key], inner, f"{path}.{key}")
    elif isinstance(shape, list):
        for index, item in enumerate(value):
            _check_shape(item, shape[0], f"{path}[{index}]")


def _check_ip(ip: str) -> None:
    try:
        if ip:
            socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)
    except (OSError, ValueError) as error:
        message = f"status.podIP {_short(ip)} is not an IP address"
        raise ValueError(message) from error


def _kind_of(value: Any) -> str:
    return f"kind {_short(value.get('kind'))}" if isinstance(value, dict) else _name(value)


def _name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _short(value: Any) -> str:
    return ascii(value)[:100] if isinstance(value, str | int | float | None) else _name(value)
