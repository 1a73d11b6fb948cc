"""Merge values over values, as Helm does."""

from __future__ import annotations

import copy
from typing import Any

from mooring.model.nodes import Node, Obj


def overlay(below: Any, above: Any) -> Any:
    """Merge values over defaults as Helm does: maps merge, a null removes a key, anything else replaces."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return copy.deepcopy(above)
    merged = {key: value for key, value in below.items() if key not in above}
    for key, value in above.items():
        if value is not None:
            merged[key] = overlay(below.get(key), value)
    return {key: merged[key] for key in (*below, *above) if key in merged}


def take_away(node: Node, below: Any, above: Any) -> Any:
    """Return the values below without the entries that a null above removes.

    In a closed object a null means the value below it; in a map, whose keys users choose, it removes the entry.
    """
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return below
    fields = node.fields if isinstance(node, Obj) else {}
    left = dict(below)
    for key in above.keys() & below.keys():
        if above[key] is None and key not in fields:
            del left[key]
        else:
            left[key] = take_away(fields.get(key, node), below[key], above[key])
    return left
