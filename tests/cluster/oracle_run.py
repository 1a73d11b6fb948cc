"""The oracle as a process beside the tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster


class Oracle:
    """Watches every namespace from its start to `close`, and says what it recorded."""

    def __init__(self, kubeconfig: str, record: Path, cluster: Cluster | None) -> None:
        nodes = [f"--node={name}={node.machine.pid}" for name, node in (cluster.nodes if cluster else {}).items()]
        self._record = record
        self._log = record.with_suffix(".log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.oracle", "--kubeconfig", kubeconfig, "--record", str(record), *nodes],
            stderr=self._log,
        )

    def records(self) -> list[dict[str, Any]]:
        """Return everything it wrote so far."""
        if not self._record.exists():
            return []
        return [json.loads(line) for line in self._record.read_text().splitlines()]

    def assert_silent(self, namespace: str | None = None) -> None:
        """Assert that it lives and recorded no violation (of one namespace, or at all)."""
        assert self._process.poll() is None, f"the oracle has ended: {Path(self._log.name).read_text()[-2000:]}"
        time.sleep(0.3)  # so that it has looked at the very last moment too
        found = [each for each in self.records() if each.get("rule") and namespace in (None, each.get("namespace"))]
        assert not found, f"the oracle recorded {json.dumps(found, indent=1)}"

    def close(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self._log.close()
