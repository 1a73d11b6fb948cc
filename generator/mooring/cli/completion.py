"""`mooring completion`: a script that completes mooring's words in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import shtab

from mooring.cli.console import say

_FILES: dict[str, Any] = {
    "FILE": shtab.FILE,
    "APP": shtab.FILE,
    "DIR": shtab.DIRECTORY,
    "CHART": shtab.DIRECTORY,
}
"""What words of a kind name, by what the help calls them."""


def run(parser: argparse.ArgumentParser, shell: str) -> int:
    """Print the script for one shell."""
    for action in _actions(parser):
        if action.metavar in _FILES:
            vars(action)["complete"] = _FILES[str(action.metavar)]
    say(shtab.complete(parser, shell).rstrip("\n"))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of all commands."""
    for action in parser._actions:  # argparse tells them nowhere else
        yield action
        choices: Any = action.choices
        for command in choices.values() if isinstance(choices, dict) else ():
            yield from _actions(command)
