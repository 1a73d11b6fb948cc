"""The threads that run as long as the launcher does. Each only posts to the loop."""

from collections.abc import Callable

from mooring_launcher.cluster.answers import Object
from mooring_launcher.cluster.api import ApiClient
from mooring_launcher.cluster.follow import ScaleFollower
from mooring_launcher.cluster.watch import ListWatch, ObjectWatch
from mooring_launcher.rendezvous import listen_for_stop
from mooring_launcher.replica import Setup, anchor_resource
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.vitals import Living, Vitals
from mooring_launcher.runner.events import AnchorsSeen, Event, WatchFailed
from mooring_launcher.runner.states import StopRequested


class Threads:
    """Watches the anchor, listens for `stop`, and at the start ordinal mirrors the scale."""

    def __init__(
        self, setup: Setup, client: ApiClient, log: Log, vitals: Vitals, post: Callable[[Event], None]
    ) -> None:
        """Listen for `stop` from now on. OSError when the state directory is not writable."""
        self.listener = listen_for_stop(setup.state_dir, lambda by: post(StopRequested(by)))
        self.watch = _watch_anchor(setup, client, post)
        self.follower = _follow_scale(setup, client, log)
        self._vitals = vitals

    def start(self) -> None:
        """Start all of them and expect them to live."""
        for thread in self._all():
            thread.start()
            self._vitals.expect(thread)

    def release(self) -> None:
        """Let them end."""
        self._vitals.release(*self._all())
        self.watch.close()

    def _all(self) -> list[Living]:
        follower = [] if self.follower is None else [self.follower.thread]
        return [self.watch, *follower, self.listener]


def _watch_anchor(setup: Setup, client: ApiClient, post: Callable[[Event], None]) -> ObjectWatch | ListWatch:
    resource = anchor_resource(setup.me)

    def on_object(found: Object | None, _fresh: bool) -> None:
        post(AnchorsSeen([] if found is None else [found]))

    if resource.labels:
        return ListWatch(
            client, resource, lambda found: post(AnchorsSeen(found)), lambda error: post(WatchFailed(error))
        )
    return ObjectWatch(client, resource, on_object, lambda error: post(WatchFailed(error)))


def _follow_scale(setup: Setup, client: ApiClient, log: Log) -> ScaleFollower | None:
    """Return what mirrors the scale, if this launcher is the one to do so."""
    config, anchor = setup.config, setup.config["anchor"]
    numbered = anchor["create"] and anchor["strategy"] == "ordinal"
    if not (numbered and config["scaling"]["follow"] and setup.ordinal == config["ordinals"]["start"]):
        return None
    return ScaleFollower(client, setup.namespace, config["launcherSet"], config["anchorSet"], log)
