"""What happened to pairs, moment by moment: the events of a mirror, replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import Pair, Release
from tests.cluster.stack.kube import Object

Picture = dict[int, Pair]
"""All pairs of a release at one moment, by ordinal."""


class History:
    """A span of time, from its creation to `end`; `pictures` has the pairs after each pod event in it."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._first = len(mirror.events)
        self._end: int | None = None

    def end(self) -> None:
        """End the span: nothing after this moment counts."""
        self._end = len(self._mirror.events)

    def pictures(self, release: Release, replicas: int) -> Iterator[tuple[float, Picture]]:
        """Yield (time.monotonic(), the pairs) after each pod event of the span."""
        pods: dict[str, Object] = {}
        for number, (moment, kind, what, item) in enumerate(self._mirror.events[: self._end]):
            if kind != "pods":
                continue
            if what == "DELETED":
                pods.pop(item["metadata"]["name"], None)
            else:
                pods[item["metadata"]["name"]] = item
            if number >= self._first:
                yield moment, _picture(release, replicas, pods)

    def most(self, release: Release, replicas: int, counted: Callable[[Pair], bool]) -> tuple[int, list[int]]:
        """Return the most pairs that had a property at one moment, and which ones, the first time it was so many."""
        most: list[int] = []
        for _moment, pairs in self.pictures(release, replicas):
            now = [pair.ordinal for pair in pairs.values() if counted(pair)]
            if len(now) > len(most):
                most = now
        return len(most), most

    def most_broken(self, release: Release, replicas: int) -> tuple[int, list[int]]:
        """Return the most pairs that were not whole at one moment, and which ones, the first time it was so many."""
        return self.most(release, replicas, lambda pair: not pair.is_whole)

    def launchers(self, release: Release, ordinal: int) -> list[tuple[float, str, str]]:
        """Return every launcher pod that an ordinal had in this span: (since when, its uid, its node)."""
        found: dict[str, tuple[float, str, str]] = {}
        for number, (moment, kind, what, item) in enumerate(self._mirror.events[: self._end]):
            if kind == "pods" and what != "DELETED" and item["metadata"]["name"] == release.pod(ordinal):
                uid, node = item["metadata"]["uid"], item["spec"].get("nodeName", "")
                began = found[uid][0] if uid in found else moment
                if number >= self._first or uid in found:
                    found[uid] = (began, uid, node)
        return list(found.values())


def is_split(pair: Pair) -> bool:
    """Return whether the halves are on different nodes and neither is being deleted."""
    halves = [half for half in (pair.launcher, pair.anchor) if half and not half["metadata"].get("deletionTimestamp")]
    nodes = {half["spec"]["nodeName"] for half in halves if half["spec"].get("nodeName")}
    return len(nodes) == 2


def _picture(release: Release, replicas: int, pods: dict[str, Object]) -> Picture:
    ordinals = range(release.start, release.start + replicas)
    return {n: Pair(n, pods.get(release.pod(n)), pods.get(release.anchor(n))) for n in ordinals}
