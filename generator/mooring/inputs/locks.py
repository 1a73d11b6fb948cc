"""Locks: what a Platform allows at a key path. templates/_locks.tpl is the chart's version; tests compare the two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mooring.model.check import show
from mooring.model.keys import ANY_KEY, items_at, write_key
from mooring.model.nodes import MapOf, Node, Obj, default_of
from mooring.model.pattern import compile_pattern
from mooring.model.values import VALUES
from mooring.text.document import KeyPath

RULES = ("value", "enum", "min", "max", "pattern", "forbidden")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of one Platform. `rules` holds those of RULES that were given; `place` is its position.

    `must` is the rules in words, to follow the word "must"; say_rules writes it once the defaults are known.
    """

    path: KeyPath
    rules: Mapping[str, Any]
    platform: str
    place: str
    reason: str
    owner: str
    must: str = ""

    @property
    def key(self) -> str:
        """Return the key path as people write it."""
        return write_key(self.path)

    @property
    def is_forbidden(self) -> bool:
        """Return whether the value must stay at its default."""
        return "forbidden" in self.rules

    @property
    def rest(self) -> str:
        """Say who locked it, why, and whom to ask."""
        reason = f": {self.reason}" if self.reason else ""
        return f"locked by Platform {self.platform}{reason}; ask {self.owner}"


@dataclass(frozen=True, slots=True)
class Breach:
    """A value that a lock does not allow."""

    lock: Lock
    path: KeyPath
    found: Any

    def __str__(self) -> str:
        """Say what was found, what is required, who requires it, and where."""
        return f"found {show(self.found)}; must {self.lock.must}; {self.lock.rest} ({self.lock.place})"


def say_rules(lock: Lock, defaults: Mapping[str, Any]) -> str:
    """Return the rules in words, to follow the word "must"."""
    rules = lock.rules
    words = []
    if "value" in rules:
        words.append(f"be {show(rules['value'])}")
    if "enum" in rules:
        words.append(f"be one of {', '.join(show(choice) for choice in rules['enum'])}")
    if "min" in rules and "max" in rules:
        words.append(f"be between {rules['min']} and {rules['max']}")
    elif "min" in rules or "max" in rules:
        words.append(f"be at least {rules['min']}" if "min" in rules else f"be at most {rules['max']}")
    if "pattern" in rules:
        words.append(f"match {rules['pattern']}")
    if lock.is_forbidden:
        known = ANY_KEY not in lock.path
        words.append(f"stay {show(_one(defaults, lock.path))}" if known else "stay at its default")
    return " and ".join(words)


def _one(values: Mapping[str, Any], path: KeyPath) -> Any:
    found = list(items_at(values, path))
    return found[0][1] if found else None


def find_breaches(
    locks: Sequence[Lock], values: Mapping[str, Any], defaults: Mapping[str, Any], raw: Mapping[str, Any]
) -> Iterator[Breach]:
    """Yield each value of an App that a lock does not allow.

    `values` are the App's complete ones, `defaults` those without it, `raw` its own with their nulls.
    """
    for lock in locks:
        if lock.is_forbidden:
            for path in _moved(lock.path, values, defaults):
                yield Breach(lock, path, _one(values, path))
        for path, found in items_at(values, lock.path) if lock.rules.keys() - {"forbidden"} else ():
            is_null = _is_null(raw, path)
            if is_null or not _holds(lock.rules, found):
                yield Breach(lock, path, None if is_null else found)


def find_own_breaches(locks: Sequence[Lock], values: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield each value that a Platform itself sets and a lock does not allow; what it leaves out is up to Apps."""
    for lock in locks:
        for path, found in items_at(values, lock.path):
            if found is not None and not _holds(lock.rules, found):
                yield Breach(lock, path, found)


def _is_null(raw: Any, path: KeyPath) -> bool:
    """Return whether null is written there, or around it."""
    for part in path:
        if not isinstance(raw, dict) or part not in raw:
            return False
        raw = raw[part]
        if raw is None:
            return True
    return False


def _holds(rules: Mapping[str, Any], found: Any) -> bool:
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if "value" in rules and not is_same(found, rules["value"]):
        return False
    if "enum" in rules and not any(is_same(found, choice) for choice in rules["enum"]):
        return False
    if "min" in rules and not (is_number and found >= rules["min"]):
        return False
    if "max" in rules and not (is_number and found <= rules["max"]):
        return False
    if "pattern" in rules:
        return isinstance(found, str) and compile_pattern(rules["pattern"]).search(found) is not None
    return True


def is_same(first: Any, second: Any) -> bool:
    """Compare as JSON does: 1 is not true, and the order of keys does not count."""
    return first is second or json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def _moved(path: KeyPath, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the paths at which the values differ from their defaults."""
    absent = entry_default(path)
    found = dict(items_at(values, path))
    before = dict(items_at(defaults, path))
    for one in {**before, **found}:
        pair = [side.get(one) for side in (found, before)]
        if not is_same(*(absent if value is None else value for value in pair)):
            yield one


def entry_default(path: KeyPath) -> Any:
    """Return the default of a field of a map entry, which no values contain; None for any other path."""
    nodes: list[Node] = [VALUES]
    is_entry = False
    for part in path[:-1]:
        is_entry = is_entry or any(isinstance(node, MapOf) for node in nodes)
        nodes = [child for node in nodes for child in _below(node, part)]
    fields = [child for node in nodes if isinstance(node, Obj) for child in _below(node, path[-1])]
    return default_of(fields[0]) if is_entry and len(fields) == 1 else None


def _below(node: Node, part: str) -> list[Node]:
    if isinstance(node, MapOf):
        return [node.item]
    fields = node.fields if isinstance(node, Obj) else {}
    return [*fields.values()] if part == ANY_KEY else [fields[part]] if part in fields else []


def locks_json(locks: Sequence[Lock], defaults: Mapping[str, Any]) -> str:
    """Return the locks for templates/_locks.tpl, with no ``{{`` that Helm would run as a template.

    A path is cut at its first ``*``; `default` is the default of the part before it.
    """
    documents = []
    for lock in locks:
        at = lock.path.index(ANY_KEY) if ANY_KEY in lock.path else len(lock.path)
        documents.append(
            {
                "head": lock.path[:at],
                "tail": lock.path[at:],
                "rules": lock.rules,
                "default": _one(defaults, lock.path[:at]) if lock.is_forbidden else None,
                "otherwise": entry_default(lock.path),
                "must": lock.must,
                "rest": lock.rest,
            }
        )
    return "[\n" + ",\n".join(_safe_json(one) for one in documents) + "\n]"


def _safe_json(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")
