"""Figures of the generator."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tools import require

from .table import Row, milliseconds, run_quietly, time_command

APPS = 1000
APP = """\
apiVersion: mooring/v1
kind: App
name: app-{number}
version: 1.{number}.0
values:
  replicas: {replicas}
  target:
    exe: 'C:\\apps\\app{number}\\app.exe'
    args: ['--config', 'C:\\apps\\app{number}\\prod.json']
    ports: {{http: {{port: 8080, servicePort: 80}}}}
"""


def measure_generator(folder: Path) -> Iterator[Row]:
    """Generate one and a thousand Apps; `helm create` is the peer, a bare Python the floor."""
    mooring = str(Path(sys.executable).parent / "mooring")
    apps = folder / "apps"
    apps.mkdir()
    for number in range(APPS):
        text = APP.format(number=number, replicas=number % 9 + 1)
        (apps / f"app-{number}.yaml").write_text(text, encoding="utf-8")
    one = [mooring, "generate", str(apps / "app-7.yaml"), "--out"]
    many = [mooring, "generate", str(apps), "--out", str(folder / "charts")]
    python_ms = time_command([sys.executable, "-c", "pass"], 10)
    version_ms = time_command([mooring, "--version"], 10)
    yield Row("`mooring --version`", "ms", version_ms, "<= 80 ms", version_ms <= 80, python_ms, "bare Python")
    ones = ([*one, str(folder / f"one-{number}")] for number in range(5))
    one_ms = statistics.median(milliseconds(partial(run_quietly, command)) for command in ones)
    helm_ms = _helm_create_ms(folder / "peer")
    yield Row("one App, whole process", "ms", one_ms, "<= 350 ms", one_ms <= 350, helm_ms, "helm create")
    chart_ms = milliseconds(lambda: run_quietly(many)) / APPS
    goal = "<= 10 ms and 1/6 of the peer"
    met = chart_ms <= 10 and chart_ms <= helm_ms / 6
    yield Row(f"{APPS} Apps in one run, each", "ms", chart_ms, goal, met, helm_ms, "helm create")
    check_s = milliseconds(lambda: run_quietly([*many, "--check"])) / 1000
    yield Row(f"`--check` of {APPS} unchanged", "s", check_s, "<= 5 s", check_s <= 5)


def _helm_create_ms(folder: Path) -> float:
    folder.mkdir()
    helm = require("helm")
    commands = ([helm, "create", str(folder / f"chart-{number}")] for number in range(20))
    return statistics.median(milliseconds(partial(run_quietly, command)) for command in commands)
