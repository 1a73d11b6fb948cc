"""Check data against a tree of nodes and report what is wrong to the person who wrote it.

What is accepted is what the JSON schema made of the same tree accepts (the tests hold the two against each other). The
tree is walked directly, because it knows more than its schema, and because jsonschema takes longer to import than all
the rest together.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import NoneType
from typing import Any

from mooring.model.hints import hint_for, places_of, shape_hint
from mooring.model.nodes import (
    TEXT,
    Anything,
    Int,
    IntOrStr,
    Kind,
    ListOf,
    MapOf,
    Node,
    Num,
    Obj,
    Open,
    Str,
    StringMap,
    default_of,
    words_of,
)
from mooring.text.document import KeyPath

_MAX_SHOWN = 60
_MAX_LISTED = 12
_CLOSE = 0.75
"""How similar two words must be for a "did you mean", by difflib: "ingress" is not "readiness" (0.62)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something not allowed at a key path; with `of_key` the key itself is meant, not its value."""

    path: KeyPath
    message: str
    of_key: bool = False


def check(node: Node, value: Any, path: KeyPath = ()) -> Iterator[Finding]:
    """Yield everything the tree does not allow in the value."""
    if isinstance(node, Obj):
        yield from _check_object(node, value, path)
    elif isinstance(node, MapOf):
        yield from _check_map(node, value, path)
    elif isinstance(node, ListOf):
        yield from _check_list(node, value, path)
    elif isinstance(node, Open):
        yield from _check_open(node, value, path)
    elif not isinstance(node, Anything):
        message = _scalar_message(node, value)
        if message:
            yield Finding(path, message + shape_hint(node, value, path))


def _check_object(node: Obj, value: Any, path: KeyPath) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _wrong_kind(node, value, path)
        return
    unknown = {key: _Unknown.of((*path, key), node.fields) for key in value if key not in node.fields}
    meant = {name for one in unknown.values() for name in one.meant}
    for key in node.required:
        if key not in value and key not in meant:
            yield Finding((*path, key), _missing_message(key, node.fields[key]))
    for key, item in value.items():
        if key in unknown:
            yield Finding((*path, key), unknown[key].message, of_key=True)
        else:
            yield from check(node.fields[key], item, (*path, key))


@dataclass(frozen=True, slots=True)
class _Unknown:
    """What to report about an unknown key, and the known keys that are most likely meant by it."""

    message: str
    meant: tuple[str, ...]

    @classmethod
    def of(cls, path: KeyPath, known: Mapping[str, Node]) -> _Unknown:
        close = _closest(path[-1], known)
        hint = hint_for(path, known)
        meant = tuple(target.rpartition(".")[2] for target in hint.targets) if hint else ()
        is_spelling = close is not None and close.casefold() == path[-1].casefold()
        if close is not None and (is_spelling or not hint or close in meant):
            return cls(f"unknown key; did you mean {close}?", (close,))
        if hint:
            return cls(f"unknown key; {hint}", meant)
        return cls(f"unknown key{places_of(path) or did_you_mean(path[-1], known)}", ())


def _missing_message(key: str, node: Node) -> str:
    enum: tuple[str, ...] = getattr(node, "enum", ())
    return f"is missing; write {key}: {enum[0]}" if len(enum) == 1 else f"is missing: {_lower_first(node.doc)}"


def _check_map(node: MapOf, value: Any, path: KeyPath) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _wrong_kind(node, value, path)
        return
    for key, item in value.items():
        if not _matches(node.key_pattern, key):
            yield _wrong_key(node.key_pattern, path, key)
            if item is None:
                continue
        yield from check(node.item, item, (*path, key))


def _check_list(node: ListOf, value: Any, path: KeyPath) -> Iterator[Finding]:
    if not isinstance(value, list):
        yield _wrong_kind(node, value, path)
        return
    for number, item in enumerate(value):
        yield from check(node.item, item, (*path, f"[{number}]"))


def _check_open(node: Open, value: Any, path: KeyPath) -> Iterator[Finding]:
    if node.is_list:
        yield from _check_list(ListOf(doc="", item=replace(node, is_list=False)), value, path)
    elif not isinstance(value, dict):
        yield _wrong_kind(node, value, path)
    elif isinstance(node, StringMap):
        yield from _check_strings(node, value, path)
    else:
        yield from _check_known_fields(node, value, path)


def _check_strings(node: StringMap, value: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    for key, item in value.items():
        if node.key_pattern and not _matches(node.key_pattern, key):
            yield _wrong_key(node.key_pattern, path, key)
        if not isinstance(item, (str, NoneType)):  # null removes what is below it, as with Helm
            yield _wrong_kind(node, item, (*path, key), TEXT)
        elif item is not None and node.item_pattern and not _matches(node.item_pattern, item):
            yield Finding((*path, key), f"found {show(item)}; must be {words_of(node.item_pattern)}")


def _wrong_key(pattern: str, path: KeyPath, key: str) -> Finding:
    message = f"the key {show(key)} is not allowed; it must be {words_of(pattern)}"
    return Finding((*path, key), message, of_key=True)


def _check_known_fields(node: Open, value: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    for name, child in node.fields.items():
        if name in node.required and value.get(name) is None:
            yield Finding((*path, name), f"is missing: Kubernetes requires it in a {node.kubernetes}")
        elif value.get(name) is not None:
            yield from check(child, value[name], (*path, name))


def _wrong_kind(node: Node, value: Any, path: KeyPath, kind: Kind | None = None) -> Finding:
    return Finding(path, _kind_message(value, kind or node.kind) + shape_hint(node, value, path))


def _kind_message(value: Any, wanted: Kind) -> str:
    quoted = "; put it in quotes" if wanted is TEXT and isinstance(value, (bool, int, float)) else ""
    return f"found {show(value)}{_type_note(value)}; must be {wanted.words}{quoted}"


def _scalar_message(node: Node, value: Any) -> str | None:
    """Return what is wrong with a scalar, None if nothing is."""
    if value is None and default_of(node) is None:
        return None
    if not node.kind.fits(value):
        return _kind_message(value, node.kind)
    if isinstance(value, str):
        return _text_message(node, value)
    return None if isinstance(value, bool) else _number_message(node, value)


def _text_message(node: Node, value: str) -> str | None:
    enum = getattr(node, "enum", ())
    if enum and value not in enum:
        return f"found {show(value)}; must be {_choices(enum, value)}"
    pattern = getattr(node, "pattern", None)
    if pattern is not None and not _matches(pattern, value):
        return f"found {show(value)}; must be {words_of(pattern)}"
    return _name_message(node, value) if isinstance(node, Str) else None


def _name_message(node: Str, value: str) -> str | None:
    if value in node.reserved:
        return f"found {show(value)}; {node.reserved_reason}; choose another name"
    if node.max_length is not None and len(value) > node.max_length:
        why = f", {node.max_length_reason}" if node.max_length_reason else ""
        return f"found {show(value)}, {len(value)} characters; must have at most {node.max_length}{why}"
    return None


def _number_message(node: Node, value: float) -> str | None:
    if not isinstance(node, (Int, Num, IntOrStr)):
        return None
    low, high = node.minimum, node.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    if low is not None and low == high:
        limits = str(low)
    elif low is not None and high is not None:
        limits = f"between {low} and {high}"
    else:
        limits = f"at least {low}" if low is not None else f"at most {high}"
    return f"found {value}; must be {limits}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Go's $ is the end of the text; Python's also matches before a last newline.
    return re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern)


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


def drop_nulls(node: Node, value: Any) -> Any:
    """Return the value without nulls: as with Helm, a known key means its default, and an entry of a map is removed.

    A key that no entry may have stays: Helm's schema check refuses it with a null as well.
    """
    if isinstance(node, Obj) and isinstance(value, dict):
        return {
            key: drop_nulls(node.fields[key], item) if key in node.fields else item
            for key, item in value.items()
            if item is not None or key not in node.fields
        }
    if isinstance(node, MapOf) and isinstance(value, dict):
        return {
            key: drop_nulls(node.item, item)
            for key, item in value.items()
            if item is not None or not _matches(node.key_pattern, key)
        }
    if isinstance(node, ListOf) and isinstance(value, list):
        return [drop_nulls(node.item, item) for item in value]
    return value


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what to add to a message about a word that is not among the known ones."""
    choices = list(known)
    close = _closest(word, choices)
    if close is not None:
        return f"; did you mean {close}?"
    rest = f" and {len(choices) - _MAX_LISTED} more" if len(choices) > _MAX_LISTED else ""
    return f"; allowed: {', '.join(choices[:_MAX_LISTED])}{rest}"


def _closest(word: str, choices: Iterable[str]) -> str | None:
    folded = {choice.casefold(): choice for choice in choices if choice}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=_CLOSE)
    return folded[close[0]] if close else None


def _choices(enum: tuple[str, ...], found: str) -> str:
    if len(enum) == 1:
        return enum[0]
    close = _closest(found, enum)
    listed = "one of " + ", ".join(choice or '""' for choice in enum)
    return listed if close is None else f"{listed}; did you mean {close}?"


def _type_note(value: Any) -> str:
    """Name the type if the value as shown could be mistaken for another."""
    notes: Mapping[type, str] = {str: ", text", int: ", a number", float: ", a number"}
    return notes.get(type(value), "")


def show(value: Any) -> str:
    """Return a value as quoted in messages: short, on one line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _lower_first(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
