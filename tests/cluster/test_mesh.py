"""A release in a mesh: Linkerd's own injector adds its proxy to anchors as they are created, and to no launcher."""

from __future__ import annotations

import urllib.error

import pytest
import requests

from tests.cluster.driving.release import PORT, READINESS_PORT, Release, fetch
from tests.cluster.stack.kube import Kube, Object
from tests.cluster.stack.linkerd import containers
from tests.linkerd.charts import INIT_IMAGE, INJECT, PROXY_IMAGE
from tests.linkerd.controller import PolicyController
from tests.linkerd.policy import DEFAULT_POLICY

REPLICAS = 2
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
