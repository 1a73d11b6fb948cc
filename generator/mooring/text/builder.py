"""Build a document from the parser's events, without recursion: composing deep nesting overflows PyYAML's C stack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from mooring.errors import InputError, Problem
from mooring.text.document import Document, KeyPath, Position, format_path
from mooring.text.escapes import why_misread
from mooring.text.scalars import is_not_a_number, name_type, resolve_scalar

MAX_BYTES = 1024 * 1024  # a Helm release, which an App becomes part of, must stay below 1 MiB
MAX_DEPTH = 64
MAX_NODES = 50_000  # aliases count as what they stand for, so a few lines cannot grow into gigabytes
_NOT_FOR_HELM = re.compile("[\0\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""NUL, and what Helm's YAML writer passes through and its reader, after the schema check, refuses (3.17)."""


def explain_misread(event: yaml.ScalarEvent, text: str) -> str | None:
    """Explain how YAML misreads a Windows path in double quotes within `text`; None if it does not."""
    start, end = event.start_mark, event.end_mark
    if event.style != '"' or start is None or end is None:
        return None
    return why_misread(text[start.index + 1 : end.index - 1])


@dataclass(frozen=True, slots=True)
class _Size:
    """How many values, and how many characters in them."""

    nodes: int
    letters: int

    def __add__(self, other: _Size) -> _Size:
        return _Size(self.nodes + other.nodes, self.letters + other.letters)

    def __sub__(self, other: _Size) -> _Size:
        return _Size(self.nodes - other.nodes, self.letters - other.letters)


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not been read yet."""

    path: KeyPath
    value: dict[str, Any] | list[Any]
    anchor: str | None
    before: _Size
    key: str | None = None


class Builder:
    """Builds a document's value from the parser's events. Raises InputError where it cannot go on."""

    def __init__(self, file: str, text: str, by_people: bool = True) -> None:
        self._document = Document(file)
        self._by_people = by_people
        self._text = text
        self._problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, _Size]] = {}
        self._size = _Size(0, 0)
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the parser's next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start_collection(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end_collection()

    def finish(self) -> Document:
        """Return the document, or raise InputError with everything that was wrong in it."""
        if self._documents == 0:
            self._problems.append(
                Problem(self._document.file, 1, 1, "", "is empty; `mooring new NAME` writes an App to start from")
            )
        if self._problems:
            raise InputError(self._problems)
        return self._document

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(event, "a second document starts here; one file holds one document")

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        """Give up on the file: what follows would only repeat the same problem."""
        at = Position.of(event.start_mark)
        path = format_path(self._path_of_next()) if self._open else ""
        raise InputError([*self._problems, Problem(self._document.file, at.line, at.column, path, message)])

    def _note(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        at = Position.of(event.start_mark)
        self._problems.append(Problem(self._document.file, at.line, at.column, format_path(path), message))

    def _path_of_next(self) -> KeyPath:
        if not self._open:
            return ()
        parent = self._open[-1]
        if isinstance(parent.value, list):
            return (*parent.path, f"[{len(parent.value)}]")
        return parent.path if parent.key is None else (*parent.path, parent.key)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _count(self, event: yaml.Event, more: _Size) -> None:
        self._size += more
        if self._size.nodes > MAX_NODES:
            self._stop(event, f"holds more than {MAX_NODES} values")
        if self._size.letters > MAX_BYTES:
            self._stop(event, f"holds more than {MAX_BYTES} characters, including those that aliases repeat")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        size = _Size(1, len(event.value))
        self._count(event, size)
        path = self._open[-1].path if self._expects_key() else self._path_of_next()
        if self._by_people and (message := explain_misread(event, self._text)):
            self._note(event, path, message)
        elif found := _NOT_FOR_HELM.search(event.value):
            who = "Helm cannot read" if found[0] != "\0" else "ends a text on Windows and Linux"
            message = f"holds the character U+{ord(found[0]):X}, which {who}; leave it out"
            self._note(event, path, message)
        if self._expects_key():
            self._take_key(event)
            return
        value = self._scalar(event, path)
        self._add(event, path, value)
        if event.anchor:
            self._anchors[event.anchor] = (value, size)

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        if event.tag not in (None, "!"):
            self._note(event, path, f"tag {event.tag} is not allowed; values have the type they look like")
            return None
        if not event.implicit[0] or event.tag == "!":
            return event.value
        if is_not_a_number(event.value):
            self._note(event, path, f"{event.value} is not a number in JSON; quote it if it is text")
            return None
        return resolve_scalar(event.value)

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        parent = self._open[-1]
        key = event.value
        plain = resolve_scalar(key) if event.implicit[0] and event.tag is None else key
        if plain is None or isinstance(plain, (bool, float)):
            self._note(event, parent.path, f"key {key or 'null'} reads as {name_type(plain)}; quote it")
        elif isinstance(plain, int):
            key = str(plain)  # as Helm does when it makes JSON of YAML
        elif key == "<<" and event.implicit[0]:
            self._note(event, parent.path, "merge keys (<<) are not allowed; write the keys out")
        self._open_key(event, parent, key)

    def _open_key(self, event: yaml.Event, parent: _Open, key: str) -> None:
        path = (*parent.path, key)
        if key in parent.value:
            first = self._document.keys_at[path]
            self._note(event, path, f"duplicate key {key}, first on line {first.line}; remove one")
        else:
            self._document.keys_at[path] = Position.of(event.start_mark)
        parent.key = key

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if self._expects_key():
            self._stop(event, "an alias cannot be a key")
        anchor = event.anchor or ""
        if anchor not in self._anchors:
            self._stop(event, f"alias *{anchor} has no anchor &{anchor} before it")
        value, size = self._anchors[anchor]
        self._count(event, size)
        self._add(event, self._path_of_next(), value)

    def _start_collection(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if self._expects_key():
            self._stop(event, "a key must be text, not a map or list; is this a template placeholder without quotes?")
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, f"is nested more than {MAX_DEPTH} deep")
        if event.tag is not None:
            self._note(event, self._path_of_next(), f"tag {event.tag} is not allowed")
        path = self._path_of_next()
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(event, path, value)
        self._open.append(_Open(path, value, event.anchor, self._size))
        self._count(event, _Size(1, 0))

    def _end_collection(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.value, self._size - done.before)

    def _add(self, event: yaml.Event, path: KeyPath, value: Any) -> None:
        self._document.values_at.setdefault(path, Position.of(event.start_mark))
        if not self._open:
            self._document.value = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None
