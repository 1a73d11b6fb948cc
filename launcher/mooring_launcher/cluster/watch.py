"""Watching: an object, or those with some labels, is read once and then watched, never polled.

Lost, late or invalid data leads to another read after a growing pause; no answer ends a watch.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator

from mooring_launcher.cluster.answers import Object, version_of
from mooring_launcher.cluster.api import ApiClient, ApiError, Session
from mooring_launcher.cluster.resources import Resource
from mooring_launcher.reports.vitals import format_trace

WATCH_TIMEOUT_S = 290
_BACKOFF_FIRST_S = 0.2
_BACKOFF_CAP_S = 30.0
_STEADY_S = 5.0
"""A round that lasted this long counts as a success, however it ended: the next pause is the shortest again."""
_HASTY_S = 1.0
"""A shorter round is followed by a pause even without an error: a watch must not become a poll."""


class Backoff:
    """How long to wait before the next try: exponential with jitter, never less than the server requests."""

    def __init__(self) -> None:
        self._limit_s = _BACKOFF_FIRST_S

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self._limit_s = _BACKOFF_FIRST_S

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return the next wait in seconds."""
        wait_s = self._limit_s * (0.5 + 0.5 * _jitter())
        self._limit_s = min(2 * self._limit_s, _BACKOFF_CAP_S)
        return max(wait_s, at_least_s)


class _Watch(threading.Thread):
    """Reads, watches from there, and reads again after every loss. Subclasses define one such round."""

    def __init__(self, client: ApiClient, resource: Resource, on_problem: Callable[[ApiError], None]) -> None:
        super().__init__(name=f"mooring-watch-{resource.plural}", daemon=True)
        self._client = client
        self._resource = resource
        self._on_problem = on_problem
        self._closed = threading.Event()
        self._backoff = Backoff()
        self._is_forgotten = False
        """Whether the server no longer remembers the version that the last watch began from."""

    def run(self) -> None:
        """Follow until `close()`."""
        while not self._closed.is_set():
            started_s = time.monotonic()
            try:
                with Session(self._client) as session:
                    self._follow(session)
                problem = None
            except ApiError as error:
                problem = error
            except Exception as error:  # noqa: BLE001 - without it the launcher is deaf
                where = format_trace(error.__traceback__)[-1]
                problem = ApiError(f"watch of {self._resource}: {type(error).__name__} at {where}: {error}")
            if not self._closed.is_set():
                self._recover(problem, time.monotonic() - started_s)

    def close(self) -> None:
        """Report nothing more. The thread itself ends with the process or at its next event."""
        self._closed.set()

    def _follow(self, session: Session) -> None:
        """Read, then watch until both must be repeated."""
        raise NotImplementedError

    def _recover(self, problem: ApiError | None, lasted_s: float) -> None:
        """Report a problem and wait before the next round."""
        self._is_forgotten = problem is not None and problem.status == 410
        if problem is not None and not self._is_forgotten:  # that is the ordinary end of a long pause
            self._on_problem(problem)
        if problem is not None or lasted_s < _HASTY_S:
            self._pause(lasted_s, problem.retry_after_s if problem is not None else 0.0)

    def _pause(self, lasted_s: float, at_least_s: float = 0.0) -> None:
        if lasted_s >= _STEADY_S:
            self._backoff.reset()
        self._closed.wait(self._backoff.next_s(at_least_s))

    def _watch(self, session: Session, version: str) -> Iterator[tuple[str, Object]]:
        """Begin one WATCH; its length spreads the replicas' reconnects."""
        return session.watch(self._resource, version, WATCH_TIMEOUT_S + int(30 * _jitter()))

    def _events(
        self, session: Session, version: str, begun: Iterator[tuple[str, Object]] | None = None
    ) -> Iterator[tuple[str, Object]]:
        """Yield what changes after a version, without bookmarks, by WATCH after WATCH until a stream is lost.

        `begun` is the first of them where that runs already.
        """
        while not self._closed.is_set():
            started_s = time.monotonic()
            stream, begun = begun or self._watch(session, version), None
            for kind, found in stream:
                version = version_of(found)
                if self._closed.is_set():
                    return
                if kind != "BOOKMARK":
                    yield kind, found
            lasted_s = time.monotonic() - started_s
            if lasted_s < _HASTY_S:
                message = f"watch of {self._resource}: ended by the server after {lasted_s:.1f} s"
                raise ApiError(message)


class ObjectWatch(_Watch):
    """Reports what happens to one object: one GET, then one WATCH from there, and both again after every loss.

    Only a 404 of the GET proves that the object does not exist, as a later watch never shows a deletion in a gap.
    """

    def __init__(
        self,
        client: ApiClient,
        resource: Resource,
        on_object: Callable[[Object | None, bool], None],
        on_problem: Callable[[ApiError], None],
    ) -> None:
        """Call `on_object(object or None, fresh)` from this thread; `fresh` after a GET, so after each reconnect.

        An ApiError that it raises is treated like the watch's own: logged, then retried after a pause.
        """
        super().__init__(client, resource, on_problem)
        self._on_object = on_object

    def _follow(self, session: Session) -> None:
        """GET, then WATCH again and again from the last version, until the object is deleted or a stream is lost.

        A version is that of the object's own last change. An API server that has been restarted remembers nothing
        before its start (410), and so would refuse each WATCH from there until the object changes. Then a WATCH from
        what there is begins first, and the GET that decides comes after it: whatever happens later is an event.
        """
        begun = self._watch(session, "") if self._is_forgotten else None
        found = session.get(self._resource) if begun is None else self._client.get(self._resource)
        if self._closed.is_set():
            return
        self._on_object(found, True)
        for kind, changed in self._events(session, version_of(found) if found else "", begun):
            if kind == "DELETED":
                return  # of an earlier object, perhaps: a GET decides
            self._on_object(changed, False)


class ListWatch(_Watch):
    """Reports which objects have the resource's labels: one LIST, then one WATCH, and both again after every loss."""

    def __init__(
        self,
        client: ApiClient,
        resource: Resource,
        on_objects: Callable[[list[Object]], None],
        on_problem: Callable[[ApiError], None],
    ) -> None:
        """Call `on_objects` from this thread with all of them, after the LIST and after every change."""
        super().__init__(client, resource, on_problem)
        self._on_objects = on_objects

    def _follow(self, session: Session) -> None:
        """LIST, then WATCH from its version, until an object disappears or loses the labels: then a LIST decides."""
        items, version = session.select(self._resource)
        found = {item["metadata"]["name"]: item for item in items}
        if self._closed.is_set():
            return
        self._on_objects(list(found.values()))
        for kind, changed in self._events(session, version):
            if kind == "DELETED":
                return
            found[changed["metadata"]["name"]] = changed
            self._on_objects(list(found.values()))


def _jitter() -> float:
    """Return a number from 0 to 1 that differs between replicas. The module `random` would cost milliseconds."""
    return os.urandom(1)[0] / 255
