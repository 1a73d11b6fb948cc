"""Logs why a program is not ready: what the gate waits for, when it is lost, when it holds."""

import time

from mooring_launcher.gate.conditions import Condition
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.masking import mask_text

_FIRST_S = 1.0
_SOONEST_S = 5.0
_RAREST_S = 60.0
_LONGEST_VALUE = 1000


class GateLog:
    """Logs each turn of the gate and, now and then, what the main loop is waiting for.

    One of `gate-waiting` comes a second after the start, then at growing intervals, sooner when it waits for something
    else; after the gate has held once, `gate-lost` and `gate-holds` take turns.
    """

    def __init__(self, log: Log, started_s: float) -> None:
        """Take when the program was started (time.monotonic())."""
        self._log = log
        self._started_s = started_s
        self._held_once = False
        self._lost_s: float | None = None
        self._waits_for = ""
        self._told_s = started_s
        self._pause_s = _FIRST_S

    def holds(self) -> None:
        """Log it once each time."""
        now_s = time.monotonic()
        if not self._held_once:
            self._log.info("gate-holds", seconds=round(now_s - self._started_s, 3))
        elif self._lost_s is not None:
            self._log.info("gate-holds", lostForSeconds=round(now_s - self._lost_s, 3))
        self._held_once, self._lost_s = True, None

    def fails(self, failing: Condition) -> None:
        """Log what does not hold: immediately after it did, and at growing intervals while it never has."""
        now_s = time.monotonic()
        if self._held_once:
            if self._lost_s is None:
                self._lost_s = now_s
                self._log.warning("gate-lost", condition=failing.name, value=_shown(failing.value))
            return
        if failing.name != self._waits_for:
            self._waits_for = failing.name
            self._pause_s = min(self._pause_s, _SOONEST_S)
        if now_s - self._told_s >= self._pause_s:
            self._told_s = now_s
            self._pause_s = min(max(_SOONEST_S, 2 * self._pause_s), _RAREST_S)
            seconds = round(now_s - self._started_s, 1)
            self._log.info("gate-waiting", condition=failing.name, value=_shown(failing.value), seconds=seconds)


def _shown(value: str) -> str:
    return mask_text(value[:_LONGEST_VALUE])
