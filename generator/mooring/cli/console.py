"""How the command line prints; only modules of this package do."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a result."""
    print(text)  # noqa: T201 - the command line's own output


def say_error(text: str) -> None:
    """Print what went wrong, or what is only for people, on standard error."""
    print(text, file=sys.stderr)  # noqa: T201 - the command line's own output
