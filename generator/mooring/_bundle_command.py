"""The command `mooring bundle`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Show = Callable[[str], None]


def add_bundle(commands: argparse._SubParsersAction[argparse.ArgumentParser], show: Show) -> None:
    """Add the command and its second form, `bundle verify`; `show` prints a line for the user."""
    bundle = commands.add_parser("bundle", help="make the launcher's directory for Windows nodes, or verify one")
    bundle.add_argument("--out", metavar="DIR", help="a directory, or a file that ends in .zip")
    bundle.add_argument("--python", metavar="ZIP", help="embeddable Python for Windows (default: fetch it)")
    bundle.add_argument("--psutil", metavar="WHEEL", help="psutil's wheel for win_amd64 (default: fetch it by pip)")
    bundle.set_defaults(command=lambda arguments: _write(arguments, show))
    verify = bundle.add_subparsers(metavar="verify").add_parser("verify", help="hold a bundle to its manifest")
    verify.add_argument("bundle", metavar="DIR", help="a bundle's directory or zip")
    verify.set_defaults(command=lambda arguments: _verify(arguments, show))


def _write(arguments: argparse.Namespace, show: Show) -> int:
    from pathlib import Path

    from mooring._bundle import write_bundle
    from mooring._errors import UserError

    if arguments.out is None:
        message = "bundle: --out DIR is missing: say where to write it, or `mooring bundle verify DIR`"
        raise UserError(message)
    given = (Path(one) if one else None for one in (arguments.python, arguments.psutil))
    bundle = write_bundle(Path(arguments.out), *given)
    show(f"wrote {bundle.path}: {bundle.files} files; next: copy it to every node as launcher.hostPath")
    return 0


def _verify(arguments: argparse.Namespace, show: Show) -> int:
    from pathlib import Path

    from mooring._bundle import verify_bundle

    bundle = verify_bundle(Path(arguments.bundle))
    show(f"{bundle.path}: all {bundle.files} files are as the manifest says")
    return 0
