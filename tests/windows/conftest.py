"""The machines of the tests under Wine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools import missing, require
from tests.windows import PARTS
from tests.windows.machine import COMPARTMENT, Launcher, Machine, Site
from tests.windows.program import Program, wait_until
from tests.windows.release import anchor_pod, config_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need Wine, so that `make test` leaves them out."""
    for item in items:
        if {"site", "machine"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.wine)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every line `figure: <what>: <value>` of passed tests in one table."""
    reports = terminalreporter.stats.get("passed", [])
    lines = [line[8:] for report in reports for line in report.capstdout.splitlines() if line.startswith("figure: ")]
    if lines and any("tests/windows" in report.nodeid for report in reports):
        terminalreporter.section("figures under Wine")
        for line in lines:
            terminalreporter.line("| " + " | ".join(line.rsplit(": ", 1)) + " |")


@pytest.fixture(scope="session")
def display() -> Iterator[None]:
    """Run an X server for programs with windows.

    Without a lock file: one that an earlier server left names a pid, which here may be any process's.
    """
    socket = Path("/tmp/.X11-unix/X7")
    socket.unlink(missing_ok=True)
    command = [require("Xvfb"), ":7", "-nolock", "-noreset", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: socket.exists() or server.poll() is not None, "the X server")
    assert server.poll() is None, "Xvfb ended immediately"
    os.environ["DISPLAY"] = ":7"
    yield
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="session")
def site(display: None) -> Iterator[Site]:
    """The network, the API and the bundle, for the whole session."""
    parts = os.environ.get(PARTS)
    if parts is None:
        missing("needs Wine, mingw-w64 and Windows Python: `make wine` brings them")
    with tempfile.TemporaryDirectory(prefix="mooring-wine-") as folder:
        made = Site(Path(str(parts)), Path(folder))
        yield made
        made.close()


@pytest.fixture(scope="session")
def machine(site: Site) -> Machine:
    """One machine that most tests share."""
    return site.machine("one")


@pytest.fixture
def launch(machine: Machine) -> Iterator[Any]:
    """Start launchers against a running anchor; they end with the test."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    machine.site.api.put("pods", anchor_pod(machine))
    started: list[Program] = []

    def start(*layers: dict[str, Any]) -> Launcher:
        launcher = machine.launch(config_of(*layers))
        started.append(launcher.program)
        return launcher

    yield start
    for program in started:
        program.close()
