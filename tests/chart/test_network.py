"""What leads to the anchors: Services, routes and the network policy."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests import gateway_api
from tests.chart.rendering import MINIMAL, ROOT, Objects, assert_accepted, config, layered, render
from tests.chart.test_examples import VERSIONS

TWO_PORTS = {
    "target": {"ports": {"http": {"port": 8080, "servicePort": 80}, "feed": {"port": 9000, "protocol": "UDP"}}}
}
SHARED = {
    "anchor": {"strategy": "shared"},
    "replicas": 2,
    "rbac": {"maxReplicas": 4},
    "target": {"perOrdinal": {"1": {"ports": {"http": 8081, "feed": 9001}}}},
}
SHOP = {"podSelector": {"matchLabels": {"app": "shop"}}}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
DATABASE = {"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}], "ports": [{"port": 5432, "protocol": "TCP"}]}
GATEWAY = [{"name": "public", "namespace": "gateways"}]


def chart(*layers: dict[str, Any], **options: Any) -> Objects:
    """Render the chart with two ports and these values."""
    return render(layered(MINIMAL, TWO_PORTS, *layers), **options)


def policy(*layers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the spec of the NetworkPolicy with these of its values."""
    objects = chart(*layers, {"networkPolicy": {"enabled": True, **fields}})
    for version in VERSIONS:
        assert_accepted(objects, version)
    return dict(objects["NetworkPolicy", "orders-anchor"]["spec"])


def route(kind: str, *layers: dict[str, Any], flags: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """Return a route to the port http."""
    parents = {} if kind == "Ingress" else {"parentRefs": GATEWAY}
    values = {"routes": {"web": {"kind": kind, "port": "http", **parents, **fields}}}
    return dict(chart(values, *layers, flags=flags)[kind, "orders-web"])


def test_a_policy_lets_linkerds_proxy_work() -> None:
    """Whoever may reach a port may reach the proxy's, where the mesh decides; the proxy reaches its control plane."""
    mesh = {
        "mesh": {"linkerd": {"enabled": True, "allow": {"networks": ["10.1.0.0/16"]}, "nodeNetworks": ["10.3.0.0/16"]}}
    }
    spec = policy(mesh, **{"from": {"http": [SHOP]}, "metricsFrom": [MONITORING]})
    proxy = {"port": 4143, "protocol": "TCP"}
    assert [rule["ports"][-1] for rule in spec["ingress"]] == [proxy, proxy]
    assert {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "linkerd"}}}]} in spec[
        "egress"
    ]
    without = policy(**{"from": {"http": [SHOP]}, "metricsFrom": [MONITORING]})
    assert proxy not in [port for rule in without["ingress"] for port in rule["ports"]]
    assert len(without["egress"]) == 1


def test_a_policy_denies_what_it_does_not_name() -> None:
    """Both directions are closed, but for DNS; the anchors of this release are selected, by what they always carry."""
    objects = chart({"networkPolicy": {"enabled": True}})
    spec = policy()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert not spec["ingress"]
    assert spec["egress"] == [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]
    anchors = objects["StatefulSet", "orders-anchor"]["spec"]
    assert spec["podSelector"]["matchLabels"] == anchors["selector"]["matchLabels"]
    launchers = objects["StatefulSet", "orders"]["spec"]["template"]["metadata"]["labels"]
    assert not spec["podSelector"]["matchLabels"].items() <= launchers.items()


@pytest.mark.parametrize("strategy", ["ordinal", "static"])
def test_peers_reach_what_they_are_named_for(strategy: str) -> None:
    """Each port has its own peers, readiness.port has metricsFrom; what the program itself may reach is added."""
    spec = policy(
        {"anchor": {"strategy": strategy}, "replicas": 2},
        **{"from": {"http": [SHOP], "feed": []}, "metricsFrom": [MONITORING], "egress": [DATABASE]},
    )
    assert spec["ingress"] == [
        {"from": [SHOP], "ports": [{"port": 8080, "protocol": "TCP"}]},
        {"from": [MONITORING], "ports": [{"port": 8091, "protocol": "TCP"}]},
    ]
    assert spec["egress"][1:] == [DATABASE]


def test_a_static_policy_selects_the_anchors_of_every_set() -> None:
    """One policy for all sets: each anchor carries what it selects."""
    values = {"anchor": {"strategy": "static"}, "replicas": 2}
    wanted = policy(values)["podSelector"]["matchLabels"].items()
    objects = chart(values)
    for ordinal in (0, 1):
        assert (
            wanted
            <= objects["StatefulSet", f"orders-anchor-{ordinal}"]["spec"]["template"]["metadata"]["labels"].items()
        )


def test_a_shared_anchor_opens_the_ports_of_every_replica() -> None:
    """A peer of a port reaches it at each replica, and metrics at each readiness port that there can be."""
    spec = policy(SHARED, **{"from": {"feed": [SHOP]}, "metricsFrom": [MONITORING]})
    assert spec["ingress"] == [
        {"from": [SHOP], "ports": [{"port": 9000, "protocol": "UDP"}, {"port": 9001, "protocol": "UDP"}]},
        {"from": [MONITORING], "ports": [{"port": 8091, "endPort": 8094, "protocol": "TCP"}]},
    ]


RULE = {"matches": [{"path": {"type": "PathPrefix", "value": "/orders"}}]}
HEADER = {"matches": [{"method": {"service": "orders.Orders"}}]}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("HTTPRoute", {}),
        ("HTTPRoute", {"hostnames": ["orders.example.org"], "rules": [RULE, {"timeouts": {"request": "10s"}}]}),
        ("GRPCRoute", {"hostnames": ["orders.example.org"], "rules": [HEADER]}),
        ("GRPCRoute", {}),
        ("TCPRoute", {}),
        ("TCPRoute", {"rules": [{"name": "all"}]}),
    ],
)
def test_the_gateway_api_takes_a_route(kind: str, spec: dict[str, Any]) -> None:
    """Each rule leads to the Service's port; the API's own definition has every field, of that type."""
    made = route(kind, spec=spec)
    jsonschema.validate(made, gateway_api.schema_of(made))
    assert made["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert made["spec"]["parentRefs"] == GATEWAY
    assert [rule["backendRefs"] for rule in made["spec"]["rules"]] == [[{"name": "orders", "port": 80}]] * max(
        1, len(spec.get("rules", []))
    )


def test_the_gateway_api_refuses_what_it_does_not_know() -> None:
    """The judge is strict: a field that the API would drop is refused."""
    made = route("HTTPRoute", spec={"rules": [{"timeout": "10s"}]})
    with pytest.raises(jsonschema.ValidationError, match="timeout"):
        jsonschema.validate(made, gateway_api.schema_of(made))


def test_a_tcp_route_is_of_the_version_that_the_cluster_serves() -> None:
    """Gateway API before 1.6 has only v1alpha2; from 1.6 on v1 serves, and is used where both do."""
    old, new = (f"--api-versions=gateway.networking.k8s.io/{version}/TCPRoute" for version in ("v1alpha2", "v1"))
    made = [route("TCPRoute", flags=flags) for flags in ((old,), (old, new), (new,), ())]
    versions = [one["apiVersion"].rpartition("/")[2] for one in made]
    assert versions == ["v1alpha2", "v1", "v1", "v1"]
    jsonschema.validate(made[0], gateway_api.schema_of(made[0], "experimental"))


def test_weights_share_the_requests() -> None:
    """This release's weight stands beside the backends that others give; 0 is a weight."""
    green = {"name": "orders-green", "port": 80, "weight": 100}
    made = route("HTTPRoute", weight=0, backendRefs=[green], spec={"rules": [RULE, {}]})
    jsonschema.validate(made, gateway_api.schema_of(made))
    backends = [{"name": "orders", "port": 80, "weight": 0}, green]
    assert [rule["backendRefs"] for rule in made["spec"]["rules"]] == [backends, backends]


def test_a_rule_keeps_the_backends_it_has() -> None:
    """A redirect gets none, which the API would refuse; backends of the user's own stay as they are."""
    redirect = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}
    own = {"backendRefs": [{"name": "errors", "port": 80}]}
    made = route("HTTPRoute", spec={"rules": [redirect, own, {"backendRefs": []}, {"backendRefs": None}]})
    filled = {"backendRefs": [{"name": "orders", "port": 80}]}
    assert made["spec"]["rules"] == [redirect, own, {"backendRefs": []}, filled]


BACKEND = {"service": {"name": "orders", "port": {"number": 80}}}
OTHER = {"service": {"name": "errors", "port": {"name": "http"}}}
PATH = {"path": "/orders", "pathType": "Prefix"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"defaultBackend": BACKEND}),
        ({"defaultBackend": OTHER}, {"defaultBackend": OTHER}),
        (
            {
                "ingressClassName": "nginx",
                "rules": [{"host": "a.example"}, {"http": {"paths": [PATH, PATH | {"backend": OTHER}]}}],
            },
            {
                "ingressClassName": "nginx",
                "rules": [
                    {"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}},
                    {"http": {"paths": [PATH | {"backend": BACKEND}, PATH | {"backend": OTHER}]}},
                ],
            },
        ),
    ],
)
def test_an_ingress_leads_to_the_service(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Without rules everything does, with rules each path without a backend, and a host without paths."""
    values = {"routes": {"web": {"kind": "Ingress", "port": "http", "annotations": {"a": "b"}, "spec": given}}}
    objects = chart(values)
    made = objects["Ingress", "orders-web"]
    assert made["spec"] == expected
    assert made["metadata"]["annotations"] == {"a": "b"}
    for version in VERSIONS:
        assert_accepted(objects, version)


def test_a_route_leads_to_a_port_of_the_service() -> None:
    """Name and port are those of the rendered Service, also under another name."""
    objects = chart(
        {"routes": {"web": {"kind": "HTTPRoute", "port": "http", "parentRefs": GATEWAY}}, "fullnameOverride": "billing"}
    )
    ((backend,),) = [rule["backendRefs"] for rule in objects["HTTPRoute", "billing-web"]["spec"]["rules"]]
    assert backend["port"] in {port["port"] for port in objects["Service", backend["name"]]["spec"]["ports"]}


def ports(objects: Objects, name: str) -> dict[str, Any]:
    """Return the ports of a Service by name."""
    return {port["name"]: port for port in objects["Service", name]["spec"]["ports"]}


def test_a_port_says_its_node_port_and_its_protocol() -> None:
    """The node's port is only the one Service's, the application protocol every one's; the launcher gets neither."""
    own = {"http": {"nodePort": 30080, "appProtocol": "kubernetes.io/h2c"}}
    replica = {"type": "NodePort", "replica": {"enabled": True, "type": "NodePort"}}
    values = {"target": {"ports": own}, "service": replica}
    objects = chart(values)
    for version in VERSIONS:
        assert_accepted(objects, version)
    assert ports(objects, "orders")["http"]["nodePort"] == 30080
    for name in ("orders", "orders-anchor", "orders-anchor-0"):
        assert ports(objects, name)["http"]["appProtocol"] == "kubernetes.io/h2c"
        assert "appProtocol" not in ports(objects, name)["feed"]
        assert ("nodePort" in ports(objects, name)["http"]) == (name == "orders")
    assert config(objects) == config(chart()), "a Service's port restarts no program"


def test_services_of_replicas_are_of_their_own_kind() -> None:
    """Type, annotations and spec of service.replica are theirs, those of service the other's."""
    service = {
        "type": "LoadBalancer",
        "labels": {"tier": "web"},
        "annotations": {"a": "all"},
        "spec": {"sessionAffinity": "ClientIP"},
        "replica": {
            "enabled": True,
            "type": "NodePort",
            "annotations": {"a": "one"},
            "spec": {"externalTrafficPolicy": "Local"},
        },
    }
    objects = chart({"service": service, "replicas": 2})
    for version in VERSIONS:
        assert_accepted(objects, version)
    whole, one = objects["Service", "orders"], objects["Service", "orders-anchor-1"]
    assert (whole["spec"]["type"], one["spec"]["type"]) == ("LoadBalancer", "NodePort")
    assert (whole["metadata"]["annotations"], one["metadata"]["annotations"]) == ({"a": "all"}, {"a": "one"})
    assert (whole["metadata"]["labels"].get("tier"), one["metadata"]["labels"].get("tier")) == ("web", None)
    assert (one["spec"].get("sessionAffinity"), one["spec"]["externalTrafficPolicy"]) == (None, "Local")


def test_the_older_name_of_the_replicas_services_still_works() -> None:
    """service.perReplica makes what service.replica.enabled does, and what it made before."""
    old, new = ({"service": one} for one in ({"perReplica": True}, {"replica": {"enabled": True}}))
    assert chart(old) == chart(new)
    assert "type" not in chart(old)["Service", "orders-anchor-0"]["spec"]


def test_services_of_a_shared_anchor_are_the_service() -> None:
    """They are in place of the one over all, so its labels, type and spec are theirs."""
    service = {"type": "NodePort", "labels": {"tier": "web"}, "spec": {"sessionAffinity": "ClientIP"}}
    objects = chart(SHARED, {"service": service})
    for number in (0, 1):
        one = objects["Service", f"orders-anchor-{number}"]
        assert (one["spec"]["type"], one["spec"]["sessionAffinity"]) == ("NodePort", "ClientIP")
        assert one["metadata"]["labels"]["tier"] == "web"


def test_unready_anchors_can_have_their_names() -> None:
    """Only the anchors' headless Service publishes them: through any other, unready replicas get no requests."""
    service = {"headless": {"publishNotReadyAddresses": True}, "replica": {"enabled": True}}
    objects = chart({"service": service})
    assert {name for (kind, name), one in objects.items() if one.get("spec", {}).get("publishNotReadyAddresses")} == {
        "orders-anchor"
    }


BLUE_GREEN = ROOT / "values-examples" / "blue-green"


def loaded(name: str) -> dict[str, Any]:
    """Return an object of the example."""
    return dict(yaml.load((BLUE_GREEN / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def colours() -> dict[str, Objects]:
    """Return what the two releases of the example make."""
    return {name: render(files=[BLUE_GREEN / f"{name}.yaml"], release=f"orders-{name}") for name in ("blue", "green")}


def test_one_route_leads_to_blue_and_green() -> None:
    """The example's route names the Service and port of each release, and sends everything to one."""
    made = loaded("route.yaml")
    jsonschema.validate(made, gateway_api.schema_of(made))
    backends = made["spec"]["rules"][0]["backendRefs"]
    assert [one["weight"] for one in backends] == [100, 0]
    for backend, objects in zip(backends, colours().values(), strict=True):
        assert [port["port"] for port in objects["Service", backend["name"]]["spec"]["ports"]] == [backend["port"]]


def test_the_selector_of_one_service_moves_from_blue_to_green() -> None:
    """It selects the anchors of exactly one release; its port is one that they name."""
    made = loaded("service.yaml")
    (name,) = re.findall(r"""kubectl patch service orders -p '(.*)'""", (BLUE_GREEN / "service.yaml").read_text())
    moved = layered(made, json.loads(name))
    pods = {
        f"{colour} {name}": one["spec"]["template"]
        for colour, objects in colours().items()
        for (kind, name), one in objects.items()
        if kind == "StatefulSet"
    }
    for service, expected in ((made, "blue orders-blue-anchor"), (moved, "green orders-green-anchor")):
        kubernetes_validate.validate(service, "1.37", strict=True)
        wanted = service["spec"]["selector"].items()
        assert [name for name, pod in pods.items() if wanted <= pod["metadata"]["labels"].items()] == [expected]
        named = {port["name"] for port in pods[expected]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_the_values_of_the_page_install() -> None:
    """Each example of docs/network.md renders to what Kubernetes and the Gateway API take."""
    page = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 3
    for block in blocks:
        objects = render(layered(MINIMAL, {"target": {"ports": {"http": {"servicePort": 80}}}}, yaml.safe_load(block)))
        routes = {key: one for key, one in objects.items() if one["apiVersion"].startswith("gateway.")}
        assert_accepted({key: one for key, one in objects.items() if key not in routes}, "1.37")
        for one in routes.values():
            jsonschema.validate(one, gateway_api.schema_of(one))


def test_without_them_nothing_is_there() -> None:
    """No route and no policy unless they are asked for."""
    kinds = {kind for kind, _ in chart()}
    assert not kinds & {"NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute"}
