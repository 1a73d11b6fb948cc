"""Searching: which pod is the anchor, whether the pair must move to meet, and when its compartment is usable."""

import time
from collections.abc import Callable

from mooring_launcher.attachment.place import Place
from mooring_launcher.attachment.waiting import Patience, Search
from mooring_launcher.cluster.anchor import Ambiguous, Attach, Elsewhere, Pod, Unschedulable, Wait, find_gaps, judge
from mooring_launcher.cluster.anchor import Attached as Anchor
from mooring_launcher.cluster.heal import Healer
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.compartment import Backend
from mooring_launcher.replica import Setup, bootstrap_fields
from mooring_launcher.reports.log import Log
from mooring_launcher.runner.readiness import decides_for_anchor
from mooring_launcher.runner.states import Attached, Locating, Misplaced, Searching, Waiting

_RETRIED = (ExitCode.COMPARTMENT_NOT_FOUND, ExitCode.COMPARTMENT_AMBIGUOUS)
"""What may be different at the next look."""


class Seeker:
    """Acts while the loop is Searching."""

    def __init__(
        self,
        setup: Setup,
        backend: Backend,
        healer: Healer,
        patience: Patience,
        log: Log,
        attach: Callable[[Place, bool], Attached],
    ) -> None:
        self._setup = setup
        self._backend = backend
        self._healer = healer
        self._patience = patience
        self._log = log
        self._attach = attach
        self._budget_s = float(setup.config["anchor"]["unschedulableSeconds"])

    def consider(self, state: Searching, candidates: list[Pod]) -> Searching:
        """Take in what the API says about the pods."""
        return state._replace(progress=self._judge(state, candidates))

    def proceed(self, state: Searching) -> Searching | Attached:
        """Do what is due: look for the compartment, attach, move on. LauncherError when the budget is used up."""
        match state.progress:
            case Locating(search) if search.is_due():
                attached = self._try_to_attach(state.progress)
                if attached is not None:
                    return attached
            case Misplaced(due_s) if time.monotonic() >= due_s:
                state = state._replace(progress=self._evict_self())
        self._patience.check()
        return state

    def _judge(self, state: Searching, candidates: list[Pod]) -> Waiting | Locating | Misplaced:
        """Say how far the search is. Of a split pair one half is evicted: the anchor if it follows, else this one."""
        follows = self._setup.me.anchor_follows
        match judge(candidates, self._setup.me):
            case Attach(anchor, ready):
                self._healer.cancel()
                pod = next(pod for pod in candidates if pod["metadata"]["uid"] == anchor.uid)
                return Locating(self._search_for(anchor, state), pod, ready)
            case Elsewhere(name, uid, node):
                reason = f"the anchor {name} is on node {node}, not on {self._setup.me.node}"
                self._patience.wait(ExitCode.ANCHOR_ELSEWHERE, reason)
                if not follows:
                    return self._misplaced(state, has_moved_away=state.has_been_attached)
                self._healer.evict(name, uid, reason)
                return Waiting()
            case Unschedulable(reason):
                self._patience.wait(ExitCode.ANCHOR_NOT_FOUND, reason)
                if follows:
                    return self._misplaced(state, has_moved_away=False)
            case Ambiguous(names):
                self._patience.wait(ExitCode.ANCHOR_AMBIGUOUS, f"one anchor, found {' and '.join(names)}")
            case Wait(reason):
                self._patience.wait(ExitCode.ANCHOR_NOT_FOUND, reason)
        self._healer.cancel()  # the pair is not split
        return Waiting()

    def _search_for(self, anchor: Anchor, state: Searching) -> Search:
        """Return the search that is under way for this very anchor, or a new one."""
        match state.progress:
            case Locating(search) if search.anchor == anchor:
                return search
        return Search(anchor)

    def _misplaced(self, state: Searching, *, has_moved_away: bool) -> Misplaced:
        """Give the pair time to come together here, unless the anchor moved away after an attachment: it stays there.

        A launcher that was placed on the wrong node in the first place must not be re-created in a tight loop.
        """
        match state.progress:
            case Misplaced():
                return state.progress
        return Misplaced(time.monotonic() + (0.0 if has_moved_away else self._budget_s))

    def _try_to_attach(self, located: Locating) -> Attached | None:
        """Attach if the anchor's IP is usable in exactly one compartment; no platform reports when that happens."""
        search = located.search
        search.postpone()
        try:
            compartment = search.look(self._backend)
            place = Place(search.anchor, compartment, self._patience.since_s)
            self._log.info("bootstrap", **bootstrap_fields(self._setup, place))
            self._warn_of_gaps(located)
            attached = self._attach(place, located.anchor_ready)
        except LauncherError as error:
            if error.code not in _RETRIED:
                raise
            self._patience.wait(error.code, str(error))
            return None
        except OSError as error:  # there may be enough descriptors or memory at the next look
            self._patience.wait(ExitCode.COMPARTMENT_NOT_FOUND, f"the anchor's compartment: {error}")
            return None
        self._patience.reset()
        return attached

    def _warn_of_gaps(self, located: Locating) -> None:
        """Warn of what an anchor that others created lacks: it works without, but less well."""
        config = self._setup.config
        if config["anchor"]["create"] or not decides_for_anchor(self._setup):
            return
        gaps = find_gaps(located.pod, config["readiness"]["port"], config["anchorGraceSeconds"])
        if gaps:
            self._log.warning("anchor-incomplete", anchor=located.search.anchor.name, gaps=gaps)

    def _evict_self(self) -> Misplaced:
        """Move on to a node where the anchor is, or where it fits too; once per budget."""
        reason = f"to move to a node where its anchor can run: {self._patience.reason}"
        self._healer.evict(self._setup.own_pod, self._setup.own_uid, reason)
        return Misplaced(time.monotonic() + self._budget_s)
