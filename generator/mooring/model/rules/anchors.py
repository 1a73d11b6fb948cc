"""Rules about how the two halves find each other: by the scheduler, and by the anchors' labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL = rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_LABEL_NAME}={_LABEL_NAME}"
PLACEHOLDER = "{ordinal}"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
POD_INDEX = "apps.kubernetes.io/pod-index"
INDICES = re.compile(rf"^({re.escape(POD_INDEX)}=[^,]*,?)+$")
"""No label but that one."""

SECOND_TERM = Sentence(
    "must be left out: mooring's own term pairs the halves, and Kubernetes requires one pod that matches all terms",
    "use preferred terms, nodeAffinity, podAntiAffinity or topologySpreadConstraints",
)
FOR_OTHERS = Sentence("is only for anchors that others create", "set anchor.create: false as well")
SELECTOR_MISSING = Sentence(
    "needs anchor.selector, the labels of the anchors", "set it, e.g. app=my-anchor-{{ordinal}}"
)
SHARED_SELECTOR_MISSING = Sentence("needs anchor.selector, the labels of the anchors", "set it, e.g. app=my-anchor")
SELECTOR_ILLEGAL = Sentence(
    "must be key=value pairs separated by commas, each a legal label",
    "write it like app=my-anchor-{{ordinal}},tier=net",
)
ORDINAL_IN_KEY = Sentence("may have {{ordinal}} only in values, not in a key", "move it behind the =")
ORDINAL_SHARED = Sentence(
    "must not have {{ordinal}} with anchor.strategy: shared, where all replicas share one anchor",
    "correct it, or anchor.strategy",
)
ORDINAL_MISSING = Sentence(
    "must have {{ordinal}}, by which each replica finds its own anchor", "correct it, or anchor.strategy"
)
INDEX_ONLY = Sentence(
    f"must name more than {POD_INDEX}: the pods of every StatefulSet carry it, the launchers' too",
    f"add a label that only the anchors have, e.g. app=my-anchor,{POD_INDEX}={{{{ordinal}}}}",
)


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
        own = pods.get(REQUIRED) if isinstance(pods, Mapping) else None
        if follows and own:
            yield SECOND_TERM.at((*path, "podAffinity", REQUIRED), own)


def is_selector(text: str) -> bool:
    """Tell whether text is ``key=value`` pairs separated by commas, each value with {ordinal} in it or not."""
    return all(re.fullmatch(LABEL, part.replace(PLACEHOLDER, "0"), re.ASCII) for part in text.split(","))


def _anchors_found(values: Values) -> Iterator[Violation]:
    anchor = values["anchor"]
    selector, shared = anchor["selector"], anchor["strategy"] == "shared"
    if anchor["create"]:
        for key in ("selector", "namespace"):
            if anchor[key]:
                yield FOR_OTHERS.at(("anchor", key), anchor[key])
        return
    if not selector:
        yield (SHARED_SELECTOR_MISSING if shared else SELECTOR_MISSING).at(("anchor", "create"), False)
        return
    parts = selector.split(",")
    sentence = None
    if not is_selector(selector):
        sentence = SELECTOR_ILLEGAL
    elif any(PLACEHOLDER in part.partition("=")[0] for part in parts):
        sentence = ORDINAL_IN_KEY
    elif (PLACEHOLDER in selector) == shared:
        sentence = ORDINAL_SHARED if shared else ORDINAL_MISSING
    elif INDICES.search(selector):
        sentence = INDEX_ONLY
    if sentence:
        yield sentence.at(("anchor", "selector"), selector)


ANCHOR_RULES: tuple[Rule, ...] = (
    Rule("pod-affinity-single", _pod_affinity_single),
    Rule("anchors-found", _anchors_found),
)
