"""What a container writes: its standard output and error handed on to the reader, the latter kept in a file too."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

_LINE_BYTES = 64 * 1024
_SHOWN_LETTERS = 500
_LINES_A_SECOND = 50
_KEPT_BYTES = 8 * 1024 * 1024
"""What is kept of the log where nobody asked for it: it lies in memory."""
# The launcher's own records (mooring_launcher.reports.log); its state is told in other words already.
_RECORD = re.compile(rb'\{"ts": "[^"]*", "level": "[a-z]+", "ordinal": ')


def copy_stdout(read_fd: int, tell: Callable[[str], None]) -> None:
    """Hand on each line of a pipe to its end, in a thread of its own; it never blocks who writes."""
    limited = _Limited(tell, "|")
    with os.fdopen(read_fd, "rb") as stream:
        while line := stream.readline(_LINE_BYTES):
            limited.take(line)
    limited.finish()


def copy_stderr(read_fd: int, tell: Callable[[str], None], log: Path, *, keep_all: bool) -> None:
    """Hand on each line but the launcher's own records, and append all to a file.

    The file ends after some MiB unless `keep_all`.
    """
    limited = _Limited(tell, "!")
    with os.fdopen(read_fd, "rb") as stream, log.open("ab", buffering=0) as kept:
        while line := stream.readline(_LINE_BYTES):
            if keep_all or kept.tell() < _KEPT_BYTES:
                kept.write(line)
            if not _RECORD.match(line):
                limited.take(line)
    limited.finish()


class _Limited:
    """Tells lines, behind a mark; of a flood, so many a second and how many there were beyond."""

    def __init__(self, tell: Callable[[str], None], mark: str) -> None:
        self._tell = tell
        self._mark = mark
        self._second = 0
        self._told = 0
        self._left_out = 0

    def take(self, line: bytes) -> None:
        """Tell a line, or count it."""
        second = int(time.monotonic())
        if second != self._second:
            self.finish()
            self._second, self._told = second, 0
        if self._told >= _LINES_A_SECOND:
            self._left_out += 1
            return
        self._told += 1
        text = line.decode(errors="replace").rstrip()
        self._tell(f"{self._mark} {text[:_SHOWN_LETTERS]}{'…' if len(text) > _SHOWN_LETTERS else ''}")

    def finish(self) -> None:
        """Say how many lines were left out, if any."""
        if self._left_out:
            self._tell(f"{self._mark} … {self._left_out} more lines in that second")
            self._left_out = 0
