"""The health gate: every condition that is set must hold before the replica is ready, and while it is.

One thread looks at the target's processes; each network or command check has its own thread, which works only
while the conditions on the processes hold. A condition that has not been looked at for too long does not hold.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.checks import Endpoint, Look, blind_look, check_tcp
from mooring_launcher.gate.conditions import (
    STALE_SLACK_S,
    Condition,
    NetworkCheck,
    ProcessEntry,
    Tracker,
    http_request,
    look_guarded,
    network_checks,
    resolve_port,
)
from mooring_launcher.gate.process import Scene, needs_psutil, process_conditions
from mooring_launcher.gate.psutil import TreeSampler, Usage, load_psutil
from mooring_launcher.platforms.compartment import Inside
from mooring_launcher.platforms.target import Target

# The placement proof reads every descriptor of the tree, so it is made less often than the other looks: often while
# the program starts, when it has first opened its ports, then occasionally.
_PLACEMENT_STARTING_S = 0.25
_PLACEMENT_RUNNING_S = 10.0

_CLOSE_WITHIN_S = 1.0
_CONNECT_LIMIT_S = 1.0
_USAGE_EVERY_S = 1.0


def check_gate(gate: Mapping[str, Any], ports: Mapping[str, Any]) -> None:
    """Make sure that this configuration makes a valid gate, before a program is started in vain.

    LauncherError PSUTIL_MISSING when a condition needs psutil and it is not there, CONFIG_INVALID for a port's unknown
    name or an invalid expression.
    """
    if needs_psutil(gate):
        load_psutil()
    for check in (*gate["tcp"].values(), *gate["http"].values()):
        resolve_port(check["port"], ports)
    for check in gate["http"].values():
        http_request(check)


class Gate:
    """Judges one started target. `on_change` is called from the gate's threads whenever a condition changes."""

    def __init__(
        self,
        gate: Mapping[str, Any],
        ports: Mapping[str, Any],
        ip: str,
        target: Target,
        inside: Inside,
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
        self._stale_after_s = 3 * self._period_s + STALE_SLACK_S
        self._sampler = TreeSampler() if needs_psutil(gate) else None

        def connect(port: int) -> Look:
            return check_tcp(Endpoint(inside, ip, port), _CONNECT_LIMIT_S)

        conditions = process_conditions(gate, ports, ip, connect)
        self._process_entries = [ProcessEntry(condition, gate, self._stale_after_s) for condition in conditions]
        self._placement = Tracker("placement", 1, 1, float("inf"))
        self._placement_due_s = 0.0
        self._checks = list(network_checks(gate, ports, ip, target, inside))
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
        """Stop looking: from now on the gate does not hold, and nothing is called back."""
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
        """Return the first condition that does not hold, or that the gate has stalled; None if all hold."""
        failing = next((condition for condition in self.conditions() if not condition.holds), None)
        age_s = time.monotonic() - self._last_pass_s
        if failing is None and age_s > self._stale_after_s:
            return Condition("gate", False, f"not checked for {age_s:.0f} s")
        return failing

    def what_fails(self) -> str:
        """Return the same with its last value; nothing when all holds."""
        failing = self.first_failing()
        return f"{failing.name}: {failing.value}" if failing is not None else ""

    def usage(self) -> Usage | None:
        """Return what the target's processes use, None where psutil is not installed; measured once a second at most.

        A client that polls must not keep the health server's one thread busy.
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

    def _trackers(self) -> list[Tracker]:
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
                message = f"the gate could not run its checks: {type(error).__name__}: {error}"
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

    def _repeat_check(self, check: NetworkCheck) -> None:
        while not self._closed.is_set():
            if not self._processes_hold.wait(_CLOSE_WITHIN_S):
                continue
            look = look_guarded(check.make)
            if check.tracker.update(look, time.monotonic()):
                self._notify()
            self._closed.wait(check.period_s)

    def _notify(self) -> None:
        if self.held_after_s is None and self.holds:
            self.held_after_s = time.monotonic() - self._target.started_at
        if not self._closed.is_set():
            self._on_change()
