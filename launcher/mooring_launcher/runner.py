"""The main loop: one thread, one queue. Whatever happens elsewhere is posted to it as a call and handled in turn."""

import signal
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from mooring_launcher.attachment import Attachment, Hooks, Place
from mooring_launcher.cluster.anchor import (
    Ambiguous,
    Attach,
    Attached,
    Elsewhere,
    Keep,
    Leaving,
    Replaced,
    Unschedulable,
    Verify,
    Wait,
    find_gaps,
    has_left,
    judge,
)
from mooring_launcher.cluster.answers import Object
from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.cluster.follow import ScaleFollower
from mooring_launcher.cluster.heal import Healer
from mooring_launcher.cluster.watch import ListWatch, ObjectWatch
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.log import GateLog
from mooring_launcher.platforms.compartment import Backend
from mooring_launcher.platforms.lifetime import TREE, hint_of_start_program
from mooring_launcher.platforms.target import ExitStatus, Target
from mooring_launcher.replica import Setup, anchor_resource, bootstrap_fields
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.outcome import Outcome, failure
from mooring_launcher.reports.status import StatusFile
from mooring_launcher.reports.vitals import Living, Vitals
from mooring_launcher.stop import Ladder, listen_for_stop
from mooring_launcher.waiting import Patience, Search, find_own_compartments

HEARTBEAT_S = 1.0
_LIVE_S = 60.0
_ASK_ANCHOR_S = 3.0
"""How long a stop at a shared anchor waits for the API's word on it; the grace period may be nearly over."""
_CONTROL_C_EXIT = 0xC000013A
"""What Windows ends a program with that does not handle a console event (STATUS_CONTROL_C_EXIT)."""
_RETRIED = (ExitCode.COMPARTMENT_NOT_FOUND, ExitCode.COMPARTMENT_AMBIGUOUS)


T = TypeVar("T")


class Runner:
    """Pairs one target with its anchor and keeps it so until the target ends, a stop is asked for, or it fails."""

    def __init__(self, setup: Setup, client: ApiClient, backend: Backend, log: Log) -> None:
        """Open the state directory. LauncherError STATE_UNWRITABLE."""
        self._setup = setup
        self._config = setup.config
        self._backend = backend
        self._log = log
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started_s = self._turned_s = time.monotonic()
        self._vitals = Vitals(log.error)
        self._open_state(setup.state_dir)
        self._client = client
        self._healer = Healer(client, setup.namespace, log)
        self._watch = self._make_watch(client)
        self._follower = self._make_follower(client)
        self._patience = Patience(self._config["anchor"]["waitSeconds"], log)
        self._candidates: list[Object] | None = None
        self._anchor_ready = False
        self._unverified = False
        self._misplaced_since_s: float | None = None
        self._search: Search | None = None
        self._attachment: Attachment | None = None
        self._ladder: Ladder | None = None
        self._stop_reason = ""
        self._stop_asked = False
        self._ending: Callable[[str], Outcome] | None = None
        self._outcome: Outcome | None = None
        self._restarts = 0
        self._started_once = False
        self._gate_log = GateLog(log, self._started_s)

    def run(self) -> Outcome:
        """Run until there is an outcome."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._backend.block_shutdown(self._hear_stop)
        self._patience.wait(ExitCode.API_UNREACHABLE, "the API server's first answer")
        for thread in self._threads():
            thread.start()
            self._vitals.expect(thread)
        try:
            while self._outcome is None:
                try:
                    self._turn()
                except LauncherError as error:
                    self._fail(error)
        finally:
            self._finish()
        return self._outcome

    def _turn(self) -> None:
        """Handle what was posted, or what is due, and say how things are."""
        self._turned_s = time.monotonic()
        self._write_status()
        try:
            action = self._queue.get(timeout=self._next_due_s())
        except Empty:
            self._tick()
        else:
            action()
            self._tick()

    def _next_due_s(self) -> float:
        """Return the seconds until there is something to do without being told."""
        if self._search is None or self._ladder is not None:
            return HEARTBEAT_S
        return min(HEARTBEAT_S, max(0.0, self._search.due_s - time.monotonic()))

    def _tick(self) -> None:
        if self._outcome is not None or self._ladder is not None:
            return
        if self._attachment is not None:
            if self._unverified:
                self._consider()
            if self._ladder is None:
                self._look_at_gate(self._attachment)
            return
        if self._search is not None and self._search.is_due():
            self._try_compartment(self._search)
        if self._attachment is None:
            self._evict_self_when_due()
            self._patience.check()

    # What the other threads tell. Each runs there and only posts.

    def _hear_anchor(self, found: Object | None, _fresh: bool) -> None:
        self._hear_anchors([] if found is None else [found])

    def _hear_anchors(self, found: list[Object]) -> None:
        self._queue.put(partial(self._on_anchor, found))

    def _hear_problem(self, error: ApiError) -> None:
        self._queue.put(partial(self._on_problem, error))

    def _hear_stop(self, source: str) -> None:
        self._queue.put(partial(self._on_stop, source))

    def _on_signal(self, number: int, _frame: object) -> None:
        # SimpleQueue.put is reentrant, which a signal handler needs.
        self._queue.put(partial(self._on_stop, signal.Signals(number).name))

    # The anchor.

    def _on_anchor(self, candidates: list[Object]) -> None:
        self._candidates = candidates
        self._consider()

    def _on_problem(self, error: ApiError) -> None:
        self._log.warning("api-problem", problem=str(error))
        if self._attachment is None and self._search is None:
            self._patience.wait(error.code, str(error))

    def _consider(self) -> None:
        """Act on what the pods mean now. While a ladder runs nothing is decided; afterwards it is looked at anew."""
        if self._candidates is None or self._ladder is not None or self._outcome is not None:
            return
        if self._attachment is not None:
            self._consider_attached(self._attachment, self._candidates)
        else:
            self._consider_free(self._candidates)

    def _consider_attached(self, attachment: Attachment, candidates: list[Object]) -> None:
        verdict = judge(candidates, self._setup.me, attachment.anchor)
        match verdict:
            case Keep(ready):
                self._anchor_ready = ready
            case Verify(anchor, ready):
                self._anchor_ready = ready
                self._verify(attachment, anchor)
            case Leaving(reason):
                self._detach(reason, graceful=True)
            case Replaced(reason):
                self._detach(reason, graceful=False)

    def _consider_free(self, candidates: list[Object]) -> None:
        verdict = judge(candidates, self._setup.me)
        follows = self._setup.me.anchor_follows
        misplaced = isinstance(verdict, Unschedulable if follows else Elsewhere)
        if not misplaced:
            self._misplaced_since_s = None
        if not (misplaced or (follows and isinstance(verdict, Elsewhere))):
            self._healer.cancel()
        if not isinstance(verdict, Attach):
            self._search = None
        match verdict:
            case Wait(reason):
                self._patience.wait(ExitCode.ANCHOR_NOT_FOUND, reason)
            case Ambiguous(names):
                self._patience.wait(ExitCode.ANCHOR_AMBIGUOUS, f"one anchor, found {' and '.join(names)}")
            case Elsewhere(name, uid, node):
                reason = f"the anchor {name} is on node {node}, not on {self._setup.me.node}"
                self._patience.wait(ExitCode.ANCHOR_ELSEWHERE, reason)
                if follows:
                    self._healer.evict(name, uid, reason)
                else:
                    self._begin_to_move(at_once=self._restarts > 0)
            case Unschedulable(reason):
                self._patience.wait(ExitCode.ANCHOR_NOT_FOUND, reason)
                if follows:
                    self._begin_to_move(at_once=False)
            case Attach(anchor, ready):
                self._anchor_ready = ready
                self._search_for(anchor)

    def _begin_to_move(self, *, at_once: bool) -> None:
        """Give the pair time to come together here, or none: an anchor that moved away after an attachment stays there.

        A launcher that was placed beside the wrong node to begin with must not be re-created in a tight circle.
        """
        if self._misplaced_since_s is None:
            already_s = float(self._config["anchor"]["unschedulableSeconds"]) if at_once else 0.0
            self._misplaced_since_s = time.monotonic() - already_s

    def _evict_self_when_due(self) -> None:
        """Move on to a node where the anchor is, or fits as well, once per budget."""
        since_s = self._misplaced_since_s
        if since_s is None or time.monotonic() - since_s < self._config["anchor"]["unschedulableSeconds"]:
            return
        self._misplaced_since_s = time.monotonic()
        self._healer.evict(
            self._setup.own_pod, self._setup.own_uid, f"to be where its anchor can be: {self._patience.reason}"
        )

    # The compartment.

    def _search_for(self, anchor: Attached) -> None:
        if self._search is None or self._search.anchor != anchor:
            self._search = Search(anchor)

    def _try_compartment(self, search: Search) -> None:
        """Attach when the anchor's IP is usable in exactly one compartment; nothing tells when it becomes so."""
        search.postpone()
        try:
            compartment = search.look(self._backend)
            self._attach(Place(search.anchor, compartment, self._patience.since_s))
        except LauncherError as error:
            if error.code not in _RETRIED:
                raise
            self._patience.wait(error.code, str(error))
        except OSError as error:  # of descriptors or memory there may be enough at the next look
            self._patience.wait(ExitCode.COMPARTMENT_NOT_FOUND, f"the anchor's compartment: {error}")

    def _verify(self, attachment: Attachment, anchor: Attached) -> None:
        """Keep the target when the restarted container kept its network, as it usually does.

        While that cannot be looked at it is kept as well, and looked at again: nothing proves that it has to go.
        """
        try:
            found = find_own_compartments(self._backend, anchor)
        except (LauncherError, OSError) as error:
            if not self._unverified:
                self._log.warning("anchor-restarted-unverified", anchor=anchor.name, problem=str(error))
            self._unverified = True
            return
        self._unverified = False
        if attachment.place.compartment.id in [compartment.id for compartment in found]:
            attachment.place = attachment.place._replace(anchor=anchor)
            self._log.info("anchor-restarted", anchor=anchor.name, containerId=anchor.container_id)
        else:
            self._detach(f"the anchor {anchor.name} restarted in another compartment", graceful=False)

    # The target.

    def _attach(self, place: Place) -> None:
        self._log.info("bootstrap", **bootstrap_fields(self._setup, place))
        self._tell_gaps(place.anchor)
        hooks = Hooks(
            stopping=lambda: self._stop_reason,
            why_not_live=self._why_not_live,
            restarts=lambda: self._restarts,
            anchor_leaves=lambda: self._is_leaving(place.anchor),
            warn=lambda problem: self._log.warning("health-server-problem", problem=problem),
            tell_step=self._tell_step,
            on_exit=self._post_while(self._restarts, self._on_target_exit),
            on_main_exit=self._post_while(self._restarts, self._on_main_exit),
            on_gate=lambda: self._queue.put(lambda: None),  # _tick looks at the gate
            on_failure=self._post_while(self._restarts, self._fail),
        )
        attachment = Attachment(self._backend, self._config, self._setup.ordinal, place, hooks)
        attachment.start(self._setup.environ)
        self._vitals.expect(attachment.server_thread)
        self._attachment = attachment
        self._gate_log = GateLog(self._log, attachment.target.started_at)
        self._search = None
        self._patience.reset()
        started = {"pid": attachment.target.pid, "seconds": round(attachment.target.started_at - place.since_s, 4)}
        self._log.info("target-started", **started)

    def _is_leaving(self, anchor: Attached) -> bool:
        """Tell whether the anchor goes, as the API says now; if it says nothing, as the watch said last."""
        try:
            candidates = self._client.find(anchor_resource(self._setup.me), _ASK_ANCHOR_S)
        except ApiError as error:
            self._log.warning("api-problem", problem=str(error))
            candidates = self._candidates or []
        return has_left(candidates, anchor)

    def _tell_gaps(self, anchor: Attached) -> None:
        """Warn of what an anchor that others made lacks: it works without, but not as well."""
        if self._config["anchor"]["create"] or not self._speaks_for_anchor:
            return
        own = next(pod for pod in self._candidates or [] if pod["metadata"]["uid"] == anchor.uid)
        gaps = find_gaps(own, self._config["readiness"]["port"], self._config["anchorGraceSeconds"])
        if gaps:
            self._log.warning("anchor-incomplete", anchor=anchor.name, gaps=gaps)

    def _post_while(self, generation: int, action: Callable[[T], None]) -> Callable[[T], None]:
        """Return a function that posts a call, which does nothing once the target has been started anew."""

        def call(told: T) -> None:
            if self._restarts == generation:
                action(told)

        return lambda told: self._queue.put(partial(call, told))

    def _look_at_gate(self, attachment: Attachment) -> None:
        gate = self._config["gate"]
        held_once = attachment.held_once
        if attachment.gate_holds:
            attachment.held_once = True
            self._gate_log.holds()
            return
        if (failing := attachment.first_failing()) is not None:
            self._gate_log.fails(failing)
        waited_s = time.monotonic() - attachment.target.started_at
        if held_once and gate["onUnhealthy"] == "restart" and attachment.gate_has_failed:
            message = f"the gate stopped holding: {attachment.what_fails()}"
            self._fail(LauncherError(ExitCode.UNHEALTHY_RESTART, message))
        elif not held_once and waited_s > gate["startTimeoutSeconds"]:
            message = f"the gate did not hold within {gate['startTimeoutSeconds']} s: {attachment.what_fails()}"
            self._fail(LauncherError(ExitCode.GATE_TIMEOUT, message))

    def _on_main_exit(self, status: ExitStatus) -> None:
        """Say that the target goes on without its main process, which lifetime tree allows."""
        target = self._attachment.target if self._attachment is not None else None
        if target is not None and target.wait(0) is None:
            left = sorted(target.left_behind())
            self._log.info("main-process-exited", code=status.code, message=status.sentence, left=left)

    def _on_target_exit(self, status: ExitStatus) -> None:
        if self._ladder is None and self._attachment is not None:
            sentence = status.sentence + self._hint_of_lifetime(self._attachment.target, status)
            self._log.warning("target-exited", code=status.code, message=sentence)
            self._ending = lambda _rung: Outcome("target", status.code, f"the target {sentence}")
            self._climb_down("the target has ended", drain_s=0)

    def _hint_of_lifetime(self, target: Target, status: ExitStatus) -> str:
        if self._config["target"]["lifetime"] == TREE:
            return ""
        return hint_of_start_program(status, time.monotonic() - target.started_at, target.left_behind())

    # Stopping.

    def _on_stop(self, source: str) -> None:
        """Begin the end. Later requests and signals change nothing."""
        self._log.info("stop-requested", by=source, again=self._ending is not None)
        if self._ending is not None:
            return
        self._stop_asked = True
        self._ending = partial(self._stopped_outcome, source)
        if self._attachment is None:
            when = "while no target ran" if self._restarts else "before a target was started"
            self._outcome = Outcome("launcher", 0, f"stopped by {source} {when}")
        elif self._ladder is None:
            self._climb_down(f"stopping ({source})", self._drain_s(self._attachment))

    def _detach(self, reason: str, *, graceful: bool) -> None:
        """Stop the target and look for an anchor anew."""
        self._log.warning("detaching", reason=reason)
        drain_s = self._drain_s(self._attachment) if graceful and self._attachment else 0
        self._climb_down(reason, drain_s)

    def _fail(self, error: LauncherError) -> None:
        """End with a failure of the launcher's own, the target by the ladder if there is one."""
        if self._ending is not None:
            return
        self._log.error("failed", code=error.code.name, message=str(error))
        self._ending = lambda _rung: failure(error)
        if self._attachment is None:
            self._outcome = failure(error)
        elif self._ladder is None:
            self._climb_down(str(error), drain_s=0)

    def _drain_s(self, attachment: Attachment) -> float:
        """Return how long traffic may still arrive: only a target that was once ready has any."""
        return float(self._config["stop"]["drainSeconds"]) if attachment.held_once else 0.0

    def _climb_down(self, reason: str, drain_s: float) -> None:
        if self._attachment is None:
            raise AssertionError
        self._stop_reason = reason
        self._write_status()
        steps = self._attachment.steps_of_stop()
        self._ladder = Ladder(steps, self._config["stop"], drain_s, self._tell_step, self._hear_end)
        self._ladder.start()

    def _tell_step(self, step: str) -> None:
        self._log.info("stopping", step=step)
        self._listener.announce(step)

    def _hear_end(self, rung: str) -> None:
        self._queue.put(partial(self._on_ended, rung))

    def _on_ended(self, rung: str) -> None:
        """End, or find the next anchor, as the target's tree has gone."""
        if self._attachment is None:
            raise AssertionError
        if self._ending is not None:
            self._outcome = self._ending(rung)
        self._close_attachment(self._attachment)
        if self._outcome is None:
            self._attachment = None
            self._unverified = False
            self._ladder = None
            self._stop_reason = ""
            self._anchor_ready = False
            self._restarts += 1
            self._patience.reset()
            self._consider()

    def _stopped_outcome(self, source: str, rung: str) -> Outcome:
        """Return 0 for a target that ended as it was asked to, else its own code."""
        status = self._attachment.target.wait(0) if self._attachment is not None else None
        asks_by = self._attachment.target.asks_by if self._attachment is not None else ""
        if status is None:
            return Outcome("launcher", 0, f"stopped by {source}")
        if rung == asks_by and (status.signal == signal.SIGTERM or status.code == _CONTROL_C_EXIT):
            return Outcome("target", 0, f"stopped by {source}: the target ended on {asks_by}")
        return Outcome("target", status.code, f"stopped by {source} ({rung}): the target {status.sentence}")

    def _finish(self) -> None:
        """Leave nothing running and nobody waiting."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # kubelet's SIGTERM right after preStop must not replace the exit code that is about to be given.
            signal.signal(number, signal.SIG_IGN)
        self._vitals.release(*self._threads())
        self._watch.close()
        self._healer.cancel()
        if self._attachment is not None:
            self._close_attachment(self._attachment)
        self._listener.announce("stopped")
        self._listener.close()
        self._status.close()

    def _close_attachment(self, attachment: Attachment) -> None:
        self._vitals.release(attachment.server_thread)
        attachment.close()

    def _threads(self) -> list[Living]:
        """Return the threads that run as long as the launcher does."""
        follower = [] if self._follower is None else [self._follower.thread]
        return [self._watch, *follower, self._listener]

    def last_act(self) -> None:
        """Mirror the scale once more, when everybody has been told of the end: it may take seconds in vain."""
        if self._follower is not None and self._stop_asked:
            self._follower.finish()

    # What is told to people and probes.

    def _write_status(self) -> None:
        ready, reason = self._readiness()
        self._started_once |= ready
        died = self._vitals.problem()
        self._status.write(ready=ready, started=self._started_once, live=not died, reason=died or reason)

    def _why_not_live(self) -> str:
        """Return why this launcher should be started anew; empty while it should not."""
        if time.monotonic() - self._turned_s >= _LIVE_S:
            return "the launcher's loop does not turn"
        return self._vitals.problem()

    def _readiness(self) -> tuple[bool, str]:
        if self._stop_reason:
            return False, self._stop_reason
        if self._attachment is None:
            return False, f"waiting: {self._patience.reason}"
        if not self._attachment.gate_holds:
            return False, self._attachment.what_fails() or "the gate has not held yet"
        if not self._anchor_ready and self._speaks_for_anchor:
            return False, f"the anchor {self._attachment.anchor.name} is not Ready"
        return True, ""

    @property
    def _speaks_for_anchor(self) -> bool:
        """Whether the anchor's /readyz is this launcher's.

        Siblings at a shared anchor do not wait for its readiness: a roll-out begins with the last ordinal, and would
        wait there for ever for a first one that it has not come to mend.
        """
        start: int = self._config["ordinals"]["start"]
        return self._config["anchor"]["strategy"] != "shared" or self._setup.ordinal == start

    def _make_watch(self, client: ApiClient) -> ObjectWatch | ListWatch:
        resource = anchor_resource(self._setup.me)
        if resource.labels:
            return ListWatch(client, resource, self._hear_anchors, self._hear_problem)
        return ObjectWatch(client, resource, self._hear_anchor, self._hear_problem)

    def _open_state(self, state_dir: str) -> None:
        try:
            self._status = StatusFile(state_dir)
            self._listener = listen_for_stop(state_dir, self._hear_stop)
        except OSError as error:
            message = f"the state directory {state_dir}: {error}"
            raise LauncherError(ExitCode.STATE_UNWRITABLE, message) from error

    def _make_follower(self, client: ApiClient) -> ScaleFollower | None:
        config = self._config
        anchor = config["anchor"]
        numbered = anchor["create"] and anchor["strategy"] == "ordinal"
        if not (numbered and config["scaling"]["follow"] and self._setup.ordinal == config["ordinals"]["start"]):
            return None
        return ScaleFollower(client, self._setup.namespace, config["launcherSet"], config["anchorSet"], self._log)
