"""The launcher's log: JSON lines on stderr, the ordinal in each. stdout belongs to the target.

Environment values never appear; arguments that look like secrets are masked.
"""

import json
import re
import sys
import threading
import time
from typing import Any

_MASK = "***"
_SENSITIVE = (
    r"(?:pass(?:word|wd|phrase)?|pwd|token|secret|credentials?|auth(?:orization)?|(?:api|access|private)?[-_]?key)"
)
_SECRET_OPTION = re.compile(rf"^(?:--?|/)(?:[\w.-]*[-_.])?{_SENSITIVE}$", re.IGNORECASE)
_SECRET_VALUE = re.compile(rf"((?:[\w.-]*[-_. ;/]|^){_SENSITIVE}\s*[=:]\s*)[^;&\s]+", re.IGNORECASE)
# An argument that is nothing but a secret option and its value may hold any character; a connection string goes on
# after its `;` and keeps what is no secret.
_SECRET_WHOLE = re.compile(rf"^((?:--?|/)(?:[\w.-]*[-_.])?{_SENSITIVE}[=:]).*", re.IGNORECASE | re.DOTALL)
_SECRET_HEADER = re.compile(r"(\b(?:proxy-)?authorization\s*[=:]\s*|\bbearer\s+).+", re.IGNORECASE | re.DOTALL)
_URL_PASSWORD = re.compile(r"(\w+://[^/\s:@]*:)[^/\s@]+(@)")


class Log:
    """Writes records; safe to use from every thread."""

    def __init__(self) -> None:
        self.ordinal: int | None = None
        self._lock = threading.Lock()

    def info(self, event: str, **fields: object) -> None:
        """Record what happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Record what should not have happened and is being dealt with."""
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
                return  # a reader that has gone must not end the target


def mask_args(args: list[str]) -> list[str]:
    """Return the arguments with whatever looks like a secret masked."""
    masked: list[str] = []
    next_is_secret = False
    for arg in args:
        # A value may well begin like an option: base64 has `/`, and other alphabets have `-`.
        masked.append(_MASK if next_is_secret else _mask_values(arg))
        next_is_secret = bool(_SECRET_OPTION.match(arg))
    return masked


def _mask_values(text: str) -> str:
    for secret in (_SECRET_WHOLE, _SECRET_HEADER, _SECRET_VALUE):
        text = secret.sub(rf"\1{_MASK}", text)
    return _URL_PASSWORD.sub(rf"\1{_MASK}\2", text)


def _timestamp() -> str:
    """Return UTC with milliseconds, RFC 3339."""
    now_s = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s)) + f".{int(now_s % 1 * 1000):03d}Z"
