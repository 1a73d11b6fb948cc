"""All tests in one run: two clusters side by side with half of the files each, then the files that measure time or CPU.

Most tests wait for a drain or a back-off, so two clusters need little more CPU than one. A file stays in one lane
because its tests share a release.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mooring.rehearse.kernel import die_with_parent

FOLDER = Path(__file__).parent

FIRST = (
    "test_disruption.py",
    "test_faults.py",
    "test_generated_suite.py",
    "test_privilege.py",
    "test_rollout.py",
)
"""The first lane; the second has all other files. Chosen so that both take about the same time."""
ALONE = ("test_speeds.py", "test_schedule.py", "test_autoscaling.py")
"""Files that measure time or CPU; nothing runs beside them."""


def lanes() -> list[list[str]]:
    """Return the files of each lane; every file of the folder is in one lane or in ALONE."""
    files = sorted(path.name for path in FOLDER.glob("test_*.py"))
    second = [name for name in files if name not in FIRST + ALONE]
    return [list(FIRST), second]


def run_all(say: Callable[[str], None]) -> int:
    """Run everything; returns 0 if all tests passed. Each lane's lines begin with its number."""
    began = time.monotonic()
    running = [_start(files, f"{number}| ") for number, files in enumerate(lanes(), 1)]
    codes = [_wait(lane, reader) for lane, reader in running]
    say(f"e2e: both lanes after {time.monotonic() - began:.0f} s")
    codes.append(subprocess.run(_command(list(ALONE)), check=False).returncode)
    say(f"e2e: all after {time.monotonic() - began:.0f} s, {'passed' if not any(codes) else 'FAILED'}")
    return max(codes)


def _command(files: list[str]) -> list[str]:
    paths = [str(FOLDER / name) for name in files]
    return [sys.executable, "-m", "tests.cluster", "--verbose", "--durations=5", *paths]


def _start(files: list[str], prefix: str) -> tuple[subprocess.Popen[str], threading.Thread]:
    # However this process ends, its lanes end with it, and their sandboxes with them.
    lane = subprocess.Popen(
        _command(files),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    )
    reader = threading.Thread(target=_pass_on, args=(lane, prefix), daemon=True)
    reader.start()
    return lane, reader


def _pass_on(lane: subprocess.Popen[str], prefix: str) -> None:
    assert lane.stdout is not None
    for line in lane.stdout:
        print(f"{prefix}{line}", end="", flush=True)


def _wait(lane: subprocess.Popen[str], reader: threading.Thread) -> int:
    code = lane.wait()
    reader.join()
    return abs(code)
