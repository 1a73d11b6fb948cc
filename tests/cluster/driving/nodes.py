"""What an administrator does with nodes: list, cordon, drain."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.driving.release import Release
from tests.cluster.stack.kube import Kube


def names(kube: Kube) -> list[str]:
    """Return the names of the schedulable nodes."""
    return sorted(
        node["metadata"]["name"] for node in kube.get("nodes")["items"] if not node["spec"].get("unschedulable")
    )


def start_kubectl(kube: Kube, *arguments: str) -> subprocess.Popen[str]:
    """Start kubectl without waiting for it; stderr goes to stdout."""
    return subprocess.Popen(
        ["kubectl", *arguments],
        env=os.environ | {"KUBECONFIG": kube.kubeconfig},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def cordoned(kube: Kube, *nodes: str) -> Iterator[None]:
    """Keep new pods away from nodes during the block."""
    try:
        kube.kubectl("cordon", *nodes)
        yield
    finally:
        kube.kubectl("uncordon", *nodes)


class Drain:
    """A running `kubectl drain` of one node, for the pods of one release. The node stays cordoned."""

    def __init__(self, release: Release, node: str, timeout_s: float = 500) -> None:
        self.node = node
        self.release = release
        self._began = time.monotonic()
        options = ["--delete-emptydir-data", f"--timeout={timeout_s:.0f}s"]
        options += [f"--pod-selector=app.kubernetes.io/instance={release.name}"]
        self._process = start_kubectl(release.kube, "drain", node, *options)
        self._timeout_s = timeout_s

    @property
    def is_running(self) -> bool:
        """Return whether it is still running."""
        return self._process.poll() is None

    def wait(self) -> float:
        """Wait for its end and return the seconds it took; raises AssertionError with its output if it fails."""
        said, _ = self._process.communicate(timeout=self._timeout_s + 30)
        took = time.monotonic() - self._began
        assert self._process.returncode == 0, f"draining {self.node} of {self.release.name} failed:\n{said[-2000:]}"
        return took
