"""A Windows program that runs under Wine, and waiting for what it does."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TIMEOUT_S = 180.0


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Wait until the condition is true and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.05)
    return value


class Program:
    """A running Windows program; its output is read as it comes."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.output = b""
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read_output, self._read_errors)]
        for thread in self._threads:
            thread.start()

    @property
    def lines(self) -> list[str]:
        """What it has printed so far."""
        return self.output.decode("utf-8", "replace").split("\n")

    @property
    def text(self) -> str:
        """Everything it has written, for messages."""
        return "\n".join([self.output.decode("utf-8", "replace")[-4000:], *self.errors[-60:]])

    @property
    def code(self) -> int | None:
        """Its exit status, of which this system keeps 8 bits; None while it runs."""
        return self.process.poll()

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end and the rest of its output."""
        code = self.process.wait(timeout_s)
        for thread in self._threads:
            thread.join(5)
        return code

    def wait_line(self, line: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until it has printed a line."""
        wait_until(
            lambda: line in (one.rstrip("\r") for one in self.lines) or self.code is not None, f"{line!r}", timeout_s
        )
        assert line in (one.rstrip("\r") for one in self.lines), self.text

    def close(self) -> None:
        """Kill it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def _read_output(self) -> None:
        assert self.process.stdout
        chunks = iter(lambda: os.read(self.process.stdout.fileno(), 1 << 20), b"")  # type: ignore[union-attr]
        parts = []
        for chunk in chunks:
            parts.append(chunk)
            if len(chunk) < 1 << 15:
                self.output += b"".join(parts)
                parts.clear()
        self.output += b"".join(parts)

    def _read_errors(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.errors.append(line.decode("utf-8", "replace").rstrip("\n"))
