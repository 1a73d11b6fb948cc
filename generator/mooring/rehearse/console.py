"""The command `mooring rehearse`: start, print a line for each change, stop on Ctrl-C."""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from mooring.errors import ExitCode, MooringError
from mooring.rehearse import ids, sandbox
from mooring.rehearse.rehearsal import Happening, Rehearsal

_ONE_KEYSTROKE_S = 0.3
"""Signals closer together than this are one Ctrl-C (a process group and its leader may both get one)."""


def rehearse(
    chart: Path,
    values: Sequence[Path],
    sets: Sequence[str],
    replicas: int | None,
    helm: str | None,
    logs: Path | None,
) -> int:
    """Run a chart until Ctrl-C; returns 0 after a graceful stop. Raises RehearsalError before anything starts."""
    if logs:
        logs.mkdir(parents=True, exist_ok=True)
    # Rendered outside the sandbox, where Helm has the user's home and network.
    rehearsal = Rehearsal(chart, values, sets, replicas, helm=helm, on_event=print_event, logs=logs)
    return sandbox.run(lambda: _run(rehearsal))


def print_event(happening: Happening) -> None:
    """Print one status line."""
    sys.stdout.write(f"{happening}\n")
    sys.stdout.flush()


def _run(rehearsal: Rehearsal) -> int:
    """Run inside the sandbox."""
    interrupts = _Interrupts()
    try:
        if not ids.has_range():
            print_event(Happening(time.time(), "rehearsal", ids.WHY_ONE))
        with rehearsal:
            interrupts.first.wait()
            print_event(Happening(time.time(), "rehearsal", "stopping everything; press Ctrl-C again to kill"))
            threading.Thread(target=_kill_on_second, args=(interrupts, rehearsal), daemon=True).start()
    except (MooringError, OSError) as error:
        # An exception cannot cross the sandbox's processes.
        print_event(Happening(time.time(), "rehearsal", f"failed: {error}"))
        return ExitCode.UNEXPECTED
    return 0


def _kill_on_second(interrupts: "_Interrupts", rehearsal: Rehearsal) -> None:
    interrupts.second.wait()
    rehearsal.kill_all()


class _Interrupts:
    """Turns SIGINT and SIGTERM into two events: stop, and stop now."""

    def __init__(self) -> None:
        self.first = threading.Event()
        self.second = threading.Event()
        self._first_at = 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        if not self.first.is_set():
            self._first_at = time.monotonic()
            self.first.set()
        elif time.monotonic() - self._first_at > _ONE_KEYSTROKE_S:
            self.second.set()
