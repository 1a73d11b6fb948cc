"""Rules about stopping: how long it takes, and the grace periods that must cover it."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation
from mooring.model.values.stop import DRAIN_MARGIN_S

GRACE_MARGIN_S = 10
DRAIN_TOO_SHORT = Sentence(
    f"must be at least readiness.periodSeconds x readiness.failureThreshold + {DRAIN_MARGIN_S} = {{least:d}}",
    "raise it, or lower the two",
)
_GRACE = f"must be at least {{least:d}}: stop.drainSeconds, all rungs of stop and {GRACE_MARGIN_S} s"
_RAISE = "raise it, or leave it out"
GRACE_TOO_SHORT = Sentence(_GRACE, _RAISE)
BOTH_TOO_SHORT = Sentence(
    f"{_GRACE}, and anchor.terminationGracePeriodSeconds ({{anchors:d}}) at least {{least_anchor:d}}", _RAISE
)
ANCHORS_TOO_SHORT = Sentence(
    f"must be at least {{least_anchor:d}}: the launcher's grace period and {GRACE_MARGIN_S} s", _RAISE
)


def _drain_covers_readiness(values: Values) -> Iterator[Violation]:
    least = values["readiness"]["periodSeconds"] * values["readiness"]["failureThreshold"] + DRAIN_MARGIN_S
    if values["stop"]["drainSeconds"] < least:
        yield DRAIN_TOO_SHORT.at(("stop", "drainSeconds"), values["stop"]["drainSeconds"], least=least)


def launcher_grace_s(values: Values) -> int:
    """Return the seconds a launcher needs to stop its program: drain, all rungs of the ladder, and 10 s."""
    stop = values["stop"]
    seconds = stop["drainSeconds"] + stop["consoleSeconds"] + GRACE_MARGIN_S
    if stop["command"]:
        seconds += stop["commandSeconds"]
    if values["platform"] == "windows":
        seconds += stop["windowSeconds"]
    return int(seconds)


def _graces_suffice(values: Values) -> Iterator[Violation]:
    least = launcher_grace_s(values)
    given, anchors = values["terminationGracePeriodSeconds"], values["anchor"]["terminationGracePeriodSeconds"]
    least_anchor = max(least, given or 0) + GRACE_MARGIN_S
    is_short = anchors is not None and anchors < least_anchor
    facts = {"least": least, "least_anchor": least_anchor, "anchors": anchors}
    if given is not None and given < least:
        sentence = BOTH_TOO_SHORT if is_short else GRACE_TOO_SHORT
        yield sentence.at(("terminationGracePeriodSeconds",), given, **facts)
    elif is_short:
        yield ANCHORS_TOO_SHORT.at(("anchor", "terminationGracePeriodSeconds"), anchors, **facts)


STOP_RULES: tuple[Rule, ...] = (
    Rule("drain-covers-readiness", _drain_covers_readiness),
    Rule("graces-suffice", _graces_suffice),
)
