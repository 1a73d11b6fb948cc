"""Makes what CreateProcessW takes: one command line from many arguments, one environment block from many variables."""

import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r'[^ \t\n\v"]+\Z')
_BEFORE_QUOTE = re.compile(r'(\\*)"')
_AT_END = re.compile(r"(\\+)\Z")  # not $, which also matches before a last line end
_LONG_PATH = 248
"""From this length on a path needs the prefix that lifts MAX_PATH; a folder must leave room for 8.3 in it."""


def join_arguments(exe: str, args: Sequence[str]) -> str:
    """Quote so that CommandLineToArgvW and the C run-time give back each argument unchanged.

    Backslashes count only before a quote: there each is doubled ("Parsing C command-line arguments", Microsoft Learn).
    The program's own name follows a simpler rule: no escapes at all, and a path has no quotes.
    """
    return " ".join([f'"{exe}"', *map(quote, args)])


def quote(argument: str) -> str:
    """Return one argument as a command line must have it."""
    if _PLAIN.match(argument):
        return argument
    escaped = _BEFORE_QUOTE.sub(r'\1\1\\"', argument)
    return '"' + _AT_END.sub(r"\1\1", escaped) + '"'


def environment_block(environment: Mapping[str, str]) -> str:
    """Return `NAME=value` with a zero after each, sorted by name as Windows wants, and a zero at the end.

    Windows ignores case in names: of `Path` and `PATH` the last one counts. ValueError for a null character.
    """
    unique = {name.upper(): (name, value) for name, value in environment.items()}
    lines = [f"{name}={value}" for _, (name, value) in sorted(unique.items())]
    broken = next((line for line in lines if "\0" in line), None)
    if broken is not None:
        message = f"environment variable {broken.partition('=')[0]} contains a null character"
        raise ValueError(message)
    return "".join(f"{line}\0" for line in lines) + "\0"


def long_path(path: str) -> str:
    """Return a path, with the prefix that allows 32767 characters if it needs that."""
    if len(path) < _LONG_PATH or path.startswith("\\\\?\\"):
        return path
    return f"\\\\?\\UNC\\{path[2:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"
