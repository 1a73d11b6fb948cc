"""Say of every other object what becomes of it: nothing is touched, but some select or name what goes away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .manifests import Leftover, Manifest, dig
from .programs import Program

_SELECTORS = ("selector", "podSelector", "matchLabels", "labelSelector")
_REFERENCES = ("scaleTargetRef", "targetRef")
_MOST_DEPTH = 64


def settle_neighbours(others: Sequence[Manifest], programs: Sequence[Program]) -> list[Leftover]:
    """Add to each program the objects that have to do with it; return those that have to do with none."""
    strangers = []
    for manifest in others:
        concerned = False
        for program in programs:
            why = _why(manifest, program)
            if why:
                program.leftovers.append(_word(manifest, why))
                concerned = True
        if not concerned:
            strangers.append(_word(manifest, "has nothing to do with a program here, and is not touched"))
    return strangers


def _word(manifest: Manifest, why: str) -> Leftover:
    return Leftover(manifest.place(), manifest.title, "", None, why)


def _why(manifest: Manifest, program: Program) -> str:
    places = {program.namespace, *(m.pair.launcher.manifest.namespace for m in program.members)}
    if not any(manifest.is_in(place) for place in places if place or len(places) == 1):
        return ""
    if manifest.kind == "ConfigMap" and manifest.name in {m.pair.launch.script for m in program.members}:
        return "was the script that started the program; the launcher does that now, so it can go with the old pods"
    if manifest.kind in ("ConfigMap", "Secret") and manifest.name in _names_in(program.values, 0):
        return "stays an object of its own, and the new pods use it by its name as the old ones did"
    if manifest.kind in ("ConfigMap", "Secret") and manifest.name in _names_used(program):
        return "is not needed by the new pods: what they had of it is in the App"
    for selector in _selectors(manifest.value.get("spec"), 0):
        for member in program.members:
            for component, half in (("anchor", member.pair.anchor), ("launcher", member.pair.launcher)):
                if selector and selector.items() <= half.labels.items():
                    wanted = f"app.kubernetes.io/instance: {program.name}, app.kubernetes.io/component: {component}"
                    return f"selects {half.manifest.title}, which goes; let it select {wanted}"
    names = {half.name for half in program.manifests}
    for key in _REFERENCES:
        if dig(manifest.value, "spec", key, "name") in names:
            return f"names {dig(manifest.value, 'spec', key, 'name')}, which goes; the chart has autoscaling of its own"
    return ""


def _selectors(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield every map of labels in a spec by which pods may be selected."""
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _selectors(item, depth + 1)
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _SELECTORS and isinstance(item, dict) and all(isinstance(each, str) for each in item.values()):
                yield item
            yield from _selectors(item, depth + 1)


def _names_in(value: Any, depth: int) -> set[str]:
    """Return every name of another object that values give to the pods."""
    found: set[str] = set()
    if isinstance(value, list):
        return found.union(*(_names_in(item, depth + 1) for item in value))
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("name", "secretName") and isinstance(item, str):
                found.add(item)
            found |= _names_in(item, depth + 1)
    return found


def _names_used(program: Program) -> set[str]:
    """Return the names of objects that the old pods had their environment from."""
    return _names_in([member.pair.environment.indirect for member in program.members], 0)
