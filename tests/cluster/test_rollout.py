"""Upgrades of the program: by revision, as far as the partition allows, never of the anchors; and a new token key."""

from __future__ import annotations

import json
import re
import time

import pytest
import requests

from tests.cluster.driving import processes
from tests.cluster.driving.faults import World
from tests.cluster.driving.history import History
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import Helm, Release, status, target
from tests.cluster.stack import control_plane, images, pki
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube, Object
from tests.cluster.stack.node import Node

NAMESPACE = "e2e-rollout"
REPLICAS = 2


@pytest.fixture(scope="module")
def orders(kube: Kube, helm3: Helm, mirror: Mirror) -> Release:
    """Two pairs of version 1."""
    release = Release(kube, helm3, mirror, "orders")
    release.install(REPLICAS, target=target("-version", "1"))
    release.wait_whole(REPLICAS)
    return release


def _versions(release: Release) -> dict[int, str]:
    """Return the version that each pair's program reports, and assert that the right program answers."""
    found = {}
    for ordinal, pair in sorted(release.pairs().items()):
        said = re.fullmatch(r"pid \d+ version (\S+) ordinal (\d+) address \S+\n", release.ask(ordinal))
        assert said, f"{pair.ip} answers with something else"
        assert int(said.group(2)) == ordinal
        found[ordinal] = said.group(1)
    return found


def _anchors(release: Release) -> dict[int, tuple[str, str]]:
    """Return uid and IP of every anchor."""
    return {n: (pair.anchor["metadata"]["uid"], pair.ip) for n, pair in release.pairs().items() if pair.anchor}


def _launchers(release: Release) -> dict[int, str]:
    """Return the uid of every launcher."""
    return {n: pair.launcher["metadata"]["uid"] for n, pair in release.pairs().items() if pair.launcher}


def _wait_rolled(release: Release, replicas: int, before: dict[int, str], ordinals: list[int]) -> float:
    """Wait until the launchers of some ordinals are new and all pairs are whole; the others must be unchanged."""
    took = release.mirror.wait(
        lambda: release.is_whole(replicas) and all(_launchers(release)[n] != before[n] for n in ordinals),
        240,
        f"launchers {ordinals} are new and the pairs whole",
    )
    for n in set(before) - set(ordinals):
        assert _launchers(release)[n] == before[n], f"launcher {n} should not have been restarted"
    return took


def _remove(mirror: Mirror, *releases: Release) -> None:
    """Uninstall releases and wait until their pods have gone."""
    for release in releases:
        release.uninstall()
    mirror.wait(lambda: not any(release.pairs() for release in releases), 240, "their pods have gone")


def _config(pod: Object | None) -> dict[str, list[str]]:
    """Return the configuration that a launcher's pod was made with."""
    assert pod is not None
    found: dict[str, list[str]] = json.loads(pod["metadata"]["annotations"]["mooring/config"])["target"]
    return found


def test_two_revisions_side_by_side(orders: Release) -> None:
    """Under a partition each pair runs with its own revision's configuration, even when it is re-created."""
    anchors, before = _anchors(orders), _launchers(orders)
    orders.upgrade(
        REPLICAS, target=target("-version", "2"), updateStrategy={"type": "RollingUpdate", "partition": REPLICAS - 1}
    )
    took = _wait_rolled(orders, REPLICAS, before, [1])
    print(f"figure: rollout of one pair by its launcher, drain of 7 s included: {took:.1f} s")
    assert _versions(orders) == {0: "1", 1: "2"}
    assert [_config(orders.pair(n).launcher)["args"][-1] for n in range(REPLICAS)] == ["1", "2"]

    before = _launchers(orders)
    orders.kube.kubectl("--namespace", NAMESPACE, "delete", "pod", orders.pod(0), "--wait=false")
    _wait_rolled(orders, REPLICAS, before, [0])
    assert _versions(orders) == {0: "1", 1: "2"}, "below the partition a new pod is of the old revision"

    before = _launchers(orders)
    orders.upgrade(REPLICAS, updateStrategy={"type": "RollingUpdate", "partition": 0})
    _wait_rolled(orders, REPLICAS, before, [0])
    assert _versions(orders) == {0: "2", 1: "2"}
    assert _anchors(orders) == anchors, "an upgrade of the program restarts no anchor"


def test_a_bad_revision_stops_at_one_pair(orders: Release) -> None:
    """A missing program breaks one pair; the others keep running, and `helm rollback` makes it whole again."""
    versions, anchors, before = _versions(orders), _anchors(orders), _launchers(orders)
    history = History(orders.mirror)
    orders.upgrade(REPLICAS, target=target("-version", "3", exe="/opt/apps/missing"))
    last = REPLICAS - 1

    def has_failed() -> bool:
        launcher = orders.pair(last).launcher
        statuses = launcher["status"].get("containerStatuses", []) if launcher else []
        return _launchers(orders).get(last) != before[last] and bool(statuses) and statuses[0]["restartCount"] >= 2

    orders.mirror.wait(has_failed, 240, "the new launcher of the last pair has failed twice")
    launcher = orders.pair(last).launcher
    assert launcher is not None
    ended = launcher["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert "/opt/apps/missing" in ended["message"], f"the termination message says {ended}"
    assert history.most_broken(orders, REPLICAS) == (1, [last])
    assert _launchers(orders)[0] == before[0]
    assert "version " + versions[0] in orders.ask(0)

    began = time.monotonic()
    orders.helm.run("rollback", orders.name, "--namespace", NAMESPACE)
    orders.wait_whole(REPLICAS)
    print(f"figure: helm rollback of a bad revision to whole again: {time.monotonic() - began:.1f} s")
    history.end()
    assert _versions(orders) == versions
    assert _launchers(orders)[0] == before[0], "the pair that the bad revision never reached is left alone"
    assert _anchors(orders) == anchors
    assert history.most_broken(orders, REPLICAS)[0] == 1


def test_an_upgrade_reaches_the_program(cluster: Cluster, kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """A change of environment, gate, launcher resources or image rolls out the launchers and no anchor."""
    changes = {
        "by-env": {"target": target(env={"GREETING": "hello, world"})},
        "by-gate": {"gate": {"tcp": {"door": {"port": "http"}}}},
        "by-resources": {"launcher": {"resources": {"requests": {"cpu": "50m"}}}},
        "by-image": {"launcher": {"image": {"tag": images.DEBIAN_NEXT.rpartition(":")[2]}}},
    }
    releases = {name: Release(kube, helm3, mirror, name) for name in changes}
    for release in releases.values():
        release.install(1)
    for release in releases.values():
        release.wait_whole(1)
    before = {name: (_launchers(release), _anchors(release)) for name, release in releases.items()}
    for name, release in releases.items():
        release.upgrade(1, **changes[name])
    for name, release in releases.items():
        _wait_rolled(release, 1, before[name][0], [0])
        assert _anchors(release) == before[name][1]

    pair = releases["by-env"].pair(0)
    program = processes.main_target(cluster.nodes[pair.node].machine, pair.ip)
    assert program.environ()["GREETING"] == "hello, world"
    assert "tcp door" in json.dumps(status(releases["by-gate"].pair(0).ip)["conditions"])
    containers = {
        name: pair.launcher["spec"]["containers"][0]
        for name, release in releases.items()
        if (pair := release.pair(0)).launcher
    }
    assert containers["by-resources"]["resources"]["requests"]["cpu"] == "50m"
    assert containers["by-image"]["image"] == images.DEBIAN_NEXT
    _remove(mirror, *releases.values())


def test_max_unavailable_pairs_at_once(kube: Kube, helm3: Helm, mirror: Mirror) -> None:
    """With maxUnavailable 2 (on since Kubernetes 1.37) a rollout takes two pairs at once, never a third."""
    replicas = 4
    release = Release(kube, helm3, mirror, "wide")
    release.install(replicas, updateStrategy={"type": "RollingUpdate", "maxUnavailable": 2})
    release.wait_whole(replicas)
    before = _launchers(release)
    history = History(mirror)
    release.upgrade(replicas, target=target("-version", "2"))
    took = _wait_rolled(release, replicas, before, list(range(replicas)))
    history.end()
    print(f"figure: rollout of {replicas} pairs, two at once: {took:.1f} s")
    assert set(_versions(release).values()) == {"2"}
    most, which = history.most_broken(release, replicas)
    kept = kube.get(f"namespaces/{NAMESPACE}/statefulsets/wide", version="apps/v1")["spec"]["updateStrategy"]
    # Where the feature is off the API server drops the field, and pairs go one at a time.
    allowed = kept["rollingUpdate"].get("maxUnavailable", 1)
    assert most == allowed, f"pairs {which} were broken at once, allowed: {allowed}"
    _remove(mirror, release)


# -- tokens ------------------------------------------------------------------------------------------------------------


def _token(node: Node, pod: Object) -> str:
    """Read the token that kubelet has mounted into a pod."""
    uid = pod["metadata"]["uid"]
    path = f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~projected/kube-api-access-*/token"
    return node.machine.run(["sh", "-c", f"cat {path}"]).strip()


def _ask(cluster: Cluster, token: str, path: str) -> int:
    """GET a path with a token; returns the HTTP status."""
    with requests.Session() as session:
        session.trust_env = False  # a CA or a proxy named there belongs to another network
        answer = session.get(
            control_plane.URL + path,
            headers={"Authorization": f"Bearer {token}"},
            verify=cluster.pki.path("ca.crt"),
            timeout=20,
        )
    return answer.status_code


def test_a_new_signing_key(cluster: Cluster, orders: Release) -> None:
    """When the key that signs tokens is replaced, a launcher picks up its new token without a restart.

    Until kubelet has fetched it, the launcher is refused and its pair keeps serving. Kubelet fetches new tokens
    at 80 % of their hour, and when it starts (pkg/kubelet/token/token_manager.go keeps them in memory only), so after a
    change of the key kubelets are restarted.
    """
    world = World(cluster, orders, REPLICAS)
    pair = orders.pair(0)
    node = world.node_of(pair)
    assert pair.launcher is not None
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{orders.anchor(0)}"
    process, old = world.launcher(pair), _token(node, pair.launcher)
    assert _ask(cluster, old, path) == 200

    pki.new_service_account_key(cluster.pki.directory)
    cluster.control_plane.stop_api()
    cluster.control_plane.start_api()
    cluster.wait(lambda: control_plane.is_up(cluster.pki), 240, "the API answers again")
    cluster.control_plane.restart_controllers()
    assert _ask(cluster, old, path) == 401

    def is_refused() -> bool:
        said = orders.kube.kubectl("--namespace", NAMESPACE, "logs", orders.pod(0), "--since=60s").stdout
        return "401" in said

    cluster.wait(is_refused, 240, "the launcher reports that it is refused")
    assert pair.ip in orders.ready_endpoints()
    assert "ordinal 0 " in orders.ask(0)

    began = time.monotonic()
    for each in cluster.nodes.values():
        each.machine.kill("kubelet")
        each.start_kubelet()
    cluster.wait(lambda: _token(node, pair.launcher or {}) != old, 240, "kubelet has made another token")
    print(f"figure: new token in the pod after its kubelet's restart: {time.monotonic() - began:.1f} s")
    assert _ask(cluster, _token(node, pair.launcher), path) == 200

    # What it does next shows that the API accepts it again: it sees its anchor go, and attaches to the next one.
    anchors = _anchors(orders)
    world.kubectl("delete", "pod", orders.anchor(0), "--wait=false")
    orders.mirror.wait(
        lambda: _anchors(orders).get(0, anchors[0]) != anchors[0] and orders.is_whole(REPLICAS),
        240,
        "the anchor is new and all pairs are whole",
    )
    assert world.launcher(orders.pair(0)).pid == process.pid, "the launcher was not restarted for it"
    world.settle()
