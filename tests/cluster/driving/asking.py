"""Clients inside the cluster: pods that send requests to a Service at a fixed rate, and what they report at the end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.driving import nodes
from tests.cluster.driving.release import Release
from tests.cluster.stack import images
from tests.cluster.stack.kube import Kube, Object

RATE = 200
"""Requests per second, from all clients together."""
TIMEOUT_S = 5
"""A request fails this long after it was due."""


class Asked:
    """The outcome of all clients' requests; `reports` has each client's report by node."""

    def __init__(self) -> None:
        self.reports: dict[str, dict[str, Any]] = {}

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return sum(report["sent"] for report in self.reports.values())

    @property
    def lost(self) -> int:
        """How many of them failed."""
        return sum(report["failed"] for report in self.reports.values())

    @property
    def lost_for_s(self) -> float:
        """Seconds between the first lost request and the last, by when they were due; 0 if none was lost."""
        spans = [
            report["failures"][-1]["after_s"] - report["failures"][0]["after_s"]
            for report in self.reports.values()
            if report["failures"]
        ]
        return max(spans, default=0.0)

    def print_figures(self, what: str) -> None:
        """Print the figures."""
        reports = list(self.reports.values())
        worst = {key: max(report[key] for report in reports) for key in reports[0] if key.endswith("_ms")}
        print(f"figure: {what}, requests sent: {self.sent} requests")
        print(f"figure: {what}, requests lost: {self.lost} requests")
        if self.lost:
            kinds: dict[str, int] = {}
            for report in self.reports.values():
                for kind, count in report["kinds"].items():
                    kinds[kind] = kinds.get(kind, 0) + count
            print(f"figure: {what}, requests lost for: {self.lost_for_s:.2f} s")
            print(f"  lost: {kinds}")
        for name in ("latency_p50_ms", "latency_p99_ms", "latency_max_ms"):
            print(f"figure: {what}, {name.removesuffix('_ms').replace('_', ' ')}: {worst[name]:.1f} ms")
        print(f"  the clients themselves were at most {worst['latest_start_ms']:.0f} ms late")

    def assert_nothing_lost(self) -> None:
        """Assert that requests were sent and every one was answered."""
        some = {node: report["failures"][:5] for node, report in self.reports.items() if report["failures"]}
        assert self.lost == 0, f"{self.lost} of {self.sent} requests were lost: {json.dumps(some, indent=1)}"
        assert self.sent > RATE, f"only {self.sent} requests were sent"


def asker_pod(name: str, namespace: str, arguments: list[str], **spec: Any) -> Object:
    """Return a pod that runs the asker; like the program it sends requests to, it is on the nodes."""
    container = {
        "name": "asker",
        "image": images.DEBIAN,
        "command": ["/opt/apps/asker", "-timeout", f"{TIMEOUT_S}s", *arguments],
        "volumeMounts": [{"name": "apps", "mountPath": "/opt/apps", "readOnly": True}],
    }
    base = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": TIMEOUT_S + 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "apps", "hostPath": {"path": "/opt/apps", "type": "Directory"}}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": base | spec,
    }


class _Asker:
    """One pod with a client, and what it prints."""

    def __init__(self, kube: Kube, namespace: str, node: str, url: str, rate: float) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = f"asker-{node}"
        # Placed by hand: one on each node, so that every kube-proxy is used.
        placed = {"nodeName": node, "tolerations": [{"operator": "Exists"}]}
        kube.apply(asker_pod(self._name, namespace, ["-url", url, "-rate", f"{rate:g}"], **placed))
        self._kubectl("wait", "--for=condition=Ready", f"pod/{self._name}", "--timeout=60s")
        self._lines: list[str] = []
        self._logs = nodes.start_kubectl(kube, "logs", "--namespace", namespace, "--follow", self._name)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._logs.stdout is not None
        self._lines.extend(iter(self._logs.stdout.readline, ""))

    def _kubectl(self, *arguments: str) -> None:
        self._kube.kubectl("--namespace", self._namespace, *arguments)

    def wait_running(self) -> None:
        """Wait until it has printed its first line."""
        deadline = time.monotonic() + 30
        while not self._lines and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self._lines, f"{self._name} printed nothing"

    def stop(self) -> dict[str, Any]:
        """Stop it and return its report."""
        self._kubectl("delete", "pod", self._name, "--wait=false")
        self._reader.join(60)
        reports = [line for line in self._lines if line.startswith("{")]
        assert reports, f"{self._name} ended without a report: {''.join(self._lines[-5:])}"
        found: dict[str, Any] = json.loads(reports[-1])
        self._kubectl("wait", "--for=delete", f"pod/{self._name}", "--timeout=60s")
        return found

    def end(self) -> None:
        """Remove the pod, whatever happened."""
        self._kube.kubectl(
            "--namespace",
            self._namespace,
            "delete",
            "pod",
            self._name,
            "--ignore-not-found",
            "--wait=false",
            check=False,
        )
        self._logs.kill()
        self._logs.wait()


@contextmanager
def asked(release: Release) -> Iterator[Asked]:
    """Send requests to the Service's cluster IP from every node during the block; after it `Asked` is filled."""
    names = nodes.names(release.kube)
    url = f"http://{release.service_ip()}:80/"
    result = Asked()
    askers = {}
    try:
        for node in names:
            askers[node] = _Asker(release.kube, release.namespace, node, url, RATE / len(names))
        for asker in askers.values():
            asker.wait_running()
        yield result
        result.reports = {node: asker.stop() for node, asker in askers.items()}
    finally:
        for asker in askers.values():
            asker.end()
