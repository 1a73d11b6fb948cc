"""What each value must be, in the few words of templates/_values.tpl: the schema that no flag of Helm's skips.

Helm's own check of values.schema.json ends with --skip-schema-validation; the chart would then render text that is new
YAML, and a number where none was. Both are made of the same tree, and the tests hold them against each other.
"""

from __future__ import annotations

from typing import Any

from mooring.model.app import STRING_MAP
from mooring.model.nodes import Anything, Bool, Int, IntOrStr, ListOf, MapOf, Node, Num, Obj, Open, Str

Shape = dict[str, Any]

_KINDS: dict[type[Node], str] = {
    Str: "text",
    Int: "whole",
    Num: "number",
    Bool: "truth",
    IntOrStr: "wholeOrText",
    Anything: "any",
}
_LIMITS = {"enum": "in", "pattern": "like", "minimum": "from", "maximum": "to"}


def shape_of(node: Node) -> Shape:
    """Return a node's shape as plain data: its kind and limits, and those of what is in it."""
    if isinstance(node, Obj):
        return _fields({"is": "map", "closed": True}, node.fields, node.required)
    if isinstance(node, MapOf):
        return {"is": "map", "keys": node.key_pattern, "each": shape_of(node.item)}
    if isinstance(node, ListOf):
        return {"is": "list", "each": shape_of(node.item)}
    if isinstance(node, Open):
        one = _open(node)
        return {"is": "list", "each": one} if node.is_list else one
    limits = {word: getattr(node, limit, None) for limit, word in _LIMITS.items()}
    return {"is": _KINDS[type(node)]} | {word: limit for word, limit in limits.items() if limit not in (None, ())}


def _open(node: Open) -> Shape:
    shape = _fields({"is": "map"}, node.fields, node.required)
    if node.key_pattern:
        shape["keys"] = node.key_pattern
    if node.kubernetes == STRING_MAP:
        shape["each"] = {"is": "text"} | ({"like": node.item_pattern} if node.item_pattern else {})
    return shape


def _fields(shape: Shape, fields: Any, required: tuple[str, ...]) -> Shape:
    if fields:
        shape["fields"] = {name: shape_of(child) for name, child in fields.items()}
    if required:
        shape["needs"] = [*required]
    return shape
