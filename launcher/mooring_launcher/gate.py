"""The health gate: every condition that is set must hold before the replica is ready, and while it is.

One thread looks at the target's processes; each network or command check has a thread of its own, which works only
while the conditions on the processes hold. A condition that has not been looked at for too long does not hold.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mooring_launcher._gate_process import ProcessCondition, Scene, needs_psutil, process_conditions
from mooring_launcher._gate_psutil import TreeSampler, Usage, load_psutil
from mooring_launcher.checks import Endpoint, HttpRequest, Look, blind_look, check_command, check_http, check_tcp
from mooring_launcher.compartment import Compartment
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.target import Target

# The placement proof reads every descriptor of the tree, so it is made less often than the other looks: often while
# the program starts, when it has first opened its ports, then now and again.
_PLACEMENT_STARTING_S = 0.25
_PLACEMENT_RUNNING_S = 10.0

_STALE_SLACK_S = 5.0
_CLOSE_WITHIN_S = 1.0
_CONNECT_LIMIT_S = 1.0
_USAGE_EVERY_S = 1.0


class Condition(NamedTuple):
    """One condition as it stands: `value` is a sentence with what was seen last."""

    name: str
    holds: bool
    value: str


def check_gate(gate: Mapping[str, Any], ports: Mapping[str, Any]) -> None:
    """Make sure that a gate can be made of this configuration, before a program is started in vain.

    LauncherError PSUTIL_MISSING when a condition needs psutil and it is not there, CONFIG_INVALID for a port's unknown
    name or an invalid expression.
    """
    if needs_psutil(gate):
        load_psutil()
    for check in (*gate["tcp"].values(), *gate["http"].values()):
        _resolve_port(check["port"], ports)
    for check in gate["http"].values():
        _http_request(check)


class Gate:
    """Judges one started target. `on_change` is called from the gate's threads whenever a condition turns."""

    def __init__(
        self,
        gate: Mapping[str, Any],
        ports: Mapping[str, Any],
        ip: str,
        target: Target,
        compartment: Compartment,
        on_change: Callable[[], None],
        on_failure: Callable[[LauncherError], None],
    ) -> None:
        """Take the `gate` and `target.ports` objects of the configuration, with its defaults filled in.

        `on_failure` gets a PLACEMENT_FAILED or UNEXPECTED error, at most once. LauncherError as of `check_gate`.
        """
        self._target = target
        self._on_change = on_change
        self._on_failure = on_failure
        self._period_s = float(gate["periodSeconds"])
        self._stale_after_s = 3 * self._period_s + _STALE_SLACK_S
        self._sampler = TreeSampler() if needs_psutil(gate) else None

        def connect(port: int) -> Look:
            return check_tcp(Endpoint(compartment, ip, port), _CONNECT_LIMIT_S)

        conditions = process_conditions(gate, ports, ip, connect)
        self._process_entries = [_ProcessEntry(condition, gate, self._stale_after_s) for condition in conditions]
        self._placement = _Tracker("placement", 1, 1, float("inf"))
        self._placement_due_s = 0.0
        self._checks = list(_network_checks(gate, ports, ip, target, compartment))
        self._processes_hold = threading.Event()
        self._closed = threading.Event()
        self._last_pass_s = 0.0
        self._usage: Usage | None = None
        self._usage_due_s = 0.0
        #: Seconds from the target's start until the gate first held, None until then.
        self.held_after_s: float | None = None

    def start(self) -> None:
        """Start looking."""
        threading.Thread(target=self._look_at_processes, name="mooring-gate", daemon=True).start()
        for check in self._checks:
            name = f"mooring-{check.tracker.name}"
            threading.Thread(target=self._repeat_check, args=(check,), name=name, daemon=True).start()

    def close(self) -> None:
        """Stop looking: from now on the gate does not hold and calls nobody back."""
        self._closed.set()

    @property
    def holds(self) -> bool:
        """Whether every condition holds and was looked at recently."""
        if self._closed.is_set() or not self._processes_hold.is_set():
            return False
        now_s = time.monotonic()
        if now_s - self._last_pass_s > self._stale_after_s:
            return False
        return all(check.tracker.holds_at(now_s) for check in self._checks)

    @property
    def has_failed(self) -> bool:
        """Whether a condition was looked at and found not to hold; one that was not looked at has not failed."""
        return not all(tracker.holds for tracker in self._trackers())

    def conditions(self) -> list[Condition]:
        """Return every condition, those on the processes first."""
        now_s = time.monotonic()
        return [
            Condition(tracker.name, tracker.holds_at(now_s), tracker.value_at(now_s)) for tracker in self._trackers()
        ]

    def first_failing(self) -> Condition | None:
        """Return the first condition that does not hold, or that nobody looks; None when there is nothing."""
        failing = next((condition for condition in self.conditions() if not condition.holds), None)
        age_s = time.monotonic() - self._last_pass_s
        if failing is None and age_s > self._stale_after_s:
            return Condition("gate", False, f"not looked at for {age_s:.0f} s")
        return failing

    def what_fails(self) -> str:
        """Return the same with its last value; nothing when all holds."""
        failing = self.first_failing()
        return f"{failing.name}: {failing.value}" if failing is not None else ""

    def usage(self) -> Usage | None:
        """Return what the target's processes use, None where psutil is not installed; measured once a second at most.

        Whoever asks in a loop must not keep the health server's one thread busy.
        """
        if time.monotonic() >= self._usage_due_s:
            self._usage = self._measure_usage()
            self._usage_due_s = time.monotonic() + _USAGE_EVERY_S
        return self._usage

    def _measure_usage(self) -> Usage | None:
        try:
            self._sampler = self._sampler or TreeSampler()
        except LauncherError:
            return None
        self._sampler.follow(self._target.tree())
        return self._sampler.usage()

    def _trackers(self) -> list["_Tracker"]:
        trackers = [entry.tracker for entry in self._process_entries]
        return [*trackers, self._placement, *(check.tracker for check in self._checks)]

    def _look_at_processes(self) -> None:
        while not self._closed.is_set():
            try:
                next_due_s = self._pass_over_processes(time.monotonic())
            except LauncherError as error:
                self._on_failure(error)
                return
            except Exception as error:  # noqa: BLE001 - a thread that ends unheard would leave the gate as it was
                message = f"the gate could not look: {type(error).__name__}: {error}"
                self._on_failure(LauncherError(ExitCode.UNEXPECTED, message))
                return
            self._closed.wait(max(0.0, next_due_s - time.monotonic()))

    def _pass_over_processes(self, now_s: float) -> float:
        """Look at what is due and return when the next is."""
        scene = Scene(self._target, self._sampler, now_s)
        due = [entry for entry in self._process_entries if entry.is_due(now_s, self._period_s)]
        changed = [entry.look(scene, self._period_s) for entry in due]
        hold = all(entry.tracker.holds_at(now_s) for entry in self._process_entries)
        changed.append(self._prove_placement(hold, now_s))
        self._last_pass_s = time.monotonic()
        if hold and self._placement.holds:
            self._processes_hold.set()
        else:
            self._processes_hold.clear()
        if any(changed):
            self._notify()
        return min(self._placement_due_s, *(entry.due_s for entry in self._process_entries))

    def _prove_placement(self, hold: bool, now_s: float) -> bool:
        """Prove it when due and before the conditions first hold. LauncherError PLACEMENT_FAILED when it fails."""
        if now_s < self._placement_due_s and (self._placement.holds or not hold):
            return False
        try:
            problem = self._target.misplacement()
        except Exception as error:  # noqa: BLE001 - what could not be proved is not disproved
            self._placement_due_s = now_s + _PLACEMENT_STARTING_S
            return self._placement.update(blind_look(error), now_s)
        if problem is not None:
            self._placement.update(Look(False, problem), now_s)
            self._processes_hold.clear()
            raise LauncherError(ExitCode.PLACEMENT_FAILED, problem)
        self._placement_due_s = now_s + (_PLACEMENT_RUNNING_S if hold else _PLACEMENT_STARTING_S)
        # Only a program whose ports are open can be seen to listen where it should.
        return hold and self._placement.update(Look(True, "every process and port is in the compartment"), now_s)

    def _repeat_check(self, check: "_NetworkCheck") -> None:
        while not self._closed.is_set():
            if not self._processes_hold.wait(_CLOSE_WITHIN_S):
                continue
            look = _look_guarded(check.make)
            if check.tracker.update(look, time.monotonic()):
                self._notify()
            self._closed.wait(check.period_s)

    def _notify(self) -> None:
        if self.held_after_s is None and self.holds:
            self.held_after_s = time.monotonic() - self._target.started_at
        if not self._closed.is_set():
            self._on_change()


class _Tracker:
    """Counts good and bad looks in a row; so many of one kind turn the condition."""

    def __init__(self, name: str, successes: int, failures: int, stale_after_s: float) -> None:
        self.name = name
        self.value = "not looked at yet"
        self.holds = False
        self._needed = {True: successes, False: failures}
        self._in_a_row = 0
        self._stale_after_s = stale_after_s
        self._looked_s = 0.0
        self._is_blind = False

    def update(self, look: Look, now_s: float) -> bool:
        """Take one look into account; tell whether the condition turned.

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
        """Tell whether it holds and what is known is not too old."""
        return self.holds and not self._is_stale(now_s)

    def value_at(self, now_s: float) -> str:
        """Return what was seen last, or for how long nothing has been while it should hold."""
        if self.holds and not self._is_blind and self._is_stale(now_s):
            return f"not looked at for {now_s - self._looked_s:.0f} s"
        return self.value

    def _is_stale(self, now_s: float) -> bool:
        return now_s - self._looked_s > self._stale_after_s


class _ProcessEntry:
    """A condition on the processes with its thresholds and when to look next."""

    def __init__(self, condition: ProcessCondition, gate: Mapping[str, Any], stale_after_s: float) -> None:
        self._condition = condition
        self.due_s = 0.0
        stale_after_s = float("inf") if condition.holds_for_good else stale_after_s
        self.tracker = _Tracker(condition.name, gate["successThreshold"], gate["failureThreshold"], stale_after_s)

    def is_due(self, now_s: float, period_s: float) -> bool:
        """Tell whether to look; what holds comes along when nearly due, so that one wake-up a period serves all."""
        early_s = period_s / 2 if self.tracker.holds else 0.0
        return self.due_s <= now_s + early_s

    def look(self, scene: Scene, period_s: float) -> bool:
        """Look once; tell whether the condition turned."""
        look = _look_guarded(lambda: self._condition.look(scene))
        changed = self.tracker.update(look, scene.now_s)
        if self.tracker.holds and self._condition.holds_for_good:
            self.due_s = float("inf")
        elif look.good or self.tracker.holds:
            self.due_s = scene.now_s + period_s
        else:
            self.due_s = scene.now_s + min(self._condition.interval_s, period_s)
        return changed


def _look_guarded(make: Callable[[], Look]) -> Look:
    """Look; whatever nobody foresaw says nothing about the program, and the thread goes on."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - see above
        return blind_look(error)


class _NetworkCheck(NamedTuple):
    """A check with a thread of its own."""

    tracker: _Tracker
    period_s: float
    make: Callable[[], Look]


def _network_checks(
    gate: Mapping[str, Any], ports: Mapping[str, Any], ip: str, target: Target, compartment: Compartment
) -> Iterator[_NetworkCheck]:
    for name, check in gate["tcp"].items():
        endpoint = Endpoint(compartment, ip, _resolve_port(check["port"], ports))
        yield _network_check(f"tcp {name}", check, gate, _bind(check_tcp, endpoint, check["timeoutSeconds"]))
    for name, check in gate["http"].items():
        endpoint = Endpoint(compartment, ip, _resolve_port(check["port"], ports))
        make = _bind(check_http, endpoint, _http_request(check), check["timeoutSeconds"])
        yield _network_check(f"http {name}", check, gate, make)
    for name, check in gate["exec"].items():
        make = _bind(check_command, target, check["command"], check["timeoutSeconds"])
        yield _network_check(f"exec {name}", check, gate, make)


def _bind(function: Callable[..., Look], *arguments: object) -> Callable[[], Look]:
    return lambda: function(*arguments)


def _network_check(
    name: str, check: Mapping[str, Any], gate: Mapping[str, Any], make: Callable[[], Look]
) -> _NetworkCheck:
    """Give a check its timing: its own, else the gate's."""
    period_s, successes, failures = (
        gate[key] if check[key] is None else check[key]
        for key in ("periodSeconds", "successThreshold", "failureThreshold")
    )
    stale_after_s = 3 * period_s + check["timeoutSeconds"] + _STALE_SLACK_S
    return _NetworkCheck(_Tracker(name, successes, failures, stale_after_s), period_s, make)


def _http_request(check: Mapping[str, Any]) -> HttpRequest:
    try:
        body = re.compile(check["bodyMatches"]) if check["bodyMatches"] else None
    except re.error as error:
        message = f"bodyMatches {check['bodyMatches']!r} is not a regular expression: {error}"
        raise LauncherError(ExitCode.CONFIG_INVALID, message) from error
    headers = {**check["headers"], **({"Host": check["host"]} if check["host"] else {})}
    return HttpRequest(check["scheme"] == "https", check["path"], headers, frozenset(check["status"]), body)


def _resolve_port(port: int | str, ports: Mapping[str, Any]) -> int:
    if isinstance(port, int):
        return port
    if port not in ports:
        message = f"a gate check names the port {port!r}, which target.ports does not have"
        raise LauncherError(ExitCode.CONFIG_INVALID, message)
    return int(ports[port]["port"])
