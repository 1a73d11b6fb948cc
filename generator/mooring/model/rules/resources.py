"""The rule of requests and limits; its twin is in templates/_rules_pods.tpl."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, less its sign
_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)(?P<suffix>[KMGTPE]i|[numkMGTPE]|(?P<exponent>[eE][+-]?[0-9]+))?", re.ASCII
)
_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}
_FACTORS |= {letter: 1e3**power for power, letter in enumerate("MGTPE", 2)}
_FACTORS |= {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}


NOT_A_QUANTITY = Sentence("must be a Kubernetes quantity, e.g. 500m, 2 or 1Gi", "correct it")
ABOVE_LIMIT = Sentence("is above its limit ({limit})", "lower it, or raise the limit")
NOT_EQUAL = Sentence(
    "is an extended resource, whose request and limit must be equal",
    "set both to the same quantity, or set only the limit",
)


def amount_of(quantity: Any) -> float | None:
    """Return a quantity of Kubernetes (``500m``, ``2Gi``, 0.5) as a number; None if it is not one."""
    found = None if isinstance(quantity, bool) else _QUANTITY.fullmatch(str(quantity))
    if found is None:
        return None
    if found["exponent"]:
        return float(str(quantity))
    return float(found["number"]) * _FACTORS.get(found["suffix"] or "", 1.0)


def _resources_fit(values: Values) -> Iterator[Violation]:
    places: list[tuple[tuple[str, ...], Values]] = [
        ((part, "resources"), values[part]["resources"]) for part in ("launcher", "anchor", "tests")
    ]
    for number, container in enumerate(values["anchor"]["extraContainers"]):
        places.append((("anchor", "extraContainers", str(number), "resources"), container.get("resources") or {}))
    for path, resources in places:
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for kind, quantities in (("limits", limits), ("requests", requests)):
            for name, quantity in quantities.items():
                if quantity is not None and amount_of(quantity) is None:
                    yield NOT_A_QUANTITY.at((*path, kind, name), quantity)
        for name, quantity in requests.items():
            amount, limit = amount_of(quantity), amount_of(limits.get(name))
            if amount is None:
                continue
            if limit is not None and amount > limit:
                yield ABOVE_LIMIT.at((*path, "requests", name), quantity, limit=limits[name])
            if "/" in name and amount != limit:
                yield NOT_EQUAL.at((*path, "requests", name), quantity)


RESOURCE_RULES: tuple[Rule, ...] = (Rule("resources-fit", _resources_fit),)
