"""`mooring new`: a commented App to start from."""

from __future__ import annotations

from mooring.cli.console import say

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    new = commands.add_parser("new", help="write a commented App to start from")
    new.add_argument("name", metavar="NAME", help="name of the App; the file is NAME.yaml")
    new.add_argument("--dir", default=".", help="where to write it (default: the current directory)")
    new.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the App."""
    from pathlib import Path

    from mooring.inputs.new import write_new_app

    path = write_new_app(arguments.name, Path(arguments.dir))
    say(f"wrote {path}; next: edit it, then `mooring generate {path} --out charts`")
    return 0
