"""metrics-server as a daemon of the control plane, through which the API server serves `metrics.k8s.io`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.control_plane import ADDRESS
from tests.cluster.stack.kube import Kube, Object

API = "metrics.k8s.io/v1beta1"
PORT = 4443
RESOLUTION_S = 10
"""How often it scrapes kubelets; metrics-server accepts no smaller number."""

_NAME = "metrics-server"


@contextmanager
def metrics_server(cluster: Cluster) -> Iterator[None]:
    """Run it during the block, which begins once it has figures of both nodes."""
    machine = cluster.control_plane.machine
    account = cluster.pki.kubeconfig("admin")
    arguments = [
        f"--{each}={account}" for each in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    ]
    arguments += [
        f"--kubelet-certificate-authority={cluster.pki.path('ca.crt')}",
        "--kubelet-preferred-address-types=InternalIP",
    ]
    # It requires a scrape interval longer than its timeout.
    arguments += ["--kubelet-request-timeout=5s"]
    arguments += [f"--metric-resolution={RESOLUTION_S}s", f"--secure-port={PORT}", "--cert-dir=/run/metrics-server"]
    machine.start(_NAME, arguments)
    objects = _objects()
    try:
        cluster.kube.apply(*objects)

        def has_figures() -> bool:
            assert machine.is_running(_NAME), f"metrics-server has ended: {machine.log(_NAME)}"
            return len(_nodes(cluster.kube)) == len(cluster.nodes)

        cluster.wait(has_figures, 90, "metrics-server has figures of each node")
        yield
    finally:
        for each in reversed(objects):
            kind, name = each["kind"], each["metadata"]["name"]
            cluster.kube.kubectl("delete", kind, name, "--namespace=kube-system", "--ignore-not-found", check=False)
        machine.kill(_NAME)


def _nodes(kube: Kube) -> list[Object]:
    try:
        return list(kube.get("nodes", version=API)["items"])
    except requests.RequestException:
        return []  # it has just been started


def cpu_cores(kube: Kube, namespace: str, since: datetime.datetime) -> dict[str, float]:
    """Return the CPU usage of each pod of a namespace in cores, as an autoscaler sees it.

    A figure is an average over a window before its timestamp; those whose window began before `since` are left out.
    """
    pods = kube.get(f"namespaces/{namespace}/pods", version=API)["items"]
    return {
        pod["metadata"]["name"]: sum(_cores(container["usage"]["cpu"]) for container in pod["containers"])
        for pod in pods
        if _window_began(pod) >= since
    }


def _window_began(pod: Object) -> datetime.datetime:
    parts = re.findall(r"([\d.]+)(m?s|m)", pod["window"])
    seconds = sum(float(number) * {"ms": 0.001, "s": 1, "m": 60}[unit] for number, unit in parts)
    return datetime.datetime.fromisoformat(pod["timestamp"]) - datetime.timedelta(seconds=seconds)


def _cores(quantity: str) -> float:
    """Return a quantity of CPU as a number: 12345n, 250m, 2."""
    units = {"n": 1e-9, "u": 1e-6, "m": 1e-3}
    return float(quantity[:-1]) * units[quantity[-1]] if quantity[-1] in units else float(quantity)


def _objects() -> list[Object]:
    """Return the objects by which the API server finds it: a Service without pods, its address, the APIService."""
    place = {"name": _NAME, "namespace": "kube-system"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": place,
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": place | {"labels": {"kubernetes.io/service-name": _NAME}},
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": PORT}],
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "service": place | {"port": 443},
                # Its certificate is self-signed, and new with every start.
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]
