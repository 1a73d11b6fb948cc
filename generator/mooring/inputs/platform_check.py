"""What can be wrong with a Platform's file beyond its shape: locks without effect, files that must not be replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mooring.errors import Problem
from mooring.inputs.locks import RULES
from mooring.model.check import check, show
from mooring.model.keys import find_nodes, parse_key
from mooring.model.nodes import Int, IntOrStr, Node, Num, Obj, Str
from mooring.model.pattern import compile_pattern
from mooring.model.values import VALUES
from mooring.text.document import Document, KeyPath

RESERVED_FILES = (
    "Chart.yaml",
    "values.yaml",
    "values.schema.json",
    "templates/_locks.tpl",
    "templates/_rules_pods.tpl",
    "templates/_rules_services.tpl",
    "templates/_rules_volumes.tpl",
    "templates/_validate.tpl",
    "templates/_validate_text.tpl",
    "templates/_values.tpl",
)
"""Files that no template of a Platform may replace: locks and rules would be lost."""

_NUMBERS = (Int, Num, IntOrStr)
_TEXTS = (Str, IntOrStr)


def given_rules(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules that a lock states; `forbidden: false` is not one."""
    return {rule: lock[rule] for rule in RULES if rule in lock and lock[rule] is not False}


def find_mistakes(document: Document, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the locks and the templates' paths in a Platform's file whose shape is valid."""
    for key, lock in data.get("locks", {}).items():
        for below, message in _check_lock(key, given_rules(lock)):
            yield document.problem(("locks", key, *below), message, of_key=not below)
    reserved = {path.casefold() for path in RESERVED_FILES}
    for path in data.get("templates", {}):
        if path.casefold() in reserved:
            message = f"{path} carries the chart's locks and rules, and cannot be replaced; choose another path"
            yield document.problem(("templates", path), message, of_key=True)


def _check_lock(key: str, rules: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    try:
        nodes = find_nodes(VALUES, parse_key(key))
    except ValueError as error:
        yield (), f"the key path {show(key)}: {error}"
        return
    if not rules:
        yield (), f"has no rule; give one of {', '.join(RULES)}"
    yield from _check_kinds(key, nodes, rules)
    yield from _check_limits(rules)
    yield from _check_choices(nodes, rules)


def _check_kinds(key: str, nodes: Sequence[Node], rules: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield rules for another kind of value; nothing is known of values in Kubernetes' own format."""
    if not nodes:
        return
    for rule in rules.keys() & {"min", "max"}:
        if not any(isinstance(node, _NUMBERS) for node in nodes):
            yield (rule,), f"is for numbers, and {key} is not a number; use value, enum or pattern"
    if "pattern" in rules and not any(isinstance(node, _TEXTS) for node in nodes):
        yield ("pattern",), f"is for text, and {key} is not text; use value, enum, min or max"
    for rule in rules.keys() & {"value", "enum"}:
        if any(isinstance(node, Obj) for node in nodes):
            yield (rule,), f"is for single values, and {key} holds several; lock each of them, or use forbidden"


def _check_limits(rules: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    if "min" in rules and "max" in rules and rules["min"] > rules["max"]:
        yield (
            ("min",),
            f"found {show(rules['min'])}; must be at most max ({show(rules['max'])}); swap or correct them",
        )
    if "pattern" in rules:
        try:
            compile_pattern(rules["pattern"])
        except ValueError as error:
            yield ("pattern",), str(error)


def _check_choices(nodes: Sequence[Node], rules: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield choices that are never valid there."""
    if "enum" in rules and not rules["enum"]:
        yield ("enum",), "allows nothing; name at least one value"
    choices: list[tuple[KeyPath, Any]] = [(("value",), rules["value"])] if "value" in rules else []
    choices += [(("enum", f"[{number}]"), choice) for number, choice in enumerate(rules.get("enum", ()))]
    for below, choice in choices:
        findings = [list(check(node, choice)) for node in nodes]
        if findings and all(findings):
            yield below, findings[0][0].message
