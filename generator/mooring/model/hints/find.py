"""Find the hint for an unknown key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from mooring.model.hints.below import TABLE
from mooring.model.hints.hint import Hint
from mooring.model.hints.top import APP
from mooring.model.nodes import walk
from mooring.model.values import VALUES

KeyPath = tuple[str, ...]
_MAX_PLACES = 3


def hint_for(path: KeyPath, known: Iterable[str] = ()) -> Hint | None:
    """Return where the value of an unknown key belongs; None if that is not known.

    `path` is that of an App or a Platform; `known` are the keys allowed in its place.
    """
    section = "defaults" if "defaults" in known else "values"
    below = below_values(path)
    if below is None:
        if len(path) > 1:
            return None
        if path[0] in VALUES.fields:
            return Hint((path[0],), f"write it under {section}, as {section}.{{0}}")
        return APP.get(path[0]) if section == "values" else None
    *above, key = below
    for where, hints in TABLE.items():
        pattern = where.split(".") if where else []
        if len(pattern) == len(above) and all(a in ("*", b) for a, b in zip(pattern, above, strict=True)):
            return hints.get(key)
    return None


def places_of(path: KeyPath) -> str:
    """Return a hint with the keys of the same name elsewhere in the values, or nothing; for keys right below values."""
    places = _places().get(path[-1].casefold(), [])
    if not places or len(below_values(path) or ()) != 1:
        return ""
    rest = f" and {len(places) - _MAX_PLACES} more" if len(places) > _MAX_PLACES else ""
    return f"; there is {', '.join(places[:_MAX_PLACES])}{rest}"


@cache
def _places() -> Mapping[str, list[str]]:
    places: dict[str, list[str]] = {}
    for path, _node in walk(VALUES):
        if path and not path[-1].startswith("<"):
            places.setdefault(path[-1].casefold(), []).append(".".join(path))
    return places


def below_values(path: KeyPath) -> KeyPath | None:
    """Return the path below values; None where it does not lead there."""
    if path[:1] in (("values",), ("defaults",)):
        return path[1:] or None
    if path[:1] == ("overlays",):
        return path[2:] or None
    return None
