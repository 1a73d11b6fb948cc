"""The one place that imports psutil, and only when something asks: what the target's processes use together."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError

if TYPE_CHECKING:
    import psutil


class Usage(NamedTuple):
    """What a tree uses: CPU time since its start (ended processes included), the rest now."""

    cpu_seconds: float
    rss_bytes: int
    handles: int
    threads: int
    names: list[str]


def load_psutil() -> ModuleType:
    """Import psutil, from the `lib` folder beside the launcher too; LauncherError PSUTIL_MISSING when it is nowhere."""
    # …/mooring-launcher.pyz/mooring_launcher/_gate_psutil.py: the folder that the zipapp is in.
    folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    beside = os.path.join(folder, "lib")
    sys.path.append(beside)
    try:
        import psutil
    except ImportError as error:
        message = f"psutil cannot be imported ({error}); it is looked for in {beside} too"
        raise LauncherError(ExitCode.PSUTIL_MISSING, message) from error
    finally:
        sys.path.remove(beside)
    return psutil


class TreeSampler:
    """Measures processes by pid. A pid that came to mean another process is told apart by its create time."""

    def __init__(self) -> None:
        self._psutil = load_psutil()
        self._lock = threading.Lock()
        self._known: dict[int, psutil.Process] = {}
        self._cpu_seconds: dict[int, float] = {}
        self._ended_cpu_seconds = 0.0

    def read(self, pids: Iterable[int]) -> Usage:
        """Measure them now; those that end meanwhile are left out."""
        with self._lock:
            self._follow(set(pids))
            rows = list(self._rows())
        return Usage(
            self._ended_cpu_seconds + sum(self._cpu_seconds.values()),
            sum(row[0] for row in rows),
            sum(row[1] for row in rows),
            sum(row[2] for row in rows),
            [row[3] for row in rows],
        )

    def _follow(self, pids: set[int]) -> None:
        for pid, process in list(self._known.items()):
            # is_running() compares create times, so a number that was given to another process is not ours.
            if pid not in pids or not process.is_running():
                del self._known[pid]
                self._ended_cpu_seconds += self._cpu_seconds.pop(pid, 0.0)
        for pid in pids - self._known.keys():
            try:
                self._known[pid] = self._psutil.Process(pid)
            except self._psutil.Error:
                continue

    def _rows(self) -> Iterator[tuple[int, int, int, str]]:
        for pid, process in self._known.items():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    self._cpu_seconds[pid] = times.user + times.system
                    yield process.memory_info().rss, _count_handles(process), process.num_threads(), process.name()
            except self._psutil.Error:
                continue


def _count_handles(process: "psutil.Process") -> int:
    if sys.platform == "win32":
        return int(process.num_handles())
    return int(process.num_fds())
