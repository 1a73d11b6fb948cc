"""Kubernetes objects whose fields know their file and line, and whether an import has used them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from mooring.errors import InputError, Problem
from mooring.model.check import show
from mooring.text.document import Document, KeyPath, format_path

Object = dict[str, Any]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Place(NamedTuple):
    """A place in a file; an object from a cluster has no line."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return file:line, as reports have it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def problem(self, key: str, message: str) -> Problem:
        """Word a problem here."""
        return Problem(*self, key, message)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object, from a file or a cluster; `at` is its path in the document (a List holds several)."""

    document: Document
    value: Object
    kind: str
    name: str
    namespace: str
    at: KeyPath = ()

    @property
    def title(self) -> str:
        """Return its name in messages."""
        return f"{self.kind} {self.name}"

    @property
    def is_live(self) -> bool:
        """Return whether it came from a cluster, which filled in defaults."""
        return dig(self.value, "metadata", "uid") is not None

    @property
    def is_made_by_another(self) -> bool:
        """Return whether a controller created it, such as a Deployment's pods."""
        owners = dig(self.value, "metadata", "ownerReferences")
        return isinstance(owners, list) and any(dig(each, "controller") is True for each in owners)

    def is_in(self, namespace: str) -> bool:
        """Return whether it is, or may be, in a namespace: one that names none can be applied to any."""
        return not namespace or self.namespace in ("", namespace)

    def place(self, path: KeyPath = ()) -> Place:
        """Return the place of a field, or of its nearest parent."""
        if not self.document.values_at:
            return Place(self.document.file)
        position = self.document.position((*self.at, *path))
        return Place(self.document.file, position.line, position.column)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Word a problem with one of its fields."""
        if not self.document.values_at:
            return Problem(self.document.file, None, None, format_path(path), message)
        return self.document.problem((*self.at, *path), message)

    def refuse(self, path: KeyPath, message: str) -> NoReturn:
        """Raise InputError for one of its fields."""
        raise InputError([self.problem(path, message)])


def dig(value: Any, *keys: str) -> Any:
    """Return the value at a path of maps, None if the path ends early, without taking it."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def make_manifest(document: Document, value: Any, at: KeyPath, namespace: str = "") -> Manifest:
    """Make a manifest from a document's value; `namespace`, if given, overrides its own, as in kustomize.

    Raises InputError if it is not a Kubernetes object, or has a name that Kubernetes would reject.
    """
    bare = Manifest(document, value if isinstance(value, dict) else {}, "", "", "", at)
    if not isinstance(value, dict):
        bare.refuse((), f"found {show(value)}; must be a Kubernetes object, a map with apiVersion and kind")
    fields = Fields(bare, value)
    kind, api_version = fields.text("kind"), fields.text("apiVersion")
    if api_version.startswith("mooring/"):
        bare.refuse(("kind",), f"is already a mooring {kind}; pass it to `mooring generate`")
    if not kind or not kind.isalnum():
        bare.refuse(("kind",), "is missing or not a Kubernetes kind; each object needs apiVersion and kind")
    name = fields.text("metadata", "name")
    own = fields.text("metadata", "namespace")
    if not name:
        bare.refuse(("metadata", "name"), "is missing; each object needs a name")
    for key, text in (("name", name), ("namespace", own)):
        if text and not _NAME.fullmatch(text):
            message = f"found {show(text)}; must be lower-case letters, digits, '-' and '.', as Kubernetes requires"
            bare.refuse(("metadata", key), message)
    return Manifest(document, value, kind, name, namespace or own, at)


@dataclass(frozen=True, slots=True)
class Change:
    """What to report about a field that was carried over; `is_same` if its meaning is unchanged."""

    place: Place
    text: str
    is_same: bool = False


@dataclass(slots=True)
class Leftover:
    """A field that was not carried over, or an object that stays; `is_same` if nothing is lost."""

    place: Place
    title: str
    path: str
    value: Any
    why: str = ""
    is_same: bool = False


@dataclass(slots=True)
class Fields:
    """An object, or a map in one, from which fields are taken; `rest` yields those that were not."""

    manifest: Manifest
    value: Any
    path: KeyPath = ()
    _left: Any = None
    _children: list[Fields] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.value, dict):
            self._wrong("a map", self.value, ())
        self._left = copy.deepcopy(self.value)

    def take(self, *keys: str) -> Any:
        """Return a field, None if absent, and count it as used."""
        value = self._left
        for number, key in enumerate(keys):
            if value is None:
                return None
            if not isinstance(value, dict):
                self._wrong("a map", value, keys[:number])
            value = value.get(key)
        self._remove(keys)
        return value

    def _remove(self, keys: tuple[str, ...]) -> None:
        parent = self._left
        for key in keys[:-1]:
            parent = parent.get(key)
            if not isinstance(parent, dict):
                return
        parent.pop(keys[-1], None)

    def drop(self, keys: tuple[str, ...], *values: Any) -> None:
        """Count a field as used if it has one of these values; if none are given, whatever its value."""
        if not values or dig(self._left, *keys) in values:
            self._remove(keys)

    def text(self, *keys: str) -> str:
        """Take a text; absent is empty. Raises InputError for anything else."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, str):
            self._wrong("text", value, keys)
        return value or ""

    def number(self, *keys: str) -> int | None:
        """Take a whole number."""
        value = self.take(*keys)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            self._wrong("a whole number", value, keys)
        return value

    def flag(self, *keys: str) -> bool:
        """Take a truth value; absent is false."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, bool):
            self._wrong("true or false", value, keys)
        return bool(value)

    def mapping(self, *keys: str) -> Object:
        """Take a map unchanged; absent is empty."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, dict):
            self._wrong("a map", value, keys)
        return value or {}

    def strings(self, *keys: str) -> dict[str, str]:
        """Take a map of texts."""
        value = self.mapping(*keys)
        for key, item in value.items():
            if not isinstance(item, str):
                self._wrong("text", item, (*keys, key))
        return value

    def sequence(self, *keys: str) -> list[Any]:
        """Take a list unchanged; absent is empty."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, list):
            self._wrong("a list", value, keys)
        return value or []

    def texts(self, *keys: str) -> list[str]:
        """Take a list of texts."""
        value = self.sequence(*keys)
        for number, item in enumerate(value):
            if not isinstance(item, str):
                self._wrong("text", item, (*keys, f"[{number}]"))
        return value

    def child(self, *keys: str) -> Fields:
        """Take a map whose fields are then taken one by one; absent is empty."""
        made = Fields(self.manifest, self.mapping(*keys), (*self.path, *keys))
        self._children.append(made)
        return made

    def children(self, *keys: str) -> list[Fields]:
        """Take a list of such maps."""
        items = self.sequence(*keys)
        made = [Fields(self.manifest, item, (*self.path, *keys, f"[{n}]")) for n, item in enumerate(items)]
        self._children += made
        return made

    def place(self, *keys: str) -> Place:
        """Return the place of a field."""
        return self.manifest.place((*self.path, *keys))

    def problem(self, message: str, *keys: str) -> Problem:
        """Word a problem with a field."""
        return self.manifest.problem((*self.path, *keys), message)

    def refuse(self, message: str, *keys: str) -> NoReturn:
        """Raise InputError for a field."""
        raise InputError([self.problem(message, *keys)])

    def leftover(self, value: Any, why: str, *keys: str, is_same: bool = False) -> Leftover:
        """Record that a field was not carried over, and why."""
        path = (*self.path, *keys)
        return Leftover(self.manifest.place(path), self.manifest.title, format_path(path), value, why, is_same)

    def rest(self) -> Iterator[Leftover]:
        """Yield the fields that were not taken."""
        for path, value in _leaves(self._left, ()):
            yield self.leftover(value, "", *path)
        for child in self._children:
            yield from child.rest()

    def _wrong(self, wanted: str, value: Any, keys: tuple[str, ...]) -> NoReturn:
        self.refuse(f"found {show(value)}; must be {wanted}", *keys)


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif value not in (None, [], ""):
        yield path, value
