"""What can go wrong, how it is worded and which exit code it gets."""

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
    """An error whose message is enough: what the user gave cannot be used."""

    exit_code = ExitCode.BAD_INPUT


def plain(text: str) -> str:
    """Return text with escapes for whatever is not a visible character: it may come from anybody's file.

    Line ends, terminal escapes and marks that turn the direction of writing would otherwise hide what stands there.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


class Problem(NamedTuple):
    """One thing wrong with an input file: where, which key, and a sentence."""

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
    """One or more problems in input files, all of them told at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class OutputError(UserError):
    """A place that cannot be written to."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}")
