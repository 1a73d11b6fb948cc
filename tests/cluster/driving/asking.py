"""Clients inside the cluster: pods that ask a Service at a fixed rate, and what they tell at the end."""

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
"""Requests a second, of all askers together."""
TIMEOUT_S = 5
"""A request fails so long after it was due."""


class Asked:
    """What became of the requests of all askers together; `reports` has each asker's own by its node."""

    def __init__(self) -> None:
        self.reports: dict[str, dict[str, Any]] = {}

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return sum(report["sent"] for report in self.reports.values())

    @property
    def lost(self) -> int:
        """How many of them were not answered well."""
        return sum(report["failed"] for report in self.reports.values())

    @property
    def lost_for_s(self) -> float:
        """From when the first request that was lost was due to when the last was; 0 if none was."""
        spans = [
            report["failures"][-1]["after_s"] - report["failures"][0]["after_s"]
            for report in self.reports.values()
            if report["failures"]
        ]
        return max(spans, default=0.0)

    def tell(self, what: str) -> None:
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
        print(f"  the askers themselves were at most {worst['latest_start_ms']:.0f} ms late")

    def assert_nothing_lost(self) -> None:
        """Assert that every request was answered, and that there were any."""
        some = {node: report["failures"][:5] for node, report in self.reports.items() if report["failures"]}
        assert self.lost == 0, f"{self.lost} of {self.sent} requests were lost: {json.dumps(some, indent=1)}"
        assert self.sent > RATE, f"only {self.sent} requests were sent"


def asker_pod(name: str, namespace: str, arguments: list[str], **spec: Any) -> Object:
    """Return a pod that runs the asker, a program of the nodes like the one that is asked."""
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
        # Placed by hand: one on each node, so that every kube-proxy is asked.
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
        """Wait until it has told how it goes."""
        deadline = time.monotonic() + 30
        while not self._lines and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self._lines, f"{self._name} says nothing"

    def stop(self) -> dict[str, Any]:
        """End it and return its report."""
        self._kubectl("delete", "pod", self._name, "--wait=false")
        self._reader.join(60)
        reports = [line for line in self._lines if line.startswith("{")]
        assert reports, f"{self._name} ended without a report: {''.join(self._lines[-5:])}"
        found: dict[str, Any] = json.loads(reports[-1])
        self._kubectl("wait", "--for=delete", f"pod/{self._name}", "--timeout=60s")
        return found

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
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
    """Ask the release's Service at its cluster IP, from every node, during the block; at its end `Asked` is filled."""
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
