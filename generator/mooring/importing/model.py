"""What the values model says of a value: the importer has no limits, names, patterns or defaults of its own.

The model is asked at each call, so whoever changes it changes the importer.
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
    """Return the model's node at a path; of a map's entries any key leads to the one node they share."""
    found: Any = _values.VALUES
    for key in keys:
        found = found.fields[key] if isinstance(found, Obj) else found.item
    return found


def default(*keys: str) -> Any:
    """Return what a value is where nobody gives it; of a check in the gate what the whole gate has, if it has none."""
    found = default_of(node(*keys))
    return default_of(node(keys[0], keys[-1])) if found is None and keys[0] == "gate" and len(keys) == 4 else found


def choices(*keys: str) -> tuple[str, ...]:
    """Return the texts that are allowed."""
    found: tuple[str, ...] = node(*keys).enum
    return found


def refusal(value: Any, *keys: str) -> str:
    """Return why a value is not allowed, in a sentence; empty if it is."""
    return next((finding.message for finding in check(node(*keys), value)), "")


def is_key(text: str, *keys: str) -> bool:
    """Tell whether an entry of a map may have this key."""
    found = node(*keys)
    if not isinstance(found, MapOf):
        raise TypeError(keys)
    return re.fullmatch(found.key_pattern.removesuffix("$"), text) is not None


def make_key(text: str, *keys: str) -> str:
    """Return text as a key of a map, as much of it as may stand there; "" if nothing of it may."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    while name and not is_key(name, *keys):
        name = name[:-1]
    return name


def fit(value: int, *keys: str) -> int:
    """Return the nearest number that is allowed."""
    found = node(*keys)
    low = value if found.minimum is None else max(value, found.minimum)
    return low if found.maximum is None else min(low, found.maximum)


def complete(values: Object) -> Object:
    """Return values over the model's defaults."""
    found: Object = overlay(default_of(node()), values)
    return found


def grace_s(values: Object) -> int:
    """Return the seconds a launcher with these values needs to stop its program."""
    return launcher_grace_s(complete(values))
