"""A release in a mesh: Linkerd's own injector adds its proxy to anchors as they are created, and to no launcher."""

from __future__ import annotations

import json
import urllib.error

import pytest
import requests

from tests.cluster.driving.asking import asker_pod
from tests.cluster.driving.mirror import is_ready
from tests.cluster.driving.release import PORT, READINESS_PORT, Release, fetch
from tests.cluster.stack.kube import Kube, Object
from tests.cluster.stack.linkerd import containers
from tests.linkerd.charts import INIT_IMAGE, INJECT, PROXY_IMAGE
from tests.linkerd.controller import PolicyController
from tests.linkerd.policy import DEFAULT_POLICY, identity

REPLICAS = 2
OBSERVERS = ["192.168.99.0/24", *(f"10.244.{node}.1/32" for node in range(4))]
"""Where the tests' own requests and the oracle's come from: machines, and the nodes' bridges in the pods' network."""
WAIT_BEFORE_EXIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
POLICY = "policy.linkerd.io"
GATEWAY = "gateway.networking.k8s.io"
TARGET = {"group": POLICY, "kind": "Server", "name": "s"}
BACKENDS = [{"backendRefs": [{"name": "r", "port": 80, "weight": 1}]}]
OBJECTS: dict[tuple[str, str], Object] = {
    (f"{POLICY}/v1beta1", "Server"): {"podSelector": {"matchLabels": {"a": "b"}}, "port": "http"},
    (f"{POLICY}/v1alpha1", "AuthorizationPolicy"): {
        "targetRef": TARGET,
        "requiredAuthenticationRefs": [{"group": POLICY, "kind": "NetworkAuthentication", "name": "n"}],
    },
    (f"{POLICY}/v1alpha1", "MeshTLSAuthentication"): {"identities": ["*"]},
    (f"{POLICY}/v1alpha1", "NetworkAuthentication"): {"networks": [{"cidr": "192.0.2.0/24"}]},
    (f"{POLICY}/v1beta3", "HTTPRoute"): {"parentRefs": [TARGET], "rules": []},
    (f"{GATEWAY}/v1", "HTTPRoute"): {"parentRefs": [{"name": "g"}], "rules": BACKENDS},
    (f"{GATEWAY}/v1", "GRPCRoute"): {"parentRefs": [{"name": "g"}], "rules": BACKENDS},
    (f"{GATEWAY}/v1", "TCPRoute"): {"parentRefs": [{"name": "g"}], "rules": BACKENDS},
}
"""An object of each kind that a mesh or a gateway adds to a release: version and kind -> spec."""


@pytest.mark.parametrize(("version", "kind"), OBJECTS)
def test_the_api_judges_what_it_takes(definitions: None, kube: Kube, namespace: str, version: str, kind: str) -> None:
    """An object is accepted by its own project's definition, and refused with a field that the kind does not have."""

    def create(spec: Object) -> requests.Response:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": "one"}, "spec": spec}
        options = {"dryRun": "All", "fieldValidation": "Strict"}
        plural = {"AuthorizationPolicy": "authorizationpolicies"}.get(kind, f"{kind.lower()}s")
        answer: requests.Response = kube.http.post(
            version=version, namespace=namespace, url=plural, json=body, params=options
        )
        return answer

    spec = OBJECTS[version, kind]
    answer = create(spec)
    assert answer.ok, answer.text
    assert "unknown field" in create(spec | {"misspelt": True}).text


def test_an_injected_release_serves(linkerd: PolicyController, release: Release) -> None:
    """Each anchor has the proxy, no launcher has; pairs become whole and answer, all of it through the proxies."""
    release.kube.kubectl("annotate", "namespace", release.namespace, f"{INJECT}=enabled")
    release.install(REPLICAS)
    release.wait_whole(REPLICAS)
    for ordinal, pair in release.pairs().items():
        assert pair.anchor is not None and pair.launcher is not None
        assert containers(pair.anchor) == ["linkerd-init", "linkerd-proxy", "anchor"]
        assert "linkerd" not in str(containers(pair.launcher))
        images = [each["image"] for key in ("initContainers", "containers") for each in pair.anchor["spec"][key]]
        assert images[:2] == [INIT_IMAGE, PROXY_IMAGE]
        assert release.ask(ordinal)
        passed = [
            (each.port, each.path)
            for name, each, admitted in linkerd.decisions
            if name.endswith(release.anchor(ordinal)) and admitted
        ]
        assert {(PORT, "/"), (READINESS_PORT, "/readyz")} <= set(passed)


def test_a_default_of_deny_lets_probes_in_and_nobody_else(linkerd: PolicyController, release: Release) -> None:
    """The pairs become Ready, but neither the program nor kubelet's hook is reached: that is what policies are for."""
    release.install(1, anchor={"podAnnotations": {INJECT: "enabled", DEFAULT_POLICY: "deny"}})
    release.wait_whole(1)
    with pytest.raises(requests.HTTPError):
        release.ask(0)
    ip = release.pair(0).ip
    for port in (PORT, READINESS_PORT):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(ip, "/", port)


def test_kubelets_hook_needs_a_policy(linkerd: PolicyController, release: Release) -> None:
    """With a default of deny the hook that keeps an anchor's network is refused until a policy names its source.

    The proxy must wait before it exits: kubelet ends it at the same time as it runs the hook.
    """

    def hooks() -> list[tuple[str, bool]]:
        return [(each.source, admitted) for _, each, admitted in linkerd.decisions if each.path == "/hold"]

    def delete_anchor() -> tuple[str, bool]:
        before = len(hooks())
        release.kube.kubectl("delete", "pod", release.anchor(0), "--namespace", release.namespace)
        assert len(hooks()) > before, "kubelet did not run the hook"
        release.wait_whole(1)
        return hooks()[-1]

    annotations = {INJECT: "enabled", DEFAULT_POLICY: "deny", WAIT_BEFORE_EXIT: "3"}
    release.install(1, anchor={"podAnnotations": annotations})
    release.wait_whole(1)
    source, admitted = delete_anchor()
    assert not admitted
    place = {"namespace": release.namespace}
    labels = {"app.kubernetes.io/instance": release.name}
    nodes = {"group": POLICY, "kind": "NetworkAuthentication", "name": "nodes"}
    target = {"group": POLICY, "kind": "Server", "name": "readiness"}
    specs: dict[tuple[str, str, str], Object] = {
        ("v1beta1", "Server", "readiness"): {"podSelector": {"matchLabels": labels}, "port": READINESS_PORT},
        ("v1alpha1", "NetworkAuthentication", "nodes"): {"networks": [{"cidr": f"{source}/32"}]},
        ("v1alpha1", "AuthorizationPolicy", "hook"): {"targetRef": target, "requiredAuthenticationRefs": [nodes]},
    }
    release.kube.apply(
        *(
            {"apiVersion": f"{POLICY}/{version}", "kind": kind, "metadata": place | {"name": name}, "spec": spec}
            for (version, kind, name), spec in specs.items()
        )
    )
    assert delete_anchor() == (source, True)
    print(f"figure: kubelet's hook comes from: {source}")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(release.pair(0).ip, "/hold", READINESS_PORT)


def test_the_charts_policies_let_in_whom_the_values_name(linkerd: PolicyController, release: Release) -> None:
    """A friend reaches the program, a monitor its metrics, kubelet its hook, and nobody else anything."""

    def answers(client: str, port: int, path: str) -> bool:
        url = f"http://{release.pair(0).ip}:{port}{path}"
        command = ["/opt/apps/asker", "-url", url, "-rate", "10", "-timeout", "2s", "-for", "300ms"]
        place = ["--namespace", release.namespace, client, "--container", "asker"]
        report = json.loads(release.kube.kubectl("exec", *place, "--", *command).stdout.splitlines()[-1])
        return bool(report["sent"] > 0 == report["failed"])

    def seen(path: str) -> list[tuple[str, bool]]:
        anchors = f"{release.namespace}:{release.name}-anchor-"
        return [
            (each.source, admitted)
            for name, each, admitted in linkerd.decisions
            if name.startswith(anchors) and each.path == path
        ]

    clients = ["friend", "monitor", "stranger"]
    release.kube.apply(*(part for name in clients for part in _client(release.namespace, name)))
    values = {
        "enabled": True,
        "allow": {"identities": [identity(release.namespace, "friend")], "networks": OBSERVERS},
        "metricsFrom": {"identities": [identity(release.namespace, "monitor")]},
        "nodeNetworks": ["192.0.2.1/32"],
        "httpRoutes": {"page": {"port": "http", "matches": [{"path": {"value": "/"}}]}},
    }
    release.install(REPLICAS, mesh={"linkerd": values})
    release.wait_whole(REPLICAS)
    release.mirror.wait(lambda: all(is_ready(release.mirror.pod(name)) for name in clients), 60, "clients are ready")
    for pair in release.pairs().values():
        assert pair.anchor is not None and pair.launcher is not None
        assert "linkerd-proxy" in containers(pair.anchor)
        assert pair.launcher["metadata"]["annotations"][INJECT] == "disabled"
    allowed = {("friend", PORT, "/"), ("monitor", READINESS_PORT, "/metrics")}
    requests_of = [(name, port, path) for name in clients for _, port, path in sorted(allowed)]
    assert {each for each in requests_of if answers(*each)} == allowed
    assert fetch(release.pair(0).ip), "the tests are in a network that may reach the program"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(release.pair(0).ip, "/hold", READINESS_PORT)

    # As a user finds the nodes' networks: kubelet's probes come from where its hook does.
    sources = sorted({source for source, _ in seen("/readyz")})
    release.upgrade(REPLICAS, mesh={"linkerd": values | {"nodeNetworks": [f"{source}/32" for source in sources]}})
    anchor = f"{release.namespace}:{release.anchor(0)}"
    release.mirror.wait(
        lambda: all(linkerd.admits(anchor, READINESS_PORT, source, "GET", "/hold") for source in sources),
        30,
        "the new policy is in effect",
    )
    before = len(seen("/hold"))
    release.kube.kubectl("delete", "pod", release.anchor(0), "--namespace", release.namespace)
    hooks = seen("/hold")[before:]
    assert hooks and all(admitted for _, admitted in hooks), hooks
    release.wait_whole(REPLICAS)
    assert answers("friend", PORT, "/")


def _client(namespace: str, name: str) -> list[Object]:
    """Return a meshed pod from which requests can be sent, and its ServiceAccount."""
    pod = asker_pod(name, namespace, [], serviceAccountName=name)
    pod["metadata"]["annotations"] = {INJECT: "enabled"}
    pod["spec"]["containers"][0]["command"] = ["/opt/apps/served", "-port", str(PORT)]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    return [account, pod]
