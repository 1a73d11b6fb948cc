"""`mooring completion`: a shell completion script."""

from __future__ import annotations

from mooring.cli.console import say

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    completion = commands.add_parser("completion", help="print a shell completion script")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell to complete in")
    completion.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the script for one shell."""
    import shtab

    parser: argparse.ArgumentParser = arguments.parser
    # What each metavar of the help stands for.
    files: dict[str, Any] = {"FILE": shtab.FILE, "APP": shtab.FILE, "DIR": shtab.DIRECTORY, "CHART": shtab.DIRECTORY}
    for action in _actions(parser):
        if action.metavar in files:
            vars(action)["complete"] = files[str(action.metavar)]
    say(shtab.complete(parser, arguments.shell).rstrip("\n"))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of all commands."""
    for action in parser._actions:  # argparse has no public list of them
        yield action
        choices: Any = action.choices
        for command in choices.values() if isinstance(choices, dict) else ():
            yield from _actions(command)
