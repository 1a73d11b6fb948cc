"""The only module that imports psutil, and only when needed: what the target's processes use together."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.trust import find_exposure_below, own_archive, refuse_exposed

if TYPE_CHECKING:
    import psutil


T = TypeVar("T")


class Usage(NamedTuple):
    """What a tree uses: CPU time since its start (ended processes included), the rest now."""

    cpu_seconds: float
    rss_bytes: int
    handles: int
    threads: int


def psutil_folder() -> str:
    """Return the launcher's `lib` folder: MOORING_LIB, which a chart that brings the launcher sets, else next to it."""
    return os.environ.get("MOORING_LIB") or os.path.join(os.path.dirname(own_archive()), "lib")


def check_psutil_folder() -> None:
    """LauncherError UNTRUSTED_PATH if another account could change psutil: it would run as SYSTEM."""
    refuse_exposed("psutil's folder", psutil_folder(), find_exposure_below)


def load_psutil() -> ModuleType:
    """Import psutil, from the launcher's `lib` folder too.

    LauncherError PSUTIL_MISSING when it is nowhere, UNTRUSTED_PATH when somebody else could change it.
    """
    if "psutil" not in sys.modules:
        check_psutil_folder()
    beside = psutil_folder()
    sys.path.append(beside)
    try:
        import psutil
    except ImportError as error:
        message = f"psutil cannot be imported ({error}); {beside} was searched too"
        raise LauncherError(ExitCode.PSUTIL_MISSING, message) from error
    finally:
        sys.path.remove(beside)
    return psutil


class TreeSampler:
    """Measures processes by pid. A reused pid is recognised by its creation time.

    `follow` says which processes; each measure reads only what it needs, and leaves out those that end meanwhile.
    """

    def __init__(self) -> None:
        self._psutil = load_psutil()
        self._lock = threading.Lock()
        self._known: dict[int, psutil.Process] = {}
        self._cpu_seconds: dict[int, float] = {}
        self._ended_cpu_seconds = 0.0

    def follow(self, pids: Iterable[int]) -> None:
        """Measure these from now on."""
        wanted = set(pids)
        with self._lock:
            for pid, process in list(self._known.items()):
                # is_running() compares creation times, so a number that was given to another process is not ours.
                if pid not in wanted or not process.is_running():
                    del self._known[pid]
                    self._ended_cpu_seconds += self._cpu_seconds.pop(pid, 0.0)
            for pid in wanted - self._known.keys():
                with suppress(self._psutil.Error):
                    self._known[pid] = self._psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the tree since its start, ended processes included as far as they were seen."""
        with self._lock:
            for pid, process in self._known.items():
                with suppress(self._psutil.Error):
                    times = process.cpu_times()
                    self._cpu_seconds[pid] = times.user + times.system
            return self._ended_cpu_seconds + sum(self._cpu_seconds.values())

    def rss_bytes(self) -> int:
        """Return the resident memory; on Windows the private bytes, because Windows trims the working set at will."""
        return sum(self._each(_count_memory))

    def handles(self) -> int:
        """Return the open handles; on Linux, file descriptors."""
        return sum(self._each(_count_handles))

    def threads(self) -> int:
        """Return the number of threads."""
        return sum(self._each(lambda process: process.num_threads()))

    def names(self) -> list[str]:
        """Return each process's name."""
        return list(self._each(lambda process: process.name()))

    def usage(self) -> Usage:
        """Measure everything."""
        return Usage(self.cpu_seconds(), self.rss_bytes(), self.handles(), self.threads())

    def _each(self, measure: "Callable[[psutil.Process], T]") -> Iterator[T]:
        with self._lock:
            processes = list(self._known.values())
        for process in processes:
            with suppress(self._psutil.Error):
                yield measure(process)


def _count_memory(process: "psutil.Process") -> int:
    memory = process.memory_info()
    return int(getattr(memory, "private", memory.rss))


def _count_handles(process: "psutil.Process") -> int:
    if sys.platform == "win32":
        return int(process.num_handles())
    return int(process.num_fds())
