"""What a container writes: its standard output and error go to the user, standard error to a file as well."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

_LINE_BYTES = 64 * 1024
_SHOWN_LETTERS = 500
_LINES_A_SECOND = 50
_KEPT_BYTES = 8 * 1024 * 1024
"""Limit of the log without --logs, because it is kept in memory."""
# The launcher's own records (mooring_launcher.reports.log); the rehearsal reports its state itself.
_RECORD = re.compile(rb'\{"ts": "[^"]*", "level": "[a-z]+", "ordinal": ')


def copy_stdout(read_fd: int, notify: Callable[[str], None]) -> None:
    """Pass on each line of a pipe until it ends, in a separate thread; the writer is never blocked."""
    limited = _Limited(notify, "|")
    with os.fdopen(read_fd, "rb") as stream:
        while line := stream.readline(_LINE_BYTES):
            limited.take(line)
    limited.finish()


def copy_stderr(read_fd: int, notify: Callable[[str], None], log: Path, *, keep_all: bool) -> None:
    """Pass on each line except the launcher's own records, and append all of them to a file.

    Unless `keep_all`, the file is limited to a few MiB.
    """
    limited = _Limited(notify, "!")
    with os.fdopen(read_fd, "rb") as stream, log.open("ab", buffering=0) as kept:
        while line := stream.readline(_LINE_BYTES):
            if keep_all or kept.tell() < _KEPT_BYTES:
                kept.write(line)
            if not _RECORD.match(line):
                limited.take(line)
    limited.finish()


class _Limited:
    """Passes on lines with a mark in front; of a flood only some per second, and the number of the rest."""

    def __init__(self, notify: Callable[[str], None], mark: str) -> None:
        self._notify = notify
        self._mark = mark
        self._second = 0
        self._passed = 0
        self._left_out = 0

    def take(self, line: bytes) -> None:
        """Pass on a line, or count it."""
        second = int(time.monotonic())
        if second != self._second:
            self.finish()
            self._second, self._passed = second, 0
        if self._passed >= _LINES_A_SECOND:
            self._left_out += 1
            return
        self._passed += 1
        text = line.decode(errors="replace").rstrip()
        self._notify(f"{self._mark} {text[:_SHOWN_LETTERS]}{'…' if len(text) > _SHOWN_LETTERS else ''}")

    def finish(self) -> None:
        """Say how many lines were left out, if any."""
        if self._left_out:
            self._notify(f"{self._mark} … {self._left_out} more lines in that second")
            self._left_out = 0
