"""`mooring schema`: the schemas of what users write, for editors."""

from __future__ import annotations

from mooring.cli.console import say

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    schema = commands.add_parser("schema", help="print a JSON schema (draft-07)")
    schema.add_argument(
        "of",
        nargs="?",
        choices=["app", "platform", "values", "config"],
        default="app",
        help="which schema (default: app)",
    )
    schema.add_argument(
        "--platform", metavar="FILE", help="make the schema of Apps refuse what this Platform's locks refuse"
    )
    schema.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a schema; that of Apps includes a Platform's locks if one is given."""
    from mooring.chart.schemas import locked_app_schema_text, schema_text
    from mooring.inputs.platform import load_platform

    if not arguments.platform:
        say(schema_text(arguments.of).rstrip("\n"))
        return 0
    if arguments.of != "app":
        from mooring.errors import UserError

        message = f"--platform applies only to the schema of Apps, not of {arguments.of}; leave it out"
        raise UserError(message)
    platform = load_platform(arguments.platform)
    say(locked_app_schema_text(platform.locks, platform.values).rstrip("\n"))
    return 0
