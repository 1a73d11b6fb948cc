"""Objects related to a program are reported with what to do about them."""

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
def test_what_refers_to_the_service_is_reported(tmp_path: Path, each: Object) -> None:
    """A route, or anything else that refers to the program's Service, is reported as unaffected: the Service stays."""
    result = run(tmp_path, anchor(), launcher(), service(), each)
    line = f"{each['kind']} {each['metadata']['name']} refers to Service orders, which keeps its name and address"
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
def test_what_refers_to_another_service_is_unrelated(tmp_path: Path, each: Object) -> None:
    """A reference to another Service, namespace or kind of the same name is not to the program's Service."""
    report = told(run(tmp_path, anchor(), launcher(), service(), each))
    assert f"{each['kind']} {each['metadata']['name']} is not related to an imported program" in report


@pytest.mark.parametrize("port", [{"name": "Web"}, {"number": 8443}])
def test_a_route_to_a_port_that_the_chart_lacks_is_reported(tmp_path: Path, port: Object) -> None:
    """If the chart's Service lacks the port that a route refers to, the report lists the ports it has."""
    routed = service(port={"name": "Web", "port": 443, "targetPort": 8080})
    routed["spec"]["ports"].append({"name": "b", "port": 8443, "targetPort": 8080})
    result = run(tmp_path, anchor(), launcher(), routed, other("Ingress", backend(**port)))
    found = next(iter(port.values()))
    assert f"but the chart's Service has no port {found}, only " in told(result)


SELECTS: dict[str, tuple[Object, str]] = {
    "NetworkPolicy by expressions": (
        other("NetworkPolicy", {"podSelector": {"matchExpressions": [
            {"key": "app", "operator": "In", "values": ["x", "orders-anchor-1"]}]}}),
        "which is replaced; change it to app.kubernetes.io/instance: orders, app.kubernetes.io/component: anchor",
    ),
    "NetworkPolicy on the launchers": (
        other("NetworkPolicy", {"podSelector": {"matchLabels": {"app": "orders-hostprocess"}}}),
        "component: anchor, which now have the program's network",
    ),
    "NetworkPolicy elsewhere that lets it in": (
        other("NetworkPolicy", {"podSelector": {}, "ingress": [{"from": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}},
             "podSelector": {"matchLabels": {"app": "orders-anchor-1"}}}]}]}, namespace="db"),
        "web selects Pod orders-anchor-1, which is replaced",
    ),
    "NetworkPolicy on all": (
        other("NetworkPolicy", {"podSelector": {}}),
        "web selects every pod of the namespace, including the new ones; leave it as it is",
    ),
    "NetworkPolicy by a label that stays": (
        other("NetworkPolicy", {"podSelector": {"matchLabels": {"tier": "net"}}}),
        "web selects Pod orders-anchor-1, and the new pods too; leave it as it is",
    ),
    "CiliumNetworkPolicy": (
        other("CiliumNetworkPolicy", {"endpointSelector": {"matchLabels": {"k8s:app": "orders-anchor-1"}}}),
        "web selects Pod orders-anchor-1, which is replaced",
    ),
    "PodMonitor elsewhere": (
        other("PodMonitor", {"selector": {"matchLabels": {"app": "orders-anchor-1"}},
                             "namespaceSelector": {"matchNames": ["apps"]}}, namespace="monitoring"),
        "component: anchor, and a port of target.ports (http)",
    ),
    "ServiceMonitor": (
        other("ServiceMonitor", {"selector": {"matchLabels": {"team": "a"}}, "namespaceSelector": {"any": True},
                                 "endpoints": [{"port": "http"}]}, namespace="monitoring"),
        "ServiceMonitor web selects Service orders by labels",
    ),
    "PodDisruptionBudget": (
        other("PodDisruptionBudget", {"selector": {"matchLabels": {"app": "orders-hostprocess"}}}),
        "the chart has its own budget (podDisruptionBudget)",
    ),
    "HorizontalPodAutoscaler": (
        other("HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": "orders-hostprocess"}}),
        "web refers to orders-hostprocess, which is replaced; the chart has its own autoscaling",
    ),
    "ScaledObject": (
        other("ScaledObject", {"scaleTargetRef": {"name": "orders-hostprocess"}}),
        "the chart has its own autoscaling (autoscaling, or autoscaling.keda)",
    ),
    "VerticalPodAutoscaler": (
        other("VerticalPodAutoscaler", {"targetRef": {"kind": "Deployment", "name": "orders-hostprocess"}}),
        "HostProcess pods have no usage metrics",
    ),
    "affinity of other pods": (
        other("Deployment", {"selector": {"matchLabels": {"app": "ui"}}, "template": {
              "metadata": {"labels": {"app": "ui"}}, "spec": {
                  "containers": [{"name": "c", "image": "c:1"}], "affinity": {"podAffinity": {"x": [
                      {"labelSelector": {"matchLabels": {"app": "orders-hostprocess"}}}]}}}}}),
        "Deployment web selects Deployment orders-hostprocess, which is replaced",
    ),
    "Namespace": (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps", "labels": {
            "pod-security.kubernetes.io/enforce": "baseline"}}},
        "rejects HostProcess pods by its label pod-security.kubernetes.io/enforce: baseline",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("each", "expected"), SELECTS.values(), ids=SELECTS)
def test_what_selects_or_scales_old_pods_is_reported(tmp_path: Path, each: Object, expected: str) -> None:
    """Each kind of related object is reported with what to do about it."""
    net, routed = anchor(), service()
    net["metadata"]["labels"]["tier"] = "net"
    routed["metadata"]["labels"] = {"team": "a"}
    assert expected in told(run(tmp_path, net, launcher(), routed, each))
