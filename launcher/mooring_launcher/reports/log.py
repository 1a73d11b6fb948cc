"""The launcher's log: JSON lines on stderr, the ordinal in each. stdout belongs to the target.

Environment values never appear; what looks like a secret is masked (`masking`).
"""

import json
import sys
import threading
import time
from typing import Any


class Log:
    """Writes records; safe to use from every thread."""

    def __init__(self) -> None:
        self.ordinal: int | None = None
        self._lock = threading.Lock()

    def info(self, event: str, **fields: object) -> None:
        """Record what happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Record a problem that is being handled."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Record what ends the launcher."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        record: dict[str, Any] = {"ts": _timestamp(), "level": level, "ordinal": self.ordinal, "event": event}
        line = json.dumps(record | fields, default=str, ensure_ascii=False) + "\n"
        with self._lock:
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except (OSError, ValueError):
                return  # a reader that has closed must not end the target


def _timestamp() -> str:
    """Return UTC with milliseconds, RFC 3339."""
    now_s = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s)) + f".{int(now_s % 1 * 1000):03d}Z"
