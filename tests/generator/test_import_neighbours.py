"""Objects beside a program are named as what they are, with what to do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mooring.errors import ExitCode

from tests.generator.importing import run, told
from tests.generator.manifests import Object, anchor, launcher, service


def other(kind: str, spec: object, name: str = "web", namespace: str = "apps", **meta: Any) -> Object:
    """Return an object of any kind."""
    return {
        "apiVersion": "x/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **meta},
        "spec": spec,
    }


def backend(**port: Any) -> Object:
    """Return an Ingress's spec with one path."""
    return {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "orders", "port": port}}}]}}]}


ROUTES: dict[str, Object] = {
    "Ingress": other("Ingress", backend(number=80)),
    "Ingress by the port's name": other("Ingress", backend(name="http")),
    "default backend": other("Ingress", {"defaultBackend": {"service": {"name": "orders", "port": {"number": 80}}}}),
    "old Ingress": other("Ingress", {"backend": {"serviceName": "orders", "servicePort": 80}}),
    "HTTPRoute": other("HTTPRoute", {"rules": [{"backendRefs": [{"name": "orders", "port": 80}]}]}),
    "GRPCRoute": other("GRPCRoute", {"rules": [{"backendRefs": [{"name": "orders", "port": 80, "kind": "Service"}]}]}),
    "TCPRoute elsewhere": other(
        "TCPRoute", {"rules": [{"backendRefs": [{"name": "orders", "namespace": "apps", "port": 80}]}]}, namespace="net"
    ),
    "VirtualService": other("VirtualService", {"http": [{"route": [{"destination": {"host": "orders"}}]}]}),
    "VirtualService elsewhere": other(
        "VirtualService",
        {"http": [{"route": [{"destination": {"host": "orders.apps.svc.cluster.local"}}]}]},
        namespace="m",
    ),
    "DestinationRule": other("DestinationRule", {"host": "orders.apps.svc"}),
    "IngressRoute": other("IngressRoute", {"routes": [{"services": [{"name": "orders", "port": 80}]}]}),
    "Route": other("Route", {"to": {"kind": "Service", "name": "orders"}, "port": {"targetPort": "http"}}),
    "BackendTLSPolicy": other("BackendTLSPolicy", {"targetRefs": [{"kind": "Service", "name": "orders"}]}),
    "ServiceProfile": other("ServiceProfile", {}, "orders.apps.svc.cluster.local"),
}


@pytest.mark.parametrize("each", ROUTES.values(), ids=ROUTES)
def test_what_names_the_service_is_told(tmp_path: Path, each: Object) -> None:
    """A route, or whatever else names the program's Service, is told, with what to do: nothing, as that stays."""
    result = run(tmp_path, anchor(), launcher(), service(), each)
    line = f"{each['kind']} {each['metadata']['name']} names Service orders, which keeps its name and address"
    assert line in told(result)
    assert f"leave this {each['kind']} as it is" in told(result)
    assert run(tmp_path, anchor(), launcher(), service(), each, strict=True).exit_code == ExitCode.DONE


@pytest.mark.parametrize(
    "each",
    [
        other("Ingress", {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "orders-ui"}}}]}}]}),
        other("HTTPRoute", {"rules": [{"backendRefs": [{"name": "orders"}]}]}, namespace="elsewhere"),
        other("HTTPRoute", {"rules": [{"backendRefs": [{"name": "orders", "namespace": "elsewhere"}]}]}),
        other("HTTPRoute", {"rules": [{"backendRefs": [{"name": "orders", "kind": "Bucket"}]}]}),
        other("DestinationRule", {"host": "orders.elsewhere.svc.cluster.local"}),
        other("DestinationRule", {"host": "old-orders.apps.svc.cluster.local"}),
        other("Certificate", {"secretName": "orders"}, "orders"),
    ],
)
def test_what_names_another_service_is_a_stranger(tmp_path: Path, each: Object) -> None:
    """Another Service, namespace or kind of the same name is not the program's."""
    report = told(run(tmp_path, anchor(), launcher(), service(), each))
    assert f"{each['kind']} {each['metadata']['name']} has nothing to do with a program here" in report


@pytest.mark.parametrize("port", [{"name": "Web"}, {"number": 8443}])
def test_a_route_to_a_port_that_the_chart_has_not_is_told(tmp_path: Path, port: Object) -> None:
    """Where the chart's Service has not the port that a route names, that is told with the ports it has."""
    routed = service(port={"name": "Web", "port": 443, "targetPort": 8080})
    routed["spec"]["ports"].append({"name": "b", "port": 8443, "targetPort": 8080})
    result = run(tmp_path, anchor(), launcher(), routed, other("Ingress", backend(**port)))
    found = next(iter(port.values()))
    assert f"but the port {found} is none of the chart's Service, whose are " in told(result)


SELECTS: dict[str, tuple[Object, str]] = {
    "NetworkPolicy by expressions": (
        other("NetworkPolicy", {"podSelector": {"matchExpressions": [
            {"key": "app", "operator": "In", "values": ["x", "orders-anchor-1"]}]}}),
        "which goes; let it select app.kubernetes.io/instance: orders, app.kubernetes.io/component: anchor",
    ),
    "NetworkPolicy on the launchers": (
        other("NetworkPolicy", {"podSelector": {"matchLabels": {"app": "orders-hostprocess"}}}),
        "component: anchor, which have the program's network now",
    ),
    "NetworkPolicy elsewhere that lets it in": (
        other("NetworkPolicy", {"podSelector": {}, "ingress": [{"from": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}},
             "podSelector": {"matchLabels": {"app": "orders-anchor-1"}}}]}]}, namespace="db"),
        "web selects Pod orders-anchor-1, which goes",
    ),
    "NetworkPolicy on all": (
        other("NetworkPolicy", {"podSelector": {}}),
        "web selects every pod of the namespace, and so the new ones; leave it as it is",
    ),
    "NetworkPolicy by a label that stays": (
        other("NetworkPolicy", {"podSelector": {"matchLabels": {"tier": "net"}}}),
        "web selects Pod orders-anchor-1, and the new pods too; leave it as it is",
    ),
    "CiliumNetworkPolicy": (
        other("CiliumNetworkPolicy", {"endpointSelector": {"matchLabels": {"k8s:app": "orders-anchor-1"}}}),
        "web selects Pod orders-anchor-1, which goes",
    ),
    "PodMonitor elsewhere": (
        other("PodMonitor", {"selector": {"matchLabels": {"app": "orders-anchor-1"}},
                             "namespaceSelector": {"matchNames": ["apps"]}}, namespace="monitoring"),
        "component: anchor, and name a port of target.ports (http)",
    ),
    "ServiceMonitor": (
        other("ServiceMonitor", {"selector": {"matchLabels": {"team": "a"}}, "namespaceSelector": {"any": True},
                                 "endpoints": [{"port": "http"}]}, namespace="monitoring"),
        "ServiceMonitor web watches Service orders by the Service's labels",
    ),
    "PodDisruptionBudget": (
        other("PodDisruptionBudget", {"selector": {"matchLabels": {"app": "orders-hostprocess"}}}),
        "the chart has a budget of its own (podDisruptionBudget)",
    ),
    "HorizontalPodAutoscaler": (
        other("HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": "orders-hostprocess"}}),
        "web names orders-hostprocess, which goes; the chart has autoscaling of its own",
    ),
    "ScaledObject": (
        other("ScaledObject", {"scaleTargetRef": {"name": "orders-hostprocess"}}),
        "the chart has autoscaling of its own (autoscaling, or autoscaling.keda)",
    ),
    "VerticalPodAutoscaler": (
        other("VerticalPodAutoscaler", {"targetRef": {"kind": "Deployment", "name": "orders-hostprocess"}}),
        "nothing is measured of HostProcess pods",
    ),
    "affinity of others": (
        other("Deployment", {"selector": {"matchLabels": {"app": "ui"}}, "template": {
              "metadata": {"labels": {"app": "ui"}}, "spec": {
                  "containers": [{"name": "c", "image": "c:1"}], "affinity": {"podAffinity": {"x": [
                      {"labelSelector": {"matchLabels": {"app": "orders-hostprocess"}}}]}}}}}),
        "Deployment web selects Deployment orders-hostprocess, which goes",
    ),
    "Namespace": (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps", "labels": {
            "pod-security.kubernetes.io/enforce": "baseline"}}},
        "admits no HostProcess pods by its label pod-security.kubernetes.io/enforce: baseline",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("each", "expected"), SELECTS.values(), ids=SELECTS)
def test_what_selects_or_scales_old_pods_is_told(tmp_path: Path, each: Object, expected: str) -> None:
    """Each kind of neighbour is named as what it is, with what to do about it."""
    net, routed = anchor(), service()
    net["metadata"]["labels"]["tier"] = "net"
    routed["metadata"]["labels"] = {"team": "a"}
    assert expected in told(run(tmp_path, net, launcher(), routed, each))
