"""A run that is killed leaves the previous chart whole, and the next run finishes the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mooring.batch.generate import generate
from mooring.errors import ExitCode, OutputError
from mooring.output import exchange
from mooring.output.lock import repair
from mooring.output.plan import plan_chart
from mooring.output.write import write_chart

from tests.generator.conftest import APP, tree

CHANGES = {"os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree", "ctypes.dlsym"}


@pytest.mark.parametrize("how", ["exchange", "renames"])
def test_killed_run_leaves_the_previous_chart_whole(tmp_path: Path, how: str) -> None:
    """Killed at each step in turn, a run leaves the old chart or the new one, never a mixture, and the user's file."""
    app, out = tmp_path / "orders.yaml", tmp_path / "out"
    versions = [_chart_of(tmp_path, replicas) for replicas in (3, 7)]
    app.write_text(APP)
    generate([str(app)], out)
    (out / "orders" / "own.txt").write_text("mine")
    found = versions[0]
    for step in range(1000):
        other = 7 if found == versions[0] else 3
        app.write_text(APP.replace("replicas: 3", f"replicas: {other}"))
        killed = _run_killed_at(step, app, out, how)
        repair(out)
        found = tree(out / "orders")
        assert found.pop("own.txt") == b"mine"
        assert found in versions
        if not killed:
            break
    else:
        pytest.fail("no run came to its end")
    assert step > 10
    assert [path.name for path in out.iterdir()] == ["orders"]


def _chart_of(tmp_path: Path, replicas: int) -> dict[str, bytes]:
    app = tmp_path / "reference.yaml"
    app.write_text(APP.replace("replicas: 3", f"replicas: {replicas}"))
    out = tmp_path / f"reference-{replicas}"
    assert generate([str(app)], out).exit_code == ExitCode.DONE
    return tree(out / "orders")


def _run_killed_at(step: int, app: Path, out: Path, how: str) -> bool:
    """Run in a separate process that kills itself at its n-th step; False if it had fewer steps."""
    child = os.fork()
    if child == 0:
        if how == "renames":
            exchange._exchange = lambda *_: False
        _kill_at(step)
        os._exit(generate([str(app)], out).exit_code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _kill_at(step: int) -> None:
    """Kill this process just before the n-th call that changes the disk, which Python's audit events report."""
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        opens_to_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_WRONLY
        if event in CHANGES or opens_to_write:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def test_next_run_puts_back_a_chart_that_was_moved_aside(tmp_path: Path, app_file: Path) -> None:
    """Between the two renames of the fallback the chart has another name; the next run puts it back."""
    generate([str(app_file)], tmp_path)
    before = tree(tmp_path / "orders")
    (tmp_path / "orders").rename(tmp_path / ".orders.mooring-old")
    (tmp_path / ".orders.mooring-new").mkdir()
    result = generate([str(app_file)], tmp_path)
    assert [chart.status for chart in result.charts] == ["unchanged"]
    assert tree(tmp_path / "orders") == before
    assert not [*tmp_path.glob(".orders*")]


def test_failed_write_leaves_the_previous_chart(tmp_path: Path, app_file: Path) -> None:
    """A write that fails halfway is reported, and leaves the old chart and nothing staged."""
    generate([str(app_file)], tmp_path / "out")
    before = tree(tmp_path / "out")
    plan = plan_chart(tmp_path / "out" / "orders", {"a": "a file", "b": "x"})
    plan.changed.append("a/below")  # where a file is in the way
    plan.files = {**plan.files, "a/below": b"x"}
    with pytest.raises(OutputError, match=r"/out/\.orders\.mooring-new/a"):
        write_chart(plan)
    assert tree(tmp_path / "out") == before
    assert os.listdir(tmp_path / "out") == ["orders"]


def test_two_runs_at_once_take_turns(tmp_path: Path, app_file: Path) -> None:
    """Runs that write to one directory at the same time all succeed, and leave one complete chart."""
    command = [sys.executable, "-m", "mooring", "generate", str(app_file), "--out", str(tmp_path / "out")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert sorted(out.split()[0] for out, _ in outputs) == ["unchanged", "unchanged", "written"]
    assert generate([str(app_file)], tmp_path / "out", check=True).exit_code == ExitCode.DONE
