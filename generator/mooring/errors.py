"""The errors, their wording and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """Exit codes of the `mooring` command."""

    DONE = 0
    UNEXPECTED = 1
    BAD_INPUT = 2
    DRIFT = 3


class MooringError(Exception):
    """Root of all errors mooring raises on purpose."""

    exit_code = ExitCode.UNEXPECTED


class UserError(MooringError):
    """An error in the user's input: its message is enough, without a traceback."""

    exit_code = ExitCode.BAD_INPUT


def plain(text: str) -> str:
    """Return text with everything but visible characters escaped: it may come from any file.

    Line breaks, terminal escapes and bidirectional marks could hide what the text really says.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


class Problem(NamedTuple):
    """One problem in an input file: where, which key, and a sentence."""

    file: str
    line: int | None
    column: int | None
    key: str
    message: str

    def __str__(self) -> str:
        """Word it the way compilers do, so that editors can jump to the place."""
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return plain(f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}")

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON output."""
        return self._asdict()


class InputError(UserError):
    """One or more problems in input files, all reported at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class OutputError(UserError):
    """A path that cannot be written."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}")
