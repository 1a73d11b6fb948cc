"""A rendered chart in a form for review: what every object has appears once, and what is long is shortened."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from mooring.bundle.archive import portable_archive

ABSENT = "(absent)"
_CONFIG = "mooring/config"
_NUMBER = re.compile(r"\d+")
_RUN = 4  # consecutive names that are written as one


def readable(manifests: str, chart: str) -> dict[str, Any]:
    """Return what `helm template` printed by kind and name, in the order of printing.

    The configuration is a map instead of a text, and written once; the launcher's archive is named if it is the one at
    hand; lists of things with names are maps; `x-0`, `x-1` and so on are `x-{0..9}`; the chart's own name in labels is
    `(chart)`. Comments are left out. Nothing else is, so any change of behaviour shows.
    """
    objects = [one for one in yaml.load_all(manifests, Loader=yaml.CSafeLoader) if one]
    names = Counter(f"{one['kind']}/{one['metadata']['name']}" for one in objects)
    assert set(names.values()) == {1}, names
    common = _common([one["metadata"]["labels"] for one in objects if "labels" in one["metadata"]])
    configs: dict[str, str] = {}
    result: dict[str, Any] = {"labels of all": common}
    for one in objects:
        name = f"{one['kind']}/{one['metadata']['name']}"
        if "labels" in one["metadata"]:
            labels = one["metadata"]["labels"]
            one["metadata"]["labels"] = {key: value for key, value in labels.items() if common.get(key) != value}
        result[name] = _read(one, name, chart, configs)
    return _without_digests(result, objects)


def _common(maps: list[Mapping[str, str]]) -> dict[str, str]:
    """Return the labels that all have, except those that distinguish objects in most charts."""
    apart = ("app.kubernetes.io/name", "app.kubernetes.io/component")
    first = {key: value for key, value in maps[0].items() if key not in apart}
    return {key: value for key, value in first.items() if all(one.get(key) == value for one in maps)}


def _read(value: Any, path: str, chart: str, configs: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _read_entry(key, item, f"{path}.{key}", chart, configs) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_read(item, f"{path}[{number}]", chart, configs) for number, item in enumerate(value)]
    if items and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items):
        named = {item["name"]: {key: one for key, one in item.items() if key != "name"} for item in items}
        return named if len(named) == len(items) else items
    return _fold(items)


def _read_entry(key: str, value: Any, path: str, chart: str, configs: dict[str, str]) -> Any:
    if key == _CONFIG:
        first = configs.setdefault(value, path)
        return json.loads(value) if first == path else f"(as in {first.partition('.')[0]})"
    if key == "app.kubernetes.io/name" and isinstance(value, str):
        return re.sub(rf"^{re.escape(chart)}(?=$|\.)", "(chart)", value)
    if key == "mooring-launcher.pyz" and base64.b64decode(value) == portable_archive():
        return "(the launcher)"
    return _read(value, path, chart, configs)


def _fold(items: list[Any]) -> list[Any]:
    """Write names that differ only in a consecutive number as one."""
    folded: list[Any] = []
    at = 0
    while at < len(items):
        end = at + 1
        while end < len(items) and items[end] == _counted(items[end - 1], lambda number: str(int(number) + 1)):
            end += 1
        more = end - at - 1
        run = _counted(items[at], lambda number, more=more: f"{{{number}..{int(number) + more}}}")
        folded += [run] if end - at >= _RUN else items[at:end]
        at = end
    return folded


def _counted(item: Any, write: Callable[[str], str]) -> str | None:
    """Return a name with its last number, wherever it occurs, replaced; None if it has none."""
    numbers = _NUMBER.findall(item) if isinstance(item, str) else []
    return (
        _NUMBER.sub(lambda found: write(found[0]) if found[0] == numbers[-1] else found[0], item) if numbers else None
    )


def _without_digests(result: dict[str, Any], objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Remove the digest of the launcher's archive, which changes with each line of its code, from all names."""
    text = json.dumps(result)
    for one in objects:
        if one["kind"] == "ConfigMap" and result[f"ConfigMap/{one['metadata']['name']}"].get("binaryData"):
            name = one["metadata"]["name"]
            text = text.replace(name, name.rpartition("-")[0] + "-(digest)")
    document: dict[str, Any] = json.loads(text)
    return document


def difference(base: Any, other: Any) -> Any:
    """Return only what differs from `base`; what is missing is ABSENT. A map in a different order is there in full."""
    if not isinstance(base, dict) or not isinstance(other, dict):
        return other
    gone = {key: ABSENT for key in base if key not in other}
    if _order(base, other) != _order(other, base):
        return gone | other
    changed = {key: difference(base[key], item) for key, item in other.items() if key in base and base[key] != item}
    return gone | changed | {key: item for key, item in other.items() if key not in base}


def _order(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [key for key in one if key in other]


def as_text(value: Any) -> str:
    """Return it as YAML; what fits into one line is in one line."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return text
