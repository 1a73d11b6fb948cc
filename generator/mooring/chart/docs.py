"""Write the values for people: values.yaml with its comments, and the README's table."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from mooring.model.nodes import Int, IntOrStr, MapOf, Node, Num, Obj, Str, default_of, type_name, walk
from mooring.model.values import VALUES
from mooring.text.document import KeyPath
from mooring.text.emit import emit_pair
from mooring.text.markdown import cell, code_cell

_WIDTH = 100


def values_text(values: Mapping[str, Any]) -> str:
    """Return values.yaml: every key with what it is for above it, and these values."""
    return "\n\n".join("\n".join(lines) for lines in _entries(VALUES, values, (), 0)) + "\n"


def _entries(node: Obj, values: Mapping[str, Any], path: KeyPath, depth: int) -> Iterator[list[str]]:
    for name, child in node.fields.items():
        yield _entry(child, values.get(name), (*path, name), depth)


def _entry(node: Node, value: Any, path: KeyPath, depth: int) -> list[str]:
    if _is_default(path, value):
        return _default_entry(path, depth)
    return _make_entry(node, value, path, depth)


@cache
def _default_entry(path: KeyPath, depth: int) -> list[str]:
    return _make_entry(_node_at(path), _default_at(path), path, depth)


def _make_entry(node: Node, value: Any, path: KeyPath, depth: int) -> list[str]:
    indent = "  " * depth
    lines = [f"{indent}{line}" for line in _comment(path, len(indent))]
    if isinstance(node, Obj):
        lines.append(f"{indent}{path[-1]}:")
        for entry in _entries(node, value, path, depth + 1):
            lines += entry
    else:
        lines += [f"{indent}{line}" for line in emit_pair(path[-1], value)]
    return lines


def _node_at(path: KeyPath) -> Node:
    return _nodes()[path]


@cache
def _nodes() -> Mapping[KeyPath, Node]:
    return dict(walk(VALUES))


def _default_at(path: KeyPath) -> Any:
    value = _defaults()
    for part in path:
        value = value[part]
    return value


@cache
def _defaults() -> Any:
    return default_of(VALUES)


def _is_default(path: KeyPath, value: Any) -> bool:
    """Compare with the default as it is written: 1 is not true, though Python's 1 == True."""
    default = _default_at(path)
    return value == default and type(value) is type(default)


@cache
def _comment(path: KeyPath, indent: int) -> list[str]:
    node = _node_at(path)
    text = f"({type_name(node)}) {_describe(node)}"
    lines = textwrap.wrap(text, _WIDTH - indent, initial_indent="# -- ", subsequent_indent="# ", **_WRAP)
    if isinstance(node, MapOf) and isinstance(node.item, Obj):
        for name, child in node.item.fields.items():
            need = ", required" if name in node.item.required else ""
            text = f"<{node.key_name}>.{name} ({type_name(child)}{need}): {_describe(child)}"
            lines += textwrap.wrap(text, _WIDTH - indent, initial_indent="#   ", subsequent_indent="#     ", **_WRAP)
    return lines


_WRAP: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def _describe(node: Node) -> str:
    """Return what a node is for, and what is allowed."""
    return f"{node.doc} {_limits(node)}".rstrip()


def _limits(node: Node) -> str:
    if isinstance(node, Str) and node.enum:
        return f"One of: {', '.join(choice or 'empty' for choice in node.enum)}."
    if isinstance(node, (Int, Num, IntOrStr)):
        low, high = node.minimum, node.maximum
        if low is not None and high is not None:
            return f"From {low} to {high}."
        if low is not None:
            return f"At least {low}."
        if high is not None:
            return f"At most {high}."
    return ""


def values_table(values: Mapping[str, Any]) -> str:
    """Return the README's table of all values, in Markdown."""
    rows = _rows(VALUES, values, ())
    return "\n".join(["| Key | Type | Default | What it is for |", "|---|---|---|---|", *rows]) + "\n"


def _rows(node: Node, value: Any, path: KeyPath) -> list[str]:
    if path and _is_default(path, value):
        return _default_rows(path)
    return _make_rows(node, value, path)


@cache
def _default_rows(path: KeyPath) -> list[str]:
    return _make_rows(_node_at(path), _default_at(path), path)


def _make_rows(node: Node, value: Any, path: KeyPath) -> list[str]:
    if isinstance(node, Obj):
        return [row for name, child in node.fields.items() for row in _rows(child, value[name], (*path, name))]
    return [_row(path, _code(value)), *_entry_rows(path)]


@cache
def _entry_rows(path: KeyPath) -> list[str]:
    """Return the rows for the fields of a map's entries."""
    below = [child for child, _ in walk(_node_at(path), path) if child != path]
    return [_row(child, _entry_default(child)) for child in below if not isinstance(_node_at(child), Obj)]


def _row(path: KeyPath, default: str) -> str:
    key, kind, text = _row_parts(path)
    return f"| {key} | {kind} | {default} | {text} |"


@cache
def _row_parts(path: KeyPath) -> tuple[str, str, str]:
    node = _node_at(path)
    return f"`{'.'.join(path)}`", cell(type_name(node)), cell(_describe(node))


def _entry_default(path: KeyPath) -> str:
    """Return the default of a field of a map's entries: they are filled in where they are used."""
    parent, node = _node_at(path[:-1]), _node_at(path)
    required = isinstance(parent, Obj) and path[-1] in parent.required
    return "required" if required or isinstance(parent, MapOf) else _code(default_of(node))


def _code(value: Any) -> str:
    return code_cell(json.dumps(value, ensure_ascii=False))
