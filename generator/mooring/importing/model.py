"""What the values model says about a value: the importer defines no limits, names, patterns or defaults itself.

It looks them up at each call, so a change of the model changes the importer.
"""

from __future__ import annotations

import re
from typing import Any

from mooring.importing.manifests import Object
from mooring.model import values as _values
from mooring.model.check import check
from mooring.model.layers import overlay
from mooring.model.nodes import MapOf, Obj, default_of
from mooring.model.rules.stop import launcher_grace_s


def node(*keys: str) -> Any:
    """Return the model's node at a path; any key leads to the node that a map's entries share."""
    found: Any = _values.VALUES
    for key in keys:
        found = found.fields[key] if isinstance(found, Obj) else found.item
    return found


def default(*keys: str) -> Any:
    """Return a value's default; a check of the gate falls back to the default of the whole gate."""
    found = default_of(node(*keys))
    return default_of(node(keys[0], keys[-1])) if found is None and keys[0] == "gate" and len(keys) == 4 else found


def choices(*keys: str) -> tuple[str, ...]:
    """Return the allowed texts."""
    found: tuple[str, ...] = node(*keys).enum
    return found


def refusal(value: Any, *keys: str) -> str:
    """Return why a value is not allowed, in a sentence; empty if it is."""
    return next((finding.message for finding in check(node(*keys), value)), "")


def is_key(text: str, *keys: str) -> bool:
    """Return whether a map allows this key."""
    found = node(*keys)
    if not isinstance(found, MapOf):
        raise TypeError(keys)
    return re.fullmatch(found.key_pattern.removesuffix("$"), text) is not None


def make_key(text: str, *keys: str) -> str:
    """Return as much of a text as a map allows as a key, "" if nothing."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    while name and not is_key(name, *keys):
        name = name[:-1]
    return name


def fit(value: int, *keys: str) -> int:
    """Return the nearest allowed number."""
    found = node(*keys)
    low = value if found.minimum is None else max(value, found.minimum)
    return low if found.maximum is None else min(low, found.maximum)


def complete(values: Object) -> Object:
    """Return values with the model's defaults filled in."""
    found: Object = overlay(default_of(node()), values)
    return found


def grace_s(values: Object) -> int:
    """Return the seconds a launcher with these values needs to stop its program."""
    return launcher_grace_s(complete(values))
