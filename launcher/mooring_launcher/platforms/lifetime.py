"""When a target has ended: with its main process, or with the last process of its tree (`target.lifetime`)."""

import threading
from collections.abc import Callable, Sequence

from mooring_launcher.platforms.target import ExitStatus

TREE = "tree"

_START_PROGRAM_WITHIN_S = 60.0
_NAMES_SHOWN = 5


class Ending:
    """An end to wait for, reported once: of the main process, or of the target. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[ExitStatus], None]] = []
        self._status: ExitStatus | None = None
        self._ended = threading.Event()

    def on(self, callback: Callable[[ExitStatus], None]) -> None:
        """Call back from the reporting thread; immediately if it has been reported already."""
        with self._lock:
            if self._status is None:
                self._callbacks.append(callback)
                return
        callback(self._status)

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        """Wait for the end; None when the time is up first."""
        if timeout_s != 0:  # waiting for no time costs a lock, and the gate only looks
            self._ended.wait(timeout_s)
        return self._status

    def has_come(self) -> bool:
        """Return whether it has been reported."""
        return self._ended.is_set()

    def tell(self, status: ExitStatus) -> None:
        """Report it to everyone who waits."""
        with self._lock:
            self._status = status
            callbacks = self._callbacks
        self._ended.set()
        for callback in callbacks:
            callback(status)


class Ends:
    """The ends of a started target: of its main process, of the target, and of its whole tree."""

    def __init__(self) -> None:
        self._main = Ending()
        self._end = Ending()
        self._all_gone = threading.Event()

    def on_exit(self, callback: Callable[[ExitStatus], None]) -> None:
        """Call back when the target has ended."""
        self._end.on(callback)

    def on_main_exit(self, callback: Callable[[ExitStatus], None]) -> None:
        """Call back when the main process has ended."""
        self._main.on(callback)

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        """Wait for the target's end."""
        return self._end.wait(timeout_s)

    def main_exit(self) -> ExitStatus | None:
        """Return how the main process ended."""
        return self._main.wait(0)

    def wait_all(self, timeout_s: float | None = None) -> bool:
        """Wait for the whole tree."""
        return self._all_gone.wait(timeout_s)


def tree_status(main: ExitStatus, last: ExitStatus | None, who: str) -> ExitStatus:
    """Return how a tree ended: with its main process's code unless that is 0, then with the last one's.

    `who` is that last process; `last` is None when its code is unknown. Not for a tree whose last process was the
    main one: that ended as the main process did.
    """
    if last is None:
        ended = f"{main.sentence} (its main process; how the last process of its tree, {who}, ended could not be seen)"
        return main._replace(sentence=ended)
    if main.code:
        ended = f"{main.sentence} (its main process; the last process of its tree, {who}, {last.sentence})"
        return main._replace(sentence=ended)
    ended = f"{last.sentence} (the last process of its tree, {who}; its main process {main.sentence})"
    return last._replace(sentence=ended)


def hint_of_start_program(status: ExitStatus, lived_s: float, left_behind: Sequence[str]) -> str:
    """Return what to append if a main process looks like a start program; empty if it does not.

    It does when it succeeds soon after its start and leaves processes behind, which lifetime process ends with it.
    """
    if status.code != 0 or lived_s > _START_PROGRAM_WITHIN_S or not left_behind:
        return ""
    names = sorted(set(left_behind))
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    processes = "a process" if len(left_behind) == 1 else f"{len(left_behind)} processes"
    return (
        f" after {lived_s:.1f} s and left {processes} running ({shown}), which ended with it: if it only starts the "
        "real program, set target.lifetime: tree (cplauncher's -wait-tree)"
    )
