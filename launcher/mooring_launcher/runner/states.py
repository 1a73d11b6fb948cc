"""The states of a run and the rules that lead from one to the next. Pure: a state in, the next state out.

    Searching ──> Attached ──> Stopping ──> Ended
        ^                          │
        └──────────────────────────┘  if only the anchor was lost

A state holds what exists in it and nothing else: no attachment while searching, no search while attached.
"""

import signal
from typing import NamedTuple

from mooring_launcher.attachment.attachment import Attachment
from mooring_launcher.attachment.waiting import Search
from mooring_launcher.cluster.anchor import Attached as Anchor
from mooring_launcher.cluster.anchor import Pod
from mooring_launcher.errors import LauncherError
from mooring_launcher.gate.log import GateLog
from mooring_launcher.platforms.target import ExitStatus, Target
from mooring_launcher.reports.outcome import Outcome, failure

_CONTROL_C_EXIT = 0xC000013A
"""The exit code of a Windows program that does not handle a console event (STATUS_CONTROL_C_EXIT)."""


class Waiting(NamedTuple):
    """There is no anchor to attach to."""


class Locating(NamedTuple):
    """The anchor runs on this node; its compartment is being looked for."""

    search: Search
    pod: Pod
    """The anchor, as the API describes it."""
    anchor_ready: bool


class Misplaced(NamedTuple):
    """The anchor cannot come to this node: the launcher evicts itself at `due_s` (time.monotonic())."""

    due_s: float


class Searching(NamedTuple):
    """No target runs, and the next one has nowhere to run yet."""

    has_been_attached: bool
    """Whether a target has run before."""
    progress: Waiting | Locating | Misplaced = Waiting()


class Attached(NamedTuple):
    """The target runs beside its anchor."""

    attachment: Attachment
    anchor: Anchor
    """Its current state: its container may have been restarted since."""
    gate_log: GateLog
    anchor_ready: bool
    has_been_ready: bool = False
    """Whether the gate has held, so that traffic may have arrived."""
    unverified: bool = False
    """Whether the anchor's container was restarted, and whether in the same compartment could not be seen yet."""


class StopRequested(NamedTuple):
    """The launcher was asked to stop: by a signal, the stop command, or the node's shutdown."""

    by: str


class Failed(NamedTuple):
    """The launcher cannot go on."""

    error: LauncherError


class TargetExited(NamedTuple):
    """The target ended by itself."""

    status: ExitStatus


Ending = StopRequested | Failed | TargetExited


class SearchAgain(NamedTuple):
    """The anchor was lost: after the stop the launcher looks for the next one."""


class Stopping(NamedTuple):
    """The ladder stops the target; `then` is what follows."""

    attachment: Attachment
    reason: str
    drains: bool
    """Whether traffic may still arrive, so that the ladder begins with a drain."""
    then: Ending | SearchAgain


class Ended(NamedTuple):
    """No target runs, and none will."""

    ending: Ending
    outcome: Outcome


State = Searching | Attached | Stopping | Ended


def is_ending(state: State) -> bool:
    """Return whether it is decided that the run ends. The first ending counts; later ones change nothing."""
    match state:
        case Searching() | Attached() | Stopping(then=SearchAgain()):
            return False
        case Stopping() | Ended():
            return True


def concerns(state: State, generation: int) -> bool:
    """Return whether a report from the attachment of that generation still matters: those of earlier ones come late."""
    match state:
        case Attached(attachment) | Stopping(attachment):
            return attachment.generation == generation
        case Searching() | Ended():
            return False


def end(state: State, ending: StopRequested | Failed) -> State:
    """End the run: immediately if no target runs, else by the ladder."""
    match state:
        case Searching(has_been_attached):
            return Ended(ending, _outcome_without_target(ending, has_been_attached))
        case Attached():
            return _begin_to_end(state, ending)
        case Stopping(then=SearchAgain()):
            return state._replace(then=ending)
        case Stopping() | Ended():
            return state


def lose_target(state: Attached, status: ExitStatus) -> Stopping:
    """End the run because the target has ended: the ladder only cleans up."""
    return Stopping(state.attachment, "the target has ended", drains=False, then=TargetExited(status))


def lose_anchor(state: Attached, reason: str, *, graceful: bool) -> Stopping:
    """Stop the target because its anchor is lost; `graceful` while the anchor's network still works."""
    return Stopping(state.attachment, reason, drains=graceful and state.has_been_ready, then=SearchAgain())


def leave(state: Stopping, rung: str) -> Searching | Ended:
    """Continue after the ladder, which ended the target on that rung."""
    match state.then:
        case SearchAgain():
            return Searching(has_been_attached=True)
        case StopRequested(by) as ending:
            return Ended(ending, _outcome_of_stop(by, state.attachment.target, rung))
        case Failed(error) as ending:
            return Ended(ending, failure(error))
        case TargetExited(status) as ending:
            return Ended(ending, Outcome("target", status.code, f"the target {status.sentence}"))


def _begin_to_end(state: Attached, ending: StopRequested | Failed) -> Stopping:
    match ending:
        case StopRequested(by):
            return Stopping(state.attachment, f"stopping ({by})", state.has_been_ready, ending)
        case Failed(error):
            return Stopping(state.attachment, str(error), False, ending)


def _outcome_without_target(ending: StopRequested | Failed, has_been_attached: bool) -> Outcome:
    match ending:
        case StopRequested(by):
            when = "while no target ran" if has_been_attached else "before a target was started"
            return Outcome("launcher", 0, f"stopped by {by} {when}")
        case Failed(error):
            return failure(error)


def _outcome_of_stop(by: str, target: Target, rung: str) -> Outcome:
    """Return 0 for a target that ended as requested, else its own code."""
    status = target.wait(0)
    if status is None:
        return Outcome("launcher", 0, f"stopped by {by}")
    if rung == target.asks_by and (status.signal == signal.SIGTERM or status.code == _CONTROL_C_EXIT):
        return Outcome("target", 0, f"stopped by {by}: the target ended on {rung}")
    return Outcome("target", status.code, f"stopped by {by} ({rung}): the target {status.sentence}")
