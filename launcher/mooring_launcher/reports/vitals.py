"""The threads the launcher depends on: one that ends unexpectedly is logged and fails `/livez` and the live probe."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

_OWN = "mooring-"


class Living(Protocol):
    """The part of a thread that says whether it lives."""

    name: str

    def start(self) -> None:
        """Begin."""

    def is_alive(self) -> bool:
        """Return whether it runs."""


class Vitals:
    """Knows which of the launcher's threads has died: of an exception, or silently."""

    def __init__(self, tell: Callable[..., None]) -> None:
        """Log every exception that ends a thread from now on; `tell` is a method of the log."""
        self._tell = tell
        self._expected: set[Living] = set()
        self._dead: dict[str, str] = {}
        threading.excepthook = self._on_exception

    def expect(self, *threads: Living) -> None:
        """Expect these threads to run until they are released."""
        self._expected.update(threads)

    def release(self, *threads: Living) -> None:
        """Let these threads end."""
        self._expected.difference_update(threads)

    def problem(self) -> str:
        """Return a sentence on what has died, empty while all live."""
        for thread in list(self._expected):
            if not thread.is_alive() and thread.name not in self._dead:
                self._dead[thread.name] = "it returned"
                self._tell("thread-died", thread=thread.name, problem="it returned unexpectedly")
        return "; ".join(f"the launcher's thread {name} has ended: {why}" for name, why in list(self._dead.items()))

    def _on_exception(self, hooked: threading.ExceptHookArgs) -> None:
        name = hooked.thread.name if hooked.thread is not None else "?"
        why = f"{hooked.exc_type.__name__}: {hooked.exc_value}"
        self._tell("thread-died", thread=name, problem=why, traceback=format_trace(hooked.exc_traceback))
        if name.startswith(_OWN):
            self._dead[name] = why


def format_trace(trace: TracebackType | None) -> list[str]:
    """Return where it happened, innermost last, without the module `traceback`, which would have to be read first.

    A thread may die because there is no descriptor left to read anything with.
    """
    lines = []
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return lines
