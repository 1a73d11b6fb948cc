"""Rules of stopping: the time that all of it takes, and the graces that must cover it."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation


def _drain_covers_readiness(values: Values) -> Iterator[Violation]:
    least = values["readiness"]["periodSeconds"] * values["readiness"]["failureThreshold"] + 5
    if values["stop"]["drainSeconds"] < least:
        yield Violation(
            ("stop", "drainSeconds"),
            values["stop"]["drainSeconds"],
            f"must be at least readiness.periodSeconds x readiness.failureThreshold + 5 = {least}",
            "raise it, or lower the two",
        )


def launcher_grace_s(values: Values) -> int:
    """Return the seconds a launcher needs to stop its program: drain, all rungs of the ladder, and 10 s."""
    stop = values["stop"]
    seconds = stop["drainSeconds"] + stop["consoleSeconds"] + 10
    if stop["command"]:
        seconds += stop["commandSeconds"]
    if values["platform"] == "windows":
        seconds += stop["windowSeconds"]
    return int(seconds)


def _graces_suffice(values: Values) -> Iterator[Violation]:
    least = launcher_grace_s(values)
    given, anchors = values["terminationGracePeriodSeconds"], values["anchor"]["terminationGracePeriodSeconds"]
    is_short = given is not None and given < least
    least_anchor = max(least, given or 0) + 10
    if is_short:
        both = f", and anchor.terminationGracePeriodSeconds ({anchors}) at least {least_anchor}"
        yield Violation(
            ("terminationGracePeriodSeconds",),
            given,
            f"must be at least {least}: stop.drainSeconds, all rungs of stop and 10 s"
            + (both if anchors is not None and anchors < least_anchor else ""),
            "raise it, or leave it out",
        )
    elif anchors is not None and anchors < least_anchor:
        yield Violation(
            ("anchor", "terminationGracePeriodSeconds"),
            anchors,
            f"must be at least {least_anchor}: the launcher's grace and 10 s",
            "raise it, or leave it out",
        )


STOP_RULES: tuple[Rule, ...] = (
    Rule("drain-covers-readiness", _drain_covers_readiness),
    Rule("graces-suffice", _graces_suffice),
)
