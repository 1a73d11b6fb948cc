"""The gate's conditions: which the configuration sets, how each is counted, and when to look at it next."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.checks import Endpoint, HttpRequest, Look, blind_look, check_command, check_http, check_tcp
from mooring_launcher.gate.process import ProcessCondition, Scene
from mooring_launcher.platforms.compartment import Inside
from mooring_launcher.platforms.target import Target

STALE_SLACK_S = 5.0
"""How much longer than three periods the last result still counts."""


class Condition(NamedTuple):
    """The current state of one condition: `value` is a sentence with what was seen last."""

    name: str
    holds: bool
    value: str


class Tracker:
    """Counts consecutive good and bad looks; enough of one kind change the condition."""

    def __init__(self, name: str, successes: int, failures: int, stale_after_s: float) -> None:
        self.name = name
        self.value = "not checked yet"
        self.holds = False
        self._needed = {True: successes, False: failures}
        self._in_a_row = 0
        self._stale_after_s = stale_after_s
        self._looked_s = 0.0
        self._is_blind = False

    def update(self, look: Look, now_s: float) -> bool:
        """Take one look into account; return whether the condition changed.

        One that could not be taken counts neither way: what was known before holds until it is too old.
        """
        self.value = look.value
        self._is_blind = look.good is None
        if look.good is None:
            return False
        self._looked_s = now_s
        if look.good == self.holds:
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        if self._in_a_row < self._needed[look.good]:
            return False
        self._in_a_row = 0
        self.holds = look.good
        return True

    def holds_at(self, now_s: float) -> bool:
        """Return whether it holds and the last result is not too old."""
        return self.holds and not self._is_stale(now_s)

    def value_at(self, now_s: float) -> str:
        """Return what was seen last, or for how long nothing has been, while it should hold."""
        if self.holds and not self._is_blind and self._is_stale(now_s):
            return f"not checked for {now_s - self._looked_s:.0f} s"
        return self.value

    def _is_stale(self, now_s: float) -> bool:
        return now_s - self._looked_s > self._stale_after_s


class ProcessEntry:
    """A condition on the processes with its thresholds and when to look next."""

    def __init__(self, condition: ProcessCondition, gate: Mapping[str, Any], stale_after_s: float) -> None:
        self._condition = condition
        self.due_s = 0.0
        stale_after_s = float("inf") if condition.holds_for_good else stale_after_s
        self.tracker = Tracker(condition.name, gate["successThreshold"], gate["failureThreshold"], stale_after_s)

    def is_due(self, now_s: float, period_s: float) -> bool:
        """Return whether to look; what holds is looked at a little early, so that one wake-up a period serves all."""
        early_s = period_s / 2 if self.tracker.holds else 0.0
        return self.due_s <= now_s + early_s

    def look(self, scene: Scene, period_s: float) -> bool:
        """Look once; return whether the condition changed."""
        look = look_guarded(lambda: self._condition.look(scene))
        changed = self.tracker.update(look, scene.now_s)
        if self.tracker.holds and self._condition.holds_for_good:
            self.due_s = float("inf")
        elif look.good or self.tracker.holds:
            self.due_s = scene.now_s + period_s
        else:
            self.due_s = scene.now_s + min(self._condition.interval_s, period_s)
        return changed


def look_guarded(make: Callable[[], Look]) -> Look:
    """Look; an unforeseen error says nothing about the program, and the thread continues."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - see above
        return blind_look(error)


class NetworkCheck(NamedTuple):
    """A check with its own thread."""

    tracker: Tracker
    period_s: float
    make: Callable[[], Look]


def network_checks(
    gate: Mapping[str, Any], ports: Mapping[str, Any], ip: str, target: Target, inside: Inside
) -> Iterator[NetworkCheck]:
    """Yield the TCP, HTTP and command checks of a gate. LauncherError CONFIG_INVALID as of `check_gate`."""
    for name, check in gate["tcp"].items():
        endpoint = Endpoint(inside, ip, resolve_port(check["port"], ports))
        yield _network_check(f"tcp {name}", check, gate, _bind(check_tcp, endpoint, check["timeoutSeconds"]))
    for name, check in gate["http"].items():
        endpoint = Endpoint(inside, ip, resolve_port(check["port"], ports))
        make = _bind(check_http, endpoint, http_request(check), check["timeoutSeconds"])
        yield _network_check(f"http {name}", check, gate, make)
    for name, check in gate["exec"].items():
        make = _bind(check_command, target, check["command"], check["timeoutSeconds"])
        yield _network_check(f"exec {name}", check, gate, make)


def _bind(function: Callable[..., Look], *arguments: object) -> Callable[[], Look]:
    return lambda: function(*arguments)


def _network_check(
    name: str, check: Mapping[str, Any], gate: Mapping[str, Any], make: Callable[[], Look]
) -> NetworkCheck:
    """Give a check its timing: its own, else the gate's."""
    period_s, successes, failures = (
        gate[key] if check[key] is None else check[key]
        for key in ("periodSeconds", "successThreshold", "failureThreshold")
    )
    stale_after_s = 3 * period_s + check["timeoutSeconds"] + STALE_SLACK_S
    return NetworkCheck(Tracker(name, successes, failures, stale_after_s), period_s, make)


def http_request(check: Mapping[str, Any]) -> HttpRequest:
    """Return the request of an HTTP check. LauncherError CONFIG_INVALID if bodyMatches is not a regular expression."""
    try:
        body = re.compile(check["bodyMatches"]) if check["bodyMatches"] else None
    except re.error as error:
        message = f"bodyMatches {check['bodyMatches']!r} is not a regular expression: {error}"
        raise LauncherError(ExitCode.CONFIG_INVALID, message) from error
    headers = {**check["headers"], **({"Host": check["host"]} if check["host"] else {})}
    return HttpRequest(check["scheme"] == "https", check["path"], headers, frozenset(check["status"]), body)


def resolve_port(port: int | str, ports: Mapping[str, Any]) -> int:
    """Return the number of a port given by number or name. LauncherError CONFIG_INVALID for an unknown name."""
    if isinstance(port, int):
        return port
    if port not in ports:
        message = f"a gate check names the port {port!r}, which target.ports does not have"
        raise LauncherError(ExitCode.CONFIG_INVALID, message)
    return int(ports[port]["port"])
