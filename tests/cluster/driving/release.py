"""An installed chart, used as its users do: install, scale, inspect."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.driving.mirror import Mirror, is_ready
from tests.cluster.stack.kube import Kube, Object

CHART = Path(__file__).parents[3] / "chart"

PORT = 8080
"""The fixed port of the test program."""
READINESS_PORT = 8091


QUICK_GATE = {
    "http": {"front": {"port": "http", "path": "/", "timeoutSeconds": 0.4}},
    "periodSeconds": 0.25,
    "failureThreshold": 1,
}
"""Detects a hanging program within 0.65 s, so that its address leaves the Services before the oracle's limit."""


def values(**more: Any) -> dict[str, Any]:
    """Return values that run the test program, with whole keys of the root replaced by `more`."""
    base: dict[str, Any] = {
        "platform": "linux",
        "fullnameOverride": "",
        "target": target(),
        "gate": {"http": {"front": {"port": "http", "path": "/"}}},
        "stop": {"drainSeconds": 7, "consoleSeconds": 5},
        "readiness": {"periodSeconds": 1, "failureThreshold": 2},
        "anchor": {"unschedulableSeconds": 10},
    }
    return {key: value for key, value in (base | more).items() if value != ""}


def target(*args: str, **more: Any) -> dict[str, Any]:
    """Return `target` for the test program with further arguments."""
    return {
        "exe": "/opt/apps/served",
        "args": ["-port", str(PORT), *args],
        "ports": {"http": {"port": PORT, "servicePort": 80}},
        "mounts": {"apps": {"hostPath": "/opt/apps", "readOnly": True}},
    } | more


@dataclass(frozen=True)
class Helm:
    """A Helm of one major version."""

    program: str
    kubeconfig: str

    def run(self, *arguments: str, check: bool = True, timeout_s: float = 400) -> subprocess.CompletedProcess[str]:
        """Run it; raises RuntimeError with its output if it fails."""
        done = subprocess.run(
            [self.program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
        )
        if check and done.returncode:
            message = f"{Path(self.program).name} {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-3000:]}"
            raise RuntimeError(message)
        return done


@dataclass(frozen=True)
class Pair:
    """Anchor n and launcher n, as the API shows them now; either may be missing."""

    ordinal: int
    launcher: Object | None
    anchor: Object | None

    @property
    def is_whole(self) -> bool:
        """Both Ready, on one node."""
        return (
            is_ready(self.launcher)
            and is_ready(self.anchor)
            and self.launcher is not None
            and self.anchor is not None
            and self.launcher["spec"]["nodeName"] == self.anchor["spec"]["nodeName"]
        )

    @property
    def ip(self) -> str:
        """The anchor's IP, or ''."""
        return str((self.anchor or {}).get("status", {}).get("podIP", ""))

    @property
    def node(self) -> str:
        """The launcher's node, or ''."""
        return str((self.launcher or {}).get("spec", {}).get("nodeName", ""))


class Release:
    """A release of the chart, in its own namespace or a shared one."""

    def __init__(self, kube: Kube, helm: Helm, mirror: Mirror, name: str, chart: Path = CHART) -> None:
        self.kube = kube
        self.helm = helm
        self.mirror = mirror
        self.name = name
        self.namespace = mirror.namespace
        self.chart = chart
        self.start = 0
        self.values: dict[str, Any] = {}

    def install(self, replicas: int | None, *options: str, **more: Any) -> float:
        """`helm upgrade --install` with values and options such as `--wait`; returns the seconds Helm took."""
        self.values = values(**more)
        return self._helm_upgrade(replicas, options)

    def upgrade(self, replicas: int | None, *options: str, **more: Any) -> float:
        """`helm upgrade` with some root values changed; `replicas` None leaves them out."""
        self.values = self.values | more
        return self._helm_upgrade(replicas, options)

    def _helm_upgrade(self, replicas: int | None, options: tuple[str, ...]) -> float:
        began = time.monotonic()
        chosen = self.values if replicas is None else self.values | {"replicas": replicas}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(chosen, file)
            file.flush()
            self.helm.run(
                "upgrade",
                "--install",
                self.name,
                str(self.chart),
                "--namespace",
                self.namespace,
                "--values",
                file.name,
                *options,
            )
        return time.monotonic() - began

    def uninstall(self, *options: str) -> None:
        """`helm uninstall`."""
        self.helm.run("uninstall", self.name, "--namespace", self.namespace, *options)

    def scale(self, replicas: int) -> None:
        """`kubectl scale statefulset`, of the launcher set only."""
        self.kube.kubectl("scale", "statefulset", self.name, f"--replicas={replicas}", "--namespace", self.namespace)

    def pod(self, ordinal: int) -> str:
        """Name of launcher n."""
        return f"{self.name}-{ordinal}"

    def anchor(self, ordinal: int) -> str:
        """Name of anchor n."""
        return f"{self.name}-anchor-{ordinal}"

    def pairs(self) -> dict[int, Pair]:
        """Return every pair of which at least one half exists."""
        pods = self.mirror.all("pods")
        found = {}
        for pod in pods.values():
            labels = pod["metadata"].get("labels", {})
            if labels.get("app.kubernetes.io/instance") == self.name and "apps.kubernetes.io/pod-index" in labels:
                ordinal = int(labels["apps.kubernetes.io/pod-index"])
                found[ordinal] = Pair(ordinal, pods.get(self.pod(ordinal)), pods.get(self.anchor(ordinal)))
        return found

    def pair(self, ordinal: int) -> Pair:
        """Return one pair."""
        pods = self.mirror.all("pods")
        return Pair(ordinal, pods.get(self.pod(ordinal)), pods.get(self.anchor(ordinal)))

    def is_whole(self, replicas: int) -> bool:
        """Return whether exactly these pairs exist, each Ready and on one node."""
        pairs = self.pairs()
        wanted = set(range(self.start, self.start + replicas))
        return set(pairs) == wanted and all(pair.is_whole for pair in pairs.values())

    def wait_whole(self, replicas: int, timeout_s: float = 240) -> float:
        """Wait until exactly this many pairs exist and are whole; returns the seconds."""
        return self.mirror.wait(lambda: self.is_whole(replicas), timeout_s, f"{replicas} whole pairs of {self.name}")

    def ready_endpoints(self, service: str = "") -> set[str]:
        """Return the addresses that a Service sends traffic to; '' is the Service over all replicas."""
        slices = self.mirror.all("endpointslices").values()
        return {address for item in slices for address in self._addresses(item, service)}

    def _addresses(self, item: Object, service: str = "") -> Iterator[str]:
        """Yield the ready addresses of an EndpointSlice; none if it belongs to another Service."""
        if _service_of(item) == (service or self.name):
            for endpoint in item.get("endpoints") or []:
                if endpoint["conditions"].get("ready"):
                    yield from endpoint["addresses"]

    def leaves_out(self, item: Object, address: str) -> bool:
        """Return whether an EndpointSlice of the Service over all replicas sends no traffic to an address."""
        return _service_of(item) == self.name and address not in self._addresses(item)

    def wait_endpoints(self, addresses: set[str], timeout_s: float = 30) -> None:
        """Wait until the Service sends traffic to exactly these addresses."""
        self.mirror.wait(lambda: self.ready_endpoints() == addresses, timeout_s, f"the Service has {sorted(addresses)}")

    def ask(self, ordinal: int, path: str = "/", timeout_s: float = 5) -> str:
        """GET a path of a pair's program through the API server, which works in any cluster; raises OSError."""
        anchor = self.pair(ordinal).anchor
        if anchor is None:
            message = f"there is no anchor {ordinal}"
            raise OSError(message)
        metadata = anchor["metadata"]
        url = f"namespaces/{metadata['namespace']}/pods/{metadata['name']}:{PORT}/proxy{path}"
        answer = self.kube.http.get(version="v1", url=url, timeout=timeout_s)
        answer.raise_for_status()  # requests' errors are OSErrors
        return str(answer.text)

    def service_ip(self) -> str:
        """Return the Service's cluster IP."""
        return str(self.kube.get(f"namespaces/{self.namespace}/services/{self.name}")["spec"]["clusterIP"])


def _service_of(item: Object) -> str:
    return str(item["metadata"]["labels"].get("kubernetes.io/service-name", ""))


def fetch(ip: str, path: str = "/", port: int = PORT, timeout_s: float = 5) -> str:
    """GET a path of a pod directly from the tests; raises OSError."""
    with urllib.request.urlopen(f"http://{ip}:{port}{path}", timeout=timeout_s) as answer:
        return str(answer.read().decode())


def status(ip: str) -> dict[str, Any]:
    """Return the launcher's own status, from an anchor's IP."""
    return dict(json.loads(fetch(ip, "/status", READINESS_PORT)))
