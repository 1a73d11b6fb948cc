"""Stopping: the ladder for the target and, at a shared anchor, the wait for the siblings."""

from collections.abc import Callable

from mooring_launcher.attachment.attachment import Attachment
from mooring_launcher.attachment.ladder import Ladder
from mooring_launcher.attachment.place import Place
from mooring_launcher.cluster.anchor import Pod, has_left
from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.config import sibling_ports
from mooring_launcher.replica import Setup, anchor_resource
from mooring_launcher.reports.log import Log
from mooring_launcher.runner.events import Event, LadderDone
from mooring_launcher.runner.states import Stopping

_FIND_ANCHOR_S = 3.0
"""How long a stop at a shared anchor waits for the API's answer about it: the grace period may be nearly over."""


class Stopper:
    """Acts while the loop is Stopping, in the ladder's thread."""

    def __init__(
        self,
        setup: Setup,
        client: ApiClient,
        log: Log,
        announce: Callable[[str], None],
        post: Callable[[Event], None],
        last_seen: Callable[[], list[Pod]],
    ) -> None:
        """`announce` is called with each step; `last_seen` returns what the watch reported last about the pods."""
        self._setup = setup
        self._client = client
        self._log = log
        self._announce = announce
        self._post = post
        self._last_seen = last_seen

    def start_ladder(self, state: Stopping) -> None:
        """Begin; LadderDone is posted at the end."""
        attachment, stop = state.attachment, self._setup.config["stop"]
        ladder = Ladder(
            attachment.target,
            attachment.unsent_bytes,
            lambda: self._await_siblings(attachment),
            stop,
            float(stop["drainSeconds"]) if state.drains else 0.0,
            self._announce,
            lambda rung: self._post(LadderDone(rung)),
        )
        ladder.start()

    def _await_siblings(self, attachment: Attachment) -> None:
        """Leave /hold unanswered while siblings at a shared anchor still stop; not if only this replica stops.

        The anchor decides, not the clients of /hold: a single request from a stranger would keep this launcher forever.
        """
        ports = sibling_ports(self._setup.config, self._setup.ordinal)
        if ports and self._is_anchor_leaving(attachment.place):
            from mooring_launcher.health.siblings import await_siblings  # only where an anchor is shared

            await_siblings(attachment.inside, attachment.place.anchor.ip, ports, self._announce)

    def _is_anchor_leaving(self, place: Place) -> bool:
        """Return whether the anchor is being removed, as the API says now; if it does not answer, as it said last."""
        try:
            candidates = self._client.find(anchor_resource(self._setup.me), _FIND_ANCHOR_S)
        except ApiError as error:
            self._log.warning("api-problem", problem=str(error))
            candidates = self._last_seen()
        return has_left(candidates, place.anchor)
