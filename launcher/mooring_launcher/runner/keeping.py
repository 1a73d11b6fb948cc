"""Attached: whether the anchor is still the right one, and whether the gate holds."""

import time

from mooring_launcher.attachment.waiting import find_own_compartments
from mooring_launcher.cluster.anchor import Attached as Anchor
from mooring_launcher.cluster.anchor import Keep, Leaving, Pod, Replaced, Verify, judge
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.compartment import Backend
from mooring_launcher.replica import Setup
from mooring_launcher.reports.log import Log
from mooring_launcher.runner.states import Attached, Stopping, lose_anchor


class Keeper:
    """Acts while the loop is Attached."""

    def __init__(self, setup: Setup, backend: Backend, log: Log) -> None:
        self._setup = setup
        self._backend = backend
        self._log = log
        self._gate = setup.config["gate"]

    def consider(self, state: Attached, candidates: list[Pod]) -> Attached | Stopping:
        """Take in what the API says about the pods."""
        match judge(candidates, self._setup.me, state.anchor):
            case Keep(ready):
                return state._replace(anchor_ready=ready)
            case Verify(anchor, ready):
                return self._verify(state._replace(anchor_ready=ready), anchor)
            case Leaving(reason):
                return self._lose_anchor(state, reason, graceful=True)
            case Replaced(reason):
                return self._lose_anchor(state, reason, graceful=False)
        return state

    def proceed(self, state: Attached, candidates: list[Pod]) -> Attached | Stopping:
        """Do what is due. LauncherError if the gate did not hold in time, or has failed and a restart is configured."""
        if state.unverified:
            match self.consider(state, candidates):
                case Stopping() as stopping:
                    return stopping
                case Attached() as attached:
                    state = attached
        return self._look_at_gate(state)

    def _verify(self, state: Attached, anchor: Anchor) -> Attached | Stopping:
        """Keep the target if the restarted container kept its network, as it usually does.

        If that cannot be looked up, keep it too and look again later: nothing proves that it must stop.
        """
        try:
            found = find_own_compartments(self._backend, anchor)
        except (LauncherError, OSError) as error:
            if not state.unverified:
                self._log.warning("anchor-restarted-unverified", anchor=anchor.name, problem=str(error))
            return state._replace(unverified=True)
        if state.attachment.place.compartment.id in [compartment.id for compartment in found]:
            self._log.info("anchor-restarted", anchor=anchor.name, containerId=anchor.container_id)
            return state._replace(anchor=anchor, unverified=False)
        return self._lose_anchor(state, f"the anchor {anchor.name} restarted in another compartment", graceful=False)

    def _lose_anchor(self, state: Attached, reason: str, *, graceful: bool) -> Stopping:
        self._log.warning("detaching", reason=reason)
        return lose_anchor(state, reason, graceful=graceful)

    def _look_at_gate(self, state: Attached) -> Attached:
        gate, target = state.attachment.gate, state.attachment.target
        if gate.holds:
            state.gate_log.holds()
            return state._replace(has_been_ready=True)
        if (failing := gate.first_failing()) is not None:
            state.gate_log.fails(failing)
        waited_s = time.monotonic() - target.started_at
        if state.has_been_ready and self._gate["onUnhealthy"] == "restart" and gate.has_failed:
            message = f"the gate stopped holding: {gate.what_fails()}"
            raise LauncherError(ExitCode.UNHEALTHY_RESTART, message)
        if not state.has_been_ready and waited_s > self._gate["startTimeoutSeconds"]:
            message = f"the gate did not hold within {self._gate['startTimeoutSeconds']} s: {gate.what_fails()}"
            raise LauncherError(ExitCode.GATE_TIMEOUT, message)
        return state
