"""The reading of Linkerd's policies, case by case as its policy controller's own tests have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.linkerd.policy import DEFAULT_POLICY, OPAQUE_PORTS, Policies, Request, identity

NODE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
FRIEND = identity("apps", "friend")
PROBE = Request(8091, ELSEWHERE, "", "GET", "/readyz")
HOOK = Request(8091, NODE, "", "GET", "/hold")
READINESS, TRAFFIC = "readiness", "http"


def pod(**annotations: str) -> dict[str, Any]:
    """Return a pod with two ports, one of them probed."""
    ports = [{"name": READINESS, "containerPort": 8091}, {"name": TRAFFIC, "containerPort": 8080}]
    probe = {"httpGet": {"port": READINESS, "path": "/readyz"}}
    metadata = {"name": "p", "namespace": "apps", "labels": {"app": "a"}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"containers": [{"ports": ports, "readinessProbe": probe}]}}


def one(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """Return a policy object."""
    return {"kind": kind, "metadata": {"name": name, "namespace": "apps"}, "spec": spec}


def server(port: str | int = READINESS, **spec: Any) -> dict[str, Any]:
    """Return a Server of the pod's port."""
    return one("Server", "s", podSelector={"matchLabels": {"app": "a"}}, port=port, **spec)


def authorization(*refs: str, kind: str = "Server", target: str = "s") -> dict[str, Any]:
    """Return an AuthorizationPolicy that requires objects, each given as kind/name."""
    pairs = [ref.split("/") for ref in refs]
    required = [{"kind": kind, "name": name} for kind, name in pairs]
    return one(
        "AuthorizationPolicy", "a", targetRef={"kind": kind, "name": target}, requiredAuthenticationRefs=required
    )


NODES = one("NetworkAuthentication", "nodes", networks=[{"cidr": "192.0.2.0/24", "except": ["192.0.2.128/25"]}])
FRIENDS = one("MeshTLSAuthentication", "friends", identityRefs=[{"kind": "ServiceAccount", "name": "friend"}])
ANYONE = one("MeshTLSAuthentication", "anyone", identities=["*"])
ROUTE = one(
    "HTTPRoute", "r", parentRefs=[{"kind": "Server", "name": "s"}], rules=[{"matches": [{"path": {"value": "/hold"}}]}]
)


@pytest.mark.parametrize(
    ("default", "stranger", "meshed"),
    [("all-unauthenticated", True, True), ("all-authenticated", False, True), ("deny", False, False)],
)
def test_a_port_without_a_server_has_the_default(default: str, stranger: bool, meshed: bool) -> None:
    """Of the installation or the pod; probes pass always, hooks do not, and an opaque port has no paths."""
    for policies, given in ((Policies([], default), {}), (Policies([]), {DEFAULT_POLICY: default})):
        assert policies.admits(pod(**given), Request(8080, NODE)) is stranger
        assert policies.admits(pod(**given), Request(8080, NODE, FRIEND)) is meshed
        assert policies.admits(pod(**given), PROBE)
        assert policies.admits(pod(**given), HOOK) is stranger
        assert policies.admits(pod(**given, **{OPAQUE_PORTS: "8091"}), PROBE) is stranger


@pytest.mark.parametrize(
    ("objects", "request_", "admitted"),
    [
        ([server()], PROBE, True),
        ([server()], HOOK, False),
        ([server(8091)], HOOK, False),
        ([server()], Request(8080, ELSEWHERE), True),
        ([server(proxyProtocol="opaque")], PROBE, False),
        ([server(), authorization("NetworkAuthentication/nodes"), NODES], HOOK, True),
        ([server(), authorization("NetworkAuthentication/nodes"), NODES], Request(8091, "192.0.2.200"), False),
        ([server(), authorization("NetworkAuthentication/nodes")], HOOK, False),
        ([server(), authorization("NetworkAuthentication/nodes", target="other"), NODES], HOOK, False),
        ([server(), authorization("NetworkAuthentication/nodes", kind="Namespace", target="apps"), NODES], HOOK, True),
        ([server(), authorization("MeshTLSAuthentication/friends"), FRIENDS], Request(8091, NODE, FRIEND), True),
        ([server(), authorization("MeshTLSAuthentication/friends"), FRIENDS], Request(8091, NODE, "x" + FRIEND), False),
        ([server(), authorization("MeshTLSAuthentication/anyone"), ANYONE], Request(8091, NODE, FRIEND), True),
        ([server(), authorization("MeshTLSAuthentication/anyone"), ANYONE], Request(8091, NODE), False),
        ([server(), authorization("ServiceAccount/friend")], Request(8091, NODE, FRIEND), True),
        (
            [server(), authorization("NetworkAuthentication/nodes", "ServiceAccount/friend"), NODES],
            Request(8091, ELSEWHERE, FRIEND),
            False,
        ),
        ([server(), ROUTE], PROBE, False),
        (
            [server(), ROUTE, authorization("NetworkAuthentication/nodes", kind="HTTPRoute", target="r"), NODES],
            HOOK,
            True,
        ),
        ([server(), ROUTE, authorization("NetworkAuthentication/nodes"), NODES], HOOK, True),
        ([server(), ROUTE, authorization("NetworkAuthentication/nodes"), NODES], PROBE, False),
    ],
)
def test_a_server_lets_in_whom_a_policy_permits(
    objects: list[dict[str, Any]], request_: Request, admitted: bool
) -> None:
    """And probes, as long as no HTTPRoute is attached to it."""
    assert Policies(objects).admits(pod(), request_) is admitted
