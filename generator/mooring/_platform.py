"""Read Platforms: what a platform team writes, and those it builds on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mooring._custom import CustomTemplate, read_template
from mooring._errors import InputError, Problem
from mooring._features import FEATURES, files_without
from mooring._jinja import one_line
from mooring._keys import ANY_KEY, find_nodes, parse_key
from mooring._layers import overlay, take_away
from mooring._locks import RULES, Breach, Lock, find_own_breaches, locks_json, say_rules
from mooring._model import Int, IntOrStr, MapOf, Node, Num, Obj, Str, default_of
from mooring._pattern import compile_pattern
from mooring._platform_model import PLATFORM
from mooring._validate import check, drop_nulls, show
from mooring._values import VALUES
from mooring._yaml import Document, KeyPath, load_yaml, resolve_file

_UNKNOWN_OWNER = "the team of Platform"


@dataclass(frozen=True, slots=True)
class Layer:
    """One Platform's file: its name and what it says itself."""

    name: str
    document: Document
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Platform:
    """A valid Platform with all that it builds on.

    `layers` are the files, what is built on first. `values` are the chart's defaults with the Platform's over them.
    """

    name: str
    layers: tuple[Layer, ...]
    values: Mapping[str, Any]
    locks: tuple[Lock, ...]
    features: Mapping[str, bool]
    overlays: Mapping[str, Mapping[str, Any]]
    templates: tuple[CustomTemplate, ...]
    chart: Mapping[str, Any]
    is_partial: bool
    """Whether its defaults leave out what an App must add, so that the two together have to be checked."""
    partial_overlays: frozenset[str]
    """The overlays of which the same is true."""
    locks_text: str
    """The locks for templates/_locks.tpl."""

    @property
    def files(self) -> frozenset[str]:
        """Return every file it was read from."""
        return frozenset([layer.document.file for layer in self.layers] + [one.file for one in self.templates])

    @property
    def left_out(self) -> frozenset[str]:
        """Return the files that its charts do not contain."""
        return files_without(self.features)


def load_platform(file: str) -> Platform:
    """Read a Platform and those it builds on. Raises InputError with everything that is wrong in them."""
    layers = _load_layers(file)
    problems = [problem for layer in layers for problem in _check_layer(layer)]
    if problems:
        raise InputError(sorted(problems))
    platform, problems = _merge(layers)
    problems += _check_merged(platform)
    if problems:
        raise InputError(sorted(problems))
    return platform


def _load_layers(file: str) -> tuple[Layer, ...]:
    """Return the Platform and those it builds on, those first."""
    chain: list[Layer] = []
    seen: list[Path] = []
    while True:
        seen.append(resolve_file(file))
        layer = _load_layer(file)
        chain.append(layer)
        base = layer.data.get("extends")
        if not base or not isinstance(base, str):
            return tuple(reversed(chain))
        file = str(Path(file).parent / base)
        if resolve_file(file) in seen:
            order = " -> ".join([*(one.document.file for one in chain), file])
            raise InputError([layer.document.problem(("extends",), f"goes round in a circle: {order}; take one out")])
        if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises where a name is too long
            raise InputError([layer.document.problem(("extends",), f"found {show(base)}; there is no file {file}")])


def _load_layer(file: str) -> Layer:
    document = load_yaml(file)
    data = drop_nulls(PLATFORM, document.value)
    findings = list(check(PLATFORM, data))
    head = [finding for finding in findings if finding.path in (("apiVersion",), ("kind",))]
    problems = [document.problem(one.path, one.message, of_key=one.of_key) for one in head or findings]
    if problems:
        raise InputError(sorted(problems))
    return Layer(data["name"], document, data)


def _check_layer(layer: Layer) -> Iterator[Problem]:
    for key, rules in layer.data.get("locks", {}).items():
        for below, message in _check_lock(key, rules):
            yield layer.document.problem(("locks", key, *below), message, of_key=not below)
    clashes = {path.casefold(): path for path in RESERVED_FILES}
    for path in layer.data.get("templates", {}):
        if path.casefold() in clashes:
            message = f"{path} is what makes the chart hold together, and cannot be replaced; choose another path"
            yield layer.document.problem(("templates", path), message, of_key=True)


RESERVED_FILES = (
    "Chart.yaml",
    "values.yaml",
    "values.schema.json",
    "templates/_locks.tpl",
    "templates/_validate.tpl",
    "templates/_values.tpl",
)
"""Files that no template of a Platform replaces: locks and rules would go with them."""


def _check_lock(key: str, rules: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    try:
        nodes = find_nodes(VALUES, parse_key(key))
    except ValueError as error:
        yield (), f"the key path {show(key)}: {error}"
        return
    given = {rule: rules[rule] for rule in RULES if rule in rules and rules[rule] is not False}
    if not given:
        yield (), f"says nothing; give one of {', '.join(RULES)}"
    if "pattern" in given:
        try:
            compile_pattern(given["pattern"])
        except ValueError as error:
            yield ("pattern",), str(error)
    for rule, kinds, what in (("min", (Int, Num, IntOrStr), "numbers"), ("max", (Int, Num, IntOrStr), "numbers")):
        if rule in given and nodes and not any(isinstance(node, kinds) for node in nodes):
            yield (rule,), f"is for {what}, and {key} is none; use value, enum or pattern"
    if "pattern" in given and nodes and not any(isinstance(node, (Str, IntOrStr)) for node in nodes):
        yield ("pattern",), f"is for text, and {key} is none; use value, enum, min or max"
    if given.get("min", 0) > given.get("max", given.get("min", 0)):
        yield ("min",), f"found {show(given['min'])}; is above max ({show(given['max'])}); swap or correct them"
    for rule in ("value", "enum"):
        if rule in given and any(isinstance(node, Obj) for node in nodes):
            yield (rule,), f"is for single values, and {key} holds several; lock them one by one, or use forbidden"
    if "enum" in given and not given["enum"]:
        yield ("enum",), "allows nothing; name at least one value"
    choices: list[tuple[KeyPath, Any]] = [(("value",), given["value"])] if "value" in given else []
    choices += [(("enum", f"[{number}]"), choice) for number, choice in enumerate(given.get("enum", ()))]
    for below, choice in choices:
        yield from ((below, message) for message in _why_impossible(nodes, choice))


def _why_impossible(nodes: Sequence[Node], choice: Any) -> Iterator[str]:
    """Say why a value can never stand there, if so."""
    findings = [list(check(node, choice)) for node in nodes]
    if findings and all(findings):
        yield findings[0][0].message


def _merge(layers: tuple[Layer, ...]) -> tuple[Platform, list[Problem]]:
    data: Any = {}
    locks: list[Lock] = []
    templates: dict[str, CustomTemplate] = {}
    problems: list[Problem] = []
    for layer in layers:
        mergeable = {key: value for key, value in layer.data.items() if key not in ("locks", "templates")}
        data = overlay(take_away(PLATFORM, data, layer.document.value), mergeable)
        locks += _locks_of(layer)
        for path, source in layer.data.get("templates", {}).items():
            made = read_template(path, source, layer.document)
            if isinstance(made, Problem):
                problems.append(made)
            else:
                templates[path] = made
    features = default_of(PLATFORM)["features"] | data.get("features", {})
    locks += _locks_of_features(features, layers[-1], data)
    defaults = data.get("defaults", {})
    values = _with_locked(overlay(overlay(_chart_defaults(), _features_off(features)), defaults), locks)
    overlays = data.get("overlays", {})
    locks = [replace(lock, must=say_rules(lock, values)) for lock in locks]
    platform = Platform(
        name=layers[-1].name,
        layers=layers,
        values=values,
        locks=tuple(locks),
        features=features,
        overlays=overlays,
        templates=tuple(templates[path] for path in sorted(templates)),
        chart=data.get("chart", {}),
        locks_text=locks_json(locks, values),
        is_partial=_is_partial(values),
        partial_overlays=frozenset(name for name, one in overlays.items() if _is_partial(overlay(values, one))),
    )
    return platform, problems


def _is_partial(values: Any) -> bool:
    return any(True for _ in check(VALUES, values))


@cache
def _chart_defaults() -> Any:
    return default_of(VALUES)


def _locks_of(layer: Layer) -> Iterator[Lock]:
    owner = one_line(layer.data.get("owner", "")) or f"{_UNKNOWN_OWNER} {layer.name}"
    for key, rules in layer.data.get("locks", {}).items():
        at = layer.document.position(("locks", key), of_key=True)
        yield Lock(
            path=parse_key(key),
            rules={rule: rules[rule] for rule in RULES if rule in rules and rules[rule] is not False},
            platform=layer.name,
            place=f"{layer.document.file}:{at.line}:{at.column}",
            reason=one_line(rules.get("reason", "")),
            owner=one_line(rules.get("owner", "")) or owner,
        )


def _locks_of_features(features: Mapping[str, bool], layer: Layer, data: Mapping[str, Any]) -> Iterator[Lock]:
    """Refuse what asks for templates that the charts do not contain."""
    owner = one_line(data.get("owner", "")) or f"{_UNKNOWN_OWNER} {layer.name}"
    for name, wanted in features.items():
        feature = FEATURES[name]
        rules = {path: {"value": value} for path, value in feature.values.items()}
        rules |= {path: {"enum": list(choices)} for path, choices in feature.choices.items()}
        for path, rule in rules.items() if not wanted else ():
            at = layer.document.position(("features", name))
            place = f"{layer.document.file}:{at.line}:{at.column}"
            yield Lock(path, rule, layer.name, place, f"its charts are without the feature {name}", owner)


def _features_off(features: Mapping[str, bool]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, wanted in features.items():
        for path, value in FEATURES[name].values.items() if not wanted else ():
            values = overlay(values, _nest(path, value))
    return values


def _nest(path: KeyPath, value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def _with_locked(values: Any, locks: Sequence[Lock]) -> Any:
    """Lay over the defaults what is the only value allowed, unless it is inside an entry that Apps make."""
    for lock in locks:
        if "value" in lock.rules and ANY_KEY not in lock.path and not _is_in_entry(lock.path):
            values = _put(values, lock.path, lock.rules["value"])
    return values


def _put(values: Any, path: KeyPath, value: Any) -> Any:
    """Return values with another one at a path, in place of all that stands there."""
    if not path:
        return value
    below = values if isinstance(values, dict) else {}
    return below | {path[0]: _put(below.get(path[0]), path[1:], value)}


def _is_in_entry(path: KeyPath) -> bool:
    nodes = [find_nodes(VALUES, path[:length]) for length in range(len(path))]
    return any(isinstance(node, MapOf) and isinstance(node.item, Obj) for found in nodes for node in found)


def _check_merged(platform: Platform) -> Iterator[Problem]:
    """Yield where a Platform's own defaults and overlays break its locks."""
    layer = platform.layers[-1]
    given: Any = {}
    for one in platform.layers:
        given = overlay(given, one.data.get("defaults", {}))
    for top, values in [(("defaults",), given), *((("overlays", env), one) for env, one in platform.overlays.items())]:
        for breach in find_own_breaches(platform.locks, values):
            yield _word_breach(platform, top, breach, layer)


def _word_breach(platform: Platform, top: KeyPath, breach: Breach, layer: Layer) -> Problem:
    path = (*top, *breach.path)
    for one in reversed(platform.layers):
        if path in one.document.values_at:
            layer = one
            break
    return layer.document.problem(path, str(breach))


def given_at(layer: Layer, path: KeyPath) -> tuple[bool, Any]:
    """Return whether a Platform's file has a default at a path, and which."""
    value: Any = layer.data.get("defaults", {})
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value
