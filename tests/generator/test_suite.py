"""The tests that `mooring generate --with-tests` adds for the App team."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.batch.result import Status
from mooring.errors import ExitCode

from tests.tools import require

SUITE = "tests/test_release.py"


@pytest.fixture
def chart(tmp_path: Path, app_file: Path) -> Path:
    """Return a chart with its suite."""
    assert generate([str(app_file)], tmp_path / "out", with_tests=True).exit_code == ExitCode.DONE
    return tmp_path / "out" / "orders"


def test_pytest_collects_it(chart: Path) -> None:
    """It imports cleanly, next to nothing but pytest-helm-charts, and its tests are found."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=chart, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}
    assert collected >= {"test_each_pair_is_on_one_node", "test_each_replica_answers"}


def test_ruff_finds_nothing(chart: Path) -> None:
    """It is as clean as an App team's own linters may require."""
    ruff = [require("ruff"), "check", "--isolated", "--select", "E,F,W,I,B,UP,SIM,RET,ANN", "--line-length", "120"]
    done = subprocess.run([*ruff, str(chart / SUITE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_is_no_part_of_the_chart(chart: Path) -> None:
    """Helm packs the chart without it, and with the pod of helm test."""
    subprocess.run([require("helm"), "package", "."], cwd=chart, check=True, capture_output=True)
    names = subprocess.run(
        ["tar", "--list", "--file", "orders-1.4.0.tgz"], cwd=chart, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert f"orders/{SUITE}" not in names
    assert "orders/templates/tests/pod.yaml" in names


def test_it_is_tracked_like_every_generated_file(chart: Path, app_file: Path) -> None:
    """It is in the manifest, an edit is reported, and a run without the option removes an unedited one."""
    assert SUITE in json.loads((chart / ".mooring.json").read_text())["files"]

    def again(**options: bool) -> tuple[Status, tuple[str, ...]]:
        (result,) = generate([str(app_file)], chart.parent, **options).charts
        return result.status, result.edited

    assert again(with_tests=True, check=True) == (Status.UNCHANGED, ())
    text = (chart / SUITE).read_text()
    (chart / SUITE).write_text(text + "# mine\n")
    assert again(with_tests=True) == (Status.EDITED, (SUITE,))
    assert again() == (Status.EDITED, (SUITE,))
    (chart / SUITE).write_text(text)
    assert again() == (Status.WRITTEN, ())
    assert not (chart / SUITE).exists()


def test_without_asking_there_is_none(tmp_path: Path, app_file: Path) -> None:
    """Most charts are tested elsewhere."""
    generate([str(app_file)], tmp_path / "out")
    assert not (tmp_path / "out" / "orders" / "tests").exists()
