"""The use case behind `mooring explain`: where a value comes from, and who locked it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mooring.errors import InputError, UserError
from mooring.inputs.app import App, find_shape_problems, make_app
from mooring.inputs.locks import Lock, find_breaches
from mooring.inputs.platform import Layer, Platform
from mooring.model.app import APP
from mooring.model.check import drop_nulls
from mooring.model.keys import ANY_KEY, find_nodes, items_at, parse_key, write_key
from mooring.model.nodes import MapOf, Obj, default_of
from mooring.model.values import VALUES
from mooring.text.document import Document, KeyPath
from mooring.text.reader import load_yaml


@dataclass(frozen=True, slots=True)
class Origin:
    """What one layer says: `is_set` distinguishes a null from nothing. `place` is empty for the chart's default."""

    who: str
    place: str
    is_set: bool
    value: Any


@dataclass(frozen=True, slots=True)
class LockSaid:
    """A lock that binds the value, in words, and whether the App complies. `key` is the lock's own path."""

    key: str
    must: str
    rest: str
    place: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where one value comes from: the last of `origins` that is set. `overlays` are what environments set instead.

    `doc` says what the value is for; it is empty inside a value in Kubernetes' own format.
    """

    key: str
    doc: str
    value: Any
    origins: tuple[Origin, ...]
    overlays: tuple[Origin, ...]
    locks: tuple[LockSaid, ...]

    @property
    def source(self) -> Origin:
        """Return the layer the value is from."""
        return [origin for origin in self.origins if origin.is_set][-1]

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON output."""
        return asdict(self) | {"source": asdict(self.source)}


def explain(file: str, key: str, platform: Platform | None = None) -> list[Explanation]:
    """Explain one value of an App, or each below a key.

    Raises UserError for an unknown key, and for a map entry that the App does not have.
    """
    path = _read_key(key)
    document = load_yaml(file)
    data = drop_nulls(APP, document.value)
    problems = find_shape_problems(document, data)
    if problems:
        raise InputError(problems)
    app = make_app(data, platform, document.value["values"])
    if entry := _missing_entry(path, app.values):
        *above, name = entry
        there = ", ".join(_get(app.values, tuple(above))[1] or ()) or "none"
        message = f"KEY {key}: {write_key(tuple(above))} has no entry {name}; existing: {there}"
        raise UserError(message)
    return [_explain_one(app, document, leaf) for leaf in _leaves(path, app.values)]


def _read_key(key: str) -> KeyPath:
    try:
        path = parse_key(key.removeprefix("values."))
        if ANY_KEY in path:
            raise ValueError("contains *, which is for locks; name one value, or the parent of several")
        find_nodes(VALUES, path)
    except ValueError as error:
        message = f"KEY {key}: {error}"
        raise UserError(message) from error
    return path


def _leaves(path: KeyPath, values: Any) -> Iterator[KeyPath]:
    nodes = find_nodes(VALUES, path)
    if nodes and isinstance(nodes[0], Obj):
        ((_, value),) = items_at(values, path)
        for name in nodes[0].fields if isinstance(value, dict) else ():
            yield from _leaves((*path, name), values)
    else:
        yield path


def _entry_of(path: KeyPath) -> KeyPath | None:
    """Return the path of the innermost map entry on a path, None without one."""
    for end in range(len(path), 0, -1):
        if any(isinstance(node, MapOf) for node in find_nodes(VALUES, path[: end - 1])):
            return path[:end]
    return None


def _missing_entry(path: KeyPath, values: Any) -> KeyPath | None:
    entry = _entry_of(path)
    return None if entry is None or _get(values, entry)[0] else entry


def _default_at(path: KeyPath) -> tuple[bool, Any]:
    """Return whether the chart has a default there, and the default: a map entry has none, each of its fields may."""
    entry = _entry_of(path)
    if entry is None:
        return True, _get(default_of(VALUES), path)[1]
    nodes = find_nodes(VALUES, path)
    parent = next((node for node in find_nodes(VALUES, path[:-1]) if isinstance(node, Obj)), None)
    if entry == path or not nodes or (parent and path[-1] in parent.required):
        return False, None
    return True, default_of(nodes[0])


def _explain_one(app: App, document: Document, path: KeyPath) -> Explanation:
    platform = app.platform
    layers = platform.layers if platform else ()
    has_default, default = _default_at(path)
    origins = [Origin("chart default", "", is_set=has_default, value=default)]
    origins += [_origin_of(layer, path, platform) for layer in layers]
    is_set, value = _get(document.value["values"], path)
    is_set = is_set and (value is not None or default is None)  # a null falls back to the layers below
    origins.append(Origin(f"App {app.name}", _place(document, ("values", *path)) if is_set else "", is_set, value))
    found = _get(app.values, path)[1]
    return Explanation(
        key=write_key(path),
        doc=next((node.doc for node in find_nodes(VALUES, path)), ""),
        value=default if found is None else found,
        origins=tuple(origins),
        overlays=tuple(_overlays(platform, path)) if platform else (),
        locks=tuple(_locks(app, platform, document, path)) if platform else (),
    )


def _get(values: Any, path: KeyPath) -> tuple[bool, Any]:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False, None
        values = values[part]
    return True, values


def _place(document: Document, path: KeyPath) -> str:
    at = document.position(path)
    return f"{document.file}:{at.line}:{at.column}"


def _origin_of(layer: Layer, path: KeyPath, platform: Platform | None) -> Origin:
    is_set, value = _get(layer.data.get("defaults", {}), path)
    who = f"Platform {layer.name}"
    if is_set:
        return Origin(who, _place(layer.document, ("defaults", *path)), is_set, value)
    for lock in platform.locks if platform else ():
        if lock.path == path and lock.platform == layer.name and "value" in lock.rules:
            return Origin(who, lock.place, is_set=True, value=lock.rules["value"])
    return Origin(who, "", is_set=False, value=None)


def _overlays(platform: Platform, path: KeyPath) -> Iterator[Origin]:
    for name, values in platform.overlays.items():
        is_set, value = _get(values, path)
        if is_set:
            places = [layer.document for layer in platform.layers if name in layer.data.get("overlays", {})]
            yield Origin(f"values-{name}.yaml", _place(places[-1], ("overlays", name, *path)), is_set, value)


def _locks(app: App, platform: Platform, document: Document, path: KeyPath) -> Iterator[LockSaid]:
    for lock in platform.locks:
        if not _binds(lock, path):
            continue
        breaches = find_breaches([lock], app.values, platform.values, document.value["values"])
        kept = not any(breach.path[: len(path)] == path[: len(breach.path)] for breach in breaches)
        yield LockSaid(lock.key, lock.must, lock.rest, lock.place, kept)


def _binds(lock: Lock, path: KeyPath) -> bool:
    """Return whether a lock is on the value, inside it or around it."""
    return all(part in (ANY_KEY, own) for part, own in zip(lock.path, path, strict=False))
