"""A value is data: whatever its text, it is refused or changes only its own place; and no value is ignored.

All of it with --skip-schema-validation, which any user of a chart may set.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kubernetes_validate
import pytest
import yaml
from mooring.model.nodes import Bool, Int, IntOrStr, ListOf, MapOf, Node, Num, Obj, Open, Str, walk
from mooring.model.values import VALUES

from tests.chart.everything import RELEASES, TOKEN, Path, changed, leaves, missing_leaves
from tests.chart.rendering import RenderError, render_text

SKIP = ["--skip-schema-validation"]
EVIL = ("\n", "\nevil: true\n", '"', "'", "{{ .Values }}", " #x", ": x", "\x00", "\u2028", "\x85")
CASES = [*(("ordinal", evil) for evil in EVIL), *((one, "\nevil: true\n") for one in RELEASES if one != "ordinal")]
REFUSED = " cannot be installed like this:\n"

Changes = Mapping[str, tuple[Path, Any]]
"""By the key as the chart writes it: a place and the value to put there."""


def test_every_value_is_given() -> None:
    """The releases that these tests change have every value of the model."""
    assert not missing_leaves()


def key_text(path: Path) -> str:
    """Return a path as the chart writes it."""
    text = ""
    for part in map(str, path):
        plain = part and all(letter.isascii() and (letter.isalnum() or letter in "_/<>-") for letter in part)
        text += ("." if text else "") + part if plain else f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def node_at(path: Path) -> Node:
    """Return what the model knows about a place; inside a value in Kubernetes' own format that is the value."""
    node: Node = VALUES
    for part in path:
        if isinstance(node, Open):
            return node
        node = (
            node.fields[str(part)]
            if isinstance(node, Obj)
            else node.item
            if isinstance(node, (MapOf, ListOf))
            else node
        )
    return node


def parsed(text: str) -> list[Any]:
    """Return the objects, with the launcher's configuration as data too."""
    objects = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]
    for one in objects:
        for meta in (one["metadata"], one.get("spec", {}).get("template", {}).get("metadata", {})):
            if "mooring/config" in meta.get("annotations", {}):
                meta["annotations"]["mooring/config"] = json.loads(meta["annotations"]["mooring/config"])
    return objects


@functools.cache
def untouched(release: str) -> list[Any]:
    """Return the objects of a release without changes."""
    return parsed(render_text(RELEASES[release], flags=SKIP))


def in_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return data with every text in it changed, keys too."""
    if isinstance(value, dict):
        return {change(key) if isinstance(key, str) else key: in_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [in_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def render_what_is_taken(values: dict[str, Any], changes: Changes) -> tuple[list[Any], set[str]]:
    """Return what renders with as many of the changes as the chart accepts, and their keys; name the others' keys."""
    kept = dict(changes)
    while True:
        mutated = values
        for path, new in kept.values():
            mutated = changed(mutated, path, new)
        try:
            return parsed(render_text(mutated, flags=SKIP)), set(kept)
        except RenderError as error:
            lines = [line[4:] for line in str(error).partition(REFUSED)[2].splitlines() if line.startswith("  - ")]
            named = {key for key in kept if any(line.startswith((f"{key} ", f"{key}.")) for line in lines)}
            assert named, error
            kept = {key: one for key, one in kept.items() if key not in named}


@pytest.mark.parametrize(("release", "evil"), CASES, ids=ascii)
def test_a_text_changes_its_own_place_alone(release: str, evil: str) -> None:
    """Added to every text, and to every other scalar as a text: each is refused by its key, or is exactly that text."""
    values = RELEASES[release]
    changes: dict[str, tuple[Path, Any]] = {}
    words: dict[str, str] = {}
    for path, old in leaves(values):
        text = old if isinstance(old, str) else json.dumps(old)
        word = TOKEN.search(text)
        if word:
            words[key_text(path)] = word[0]
            changes[key_text(path)] = path, text.replace(word[0], word[0] + evil)
        elif not isinstance(node_at(path), Open):
            changes[key_text(path)] = path, text + evil
    after, taken = render_what_is_taken(values, changes)
    assert taken <= words.keys(), "texts where only other types may be"
    evils = {words[key] for key in taken}
    assert evils or evil == "\x85", "all texts are refused"
    expected = in_texts(
        untouched(release), lambda text: TOKEN.sub(lambda one: one[0] + (evil if one[0] in evils else ""), text)
    )
    assert after == expected


def user_keys(value: Any, path: Path = ()) -> list[Path]:
    """Return the paths of all keys that users choose: those that contain their own word."""
    found: list[Path] = []
    if isinstance(value, dict):
        for key, item in value.items():
            found += [(*path, key)] if TOKEN.search(key) else []
            found += user_keys(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += user_keys(item, (*path, number))
    return found


@pytest.mark.parametrize(("release", "evil"), CASES, ids=ascii)
def test_a_key_changes_its_own_place_alone(release: str, evil: str) -> None:
    """Added to every key that a user chooses: it is refused, or is exactly that key."""
    values = RELEASES[release]
    kept = {path: TOKEN.findall(str(path[-1]))[0] for path in user_keys(values)}
    while True:
        renamed = rename(values, {word: word + evil for word in kept.values()})
        try:
            after = parsed(render_text(renamed, flags=SKIP))
            break
        except RenderError as error:
            named = {path for path, word in kept.items() if word in str(error)}
            assert REFUSED in str(error), error
            assert named, error
            kept = {path: word for path, word in kept.items() if path not in named}
    words = set(kept.values())
    expected = in_texts(
        untouched(release), lambda text: TOKEN.sub(lambda one: one[0] + (evil if one[0] in words else ""), text)
    )
    assert words or evil == "\x85", "all keys are refused"
    assert after == expected


def rename(value: Any, names: Mapping[str, str]) -> Any:
    """Return data with words in keys changed."""
    if isinstance(value, dict):
        return {
            TOKEN.sub(lambda one: names.get(one[0], one[0]), key): rename(item, names) for key, item in value.items()
        }
    return [rename(item, names) for item in value] if isinstance(value, list) else value


NOT_RENDERED = {"enabled", "target.placeholders"}
"""What the chart itself says it does not read, and what only decides whether a rule holds."""


def another(node: Node, old: Any) -> Any:
    """Return a different value of a scalar that its schema admits; None if there is none."""
    if isinstance(node, Str) and node.enum:
        return next(one for one in node.enum if one != old)
    if isinstance(node, Bool):
        return not old
    if isinstance(node, (Int, Num, IntOrStr)):
        near = [one for one in (old + 1, old - 1) if (node.minimum or 0) <= one <= (node.maximum or 2**31)]
        return near[0] if near else None
    return old + "3" if isinstance(old, str) and not getattr(node, "pattern", None) else None


def test_no_value_is_thrown_away() -> None:
    """Each scalar, changed to another that the schema admits, changes what is rendered or is refused, somewhere."""
    heard: set[str] = set()
    jobs: list[tuple[str, str, Path, Any]] = []
    for release, values in RELEASES.items():
        rendered = str(untouched(release))
        for path, old in leaves(values):
            key = TOKEN.sub("tok", key_text(path))
            word = TOKEN.search(old) if isinstance(old, str) else None
            if word and re.search(rf"{word[0]}(?!\d)", rendered):
                heard.add(key)
            jobs.append((key, release, path, another(node_at(path), old)))

    def look(job: tuple[str, str, Path, Any]) -> None:
        key, release, path, new = job
        if key in heard or new is None:
            return
        try:
            objects = parsed(render_text(changed(RELEASES[release], path, new)))
        except RenderError:
            heard.add(key)
            return
        if objects != untouched(release):
            heard.add(key)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(look, jobs))
    assert {key for key, _, _, new in jobs if new is not None} - heard == NOT_RENDERED


@functools.cache
def kubernetes_fields(kind: str) -> dict[str, Any]:
    """Return the fields of one of Kubernetes' types, with their schemas; none if it is not in its API."""
    file = "kubernetes-json-schema/v1.37.0-local/_definitions.json"
    definitions = kubernetes_validate.utils.schema_contents(file, "1.37")["$defs"]
    found = [one for name, one in sorted(definitions.items()) if name.endswith((f".v1.{kind}", f".v2.{kind}"))]
    return dict(found[0].get("properties", {})) if found else {}


_SAMPLES = {"string": "tok900", "integer": 5, "boolean": True, "array": ["tok900"]}


def test_no_field_of_kubernetes_is_thrown_away() -> None:
    """Each field that Kubernetes has in a value of its own format changes what is rendered or is refused."""
    jobs: list[tuple[str, list[tuple[str, Path, Any]]]] = []
    for place, node in walk(VALUES):
        if not isinstance(node, Open) or "<" in str(place):
            continue
        for field, schema in kubernetes_fields(node.kubernetes).items():
            kinds = schema.get("type", "object")  # "string", or ["string", "null"]
            sample = _SAMPLES.get(kinds if isinstance(kinds, str) else kinds[0], {"tok900": "x"})
            tries = []
            for release, values in RELEASES.items():
                path: Path = (*place, 0) if node.is_list and at(values, place) else place
                old = at(values, path)
                if old and old.get(field) != sample:
                    tries.append((release, path, {**old, field: sample}))
            jobs.append((f"{key_text(place)}: {field}", tries))
    assert len(jobs) > 100

    def is_lost(job: tuple[str, list[tuple[str, Path, Any]]]) -> bool:
        for release, path, new in job[1]:
            try:
                if parsed(render_text(changed(RELEASES[release], path, new), flags=SKIP)) != untouched(release):
                    return False
            except RenderError:
                return False
        return True

    with ThreadPoolExecutor(3) as pool:
        lost = [job[0] for job, one in zip(jobs, pool.map(is_lost, jobs), strict=True) if one]
    assert not lost


def at(values: Any, path: Path) -> Any:
    """Return the value at a place."""
    return functools.reduce(lambda value, part: value[part], path, values)
