"""Rules of how the two halves find each other: by the scheduler, and by the anchors' labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Values, Violation

_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_PREFIX = r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
_PLACEHOLDER = "{ordinal}"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _pod_affinity_single(values: Values) -> Iterator[Violation]:
    """Refuse a second required pod affinity on the half that follows the other.

    The scheduler counts a pod only if it matches all required terms (interpodaffinity: podMatchesAllAffinityTerms).
    """
    anchor = values["anchor"]
    halves: list[tuple[bool, tuple[str, ...], Any]] = [
        (anchor["create"] and anchor["strategy"] != "shared", ("anchor", "affinity"), anchor["affinity"]),
        (
            not anchor["create"] or anchor["strategy"] == "shared" or values["colocation"] == "singleNode",
            ("affinity",),
            values["affinity"],
        ),
    ]
    for follows, path, affinity in halves:
        pods = affinity.get("podAffinity")
        own = pods.get(_REQUIRED) if isinstance(pods, Mapping) else None
        if follows and own:
            rule = (
                "must be left out: mooring's own term pairs the halves, and Kubernetes wants one pod that matches all"
            )
            yield Violation(
                (*path, "podAffinity", _REQUIRED),
                own,
                rule,
                "use preferred terms, nodeAffinity, podAntiAffinity or topologySpreadConstraints",
            )


_POD_INDEX = "apps.kubernetes.io/pod-index"


def is_selector(text: str) -> bool:
    """Tell whether text is ``key=value``, more after commas, each value with {ordinal} in it or not."""
    pattern = f"{_LABEL_PREFIX}{_LABEL_NAME}={_LABEL_NAME}"
    return all(re.fullmatch(pattern, part.replace(_PLACEHOLDER, "0"), re.ASCII) for part in text.split(","))


def _anchors_found(values: Values) -> Iterator[Violation]:
    anchor = values["anchor"]
    selector, shared = anchor["selector"], anchor["strategy"] == "shared"
    if anchor["create"]:
        for key in ("selector", "namespace"):
            if anchor[key]:
                yield Violation(
                    ("anchor", key), anchor[key], "is for anchors that others make", "set anchor.create: false as well"
                )
        return
    if not selector:
        example = "app=my-anchor" if shared else "app=my-anchor-{ordinal}"
        yield Violation(
            ("anchor", "create"), False, "needs anchor.selector, the labels of the anchors", f"set it, e.g. {example}"
        )
    elif not is_selector(selector):
        yield Violation(
            ("anchor", "selector"),
            selector,
            "must be key=value, more after commas, each a legal label",
            "write it like app=my-anchor-{ordinal},tier=net",
        )
    elif any(_PLACEHOLDER in part.partition("=")[0] for part in selector.split(",")):
        yield Violation(
            ("anchor", "selector"),
            selector,
            "must have {ordinal} in values alone, not in a key",
            "move it behind the =",
        )
    elif (_PLACEHOLDER in selector) == shared:
        rule = (
            "must be without {ordinal} with anchor.strategy: shared, where all replicas have one anchor"
            if shared
            else "must have {ordinal}, by which each replica knows its own anchor"
        )
        yield Violation(("anchor", "selector"), selector, rule, "correct it, or anchor.strategy")
    elif all(part.startswith(f"{_POD_INDEX}=") for part in selector.split(",")):
        yield Violation(
            ("anchor", "selector"),
            selector,
            f"must name more than {_POD_INDEX}, which the pods of every StatefulSet carry, the launchers' too",
            f"add a label that only the anchors have, e.g. app=my-anchor,{_POD_INDEX}={_PLACEHOLDER}",
        )


ANCHOR_RULES: tuple[Rule, ...] = (
    Rule("pod-affinity-single", _pod_affinity_single),
    Rule("anchors-found", _anchors_found),
)
