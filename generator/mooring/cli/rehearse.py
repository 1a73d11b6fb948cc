"""`mooring rehearse`: a chart's pods on this machine."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    rehearse = commands.add_parser("rehearse", help="run a chart (platform: linux) on this machine, without a cluster")
    rehearse.add_argument("chart", metavar="CHART", help="a chart's directory")
    rehearse.add_argument("-f", "--values", metavar="FILE", action="append", default=[], help="a values file")
    rehearse.add_argument(
        "--set", metavar="K=V", dest="sets", action="append", default=[], help="set one value, as for helm"
    )
    rehearse.add_argument("--replicas", metavar="N", type=_count, help="replicas to start with")
    rehearse.add_argument("--helm", metavar="PATH", help="the helm to use (default: from PATH)")
    rehearse.add_argument("--logs", metavar="DIR", help="keep the launchers' logs in DIR, one file per pod")
    rehearse.set_defaults(command=run)


def _count(text: str) -> int:
    import argparse

    if not text.isdecimal():
        message = f"{text!r} is not a whole number, 0 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Rehearse a chart until the user stops it."""
    from pathlib import Path

    from mooring.rehearse import main as rehearse

    values = [Path(file) for file in arguments.values]
    logs = Path(arguments.logs) if arguments.logs else None
    return rehearse(Path(arguments.chart), values, arguments.sets, arguments.replicas, arguments.helm, logs)
