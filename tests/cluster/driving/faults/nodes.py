"""Nodes that are drained, lost or unplugged, or that lose a daemon or their disk."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tests.cluster.driving.faults.registry import fault
from tests.cluster.driving.faults.world import World

_PROBES_BEGIN_WITHIN_S = 2.0
"""A kubelet waits for up to a probe's period after its own start before it probes: until then it notices no failure.

pkg/kubelet/prober/worker.go. The longest period of a readiness probe here is 2 s; what fails meanwhile stays in its
Service, which the oracle would count against mooring.
"""


@fault()
def node_drained(world: World) -> None:
    """A node is drained and uncordoned."""
    node = world.dice.choice(sorted(world.cluster.nodes))
    try:
        drain(world, node)
    finally:
        world.release.kube.kubectl("uncordon", node)


def drain(world: World, node: str, timeout_s: float = 170) -> float:
    """`kubectl drain`; returns the seconds it took."""
    began = time.monotonic()
    patience_s = world.patience_s(timeout_s)
    options = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={patience_s:.0f}s", "--force"]
    selector = f"app.kubernetes.io/instance={world.release.name}"
    world.release.kube.kubectl("drain", node, *options, f"--pod-selector={selector}", timeout_s=patience_s + 30)
    return time.monotonic() - began


@contextlib.contextmanager
def cordoned(world: World, node: str) -> Iterator[None]:
    world.release.kube.kubectl("cordon", node)
    try:
        yield
    finally:
        world.release.kube.kubectl("uncordon", node)


@fault()
def node_lost(world: World) -> None:
    """A node's kubelet and runtime are killed; its pods keep running, unseen, until both are back."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("kubelet", "containerd")
    try:
        _wait_node(world, node.name, "Unknown")
        patience_s = world.patience_s(60)
        world.release.mirror.wait(
            lambda: _is_evicted(world, node.name), patience_s, f"the pods on {node.name} are being deleted"
        )
    finally:
        node.start_runtime()
        node.start_kubelet()
    _wait_node(world, node.name, "True")


def _is_evicted(world: World, node: str) -> bool:
    """Return whether every pod on a node is being deleted, though no kubelet is there to act on it."""
    pods = (pod for pod in world.release.mirror.all("pods").values() if pod["spec"].get("nodeName") == node)
    return all(pod["metadata"].get("deletionTimestamp") for pod in pods)


@fault()
def node_unplugged(world: World) -> None:
    """A node loses power and boots again."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.unplug()
    _wait_node(world, node.name, "Unknown")
    world.cluster.start_node(node.name)
    _wait_node(world, node.name, "True", 120)


@fault(is_quick=True)
def kubelet_restarted(world: World) -> None:
    """A kubelet is killed and restarted."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("kubelet")
    node.start_kubelet()
    lease = _lease(world, node.name)
    world.cluster.wait(lambda: _lease(world, node.name) != lease, world.patience_s(60), f"{node.name} renews its lease")
    time.sleep(_PROBES_BEGIN_WITHIN_S)


@fault(is_quick=True)
def runtime_restarted(world: World) -> None:
    """A container runtime is killed and restarted; containers keep running."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("containerd")
    node.start_runtime()


@fault()
def disk_full(world: World) -> None:
    """The disk with the launchers' state is full for a while: a healthy pair stays ready."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    healthy = [pair for pair in world.release.pairs().values() if pair.node == node.name and pair.is_whole]
    filler = "/var/lib/kubelet/filler"
    node.machine.run(["sh", "-c", f"dd if=/dev/zero of={filler} bs=1M 2>/dev/null; true"])
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            lost = [pair.ordinal for pair in healthy if world.turned_unready(pair)]
            assert not lost, f"a full disk turned {lost} unready"
            time.sleep(0.2)
    finally:
        node.machine.run(["rm", "-f", filler])


def _lease(world: World, node: str) -> object:
    """Return when a kubelet last renewed its lease."""
    path = f"namespaces/kube-node-lease/leases/{node}"
    return world.release.kube.get(path, version="coordination.k8s.io/v1")["spec"]["renewTime"]


def _wait_node(world: World, name: str, status: str, timeout_s: float = 60) -> None:
    def has() -> bool:
        conditions = world.release.kube.get(f"nodes/{name}")["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == status for each in conditions)

    world.cluster.wait(has, world.patience_s(timeout_s), f"{name} has Ready={status}")
