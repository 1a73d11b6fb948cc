"""`mooring bundle`: the launcher's directory for Windows nodes, made and verified."""

from __future__ import annotations

from mooring.cli.console import say

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    bundle = commands.add_parser("bundle", help="make the launcher's directory for Windows nodes, or verify one")
    bundle.add_argument("--out", metavar="DIR", help="a directory, or a file that ends in .zip")
    bundle.add_argument("--python", metavar="ZIP", help="embeddable Python for Windows (default: download it)")
    bundle.add_argument("--psutil", metavar="WHEEL", help="psutil's wheel for win_amd64 (default: pip downloads it)")
    bundle.set_defaults(command=write)
    verifying = bundle.add_subparsers(metavar="verify").add_parser("verify", help="check a bundle against its manifest")
    verifying.add_argument("bundle", metavar="DIR", help="a bundle's directory or zip")
    verifying.set_defaults(command=verify)


def write(arguments: argparse.Namespace) -> int:
    """Write a bundle, as a directory or a zip."""
    from pathlib import Path

    from mooring.bundle.node import access_commands, write_bundle
    from mooring.errors import UserError

    if arguments.out is None:
        message = "bundle: --out DIR is missing; say where to write it, or run `mooring bundle verify DIR`"
        raise UserError(message)
    given = (Path(one) if one else None for one in (arguments.python, arguments.psutil))
    bundle = write_bundle(Path(arguments.out), *given)
    say(f"wrote {bundle.path}: {bundle.files} files; next: copy it to every node as launcher.hostPath")
    say("then, as an administrator on each node, let no one else write to it, because it runs as SYSTEM:")
    for command in access_commands():
        say(f"  {command}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Check a bundle against its manifest."""
    from pathlib import Path

    from mooring.bundle.node import verify_bundle

    bundle = verify_bundle(Path(arguments.bundle))
    say(f"{bundle.path}: all {bundle.files} files match the manifest")
    return 0
