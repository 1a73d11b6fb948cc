"""The loop: one thread, one queue. Other threads only post events; each is handled here, one at a time."""

import signal
import time
from queue import Empty, SimpleQueue

from mooring_launcher.attachment.attachment import Attachment, Hooks
from mooring_launcher.attachment.place import Place
from mooring_launcher.attachment.waiting import Patience
from mooring_launcher.cluster.anchor import Pod
from mooring_launcher.cluster.api import ApiClient
from mooring_launcher.cluster.heal import Healer
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.log import GateLog
from mooring_launcher.platforms.compartment import Backend
from mooring_launcher.platforms.lifetime import TREE, hint_of_start_program
from mooring_launcher.platforms.target import ExitStatus, Target
from mooring_launcher.replica import Setup
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.outcome import Outcome
from mooring_launcher.reports.vitals import Vitals
from mooring_launcher.runner.events import (
    AnchorsSeen,
    Event,
    GateFailed,
    LadderDone,
    MainProcessEnded,
    TargetEnded,
    Tick,
    WatchFailed,
)
from mooring_launcher.runner.keeping import Keeper
from mooring_launcher.runner.readiness import Probes
from mooring_launcher.runner.searching import Seeker
from mooring_launcher.runner.states import (
    Attached,
    Ended,
    Failed,
    Locating,
    Misplaced,
    Searching,
    State,
    Stopping,
    StopRequested,
    Waiting,
    concerns,
    end,
    is_ending,
    leave,
    lose_target,
)
from mooring_launcher.runner.stopping import Stopper
from mooring_launcher.runner.threads import Threads

HEARTBEAT_S = 1.0
_LIVE_S = 60.0


class Runner:
    """Pairs one target with its anchor and keeps it so until the target ends, a stop is requested, or it fails."""

    def __init__(self, setup: Setup, client: ApiClient, backend: Backend, log: Log) -> None:
        """Open the state directory. LauncherError STATE_UNWRITABLE."""
        self._setup = setup
        self._backend = backend
        self._log = log
        self._queue: SimpleQueue[Event] = SimpleQueue()
        self._turned_s = time.monotonic()
        self._vitals = Vitals(log.error)
        self._patience = Patience(setup.config["anchor"]["waitSeconds"], log)
        try:
            self._probes = Probes(setup, self._patience, self._vitals)
            self._threads = Threads(setup, client, log, self._vitals, self._queue.put)
        except OSError as error:
            message = f"the state directory {setup.state_dir}: {error}"
            raise LauncherError(ExitCode.STATE_UNWRITABLE, message) from error
        self._healer = Healer(client, setup.namespace, log)
        self._candidates: list[Pod] = []
        self._seeker = Seeker(setup, backend, self._healer, self._patience, log, self._attach)
        self._keeper = Keeper(setup, backend, log)
        self._stopper = Stopper(setup, client, log, self._announce, self._queue.put, lambda: self._candidates)
        self._generation = 0
        """The number of the latest attachment; what an earlier one still reports is out of date."""
        self._targets = 0
        """How many targets have been started; all but the first were restarts in place."""
        self._state: State = Searching(has_been_attached=False)

    def run(self) -> Outcome:
        """Run until there is an outcome."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._backend.block_shutdown(self._on_stop)
        self._patience.wait(ExitCode.API_UNREACHABLE, "the API server's first answer")
        self._threads.start()
        try:
            while not isinstance(self._state, Ended):
                try:
                    self._turn()
                except LauncherError as error:
                    self._fail(error)
        finally:
            self._finish()
        return self._state.outcome

    def _turn(self) -> None:
        """Report the state, then handle the next event and do what is due."""
        self._turned_s = time.monotonic()
        self._probes.write(self._state)
        try:
            event = self._queue.get(timeout=self._next_due_s())
        except Empty:
            event = Tick()
        self._handle(event)
        self._proceed()

    def _next_due_s(self) -> float:
        """Return the seconds until something is due, whatever is posted."""
        match self._state:
            case Searching(progress=Locating(search)):
                return min(HEARTBEAT_S, max(0.0, search.due_s - time.monotonic()))
            case _:
                return HEARTBEAT_S

    def _handle(self, event: Event) -> None:
        match event:
            case Tick():
                pass
            case AnchorsSeen(candidates):
                self._candidates = candidates
                self._consider()
            case WatchFailed(error):
                self._log.warning("api-problem", problem=str(error))
                match self._state:
                    case Searching(progress=Waiting() | Misplaced()):
                        self._patience.wait(error.code, str(error))
            case StopRequested(by):
                self._log.info("stop-requested", by=by, again=is_ending(self._state))
                self._become(end(self._state, event))
            case TargetEnded(generation) | MainProcessEnded(generation) | GateFailed(generation):
                if concerns(self._state, generation):
                    self._handle_report(event)
            case LadderDone(rung):
                self._leave(rung)

    def _handle_report(self, event: TargetEnded | MainProcessEnded | GateFailed) -> None:
        """Handle what the attachment of this state reports."""
        match event, self._state:
            case TargetEnded(_, status), Attached() as attached:
                self._lose_target(attached, status)
            case MainProcessEnded(_, status), Attached(attachment) | Stopping(attachment):
                self._log_main_exit(attachment.target, status)
            case GateFailed(_, error), _:
                self._fail(error)

    def _consider(self) -> None:
        """Act on what the API says. While the ladder runs nothing is decided; afterwards it is looked at again."""
        match self._state:
            case Searching() as searching:
                self._become(self._seeker.consider(searching, self._candidates))
            case Attached() as attached:
                self._become(self._keeper.consider(attached, self._candidates))

    def _proceed(self) -> None:
        """Do what is due, whatever was posted."""
        match self._state:
            case Searching() as searching:
                self._become(self._seeker.proceed(searching))
            case Attached() as attached:
                self._become(self._keeper.proceed(attached, self._candidates))

    def _become(self, state: State) -> None:
        """Enter a state. A stop makes the replica unready immediately and starts the ladder."""
        before, self._state = self._state, state
        match before, state:
            case Attached(), Stopping():
                self._probes.write(self._state)
                self._stopper.start_ladder(state)

    # Attaching.

    def _attach(self, place: Place, anchor_ready: bool) -> Attached:
        """Start the target there. LauncherError or OSError when that fails."""
        self._generation += 1
        attachment = Attachment(
            self._backend,
            self._setup.config,
            self._setup.ordinal,
            place,
            self._setup.environ,
            self._hooks(self._generation),
            generation=self._generation,
            restarts=self._targets,
        )
        self._targets += 1
        self._vitals.expect(attachment.server_thread)
        started_at = attachment.target.started_at
        self._log.info("target-started", pid=attachment.target.pid, seconds=round(started_at - place.since_s, 4))
        return Attached(attachment, place.anchor, GateLog(self._log, started_at), anchor_ready)

    def _hooks(self, generation: int) -> Hooks:
        return Hooks(
            stopping=self._why_stopping,
            why_not_live=self._why_not_live,
            warn=lambda problem: self._log.warning("health-server-problem", problem=problem),
            on_exit=lambda status: self._queue.put(TargetEnded(generation, status)),
            on_main_exit=lambda status: self._queue.put(MainProcessEnded(generation, status)),
            on_gate=lambda: self._queue.put(Tick()),
            on_failure=lambda error: self._queue.put(GateFailed(generation, error)),
        )

    # Ending.

    def _on_signal(self, number: int, _frame: object) -> None:
        # SimpleQueue.put is reentrant, which a signal handler needs.
        self._on_stop(signal.Signals(number).name)

    def _on_stop(self, by: str) -> None:
        self._queue.put(StopRequested(by))

    def _fail(self, error: LauncherError) -> None:
        if not is_ending(self._state):
            self._log.error("failed", code=error.code.name, message=str(error))
        self._become(end(self._state, Failed(error)))

    def _lose_target(self, attached: Attached, status: ExitStatus) -> None:
        target = attached.attachment.target
        if self._setup.config["target"]["lifetime"] != TREE:
            lived_s = time.monotonic() - target.started_at
            hint = hint_of_start_program(status, lived_s, target.left_behind())
            status = status._replace(sentence=status.sentence + hint)
        self._log.warning("target-exited", code=status.code, message=status.sentence)
        self._become(lose_target(attached, status))

    def _log_main_exit(self, target: Target, status: ExitStatus) -> None:
        """Log that the target continues without its main process, as lifetime tree allows."""
        if target.wait(0) is None:
            left = sorted(target.left_behind())
            self._log.info("main-process-exited", code=status.code, message=status.sentence, left=left)

    def _announce(self, step: str) -> None:
        self._log.info("stopping", step=step)
        self._threads.listener.announce(step)

    def _leave(self, rung: str) -> None:
        """Continue after the ladder: end, or search for the next anchor."""
        match self._state:
            case Stopping() as stopping:
                following = leave(stopping, rung)
                self._close(stopping.attachment)
                self._become(following)
                self._patience.reset()
                self._consider()

    def _close(self, attachment: Attachment) -> None:
        self._vitals.release(attachment.server_thread)
        attachment.close()

    def _finish(self) -> None:
        """Leave nothing running and no request waiting."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # kubelet's SIGTERM right after preStop must not replace the exit code that is about to be returned.
            signal.signal(number, signal.SIG_IGN)
        self._threads.release()
        self._healer.cancel()
        match self._state:
            case Attached(attachment) | Stopping(attachment):  # only after an unexpected error
                self._close(attachment)
        self._threads.listener.announce("stopped")
        self._threads.listener.close()
        self._probes.close()

    def last_act(self) -> None:
        """Mirror the scale once more after a stop, when everything else is done: it may take seconds, in vain."""
        match self._state:
            case Stopping(then=StopRequested()) | Ended(StopRequested()):
                if self._threads.follower is not None:
                    self._threads.follower.finish()

    # What attachments report.

    def _why_not_live(self) -> str:
        """Return why this launcher should be restarted; empty while it should not."""
        if time.monotonic() - self._turned_s >= _LIVE_S:
            return "the launcher's main loop is stuck"
        return self._vitals.problem()

    def _why_stopping(self) -> str:
        match self._state:
            case Stopping(reason=reason):
                return reason
            case _:
                return ""
