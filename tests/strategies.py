"""Random Apps for property tests, made from the values model: a value added there is covered immediately."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mooring.inputs.app import overlay
from mooring.model.nodes import (
    Bool,
    Int,
    IntOrStr,
    ListOf,
    MapOf,
    Node,
    Num,
    Obj,
    Open,
    Str,
    StringMap,
    default_of,
    walk,
)
from mooring.model.rules.table import find_violations
from mooring.model.values import VALUES

from tests.samples import AWKWARD_TEXT, OPEN_SAMPLES

NOT_FOR_HELM = "\x00\ufffe\uffff" + "".join(map(chr, [*range(0x7F, 0x85), *range(0x86, 0xA0)]))
"""Characters that Helm's own schema check cannot read back; an App that contains one is refused."""


def texts() -> SearchStrategy[str]:
    """Any text that YAML and Helm can carry, awkward text more often."""
    letters = st.characters(exclude_categories=("Cs",), exclude_characters=NOT_FOR_HELM)
    return st.sampled_from(AWKWARD_TEXT) | st.text(letters, max_size=12)


def values_of(node: Node) -> SearchStrategy[Any]:
    """Return valid values of a node; closed objects have a few of their optional keys."""
    return _MAKERS[type(node)](node)


def _str(node: Str) -> SearchStrategy[Any]:
    if node.enum:
        return st.sampled_from(node.enum)
    return st.from_regex(node.pattern, fullmatch=True) if node.pattern else texts()


def _int(node: Int) -> SearchStrategy[Any]:
    low = node.minimum if node.minimum is not None else 0
    return st.integers(low, node.maximum if node.maximum is not None else low + 10_000)


def _num(node: Num) -> SearchStrategy[Any]:
    low = node.minimum if node.minimum is not None else 0
    high = node.maximum if node.maximum is not None else low + 1000
    return st.floats(low, high, allow_nan=False).map(lambda number: min(max(round(number, 2), low), high))


def _int_or_str(node: IntOrStr) -> SearchStrategy[Any]:
    return _int(Int(doc="", default=None, minimum=node.minimum, maximum=node.maximum))


def _open(node: Open) -> SearchStrategy[Any]:
    samples = OPEN_SAMPLES.get(node.kubernetes)
    empty: Any = [] if node.is_list else {}
    if samples is None:
        return st.just(empty)
    if node.is_list:
        return st.lists(st.sampled_from(samples), max_size=2).map(copy.deepcopy)
    return st.sampled_from([empty, *samples]).map(copy.deepcopy)


def _list(node: ListOf) -> SearchStrategy[Any]:
    return st.lists(values_of(node.item), max_size=3)


def _map(node: MapOf) -> SearchStrategy[Any]:
    return st.dictionaries(st.from_regex(node.key_pattern, fullmatch=True), values_of(node.item), max_size=2)


def _obj(node: Obj) -> SearchStrategy[Any]:
    optional = [name for name in node.fields if name not in node.required]

    def with_keys(chosen: list[str]) -> SearchStrategy[Any]:
        keys = [name for name in node.fields if name in chosen or name in node.required]
        return st.fixed_dictionaries({name: values_of(node.fields[name]) for name in keys})

    chosen = st.lists(st.sampled_from(optional), unique=True, max_size=4) if optional else st.just([])
    return chosen.flatmap(with_keys)


_MAKERS: dict[type[Node], Callable[[Any], SearchStrategy[Any]]] = {
    Str: _str,
    Int: _int,
    Num: _num,
    Bool: lambda _: st.booleans(),
    IntOrStr: _int_or_str,
    Open: _open,
    StringMap: _open,
    ListOf: _list,
    MapOf: _map,
    Obj: _obj,
}


def shaped_values() -> SearchStrategy[dict[str, Any]]:
    """Values that the schema accepts; rules between them may be broken."""
    return values_of(VALUES).map(_with_exe)


def rich_values() -> SearchStrategy[dict[str, Any]]:
    """Valid values, with more keys given at the same time."""
    parts = st.lists(shaped_values(), min_size=4, max_size=4)
    return parts.map(lambda each: mend(_with_exe(functools.reduce(overlay, each))))


def valid_values() -> SearchStrategy[dict[str, Any]]:
    """Values that the model accepts: what breaks a rule is removed."""
    return shaped_values().map(mend)


def apps(values: SearchStrategy[dict[str, Any]] | None = None) -> SearchStrategy[dict[str, Any]]:
    """Whole Apps as plain data, with valid values unless others are given."""
    return st.builds(
        _app,
        st.from_regex(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?", fullmatch=True),
        texts(),
        valid_values() if values is None else values,
    )


def mutated_apps() -> SearchStrategy[dict[str, Any]]:
    """Apps with one change somewhere in their values, most of which the schema refuses."""
    return st.builds(_mutate, apps(shaped_values()), st.randoms(use_true_random=False))


def _app(name: str, description: str, values: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": "mooring/v1", "kind": "App", "name": name, "version": "1.4.0"}
    return {**head, "description": description, "values": values}


def _with_exe(values: dict[str, Any]) -> dict[str, Any]:
    exe = "/opt/app/app" if values.get("platform") == "linux" else r"C:\app\app.exe"
    return {**values, "target": {**values.get("target", {}), "exe": exe}}


def mend(values: dict[str, Any]) -> dict[str, Any]:
    """Remove what breaks rules between values, until no rule is broken."""
    values = copy.deepcopy(values)
    for _ in range(50):
        violations = find_violations(overlay(default_of(VALUES), values))
        if not violations:
            return values
        for violation in violations:
            _leave_out(values, violation.path)
    raise AssertionError(violations)


def _leave_out(values: dict[str, Any], path: tuple[str, ...]) -> None:
    """Remove the first entry on the path that was given; if it is a default, remove what caused the problem."""
    here: Any = values
    node: Node = VALUES
    for part in path:
        if not isinstance(here, dict) or part not in here:
            break
        if not isinstance(node, Obj) or not isinstance(node.fields[part], (Obj, MapOf)):
            del here[part]
            return
        node, here = node.fields[part], here[part]
        if isinstance(node, MapOf) and len(path) > path.index(part) + 1:
            here.pop(path[path.index(part) + 1], None)
            return
    if path[0] in ("mesh", "networkPolicy", "routes") and values.pop(path[0], None) is not None:
        return  # what they lack has no default that would do
    others = ("readiness", "anchor", "stop", "gate", "autoscaling", "terminationGracePeriodSeconds", "rbac", "launcher")
    for other in others:
        if values.pop(other, None) is not None:
            return


_ODD_VALUES: list[Any] = [None, True, False, 0, -1, 1.5, 10**9, "", "x", "X y", [], [1], {}, {"x": 1}]


def _mutate(app: dict[str, Any], random: Any) -> dict[str, Any]:
    app = copy.deepcopy(app)
    here: dict[str, Any] = app["values"]
    for part in random.choice([path for path, _ in walk(VALUES) if path])[:-1]:
        child = here.setdefault(part, {})
        if not isinstance(child, dict):
            break
        here = child
    known = [path[-1] for path, _ in walk(VALUES) if path]
    here[random.choice([*known, "unknown", "", "8080"])] = copy.deepcopy(random.choice(_ODD_VALUES))
    return app
