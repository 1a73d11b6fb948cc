"""Every way to provide anchors, as in docs/strategies.md: install, scale, kill, heal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.driving.healing import ask_anchors, install, kill_and_heal, uid
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import PORT, READINESS_PORT, Helm, Pair, Release, target
from tests.cluster.stack import images
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube, Object

NewRelease = Callable[..., Release]


class Numbered(Release):
    """A release whose anchors have names of their own: `named` is given an ordinal."""

    named: Callable[[int], str]

    def anchor(self, ordinal: int) -> str:
        """Name of anchor n."""
        return self.named(ordinal)


class Foreign(Release):
    """A release whose anchors others made in another namespace; a label selects them."""

    nets: Mirror

    def pod(self, ordinal: int) -> str:
        """Name of launcher n, which has a set of its own."""
        return f"{self.name}-launcher-{ordinal}-{ordinal}"

    def pair(self, ordinal: int) -> Pair:
        """Return launcher n and the anchor labelled with ordinal n, preferably one that is not being deleted."""
        found = [
            pod for pod in self.nets.all("pods").values() if pod["metadata"]["labels"].get("app") == f"net-{ordinal}"
        ]
        found.sort(key=lambda pod: "deletionTimestamp" in pod["metadata"])
        return Pair(ordinal, self.mirror.pod(self.pod(ordinal)), found[0] if found else None)

    def pairs(self) -> dict[int, Pair]:
        """Return a pair for every launcher."""
        index = "apps.kubernetes.io/pod-index"
        ordinals = [int(pod["metadata"]["labels"][index]) for pod in self.mirror.all("pods").values()]
        return {ordinal: self.pair(ordinal) for ordinal in ordinals}


def ask_service(release: Release, service: str) -> str:
    """GET / of a Service's port http through the API server; return the whole answer.

    The API server learns a Service's addresses by its own watch, which may lag behind ours: until then it answers that
    there are no endpoints. Any other refusal comes from the program or the network, and fails.
    """
    url = f"namespaces/{release.namespace}/services/{service}:http/proxy/"
    deadline = time.monotonic() + 5
    while True:
        answer = release.kube.http.get(version="v1", url=url)
        if answer.status_code == 200:
            return str(answer.text)
        behind = answer.status_code == 503 and "no endpoints available for service" in answer.text
        assert behind and time.monotonic() < deadline, (answer.status_code, answer.text)
        time.sleep(0.1)


@pytest.fixture
def make(kube: Kube, helm3: Helm, namespace: str) -> Iterator[Callable[[type[Release]], Release]]:
    """A function that makes a release `r` of a class."""
    mirror = Mirror(kube, namespace)
    yield lambda kind: kind(kube, helm3, mirror, "r")
    helm3.run("uninstall", "r", "--namespace", namespace, "--ignore-not-found", check=False)
    mirror.close()


def test_static(cluster: Cluster, make: Callable[[type[Numbered]], Numbered]) -> None:
    """With a set for each anchor, helm upgrade adds and removes whole pairs and leaves the others alone."""
    release = make(Numbered)
    release.named = lambda ordinal: f"r-anchor-{ordinal}-{ordinal}"
    anchor = {"strategy": "static", "unschedulableSeconds": 10}
    install(release, 2, "static", anchor=anchor)
    ask_anchors(release, 2)
    stay = {uid(half) for n in (0, 1) for half in (release.pair(n).launcher, release.pair(n).anchor)}
    release.upgrade(3)
    release.wait_whole(3)
    assert set(release.mirror.all("statefulsets")) == {"r", "r-anchor-0", "r-anchor-1", "r-anchor-2"}
    ask_anchors(release, 3)
    release.upgrade(2)
    release.wait_whole(2)
    assert {uid(half) for n in (0, 1) for half in (release.pair(n).launcher, release.pair(n).anchor)} == stay
    kill_and_heal(cluster, release, 2, "static")
    ask_anchors(release, 2)


def test_shared(cluster: Cluster, make: Callable[[type[Numbered]], Numbered]) -> None:
    """With one IP and a port and Service for each, one more replica leaves the network and the others alone."""
    release = make(Numbered)
    release.named = lambda _ordinal: "r-anchor-0"
    ports = {ordinal: PORT + ordinal for ordinal in range(3)}
    own = {str(n): {"args": ["-port", str(port)], "ports": {"http": port}} for n, port in ports.items() if n}
    anchor = {"strategy": "shared", "unschedulableSeconds": 10}
    rbac = {"create": True, "maxReplicas": 3}
    install(release, 2, "shared", anchor=anchor, rbac=rbac, target=target(perOrdinal=own))

    def ask_services(replicas: int) -> None:
        for ordinal in range(replicas):
            service = f"r-anchor-{ordinal}"
            # A pod is Ready a moment before its Services have its address.
            now = {release.pair(ordinal).ip}
            release.mirror.wait(
                lambda name=service, now=now: release.ready_endpoints(name) == now, 10, f"{service} has {now}"
            )
            said = ask_service(release, service)
            assert f"ordinal {ordinal} " in said
            assert f":{ports[ordinal]}" in said

    ask_services(2)
    assert len({release.pair(ordinal).ip for ordinal in (0, 1)}) == 1
    stay = {uid(release.pair(n).launcher) for n in (0, 1)} | {uid(release.pair(0).anchor)}
    release.upgrade(3)
    release.wait_whole(3)
    ask_services(3)
    release.upgrade(2)
    release.wait_whole(2)
    assert {uid(release.pair(n).launcher) for n in (0, 1)} | {uid(release.pair(0).anchor)} == stay
    kill_and_heal(cluster, release, 2, "shared")
    ask_services(2)


def foreign_anchor(ordinal: int, namespace: str) -> Object:
    """Return an anchor as K2s users write it, a Deployment and a label, with all that docs/strategies.md advises."""
    labels = {"app": f"net-{ordinal}"}
    container = {
        "name": "anchor",
        "image": images.PAUSE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "readiness", "containerPort": READINESS_PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "readiness"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"httpGet": {"path": "/hold", "port": "readiness"}}},
    }
    pod = {"terminationGracePeriodSeconds": 40, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"net-{ordinal}", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def test_anchors_of_others(cluster: Cluster, make: Callable[[type[Foreign]], Foreign]) -> None:
    """With Deployments in another namespace as anchors, launchers go to them, follow them and never evict one."""
    release = make(Foreign)
    with release.kube.namespace(f"{release.namespace}-nets") as nets:
        release.nets = Mirror(release.kube, nets)
        release.kube.apply(*(foreign_anchor(ordinal, nets) for ordinal in range(3)))
        selector = {"create": False, "strategy": "static", "selector": "app=net-{ordinal}", "namespace": nets}
        install(release, 2, "anchors of others", anchor=selector | {"unschedulableSeconds": 10})
        ask_anchors(release, 2)
        release.upgrade(3)
        release.wait_whole(3)
        ask_anchors(release, 3)
        release.upgrade(2)
        release.wait_whole(2)
        kill_and_heal(cluster, release, 2, "anchors of others")
        ask_anchors(release, 2)
        # Nothing of that may have touched anchor 0.
        assert len({uid(item) for _, kind, _, item in release.nets.events if kind == "pods" and is_net(item, 0)}) == 1
        release.uninstall()
        release.mirror.wait(lambda: not release.mirror.all("pods"), 120, "no launcher is left")
        release.nets.close()


def is_net(pod: Object, ordinal: int) -> bool:
    """Return whether a pod is an anchor for an ordinal."""
    return bool(pod["metadata"]["labels"]["app"] == f"net-{ordinal}")
