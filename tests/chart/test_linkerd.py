"""Linkerd on the anchors: objects that its own definitions accept, and policies that let in whom the values name."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.chart.rendering import MINIMAL, Objects, RenderError, layered, render
from tests.linkerd import charts, schemas
from tests.linkerd.policy import DEFAULT_POLICY, Policies, Request, identity

NODE, FRIENDS, ELSEWHERE, MONITORING = "10.0.0.7", "192.0.2.7", "198.51.100.7", "203.0.113.7"
FRIEND, READER, STRANGER = identity("web", "front"), identity("web", "reader"), identity("apps", "stranger")
PROMETHEUS = identity("linkerd-viz", "prometheus")
VALUES: dict[str, Any] = layered(
    MINIMAL,
    {
        "replicas": 2,
        "target": {
            "ports": {"raw": {"port": 9000, "servicePort": 90}, "feed": {"port": 5000, "protocol": "UDP"}},
        },
        "mesh": {
            "linkerd": {
                "enabled": True,
                "allow": {"identities": [FRIEND], "networks": ["192.0.2.0/24"]},
                "metricsFrom": {"identities": [PROMETHEUS], "networks": ["203.0.113.0/24"]},
                "nodeNetworks": ["10.0.0.0/16"],
            }
        },
    },
)
OPAQUE: dict[str, Any] = {"mesh": {"linkerd": {"opaquePorts": ["raw"]}}}
ROUTES: dict[str, Any] = {
    "mesh": {
        "linkerd": {
            "httpRoutes": {
                "read": {
                    "port": "http",
                    "matches": [{"path": {"value": "/list"}, "method": "GET"}],
                    "identities": [READER],
                    "networks": ["198.51.100.0/24"],
                },
                "all": {"port": "http"},
            }
        }
    }
}
SHARED: dict[str, Any] = {
    "anchor": {"strategy": "shared"},
    "target": {"perOrdinal": {"1": {"ports": {"http": 8180, "raw": 9100, "feed": 5100}}}},
}
NEWEST = ["--api-versions", "policy.linkerd.io/v1beta3/Server", "--api-versions", "policy.linkerd.io/v1beta3/HTTPRoute"]
STRATEGIES = pytest.mark.parametrize(
    "more", [{}, {"anchor": {"strategy": "static"}}, SHARED], ids=["ordinal", "static", "shared"]
)


def policies(objects: Objects) -> list[dict[str, Any]]:
    """Return Linkerd's own objects."""
    return [one for one in objects.values() if one["apiVersion"].startswith(schemas.GROUP)]


def anchor(objects: Objects, **annotations: str) -> dict[str, Any]:
    """Return a pod of the first anchors' set, as the policy controller sees it."""
    name = min(name for kind, name in objects if kind == "StatefulSet" and name.startswith("orders-anchor"))
    template = objects["StatefulSet", name]["spec"]["template"]
    metadata = template["metadata"] | {"name": f"{name}-0", "namespace": "apps"}
    metadata["annotations"] = metadata["annotations"] | annotations
    return {"metadata": metadata, "spec": template["spec"]}


def admits(objects: Objects, *request: Any) -> bool:
    """Return whether an anchor of a cluster that denies by default lets a request in."""
    return Policies(policies(objects)).admits(anchor(objects, **{DEFAULT_POLICY: "deny"}), Request(*request))


@pytest.mark.parametrize("over", [{}, OPAQUE, ROUTES], ids=["least", "opaque", "routes"])
@STRATEGIES
def test_linkerd_takes_every_object(more: dict[str, Any], over: dict[str, Any]) -> None:
    """None has a field that Linkerd's own definitions lack, or one of another type."""
    found = policies(render(layered(VALUES, more, over)))
    for one in found:
        schemas.validate(one)
    assert {one["kind"] for one in found} == {
        *("Server", "AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication"),
        *(["HTTPRoute"] if over is ROUTES else []),
    }


def test_linkerd_refuses_what_is_not_its_own() -> None:
    """The judge is strict: a field that Linkerd does not know is refused."""
    route = layered(ROUTES, {"mesh": {"linkerd": {"httpRoutes": {"all": {"matches": [{"pth": "/"}]}}}}})
    objects = render(layered(VALUES, route))
    with pytest.raises(jsonschema.ValidationError, match="pth"):
        schemas.validate(objects["HTTPRoute", "orders.http.all"])


@STRATEGIES
def test_whom_the_values_name_gets_in(more: dict[str, Any]) -> None:
    """By identity or by network, at each TCP port and no other way; nobody else does."""
    objects = render(layered(VALUES, more))
    for port in (8080, 9000):
        assert admits(objects, port, ELSEWHERE, FRIEND)
        assert admits(objects, port, FRIENDS)
        assert not admits(objects, port, ELSEWHERE, STRANGER)
        assert not admits(objects, port, ELSEWHERE)
        assert not admits(objects, port, NODE)


@STRATEGIES
def test_kubelets_hook_and_a_scrape_get_in(more: dict[str, Any]) -> None:
    """At readiness.port the nodes, by which kubelet's probe and hook come, and who may read metrics; no client does."""
    objects = render(layered(VALUES, more))
    assert admits(objects, 8091, NODE, "", "GET", "/readyz")
    assert admits(objects, 8091, NODE, "", "GET", "/hold")
    assert not admits(objects, 8091, FRIENDS, "", "GET", "/hold")
    assert admits(objects, 8091, ELSEWHERE, PROMETHEUS, "GET", "/metrics")
    assert admits(objects, 8091, MONITORING, "", "GET", "/metrics")
    for client in (FRIEND, STRANGER, ""):
        assert not admits(objects, 8091, ELSEWHERE, client, "GET", "/metrics")


def test_replicas_of_a_shared_anchor_have_servers_each() -> None:
    """Their ports differ; each has a Server, by number, that every policy reaches."""
    objects = render(layered(VALUES, SHARED, OPAQUE))
    servers = [one["spec"] for one in policies(objects) if one["kind"] == "Server"]
    assert {one["port"]: one.get("proxyProtocol") for one in servers} == {
        8080: None,
        8180: None,
        9000: "opaque",
        9100: "opaque",
        8091: None,
        8092: None,
    }
    assert admits(objects, 8180, ELSEWHERE, FRIEND)
    assert admits(objects, 8092, NODE, "", "GET", "/hold")
    route = render(layered(VALUES, SHARED, ROUTES))["HTTPRoute", "orders.http.read"]
    assert [one["name"] for one in route["spec"]["parentRefs"]] == ["orders.8080", "orders.8180"]


@STRATEGIES
def test_a_route_lets_more_clients_in(more: dict[str, Any]) -> None:
    """To what it matches; who may reach the port may send what any route matches, and nothing else is let in."""
    objects = render(layered(VALUES, more, ROUTES))
    for source, client in ((ELSEWHERE, READER), (ELSEWHERE, ""), (FRIENDS, ""), (NODE, FRIEND)):
        assert admits(objects, 8080, source, client, "GET", "/list")
    assert admits(objects, 8080, NODE, FRIEND, "POST", "/orders")
    assert not admits(objects, 8080, NODE, READER, "POST", "/list")
    one = layered(ROUTES, {"mesh": {"linkerd": {"httpRoutes": {"all": None}}}})
    assert not admits(render(layered(VALUES, more, one)), 8080, NODE, FRIEND, "POST", "/orders")


def test_routes_by_themselves_are_enough() -> None:
    """A program whose every TCP port has a route with clients needs no others."""
    without = {"allow": {"identities": [], "networks": []}}
    values = layered(VALUES, ROUTES, {"target": {"ports": {"raw": None}}, "mesh": {"linkerd": without}})
    objects = render(values)
    assert admits(objects, 8080, NODE, READER, "GET", "/list")
    assert not admits(objects, 8080, NODE, FRIEND, "GET", "/list")


def test_only_anchors_are_injected() -> None:
    """Launchers say that they are not, whatever their namespace says; the proxy does not handle UDP."""
    objects = render(layered(VALUES, {"launcher": {"podAnnotations": {charts.INJECT: "enabled"}}}))
    annotations = {
        name: one["spec"]["template"]["metadata"]["annotations"]
        for (kind, name), one in objects.items()
        if kind == "StatefulSet"
    }
    assert annotations["orders-anchor"] == {
        charts.INJECT: "enabled",
        "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": "70",
        "config.linkerd.io/pod-inbound-ports": "8080,9000,8091",
    }
    assert annotations["orders"][charts.INJECT] == "disabled"


def test_the_proxy_outlives_the_program() -> None:
    """It waits as long as the launcher may take to stop the program, which is less than the anchor's grace period."""
    template = anchor(render(layered(VALUES, {"terminationGracePeriodSeconds": 200})))
    assert template["metadata"]["annotations"]["config.alpha.linkerd.io/proxy-wait-before-exit-seconds"] == "200"
    assert template["spec"]["terminationGracePeriodSeconds"] > 200


def test_opaque_ports_are_known_to_both_sides() -> None:
    """The anchor has their numbers, and the Services, from which clients' proxies take them, their own."""
    key = "config.linkerd.io/opaque-ports"
    objects = render(layered(VALUES, OPAQUE, {"service": {"perReplica": True, "annotations": {"a": "b"}}}))
    assert anchor(objects)["metadata"]["annotations"][key] == "9000"
    assert objects["Service", "orders"]["metadata"]["annotations"] == {"a": "b", key: "90"}
    assert objects["Service", "orders-anchor-1"]["metadata"]["annotations"][key] == "90"


def test_a_users_own_annotation_wins() -> None:
    """A program that stops faster than its grace period says may let the proxy exit sooner."""
    key = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
    objects = render(layered(VALUES, {"anchor": {"podAnnotations": {key: "30"}}}))
    assert anchor(objects)["metadata"]["annotations"][key] == "30"


@pytest.mark.parametrize(
    ("flags", "own", "expected"), [([], "", "v1beta1"), (NEWEST, "", "v1beta3"), (NEWEST, "v1beta2", "v1beta2")]
)
def test_the_cluster_decides_the_version(flags: list[str], own: str, expected: str) -> None:
    """The newest that it serves, the oldest that every Linkerd serves where nobody knows, or the one that is given."""
    objects = render(layered(VALUES, ROUTES, {"mesh": {"linkerd": {"apiVersion": own}}}), flags=flags)
    versions = {(one["kind"], one["apiVersion"].partition("/")[2]) for one in policies(objects)}
    assert {("Server", expected), ("HTTPRoute", expected)} <= versions
    assert {version for kind, version in versions if kind not in ("Server", "HTTPRoute")} == {"v1alpha1"}


def test_no_other_release_has_these_names() -> None:
    """A release's names have no dots; with hyphens, port x-http of one could be port http of another."""
    assert all("." in one["metadata"]["name"] for one in policies(render(layered(VALUES, ROUTES))))


@pytest.mark.parametrize("network", ["10.0.0.0", "10.0.0.256/24", "10.0.0.0/33", "fd00::/129", "nodes"])
def test_a_network_is_in_cidr_notation(network: str) -> None:
    """Anything else is refused before Linkerd would refuse it, or ignore the policy."""
    with pytest.raises(RenderError, match="nodeNetworks"):
        render(layered(VALUES, {"mesh": {"linkerd": {"nodeNetworks": [network]}}}), flags=["--skip-schema-validation"])


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "fd00::/64", "2001:db8:1::5/128", "10.255.0.0/9"])
def test_networks_of_both_families_are_taken(network: str) -> None:
    """IPv4 and IPv6."""
    objects = render(layered(VALUES, {"mesh": {"linkerd": {"nodeNetworks": [network]}}}))
    assert objects["NetworkAuthentication", "orders.readiness"]["spec"]["networks"][0] == {"cidr": network}
