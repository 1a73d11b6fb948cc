"""The suite that `mooring generate --with-tests` writes, run by an App team that has a chart and a kubeconfig."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.driving.release import Helm, values
from tests.cluster.stack.kube import Kube


def generate(folder: Path) -> Path:
    """Generate the chart of an App of two replicas, with its suite; returns the chart."""
    app = {"apiVersion": "mooring/v1", "kind": "App", "name": "press", "version": "2.1.0"}
    source = folder / "press.yaml"
    source.write_text(json.dumps(app | {"values": values(replicas=2)}))
    command = [sys.executable, "-m", "mooring", "generate", str(source), "--out", str(folder), "--with-tests"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return folder / "press"


def run_suite(chart: Path, kube: Kube, helm: Helm, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the suite as its first lines say."""
    choice = ["--cluster-type", "existing", "--kubeconfig", kube.kubeconfig, "-rA", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests/", *choice],
        cwd=chart,
        env=os.environ | {"HELM": helm.program} | environ,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_it_passes_where_the_program_runs(kube: Kube, helm: Helm, tmp_path: Path) -> None:
    """All three tests pass, each replica was probed, and the namespace is deleted."""
    done = run_suite(generate(tmp_path), kube, helm)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "3 passed" in done.stdout
    assert [f"replica {ordinal}: ready on " in done.stdout for ordinal in (0, 1)] == [True, True]


def test_it_fails_where_the_program_cannot_run(kube: Kube, helm4: Helm, tmp_path: Path) -> None:
    """A node without the program is detected within the suite's own timeout."""
    chart = generate(tmp_path)
    wrong = tmp_path / "node.json"
    wrong.write_text(json.dumps({"target": {"exe": "/opt/apps/absent"}}))
    done = run_suite(chart, kube, helm4, CHART_VALUES=str(wrong), TIMEOUT_S="15")
    assert done.returncode == 1, done.stdout[-4000:]
    assert "passed" not in done.stdout.splitlines()[-1]
