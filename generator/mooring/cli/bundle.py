"""`mooring bundle`: the launcher's directory for Windows nodes, made and verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mooring.bundle.node import access_commands, verify_bundle, write_bundle
from mooring.cli.console import say
from mooring.errors import UserError

if TYPE_CHECKING:
    import argparse


def write(arguments: argparse.Namespace) -> int:
    """Write a bundle, as a directory or a zip."""
    if arguments.out is None:
        message = "bundle: --out DIR is missing: say where to write it, or `mooring bundle verify DIR`"
        raise UserError(message)
    given = (Path(one) if one else None for one in (arguments.python, arguments.psutil))
    bundle = write_bundle(Path(arguments.out), *given)
    say(f"wrote {bundle.path}: {bundle.files} files; next: copy it to every node as launcher.hostPath")
    say("and there, as an administrator, let nobody else write to it, as it runs as SYSTEM:")
    for command in access_commands():
        say(f"  {command}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Hold a bundle to its manifest."""
    bundle = verify_bundle(Path(arguments.bundle))
    say(f"{bundle.path}: all {bundle.files} files are as the manifest says")
    return 0
