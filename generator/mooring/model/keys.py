"""Key paths as people write them.

``service.type``, ``target.ports.*.port`` (``*`` is any one key), ``anchor.podAnnotations["linkerd.io/inject"]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mooring.model.check import did_you_mean
from mooring.model.hints import hint_for
from mooring.model.nodes import ListOf, MapOf, Node, Obj, Open
from mooring.text.document import KeyPath

ANY_KEY = "*"
"""Stands for any one key in a path."""

_PLAIN = re.compile(r"[A-Za-z0-9_/<>-]+")
_PART = re.compile(
    r"""\.?(?P<plain>(?:\\.|[^.\[\]\\"'\s*])+|\*)|\[(?P<quote>["'])(?P<quoted>[^"'\x00-\x1f]+)(?P=quote)\]"""
)


def parse_key(text: str) -> KeyPath:
    """Read a key path. Raises ValueError with a message that says what is wrong."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or (found["plain"] is not None and (at > 0) != found[0].startswith(".")):
            how = 'write a.b.c, * for any one key, a["x.y/z"] to quote one'
            message = f'cannot be read from "{text[at : at + 20]}" on; {how}'
            raise ValueError(message)
        if found["quoted"] == ANY_KEY:
            message = 'quotes the key "*", which no value has; * without quotes stands for any one key'
            raise ValueError(message)
        parts.append(found["quoted"] or re.sub(r"\\(.)", r"\1", found["plain"]))
        at = found.end()
    if not parts:
        raise ValueError("is empty; write a key path such as service.type")
    return tuple(parts)


def write_key(path: KeyPath) -> str:
    """Return a key path as people write it; parse_key reads it back."""
    text = ""
    for part in path:
        if part != ANY_KEY and not _PLAIN.fullmatch(part):
            text += f'["{part}"]'
        else:
            text += ("." if text else "") + part
    return text


def find_nodes(root: Node, path: KeyPath) -> list[Node]:
    """Return the nodes that a path can lead to; none where that is inside a value in Kubernetes' own format.

    Raises ValueError with a message if it leads nowhere.
    """
    nodes = [root]
    for number, part in enumerate(path):
        if any(isinstance(node, Open) and not node.is_list for node in nodes):
            return []
        nodes = [child for node in nodes for child in _children(node, part)]
        if not nodes:
            raise ValueError(_why_unknown(root, path[: number + 1]))
    return nodes


def _children(node: Node, part: str) -> list[Node]:
    if isinstance(node, MapOf):
        return [node.item] if part == ANY_KEY or re.search(node.key_pattern, part) else []
    if isinstance(node, Obj):
        return [*node.fields.values()] if part == ANY_KEY else [node.fields[part]] if part in node.fields else []
    return []


def _why_unknown(root: Node, path: KeyPath) -> str:
    *above, last = path
    parents = find_nodes(root, tuple(above))
    known = [name for node in parents if isinstance(node, Obj) for name in node.fields]
    if known:
        hint = hint_for(("values", *path))
        return f"there is no value {write_key(path)}{f'; {hint}' if hint else did_you_mean(last, known)}"
    kind = "a list" if any(isinstance(node, (ListOf, Open)) for node in parents) else "a single value"
    if any(isinstance(node, MapOf) for node in parents):
        return f'{write_key(tuple(above))} cannot have an entry named "{last}"'
    return f"{write_key(tuple(above))} is {kind}; a path ends there"


def items_at(value: Any, path: KeyPath, done: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield what is at a path in plain data, with its own path; None if absent, nothing for a map without entries.

    Where something other than a map is in the way, it is yielded with its shorter path.
    """
    if not path:
        yield done, value
    elif path[0] != ANY_KEY:
        yield from items_at(value.get(path[0]) if isinstance(value, dict) else None, path[1:], (*done, path[0]))
    elif isinstance(value, dict):
        for key, item in value.items():
            if item is not None:
                yield from items_at(item, path[1:], (*done, key))
    elif value is not None:
        yield done, value
