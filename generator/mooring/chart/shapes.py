"""What each value must be, in the terms of templates/_values.tpl: the schema that no flag of Helm's skips.

With --skip-schema-validation Helm does not check values.schema.json, and text in place of an enum would be new YAML.
Both are made from the same tree; tests compare them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mooring.model.nodes import TEXT, ListOf, MapOf, Node, Obj, Open, StringMap

Shape = dict[str, Any]

_LIMITS = {"enum": "in", "pattern": "like", "minimum": "from", "maximum": "to"}


def shape_of(node: Node) -> Shape:
    """Return a node's shape as plain data: its kind and limits, and those of its parts."""
    if isinstance(node, Obj):
        return _fields({"is": node.kind.shape, "closed": True}, node.fields, node.required)
    if isinstance(node, MapOf):
        return {"is": node.kind.shape, "keys": node.key_pattern, "each": shape_of(node.item)}
    if isinstance(node, ListOf):
        return {"is": node.kind.shape, "each": shape_of(node.item)}
    if isinstance(node, Open):
        one = _open(replace(node, is_list=False))
        return {"is": node.kind.shape, "each": one} if node.is_list else one
    limits = {word: getattr(node, limit, None) for limit, word in _LIMITS.items()}
    return {"is": node.kind.shape} | {word: limit for word, limit in limits.items() if limit not in (None, ())}


def _open(node: Open) -> Shape:
    shape = _fields({"is": node.kind.shape}, node.fields, node.required)
    if isinstance(node, StringMap):
        shape |= {"keys": node.key_pattern} if node.key_pattern else {}
        shape["each"] = {"is": TEXT.shape} | ({"like": node.item_pattern} if node.item_pattern else {})
    return shape


def _fields(shape: Shape, fields: Any, required: tuple[str, ...]) -> Shape:
    if fields:
        shape["fields"] = {name: shape_of(child) for name, child in fields.items()}
    if required:
        shape["needs"] = [*required]
    return shape
