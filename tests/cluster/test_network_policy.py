"""NetworkPolicies are enforced on both nodes: what is allowed passes, all else is refused, probes always pass."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.cluster.driving import nodes
from tests.cluster.driving.asking import asker_pod
from tests.cluster.driving.mirror import Mirror, is_ready
from tests.cluster.driving.release import PORT, fetch
from tests.cluster.stack.kube import Kube, Object

OTHER_PORT = 9090
DENY: Object = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
SERVER = {"matchLabels": {"role": "server"}}
FRIEND = {"matchLabels": {"role": "friend"}}
PORTS = [{"protocol": "TCP", "port": PORT}]


def serving_pod(namespace: str, role: str, node: str) -> Object:
    """Return a pod on a node that listens on two ports, and from which requests can be sent."""
    pod = asker_pod(f"{role}-{node}", namespace, [], nodeName=node)
    pod["metadata"]["labels"] = {"role": role}
    (first,) = pod["spec"]["containers"]
    pod["spec"]["containers"] = [
        first | {"name": f"port-{port}", "command": ["/opt/apps/served", "-port", str(port)]}
        for port in (PORT, OTHER_PORT)
    ]
    pod["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": PORT}, "periodSeconds": 1}
    return pod


class Field:
    """A server, a friend and a stranger on each node."""

    def __init__(self, kube: Kube, namespace: str, mirror: Mirror) -> None:
        self._kube = kube
        self._namespace = namespace
        self._mirror = mirror
        self._names = nodes.names(kube)
        kube.apply(
            *(serving_pod(namespace, role, node) for role in ("server", "friend", "stranger") for node in self._names)
        )
        mirror.wait(self.is_ready, 120, "all pods are Ready")

    def is_ready(self) -> bool:
        """Return whether the probe of every pod passes."""
        pods = self._mirror.all("pods")
        return len(pods) == 3 * len(self._names) and all(map(is_ready, pods.values()))

    def allow(self, name: str, spec: Object) -> None:
        """Apply a NetworkPolicy."""
        metadata = {"name": name, "namespace": self._namespace}
        policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
        self._kube.apply(policy)

    def reached(self, role: str, port: int = PORT) -> set[tuple[str, str]]:
        """Return from which node to which a role's requests to the servers are answered."""
        return {
            (source, target)
            for source in self._names
            for target in self._names
            if self._is_answered(f"{role}-{source}", f"http://{self._ip(target)}:{port}/")
        }

    @property
    def everywhere(self) -> set[tuple[str, str]]:
        """From every node to every node."""
        return {(source, target) for source in self._names for target in self._names}

    def wait_reached(self, wanted: set[tuple[str, str]], role: str) -> None:
        """Wait until exactly these requests of a role are answered: a policy takes effect soon, not at once."""
        deadline = time.monotonic() + 30
        while (found := self.reached(role)) != wanted:
            assert time.monotonic() < deadline, f"of {role} are answered: {sorted(found)}"

    def is_reached_from_outside(self) -> bool:
        """Return whether a server answers the tests themselves, which are in no pod and on no node."""
        try:
            fetch(self._ip(self._names[0]), timeout_s=1)
        except OSError:
            return False
        return True

    def _ip(self, node: str) -> str:
        pod = self._mirror.pod(f"server-{node}")
        assert pod is not None
        return str(pod["status"]["podIP"])

    def _is_answered(self, pod: str, url: str) -> bool:
        options = ["-url", url, "-rate", "10", "-timeout", "700ms", "-for", "300ms"]
        command = ["exec", "--namespace", self._namespace, pod, "--", "/opt/apps/asker", *options]
        report = json.loads(self._kube.kubectl(*command).stdout.splitlines()[-1])
        assert report["sent"] > 0
        return bool(report["failed"] == 0)


@pytest.fixture
def field(network_policies: None, kube: Kube, namespace: str) -> Iterator[Field]:
    """The pods, with nothing forbidden yet."""
    mirror = Mirror(kube, namespace)
    yield Field(kube, namespace, mirror)
    mirror.close()


def test_a_policy_is_enforced_between_pods_of_both_nodes(field: Field) -> None:
    """Default deny refuses all, both ways; then a port for one role is all that is answered."""
    assert field.reached("friend") == field.reached("stranger") == field.everywhere
    assert field.is_reached_from_outside()
    field.allow("deny", DENY)
    field.wait_reached(set(), "friend")
    field.wait_reached(set(), "stranger")
    field.allow("in", {"podSelector": SERVER, "ingress": [{"from": [{"podSelector": FRIEND}], "ports": PORTS}]})
    assert field.reached("friend") == set(), "egress is not allowed yet"
    field.allow(
        "out",
        {
            "podSelector": FRIEND,
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"podSelector": SERVER}], "ports": PORTS}],
        },
    )
    field.wait_reached(field.everywhere, "friend")
    assert field.reached("friend", OTHER_PORT) == field.reached("stranger") == set()
    assert not field.is_reached_from_outside()
    assert field.is_ready(), "kubelet's probes are not traffic between pods"
