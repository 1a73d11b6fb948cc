"""A release on our own cluster and what faults need: draw a pair, find its processes, wait until all is whole.

Controllers get as long as they may back off after an outage of the API (`World.patience_s`). What a launcher or kubelet
does is judged by the pod itself, never by the EndpointSlice that a controller derives from it.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from tests.cluster.driving import processes
from tests.cluster.driving.mirror import condition
from tests.cluster.driving.release import PORT, Pair, Release, fetch
from tests.cluster.oracle.rules import BACK_OFF_FORGOTTEN_S, others_are_back_s
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Object
from tests.cluster.stack.node import Node


@dataclass
class World:
    """A release on our own cluster, and the dice."""

    cluster: Cluster
    release: Release
    replicas: int
    dice: random.Random = field(default_factory=random.Random)
    meanwhile: Callable[[], None] = lambda: None
    """A second fault; a fault that lasts calls this once, at its height."""
    _without_s: float = 0.0
    _back_at: float = 0.0

    def pair(self) -> Pair:
        """Draw one of the whole pairs, once there is one."""
        release = self.release
        whole: list[Pair] = []

        def look() -> bool:
            whole[:] = [pair for _ordinal, pair in sorted(release.pairs().items()) if pair.is_whole]
            return bool(whole)

        release.mirror.wait(look, self.patience_s(120), "a whole pair to inject a fault into")
        return self.dice.choice(whole)

    def node_of(self, pair: Pair) -> Node:
        """Return the node a pair is on."""
        return self.cluster.nodes[pair.node]

    def other_node(self, node: Node) -> Node:
        """Return the other node."""
        return next(each for each in self.cluster.nodes.values() if each.name != node.name)

    def launcher(self, pair: Pair) -> psutil.Process:
        """Return the launcher's process of a pair."""
        machine, pod = self.node_of(pair).machine, self.release.pod(pair.ordinal)
        return processes.only(lambda: processes.launchers(machine, self.release.namespace, pod), f"launcher of {pod}")

    def target(self, pair: Pair) -> psutil.Process:
        """Return the main process of a pair's program."""
        return processes.main_target(self.node_of(pair).machine, pair.ip)

    def kubectl(self, *arguments: str, timeout_s: float = 180) -> str:
        """Run kubectl in the release's namespace."""
        kube, namespace = self.release.kube, self.release.namespace
        return kube.kubectl("--namespace", namespace, *arguments, timeout_s=timeout_s).stdout

    def note_outage(self, without_s: float) -> None:
        """Note an outage of the API that has just ended: controllers and kubelets come back one after the other."""
        now = time.monotonic()
        if now - self._back_at > BACK_OFF_FORGOTTEN_S:
            self._without_s = 0.0
        self._without_s += without_s
        self._back_at = now + others_are_back_s(self._without_s)

    def patience_s(self, seconds: float) -> float:
        """Return how long to wait for what takes `seconds` once every controller and kubelet is back."""
        return seconds + max(0.0, self._back_at - time.monotonic())

    def wait_not_ready(self, pair: Pair, timeout_s: float = 30) -> float:
        """Wait until an anchor that was Ready has turned unready or is gone; returns the seconds.

        Judged by the pod's last transition of Ready, which stays visible once it is Ready again: no moment is missed,
        even if nobody watched. For the Service see `print_time_in_service`.
        """
        what = f"anchor {pair.ordinal} has turned unready"
        return self.release.mirror.wait(lambda: self.turned_unready(pair), self.patience_s(timeout_s), what)

    def turned_unready(self, pair: Pair) -> bool:
        """Return whether an anchor is gone, or was unready at any moment since `pair` was read."""
        now = self.release.mirror.pod(self.release.anchor(pair.ordinal))
        return _ready_since(now) != _ready_since(pair.anchor)

    def print_time_in_service(self, pair: Pair, since: float) -> None:
        """Print how long the address of a pair that stopped answering (at `time.monotonic()`) stayed in its Service.

        A controller that backs off after an outage of the API may leave it there until the pair is Ready again. That is
        Kubernetes' own limit, so nothing is asserted.
        """
        release = self.release

        def left_after() -> float | None:
            for moment, kind, _what, item in list(release.mirror.events):
                if moment >= since and kind == "endpointslices" and release.leaves_out(item, pair.ip):
                    return moment - since
            return None

        release.mirror.wait(
            lambda: left_after() is not None or release.pair(pair.ordinal).is_whole, self.patience_s(120), "it is whole"
        )
        seconds = left_after()
        when = "not before it was Ready again" if seconds is None else f"after {seconds:.2f} s"
        print(f"{pair.ip} does not answer: out of its Service {when}")

    @contextlib.contextmanager
    def renewed(self, pod: str, timeout_s: float = 120) -> Iterator[None]:
        """Wait after the block until the API shows its effect: the pod is being deleted, is new or has a new container.

        Without this a fault could be over before anybody noticed, and all would look well because nothing had happened.
        """
        before = self._made_of(pod)
        yield
        self.release.mirror.wait(lambda: self._made_of(pod) != before, self.patience_s(timeout_s), f"{pod} is renewed")

    def _made_of(self, pod: str) -> tuple[object, ...]:
        found = self.release.mirror.pod(pod)
        if found is None:
            return ()
        containers = found["status"].get("containerStatuses", [])
        metadata = found["metadata"]
        return (metadata["uid"], metadata.get("deletionTimestamp"), *(each.get("containerID") for each in containers))

    def settle(self, timeout_s: float = 120) -> float:
        """Wait until every pair is whole and answers, and assert that no old process is left."""
        began = time.monotonic()
        timeout_s = self.patience_s(timeout_s)
        while True:
            self.release.wait_whole(self.replicas, max(began + timeout_s - time.monotonic(), 1))
            addresses = {pair.ip for pair in self.release.pairs().values()}
            self.release.wait_endpoints(addresses, max(began + timeout_s - time.monotonic(), 1))
            # A program that has just died is still Ready in the API until kubelet's next probe.
            silent = [pair.ordinal for pair in self.release.pairs().values() if not self._answers(pair)]
            if not silent:
                break
            assert time.monotonic() - began < timeout_s, f"Ready, but the programs of {silent} do not answer"
            time.sleep(0.1)
        took = time.monotonic() - began
        self.assert_no_orphans()
        return took

    @staticmethod
    def _answers(pair: Pair) -> bool:
        """Return whether a pair's program answers; an answer must come from its own ordinal."""
        try:
            said = fetch(pair.ip)
        except OSError:
            return False
        assert f"ordinal {pair.ordinal} " in said, f"{pair.ip} is answered by another ordinal's program: {said}"
        return True

    def assert_no_orphans(self, within_s: float = 10) -> None:
        """Assert that each node runs the programs and launchers of its pairs exactly once, and no others."""
        deadline = time.monotonic() + within_s
        while problems := self._orphans():
            if time.monotonic() > deadline:
                raise AssertionError("; ".join(problems))
            time.sleep(0.2)

    def _orphans(self) -> list[str]:
        problems = []
        pairs = self.release.pairs().values()
        for node in self.cluster.nodes.values():
            here = [pair for pair in pairs if pair.node == node.name]
            addresses = {pair.ip for pair in here}
            mains = [
                process.environ().get("MOORING_ANCHOR_IP")
                for process in _living(processes.targets(node.machine))
                if process.environ().get("POD_NAMESPACE") == self.release.namespace
            ]
            strangers = [address for address in mains if address not in addresses]
            if strangers:
                problems.append(f"{node.name} runs programs of pairs that do not exist: {strangers}")
            count = len(processes.launchers(node.machine, self.release.namespace))
            if count != len(here):
                problems.append(f"{node.name} runs {count} launchers for {len(here)} pairs")
            if processes.listens(node.machine.pid, PORT):
                problems.append(f"port {PORT} listens on {node.name} itself")
        return problems


def _living(found: list[psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in found:
        with contextlib.suppress(psutil.Error, OSError):
            process.environ()
            living.append(process)
    return living


def _ready_since(anchor: Object | None) -> tuple[object, ...]:
    """Return what changes when a pod turns unready: its uid, its Ready status and the time of the last transition."""
    if anchor is None:
        return ()
    ready = condition(anchor, "Ready")
    return (anchor["metadata"]["uid"], ready.get("status"), ready.get("lastTransitionTime"))
