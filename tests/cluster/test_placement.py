"""The launcher goes where it can run, and its anchor follows: CPU, taints, spread, volumes. Split pairs heal."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.cluster.driving import nodes
from tests.cluster.driving.history import History, is_split
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import Helm, Release
from tests.cluster.stack import images
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

NAMESPACE = "e2e-placement"
PLAIN = 5
"""Pairs of the release that has no placement rules."""
DELETIONS = 10
BUDGET_S = 10
"""`anchor.unschedulableSeconds`."""
SPREAD = {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "DoNotSchedule",
    "nodeTaintsPolicy": "Honor",
}


@pytest.fixture(scope="module")
def plain(kube: Kube, helm3: Helm, mirror: Mirror) -> Release:
    """A release whose pairs may go anywhere."""
    release = Release(kube, helm3, mirror, "plain")
    release.install(PLAIN)
    release.wait_whole(PLAIN)
    return release


def _install(kube: Kube, helm: Helm, mirror: Mirror, name: str, replicas: int, **more: Any) -> Release:
    """Install a release, wait until it is whole, and assert that no anchor was ever placed beside another launcher."""
    history = History(mirror)
    release = Release(kube, helm, mirror, name)
    release.install(replicas, **more)
    took = release.wait_whole(replicas)
    print(f"  {name}: {replicas} pairs whole after {took:.1f} s on {_places(release)}")
    most, which = history.most(release, replicas, is_split)
    assert most == 0, f"pairs {which} were split"
    return release


def _places(release: Release) -> dict[int, str]:
    return {ordinal: pair.node for ordinal, pair in sorted(release.pairs().items())}


def _remove(release: Release, replicas: int) -> None:
    """Uninstall a release, to make room for the next test."""
    release.uninstall()
    gone = [name for n in range(replicas) for name in (release.pod(n), release.anchor(n))]
    release.mirror.wait(lambda: not set(gone) & set(release.mirror.all("pods")), 240, f"{release.name} has gone")


def _free_cpu(kube: Kube, node: str) -> float:
    """Return the cores of a node that no pod requests."""
    allocatable = _cores(kube.get(f"nodes/{node}")["status"]["allocatable"]["cpu"])
    pods = kube.get("pods", fieldSelector=f"spec.nodeName={node}")["items"]
    requested = [
        _cores(container.get("resources", {}).get("requests", {}).get("cpu", "0"))
        for pod in pods
        if pod["status"].get("phase") in ("Pending", "Running")
        for container in pod["spec"]["containers"]
    ]
    return allocatable - sum(requested)


def _cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def _requests(cores: float) -> dict[str, Any]:
    return {"requests": {"cpu": f"{cores * 1000:.0f}m"}}


def test_anchors_follow_launchers_that_need_cpu_and_spread(kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """Launchers that request most of the CPU and spread over both nodes get their anchors beside them."""
    names = nodes.names(kube)
    room = min(_free_cpu(kube, node) for node in names)
    release = _install(
        kube,
        helm3,
        mirror,
        "busy",
        4,
        topologySpreadConstraints=[SPREAD],
        launcher={"resources": _requests(room * 0.4)},
        anchor={"resources": _requests(room * 0.05)},
    )
    assert Counter(_places(release).values()) == dict.fromkeys(names, 2)
    _remove(release, 4)


def test_anchors_follow_launchers_past_a_taint(kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """With a nodeSelector and a toleration both halves go to the one tainted node that has the label."""
    node = nodes.names(kube)[-1]
    kube.kubectl("label", "node", node, "e2e-licence=dongle")
    kube.kubectl("taint", "node", node, "e2e-licence=dongle:NoSchedule")
    try:
        toleration = {"key": "e2e-licence", "operator": "Equal", "value": "dongle", "effect": "NoSchedule"}
        release = _install(
            kube, helm3, mirror, "licensed", 2, nodeSelector={"e2e-licence": "dongle"}, tolerations=[toleration]
        )
        assert set(_places(release).values()) == {node}
        _remove(release, 2)
    finally:
        kube.kubectl("taint", "node", node, "e2e-licence-", check=False)
        kube.kubectl("label", "node", node, "e2e-licence-")


@contextmanager
def _volumes(kube: Kube, release: str, places: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Make a PersistentVolume on the node named for each ordinal; yields values that claim them."""
    storage_class = f"e2e-{release}"
    volumes = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{storage_class}-{ordinal}"},
            "spec": {
                "storageClassName": storage_class,
                "capacity": {"storage": "1Mi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": NAMESPACE, "name": f"data-{release}-{ordinal}"},
                "hostPath": {"path": f"/run/{storage_class}-{ordinal}", "type": "DirectoryOrCreate"},
                "nodeAffinity": {
                    "required": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [
                                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
                                ]
                            }
                        ]
                    }
                },
            },
        }
        for ordinal, node in places.items()
    ]
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    kube.apply(*volumes)
    try:
        yield {"volumeClaimTemplates": [claim], "extraVolumeMounts": [{"name": "data", "mountPath": "/data"}]}
    finally:
        claims = [f"data-{release}-{ordinal}" for ordinal in places]
        kube.kubectl("--namespace", NAMESPACE, "delete", "pvc", *claims, "--ignore-not-found", "--wait=false")
        kube.kubectl("delete", "pv", *(f"{storage_class}-{ordinal}" for ordinal in places), "--wait=false")


def test_anchors_follow_launchers_to_their_volumes(kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """Each launcher goes where its volume is, and its anchor follows; a deleted one comes back to its volume."""
    first, second = nodes.names(kube)[:2]
    places = {0: second, 1: first, 2: second}
    with _volumes(kube, "claimed", places) as values:
        release = _install(kube, helm3, mirror, "claimed", 3, **values)
        assert _places(release) == places
        history = History(mirror)
        kube.kubectl("--namespace", NAMESPACE, "delete", "pod", release.pod(0))
        release.wait_whole(3)
        assert _places(release) == places
        assert len(history.launchers(release, 0)) == 2
        _remove(release, 3)


def test_a_re_created_launcher_comes_home(plain: Release, kube: Kube) -> None:
    """A launcher prefers the node of its anchor, which then keeps its IP; the figure says how often."""
    assert len(set(_places(plain).values())) > 1, "all pairs are on one node, so the launchers had no choice"
    home = 0
    for _ in range(DELETIONS // PLAIN):
        before = plain.pairs()
        kube.kubectl("--namespace", NAMESPACE, "delete", "pod", *map(plain.pod, before), "--wait=false")
        plain.mirror.wait(
            lambda before=before: (  # type: ignore[misc]
                plain.is_whole(PLAIN)
                and all(_uid(pair.launcher) != _uid(before[n].launcher) for n, pair in plain.pairs().items())
            ),
            240,
            "all launchers are new and the pairs whole",
        )
        home += sum(pair.ip == before[n].ip and pair.node == before[n].node for n, pair in plain.pairs().items())
    print(f"figure: re-created launchers that came home, of {DELETIONS}: {home} launchers")
    assert home > DELETIONS / 2


def _uid(pod: dict[str, Any] | None) -> str:
    return str(pod["metadata"]["uid"]) if pod else ""


def test_a_split_pair_heals(plain: Release, kube: Kube) -> None:
    """A launcher that had to move to another node evicts its anchor, which then follows."""
    before = plain.pair(0)
    history = History(plain.mirror)
    with nodes.cordoned(kube, before.node):
        kube.kubectl("--namespace", NAMESPACE, "delete", "pod", plain.pod(0), "--wait=false")
        plain.mirror.wait(lambda: plain.pair(0).node not in ("", before.node), 240, "the launcher is on another node")
        took = plain.wait_whole(PLAIN)
    history.end()
    after = plain.pair(0)
    assert history.most(plain, PLAIN, is_split) == (1, [0])
    assert (_uid(after.anchor), after.node) != (_uid(before.anchor), before.node)
    assert len(history.launchers(plain, 0)) == 2, "the launcher that moved stays where it is"
    print(f"figure: split pair, from its launcher's move to whole again: {took:.1f} s")


def test_a_launcher_leaves_a_node_that_is_too_full(kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """When other pods have taken the CPU that its anchor needs, a launcher moves once per budget until both fit."""
    full, other = nodes.names(kube)[:2]
    kube.kubectl("cordon", other)
    try:
        release = _install(
            kube, helm3, mirror, "crowded", 1, launcher={"resources": _requests(0.1)}, anchor=_anchor_that_needs(0.3)
        )
        anchor = release.pair(0).anchor
        # Nothing is placed here while the anchor is away and a pod that bypasses the scheduler takes its CPU.
        kube.kubectl("cordon", full)
        kube.kubectl("--namespace", NAMESPACE, "delete", "pod", release.anchor(0))
        mirror.wait(lambda: _uid(release.pair(0).anchor) not in ("", _uid(anchor)), 240, "another anchor is waiting")
        _fill(kube, full, leaving=0.15)
        history = History(mirror)
        kube.kubectl("uncordon", full)
        first = _uid(release.pair(0).launcher)
        mirror.wait(lambda: _uid(release.pair(0).launcher) not in ("", first), 240, "the launcher has left")
        mirror.wait(lambda: release.pair(0).node == full, 240, "there is no other node to go to")
        kube.kubectl("uncordon", other)
        release.wait_whole(1)
        history.end()
    finally:
        kube.kubectl("uncordon", full, other)
        kube.kubectl("--namespace", NAMESPACE, "delete", "pod", "filler", "--ignore-not-found", "--wait=false")
    seen = history.launchers(release, 0)
    assert [node for _since, _uid, node in seen] == [full, full, other]
    stayed = seen[2][0] - seen[1][0]
    print(f"figure: launcher on a node too full for its anchor, budget {BUDGET_S} s, until it left: {stayed:.1f} s")
    assert BUDGET_S <= stayed < 6 * BUDGET_S
    _remove(release, 1)


def _anchor_that_needs(cores: float) -> dict[str, Any]:
    return {"unschedulableSeconds": BUDGET_S, "resources": _requests(cores)}


def _fill(kube: Kube, node: str, leaving: float) -> None:
    """Request all of a node's CPU except so many cores."""
    taken = _free_cpu(kube, node) - leaving
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "filler", "namespace": NAMESPACE},
            "spec": {
                "nodeName": node,
                "tolerations": [{"operator": "Exists"}],
                "automountServiceAccountToken": False,
                "containers": [{"name": "filler", "image": images.PAUSE, "resources": _requests(taken)}],
            },
        }
    )
    kube.kubectl("--namespace", NAMESPACE, "wait", "--for=condition=Ready", "pod/filler", "--timeout=60s")


def test_a_scheduler_that_ends_is_started_again(kube: Kube, own_cluster: Cluster | None) -> None:
    """As kubelet does on a real control plane: kube-scheduler ends itself when it finds its cache wrong."""
    if own_cluster is None:
        pytest.skip("ends a daemon of the control plane: only in the cluster of `make e2e`")
    machine = own_cluster.control_plane.machine
    before = machine.pid_of("kube-scheduler")
    machine.send("kube-scheduler", signal.SIGKILL)

    def is_another() -> bool:
        with suppress(RuntimeError):  # there is none at this moment
            return machine.pid_of("kube-scheduler") != before
        return False

    own_cluster.wait(is_another, 30, "another kube-scheduler")
