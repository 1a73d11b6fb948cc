"""Pods that are deleted or moved, or lose a container or their sandbox."""

from __future__ import annotations

import time

from tests.cluster.driving.faults.nodes import cordoned
from tests.cluster.driving.faults.registry import fault
from tests.cluster.driving.faults.world import World
from tests.cluster.driving.release import Pair


@fault(is_quick=True)
def anchor_deleted(world: World) -> None:
    """Somebody deletes an anchor."""
    anchor_deleted_of(world, world.pair())


def anchor_deleted_of(world: World, pair: Pair) -> None:
    """Delete the anchor of one pair; return when the API shows that it is being deleted."""
    pod = world.release.anchor(pair.ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--wait=false")


@fault(is_quick=True)
def anchor_deleted_by_force(world: World) -> None:
    """Somebody deletes an anchor with no grace period."""
    pod = world.release.anchor(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--force", "--grace-period=0")


@fault()
def anchor_evicted(world: World) -> None:
    """An anchor is evicted, as by a drain."""
    pod = world.release.anchor(world.pair().ordinal)
    with world.renewed(pod):
        deadline = time.monotonic() + world.patience_s(60)
        # Refused with 429 while the budget allows none, as when another pair has not healed yet.
        while (answer := world.release.kube.evict(world.release.namespace, pod)) == 429:
            assert time.monotonic() < deadline, f"the budget still refuses to evict {pod}"
            time.sleep(1)
        assert answer in (201, 404), f"the eviction of {pod} was answered with {answer}"


@fault(is_quick=True)
def launcher_deleted(world: World) -> None:
    """Somebody deletes a launcher's pod."""
    pod = world.release.pod(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--wait=false")


@fault(is_quick=True)
def launcher_deleted_by_force(world: World) -> None:
    """Somebody deletes a launcher's pod with no grace period."""
    pod = world.release.pod(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--force", "--grace-period=0")


@fault()
def launcher_moved(world: World) -> None:
    """A launcher is re-created on the other node: the pair is split until its anchor follows."""
    pair = world.pair()
    with cordoned(world, pair.node):
        world.kubectl("delete", "pod", world.release.pod(pair.ordinal), "--wait=false")
        other = world.other_node(world.node_of(pair)).name
        world.release.mirror.wait(
            lambda: world.release.pair(pair.ordinal).node == other,
            world.patience_s(60),
            f"launcher {pair.ordinal} is on {other}",
        )


@fault(is_quick=True)
def anchor_container_restarted(world: World) -> None:
    """The anchor's container ends and restarts in place: same pod, same IP."""
    pair = world.pair()
    assert pair.anchor is not None
    container = pair.anchor["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    machine = world.node_of(pair).machine
    with world.renewed(world.release.anchor(pair.ordinal)):
        machine.run(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container])


@fault(is_quick=True)
def anchor_sandbox_lost(world: World) -> None:
    """The sandbox of an anchor's pod dies: kubelet makes a new one, with a new network namespace, for the same pod."""
    pair = world.pair()
    assert pair.anchor is not None
    machine = world.node_of(pair).machine
    uid = pair.anchor["metadata"]["uid"]
    shown = machine.run(
        [
            "ctr",
            "--namespace",
            "k8s.io",
            "containers",
            "list",
            "--quiet",  # before the filter: ctr reads anything after it as another filter
            f'labels."io.kubernetes.pod.uid"=={uid},labels."io.cri-containerd.kind"==sandbox',
        ]
    )
    with world.renewed(world.release.anchor(pair.ordinal)):
        for sandbox in shown.split():
            machine.run(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", sandbox])


@fault()
def launchers_rolled_out(world: World) -> None:
    """The launcher set is rolled out."""
    _roll_out(world, world.release.name)


@fault()
def anchors_rolled_out(world: World) -> None:
    """The anchor set is rolled out."""
    _roll_out(world, f"{world.release.name}-anchor")


def _roll_out(world: World, name: str) -> None:
    patience_s = world.patience_s(170)
    world.kubectl("rollout", "restart", f"statefulset/{name}")
    world.kubectl("rollout", "status", f"statefulset/{name}", f"--timeout={patience_s:.0f}s", timeout_s=patience_s + 10)


@fault()
def scaled_in_and_out(world: World) -> None:
    """The launcher set is scaled in, and out again before the anchors are gone."""
    world.release.scale(max(1, world.replicas - 2))
    time.sleep(world.dice.uniform(0, 6))
    world.release.scale(world.replicas)
