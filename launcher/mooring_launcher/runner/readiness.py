"""What a run reports to the probe commands: whether it is ready, and if not, why."""

from mooring_launcher.attachment.report import NEVER_HELD
from mooring_launcher.attachment.waiting import Patience
from mooring_launcher.replica import Setup
from mooring_launcher.reports.status import StatusFile
from mooring_launcher.reports.vitals import Vitals
from mooring_launcher.runner.states import Attached, Ended, Searching, State, Stopping


class Probes:
    """Answers the probe commands through the status file."""

    def __init__(self, setup: Setup, patience: Patience, vitals: Vitals) -> None:
        """Create the file. OSError when the state directory is not writable."""
        self._file = StatusFile(setup.state_dir)
        self._setup = setup
        self._patience = patience
        self._vitals = vitals
        self._has_been_ready = False

    def write(self, state: State) -> None:
        """Report the state, with a fresh heartbeat."""
        unready = why_unready(state, self._patience.reason, self._setup)
        died = self._vitals.problem()
        self._has_been_ready |= not unready
        self._file.write(ready=not unready, started=self._has_been_ready, live=not died, reason=died or unready)

    def close(self) -> None:
        """Remove the file: what a launcher that has ended reported is out of date."""
        self._file.close()


def why_unready(state: State, waiting_for: str, setup: Setup) -> str:
    """Return why the replica is not ready; empty if it is. `waiting_for` is what a search waits for."""
    match state:
        case Searching():
            return f"waiting: {waiting_for}"
        case Attached(attachment) if not attachment.gate.holds:
            return attachment.gate.what_fails() or NEVER_HELD
        case Attached(anchor=anchor, anchor_ready=False) if decides_for_anchor(setup):
            return f"the anchor {anchor.name} is not Ready"
        case Attached():
            return ""
        case Stopping(reason=reason):
            return reason
        case Ended(outcome=outcome):
            return outcome.message


def decides_for_anchor(setup: Setup) -> bool:
    """Return whether this launcher answers its anchor's /readyz, rather than a sibling at a shared anchor.

    The siblings do not wait for the anchor to be Ready: a rollout begins with the last ordinal, and would wait forever
    for a first one that the rollout has yet to repair.
    """
    start: int = setup.config["ordinals"]["start"]
    return setup.config["anchor"]["strategy"] != "shared" or setup.ordinal == start
