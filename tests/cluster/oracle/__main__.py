"""The oracle's process: look, judge and record, ten times a second until SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from tests.cluster.oracle.feed import Change, Feed, Server
from tests.cluster.oracle.picture import Config, Endpoint, Picture, Pod, Port, belong_together, read_endpoints, read_pod
from tests.cluster.oracle.probes import Prober, Question
from tests.cluster.oracle.record import Recorder
from tests.cluster.oracle.rules import BACK_OFF_FORGOTTEN_S, judge, others_are_back_s
from tests.cluster.oracle.sight import Node, Sight

LOOK_S = 0.1
HOLE_S = 2.0
_ALIVE_S = 10.0
_SEARCH_S = 0.5
_JUDGED_EACH_CHANGE = 200
"""Up to this many pods, every single change of the API is judged, not only what a look finds."""
_SEEN_BY_API = ["split"]
_SEEN_ON_NODES = ["shared", "wrong-anchor", "host-port", "endpoint"]


class Looker:
    """Keeps the picture and judges it."""

    def __init__(self, server: Server, namespaces: list[str], nodes: list[Node], recorder: Recorder) -> None:
        self.looks = 0
        self.longest_pause_s = 0.0
        self.holes = 0
        self.prober = Prober()
        self._recorder = recorder
        self._queue: SimpleQueue[Change] = SimpleQueue()
        self.feeds = [
            Feed(server, group, resource, namespace, self._queue)
            for namespace in namespaces or [""]
            for group, resource in (("/api/v1", "pods"), ("/apis/discovery.k8s.io/v1", "endpointslices"))
            if resource == "pods" or nodes  # without a node's network no address can be probed
        ]
        self._nodes = {node.name: node for node in nodes}
        self._sight = Sight(nodes)
        self._sight_changes = 0
        self._lost: set[str] = set()
        self._searched_s = 0.0
        self._picture = Picture()
        for node in nodes:
            self.prober.follow(node)
        self._slices: dict[tuple[str, str], list[Endpoint]] = {}
        # The last pod of each name: even one that is gone says how to probe its anchor.
        self._launchers: dict[tuple[str, str], Pod] = {}
        self._container_pods: dict[str, str] = {}
        self._ports: frozenset[Port] = frozenset()
        self._cut: dict[Feed, float] = {}
        self._without_s = 0.0
        self._news_since_s = 0.0
        self._looked_s = time.monotonic()

    @property
    def is_whole(self) -> bool:
        """Whether every resource has been listed and is in the picture."""
        return all(feed.lists for feed in self.feeds) and self._queue.empty()

    def look(self) -> None:
        """Apply what has changed, look at the nodes, judge."""
        now_s = time.monotonic()
        self._measure_pause(now_s)
        self._write_cuts(now_s)
        changed = self._take_changes(now_s)
        if self._nodes:
            self._look_at_nodes(now_s, changed)
        self._recorder.update(judge(self._picture, now_s), now_s, self._cut_for_s(now_s))
        self.looks += 1

    def _measure_pause(self, now_s: float) -> None:
        pause_s, self._looked_s = now_s - self._looked_s, now_s
        self.longest_pause_s = max(self.longest_pause_s, pause_s)
        if pause_s > HOLE_S:
            self.holes += 1
            self._recorder.write("hole", seconds=round(pause_s, 3))

    def _write_cuts(self, now_s: float) -> None:
        """Record each time without news of a resource, once it is over."""
        for feed in self.feeds:
            since_s = feed.cut_since_s
            if since_s is not None:
                self._cut.setdefault(feed, since_s)
            elif feed in self._cut:
                self.end_cut(feed, now_s)

    def end_cut(self, feed: Feed, now_s: float) -> None:
        """Record a time without news that is over, or still lasts at the end."""
        seconds = now_s - self._cut.pop(feed)
        if not self._cut:
            self._await_others(seconds, now_s)
        if self.looks and seconds > HOLE_S:
            self._recorder.write("cut", resource=feed.resource, seconds=round(seconds, 3), problem=feed.problem)

    def _await_others(self, seconds: float, now_s: float) -> None:
        """Allow those who take addresses out of Services the time to come back after an outage of this length."""
        if now_s - self._news_since_s > BACK_OFF_FORGOTTEN_S:
            self._without_s = 0.0
        self._without_s += seconds
        self._news_since_s = max(self._news_since_s, now_s + others_are_back_s(self._without_s))

    def end_cuts(self) -> None:
        """Record those that still last."""
        for feed in list(self._cut):
            self.end_cut(feed, time.monotonic())

    def _cut_for_s(self, now_s: float) -> float:
        return max((now_s - since_s for since_s in self._cut.values()), default=0.0)

    def _take_changes(self, now_s: float) -> bool:
        """Apply the feeds' changes and judge the pairs at each step, so that nothing is missed between two looks."""
        changed = False
        while True:
            try:
                change = self._queue.get_nowait()
            except Empty:
                return changed
            changed = True
            self._take(change)
            if change.resource == "pods" and len(self._picture.pods) <= _JUDGED_EACH_CHANGE:
                self._recorder.update(judge(self._picture, now_s), now_s, self._cut_for_s(now_s))

    def _take(self, change: Change) -> None:
        if change.resource == "pods":
            if change.type == "LISTED":
                present = {obj["metadata"]["uid"] for obj in change.objects}
                mine = (p for p in self._picture.pods.values() if change.scope in ("", p.namespace))
                for uid in [pod.uid for pod in mine if pod.uid not in present]:
                    self._picture.remove(uid)
            for obj in change.objects:
                self._take_pod(read_pod(obj), change.type == "DELETED")
            configs = (pod.config or Config() for pod in self._launchers.values())
            self._ports = frozenset(port for config in configs for port in config.ports)
            return
        if change.type == "LISTED":
            self._slices = {key: value for key, value in self._slices.items() if change.scope not in ("", key[0])}
        for obj in change.objects:
            key = obj["metadata"]["namespace"], obj["metadata"]["name"]
            self._slices[key] = [] if change.type == "DELETED" else read_endpoints(obj)

    def _take_pod(self, pod: Pod, deleted: bool) -> None:
        self._picture.put(pod)
        if pod.component == "launcher":
            self._launchers[pod.namespace, pod.name] = pod
        self._container_pods.update(dict.fromkeys(pod.containers, pod.uid))
        if deleted:
            self._picture.remove(pod.uid)

    def _look_at_nodes(self, now_s: float, changed: bool) -> None:
        picture = self._picture
        changed |= self._follow_nodes(now_s)
        picture.host_namespaces = frozenset(node.netns for node in self._nodes.values() if node.is_alive)
        picture.programs = self._sight.programs(self._container_pods, now_s)
        picture.host_listeners = self._sight.host_listeners(picture.programs, self._ports, now_s)
        if changed:
            self.prober.ask(self._questions())
        if changed or self._sight.changes != self._sight_changes:
            self._sight_changes = self._sight.changes
            self.prober.wake(now_s)
        self.prober.start_due(now_s)
        # While the API is down nobody can take an address out of a Service: the time for it begins when it is back,
        # and kubelet and the controllers have retried.
        silences = [] if self._cut else self.prober.silences()
        picture.silences = [replace(each, since_s=max(each.since_s, self._news_since_s)) for each in silences]

    def _follow_nodes(self, now_s: float) -> bool:
        """Record which nodes have ended and which are back; return whether any did."""
        before = set(self._lost)
        for node in self._nodes.values():
            if not node.is_alive and node.name not in self._lost:
                self._lost.add(node.name)
                self._recorder.write("node", name=node.name, state="lost")
        if self._lost and now_s - self._searched_s >= _SEARCH_S:
            self._searched_s = now_s
            for name in sorted(self._lost):
                if self._nodes[name].find_again():
                    self._lost.remove(name)
                    self.prober.follow(self._nodes[name])
                    self._recorder.write("node", name=name, state="back")
        return before != self._lost

    def _questions(self) -> list[Question]:
        found = []
        for endpoint in (endpoint for some in self._slices.values() for endpoint in some):
            anchor = self._picture.known.get(endpoint.pod_uid)
            # On a node that has ended no kubelet notices anything; Kubernetes takes its own time then.
            if anchor is None or anchor.node in self._lost:
                continue
            launcher = next((pod for pod in self._launchers.values() if belong_together(pod, anchor)), None)
            node = self._nodes.get(anchor.node) or next((n for n in self._nodes.values() if n.is_alive), None)
            if launcher is not None and node is not None:
                found.append(Question(endpoint, node, (launcher.config or Config()).checks.get(endpoint.port)))
        return found


def main() -> int:
    """Look until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.oracle", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--record", required=True, help="the file to write, one JSON object a line")
    parser.add_argument("--namespaces", default="all", help="a,b or all")
    parser.add_argument("--node", action="append", default=[], metavar="NAME=PID", type=_read_node)
    arguments = parser.parse_args()
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: ended.append(got))
    namespaces = [] if arguments.namespaces == "all" else arguments.namespaces.split(",")
    recorder = Recorder(arguments.record)
    looker = Looker(Server(arguments.kubeconfig), namespaces, arguments.node, recorder)
    names = [node.name for node in arguments.node]
    reason = "" if names else "no --node: the oracle has no process inside a node's network"
    checks = _SEEN_BY_API + (_SEEN_ON_NODES if names else [])
    not_made: dict[str, str] = {} if names else dict.fromkeys(_SEEN_ON_NODES, reason)
    recorder.write("start", namespaces=namespaces or "all", nodes=names, checks=checks, not_made=not_made)
    _look_on(looker, recorder, ended)
    return 0


def _look_on(looker: Looker, recorder: Recorder, ended: list[int]) -> None:
    for feed in looker.feeds:
        feed.start()
    began_s = due_s = alive_s = time.monotonic()
    told = False
    while not ended:
        looker.look()
        now_s = time.monotonic()
        if not told and looker.is_whole:
            told = True
            recorder.write("looking")
        if now_s - alive_s >= _ALIVE_S:
            alive_s = now_s
            recorder.write("alive", **_facts(looker, began_s))
        due_s = max(due_s + LOOK_S, now_s)
        looker.prober.serve(due_s)
    looker.end_cuts()
    recorder.close(time.monotonic(), **_facts(looker, began_s))


def _facts(looker: Looker, began_s: float) -> dict[str, Any]:
    return {
        "looks": looker.looks,
        "longest_pause_s": round(looker.longest_pause_s, 3),
        "holes": looker.holes,
        "questions": looker.prober.count,
        "lists": sum(feed.lists for feed in looker.feeds),
        "seconds": round(time.monotonic() - began_s, 1),
        "cpu_s": round(time.process_time(), 2),
    }


def _read_node(text: str) -> Node:
    name, _, pid = text.partition("=")
    try:
        return Node(name, int(pid))
    except (ValueError, OSError) as error:
        message = f"{text}: must be NAME=PID of a process inside the node's network namespace ({error})"
        raise argparse.ArgumentTypeError(message) from error


if __name__ == "__main__":
    sys.exit(main())
