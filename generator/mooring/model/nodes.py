"""The kinds of value a chart has.

A tree of these nodes (``_values.VALUES``) is the one source of values.yaml, values.schema.json, the README's table, the
launcher's config schema and the validation of Apps. A node knows its documentation, its default and what is allowed;
what is made of it lives with the maker (``_schema``, ``_docs``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

INT32 = 2**31 - 1
"""The largest number in most of Kubernetes' whole-number fields."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value: ``doc`` says what it is for in sentences; default and limits are added to it from the node."""

    doc: str


@dataclass(frozen=True, kw_only=True)
class Str(Node):
    """A string; ``pattern`` is in the common part of RE2 and Python, anchored by its author."""

    default: str | None = ""
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    """Texts that are not allowed though they fit the pattern: names of devices on Windows."""
    max_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Int(Node):
    """A whole number with inclusive limits; a default of None means "worked out by the chart"."""

    default: int | None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, kw_only=True)
class Num(Node):
    """A number with inclusive limits; a default of None means "worked out by the chart"."""

    default: float | None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bool(Node):
    """A truth value; a default of None means "worked out by the chart"."""

    default: bool | None


@dataclass(frozen=True, kw_only=True)
class IntOrStr(Node):
    """A number or a percentage (or a port number or name): Kubernetes' IntOrString."""

    default: int | str | None
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, kw_only=True)
class Open(Node):
    """A value in Kubernetes' own shape, passed through as it is: an object, or a list of objects where ``is_list``.

    ``fields`` are what Kubernetes itself would refuse if they were of another kind; it takes any others too.
    """

    kubernetes: str
    is_list: bool = False
    initial: Mapping[str, Any] | None = None
    fields: Mapping[str, Node] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    key_pattern: str | None = None
    """Of a map of strings: what a key must be."""
    item_pattern: str | None = None
    """Of a map of strings: what a value must be."""


@dataclass(frozen=True, kw_only=True)
class Anything(Node):
    """A value of any kind; what it must be depends on something else than its place."""

    default: None = None


@dataclass(frozen=True, kw_only=True)
class ListOf(Node):
    """A list of one kind."""

    item: Node
    initial: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MapOf(Node):
    """A map whose keys the user chooses, so that ``--set`` and layered files reach a single entry."""

    item: Node
    key_pattern: str
    initial: Mapping[str, Any] = field(default_factory=dict)
    key_name: str = "name"


@dataclass(frozen=True, kw_only=True)
class Obj(Node):
    """A closed object: these fields and no others. ``required`` fields have no default and must be given."""

    fields: Mapping[str, Node]
    required: tuple[str, ...] = ()

    def without(self, *names: str) -> Obj:
        """Return the same object less some fields."""
        return Obj(
            doc=self.doc,
            fields={name: node for name, node in self.fields.items() if name not in names},
            required=tuple(name for name in self.required if name not in names),
        )


def partial(node: Node) -> Node:
    """Return the same node with nothing required: what is laid over complete values need not be complete."""
    if isinstance(node, Obj):
        return replace(node, required=(), fields={name: partial(child) for name, child in node.fields.items()})
    return replace(node, item=partial(node.item)) if isinstance(node, MapOf) else node


def default_of(node: Node) -> Any:
    """Return what an absent value means, as plain data."""
    if isinstance(node, Obj):
        return {name: default_of(child) for name, child in node.fields.items() if name not in node.required}
    if isinstance(node, MapOf):
        return dict(node.initial)
    if isinstance(node, ListOf):
        return list(node.initial)
    if isinstance(node, Open):
        return [] if node.is_list else dict(node.initial or {})
    return getattr(node, "default")  # noqa: B009 - every scalar kind has one


_SCALAR_NAMES = {"Str": "string", "Int": "int", "Num": "number", "Bool": "bool", "IntOrStr": "int or string"}


def type_name(node: Node) -> str:
    """Return the word for a node's kind in values.yaml and the README; an open one has its Kubernetes type's name."""
    if isinstance(node, ListOf):
        return f"list of {type_name(node.item)}"
    if isinstance(node, MapOf):
        return f"map of {type_name(node.item)}"
    if isinstance(node, Open):
        return f"list of {node.kubernetes}" if node.is_list else node.kubernetes
    return _SCALAR_NAMES.get(type(node).__name__, "object")


def walk(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield every node below ``node`` with its key path, parents first; a map's entry has ``<name>`` in its path."""
    yield path, node
    if isinstance(node, Obj):
        for name, child in node.fields.items():
            yield from walk(child, (*path, name))
    elif isinstance(node, MapOf):
        yield from walk(node.item, (*path, f"<{node.key_name}>"))
