"""The kinds of value a chart has.

A tree of these nodes (``values.VALUES``) is the one source of values.yaml, values.schema.json, the README's table, the
launcher's config schema and the validation of Apps. A node knows its documentation, its default, what is allowed and
the words for all of that; the code that uses it is elsewhere (``chart.schemas``, ``chart.docs``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

INT32 = 2**31 - 1
"""The largest number in most of Kubernetes' whole-number fields."""


class Kind(NamedTuple):
    """A kind of value: its names, and which values are of it."""

    words: str
    """In messages: it must be …"""
    shape: str
    """In templates/_values.tpl of a chart."""
    name: str
    """In values.yaml and the README."""
    json: tuple[str, ...]
    """In JSON schemas."""
    python: tuple[type, ...]

    def fits(self, value: Any) -> bool:
        """Return whether a value is of this kind; true and false are not numbers, though Python's bool is an int."""
        return isinstance(value, self.python) and (bool in self.python or not isinstance(value, bool))


TEXT = Kind("text", "text", "string", ("string",), (str,))
WHOLE = Kind("a whole number", "whole", "int", ("integer",), (int,))
NUMBER = Kind("a number", "number", "number", ("number",), (int, float))
TRUTH = Kind("true or false", "truth", "bool", ("boolean",), (bool,))
WHOLE_OR_TEXT = Kind("a whole number or text", "wholeOrText", "int or string", ("integer", "string"), (int, str))
MAP = Kind("a map", "map", "object", ("object",), (dict,))
LIST = Kind("a list", "list", "list", ("array",), (list,))
ANY = Kind("anything", "any", "object", (), (object, bool))

KIND_WORDS = {kind.shape: kind.words for kind in (TEXT, WHOLE, NUMBER, TRUTH, WHOLE_OR_TEXT, MAP, LIST)}


class Pattern(str):
    """A regular expression with words for what it allows. A plain str is a pattern without."""

    words: str

    def __new__(cls, pattern: str, words: str) -> Pattern:
        """Return the expression; `words` follow "must be"."""
        made = super().__new__(cls, pattern)
        made.words = words
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # copies and pickles have the words as well
        return str(self), self.words


def words_of(pattern: str) -> str:
    """Return what a pattern allows, in words."""
    return pattern.words if isinstance(pattern, Pattern) else f"text that matches {pattern}"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value: ``doc`` says what it is for in sentences; default and limits are added to it from the node."""

    doc: str

    @property
    def kind(self) -> Kind:
        """What kind of value this is."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Str(Node):
    """A string; ``pattern`` is in the common part of RE2 and Python, anchored by its author."""

    default: str | None = ""
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    """Texts that match the pattern and still are not allowed."""
    reserved_reason: str = ""
    """What is wrong with them."""
    max_length: int | None = None
    max_length_reason: str = ""
    """Why there is a limit."""

    kind = TEXT


@dataclass(frozen=True, kw_only=True)
class Int(Node):
    """A whole number with inclusive limits; a default of None means "computed by the chart"."""

    default: int | None
    minimum: int | None = None
    maximum: int | None = None

    kind = WHOLE


@dataclass(frozen=True, kw_only=True)
class Num(Node):
    """A number with inclusive limits; a default of None means "computed by the chart"."""

    default: float | None
    minimum: float | None = None
    maximum: float | None = None

    kind = NUMBER


@dataclass(frozen=True, kw_only=True)
class Bool(Node):
    """A truth value; a default of None means "computed by the chart"."""

    default: bool | None

    kind = TRUTH


@dataclass(frozen=True, kw_only=True)
class IntOrStr(Node):
    """A number or a percentage (or a port number or name): Kubernetes' IntOrString."""

    default: int | str | None
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None

    kind = WHOLE_OR_TEXT


@dataclass(frozen=True, kw_only=True)
class Open(Node):
    """A value in Kubernetes' own format, passed through unchanged: an object, or a list of objects where ``is_list``.

    ``fields`` are those that Kubernetes would reject if they were of another kind; all others pass too.
    """

    kubernetes: str
    is_list: bool = False
    initial: Mapping[str, Any] | None = None
    fields: Mapping[str, Node] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """A list of objects, or one."""
        return LIST if self.is_list else MAP


@dataclass(frozen=True, kw_only=True)
class StringMap(Open):
    """A map of strings in Kubernetes' own format: labels, annotations, headers."""

    kubernetes: str = "map of string"
    key_pattern: str | None = None
    item_pattern: str | None = None


@dataclass(frozen=True, kw_only=True)
class Anything(Node):
    """A value of any kind; what is allowed does not depend on its place."""

    default: None = None

    kind = ANY


@dataclass(frozen=True, kw_only=True)
class ListOf(Node):
    """A list of one kind."""

    item: Node
    initial: tuple[Any, ...] = ()

    kind = LIST


@dataclass(frozen=True, kw_only=True)
class MapOf(Node):
    """A map whose keys the user chooses, so that ``--set`` and layered files reach a single entry."""

    item: Node
    key_pattern: str
    initial: Mapping[str, Any] = field(default_factory=dict)
    key_name: str = "name"

    kind = MAP


@dataclass(frozen=True, kw_only=True)
class Obj(Node):
    """A closed object: these fields and no others. ``required`` fields have no default and must be given."""

    fields: Mapping[str, Node]
    required: tuple[str, ...] = ()

    kind = MAP

    def without(self, *names: str) -> Obj:
        """Return the same object without some fields."""
        return Obj(
            doc=self.doc,
            fields={name: node for name, node in self.fields.items() if name not in names},
            required=tuple(name for name in self.required if name not in names),
        )


def partial(node: Node) -> Node:
    """Return the same node with nothing required: an overlay on complete values need not be complete."""
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


def type_name(node: Node) -> str:
    """Return the word for a node's kind in values.yaml and the README; an open one has its Kubernetes type's name."""
    if isinstance(node, ListOf):
        return f"list of {type_name(node.item)}"
    if isinstance(node, MapOf):
        return f"map of {type_name(node.item)}"
    if isinstance(node, Open):
        return f"list of {node.kubernetes}" if node.is_list else node.kubernetes
    return node.kind.name


def walk(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield every node below ``node`` with its key path, parents first; a map's entry has ``<name>`` in its path."""
    yield path, node
    if isinstance(node, Obj):
        for name, child in node.fields.items():
            yield from walk(child, (*path, name))
    elif isinstance(node, MapOf):
        yield from walk(node.item, (*path, f"<{node.key_name}>"))
