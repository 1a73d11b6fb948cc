"""Read Platforms: what a platform team writes, and those it builds on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mooring.errors import InputError, Problem
from mooring.inputs.locks import Lock, find_own_breaches, locks_json, say_rules
from mooring.inputs.platform_check import find_mistakes, given_rules
from mooring.inputs.templates import CustomTemplate, read_template
from mooring.model.check import check, drop_nulls, show
from mooring.model.features import FEATURES, files_without
from mooring.model.keys import ANY_KEY, find_nodes, parse_key
from mooring.model.layers import overlay, take_away
from mooring.model.nodes import MapOf, Obj, default_of
from mooring.model.platform import PLATFORM
from mooring.model.values import VALUES
from mooring.text.document import Document, KeyPath
from mooring.text.jinja import one_line
from mooring.text.reader import load_yaml, resolve_file

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

    `layers` are the files, those built on first. `values` are the chart's defaults with the Platform's over them.
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
    """The overlays that do the same."""
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
    templates, problems = _read_templates(layers)
    problems += [problem for layer in layers for problem in find_mistakes(layer.document, layer.data)]
    if problems:
        raise InputError(sorted(problems))
    platform = _merge(layers, templates)
    problems = sorted(_check_merged(platform))
    if problems:
        raise InputError(problems)
    return platform


def _load_layers(file: str) -> tuple[Layer, ...]:
    """Return the Platform after those it builds on."""
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
            raise InputError([layer.document.problem(("extends",), f"extends itself in a circle: {order}; remove one")])
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


def _read_templates(layers: Sequence[Layer]) -> tuple[list[CustomTemplate], list[Problem]]:
    """Return the templates by their path in the chart, a later Platform's in place of an earlier one's."""
    found: dict[str, CustomTemplate | Problem] = {}
    for layer in layers:
        for path, source in layer.data.get("templates", {}).items():
            found[path] = read_template(path, source, layer.document)
    made = [found[path] for path in sorted(found)]
    return [one for one in made if not isinstance(one, Problem)], [one for one in made if isinstance(one, Problem)]


def _merge(layers: tuple[Layer, ...], templates: Sequence[CustomTemplate]) -> Platform:
    data: Any = {}
    for layer in layers:
        mergeable = {key: value for key, value in layer.data.items() if key not in ("locks", "templates")}
        data = overlay(take_away(PLATFORM, data, layer.document.value), mergeable)
    features = default_of(PLATFORM)["features"] | data.get("features", {})
    locks = [lock for layer in layers for lock in _locks_of(layer)] + list(_locks_of_features(features, layers, data))
    below = overlay(_chart_defaults(), _features_off(features))
    values = _with_locked(overlay(below, data.get("defaults", {})), locks)
    locks = [replace(lock, must=say_rules(lock, values)) for lock in locks]
    overlays = data.get("overlays", {})
    return Platform(
        name=layers[-1].name,
        layers=layers,
        values=values,
        locks=tuple(locks),
        features=features,
        overlays=overlays,
        templates=tuple(templates),
        chart=data.get("chart", {}),
        locks_text=locks_json(locks, values),
        is_partial=_is_partial(values),
        partial_overlays=frozenset(name for name, one in overlays.items() if _is_partial(overlay(values, one))),
    )


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
            rules=given_rules(rules),
            platform=layer.name,
            place=f"{layer.document.file}:{at.line}:{at.column}",
            reason=one_line(rules.get("reason", "")),
            owner=one_line(rules.get("owner", "")) or owner,
        )


def _locks_of_features(
    features: Mapping[str, bool], layers: Sequence[Layer], data: Mapping[str, Any]
) -> Iterator[Lock]:
    """Lock the values that need templates which the charts do not contain."""
    for name in [name for name, wanted in features.items() if not wanted]:
        layer = _last_with(layers, ("features", name))
        at = layer.document.position(("features", name))
        place = f"{layer.document.file}:{at.line}:{at.column}"
        owner = one_line(data.get("owner", "")) or f"{_UNKNOWN_OWNER} {layer.name}"
        rules: dict[KeyPath, dict[str, Any]] = {path: {"value": value} for path, value in FEATURES[name].values.items()}
        rules |= {path: {"enum": list(choices)} for path, choices in FEATURES[name].choices.items()}
        for path, rule in rules.items():
            yield Lock(path, rule, layer.name, place, f"its charts are without the feature {name}", owner)


def _last_with(layers: Sequence[Layer], path: KeyPath) -> Layer:
    """Return the last Platform whose file has a path, or the last of all."""
    return next((layer for layer in reversed(layers) if path in layer.document.values_at), layers[-1])


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
    """Set each value that is the only one allowed, except inside a map entry that Apps add."""
    for lock in locks:
        if "value" in lock.rules and ANY_KEY not in lock.path and not _is_in_entry(lock.path):
            values = _put(values, lock.path, lock.rules["value"])
    return values


def _put(values: Any, path: KeyPath, value: Any) -> Any:
    """Return values with the one at a path replaced as a whole."""
    if not path:
        return value
    below = values if isinstance(values, dict) else {}
    return below | {path[0]: _put(below.get(path[0]), path[1:], value)}


def _is_in_entry(path: KeyPath) -> bool:
    nodes = [find_nodes(VALUES, path[:length]) for length in range(len(path))]
    return any(isinstance(node, MapOf) and isinstance(node.item, Obj) for found in nodes for node in found)


def _check_merged(platform: Platform) -> Iterator[Problem]:
    """Yield where a Platform itself breaks a lock: in its defaults, its overlays, or another lock's only value."""
    given: Any = {}
    for layer in platform.layers:
        given = overlay(given, layer.data.get("defaults", {}))
    tops: list[tuple[KeyPath, Any]] = [(("defaults",), given)]
    tops += [(("overlays", name), values) for name, values in platform.overlays.items()]
    for top, values in tops:
        for breach in find_own_breaches(platform.locks, values):
            path = (*top, *breach.path)
            yield _last_with(platform.layers, path).document.problem(path, str(breach))
    for lock in platform.locks:
        if "value" in lock.rules and ANY_KEY not in lock.path:
            for breach in find_own_breaches(platform.locks, _nest(lock.path, lock.rules["value"])):
                yield _problem_of_lock(platform, lock, f"two locks contradict each other: {breach}")


def _problem_of_lock(platform: Platform, lock: Lock, message: str) -> Problem:
    layer = next(layer for layer in platform.layers if lock.place.startswith(f"{layer.document.file}:"))
    key = next((key for key in layer.data.get("locks", {}) if parse_key(key) == lock.path), lock.key)
    return layer.document.problem(("locks", key), message, of_key=True)
