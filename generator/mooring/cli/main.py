"""The command line: its commands, and the one place where errors become messages and exit codes.

A command imports what it needs when it runs.
"""

from __future__ import annotations

import sys

from mooring import __version__
from mooring.cli.console import say, say_error

TYPE_CHECKING = False  # typing's own would import typing, which takes as long as all of `mooring --version`
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mooring.errors import ExitCode

_EXIT_CODES = "Exit codes: 0 done, 1 unexpected, 2 bad input, 3 drift (--check) or edited files left alone."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see ExitCode)."""
    words = sys.argv[1:] if argv is None else [*argv]
    if words == ["--version"]:
        say(f"mooring {__version__}")  # right away: scripts and editors run this often
        return 0
    _print_any_character()
    return _run(_parser().parse_args(words))


def _run(arguments: argparse.Namespace) -> int:
    import os

    from mooring.errors import ExitCode, MooringError

    try:
        return int(arguments.command(arguments))
    except MooringError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", ExitCode.UNEXPECTED)
    except BrokenPipeError:
        # The reader of our output has ended (`mooring … | head`), so nothing can be reported.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.UNEXPECTED
    except Exception as error:
        # The last resort: one line in place of a traceback.
        if os.environ.get("MOORING_DEBUG") == "1":
            raise
        return _fail(f"unexpected {type(error).__name__}: {error} (MOORING_DEBUG=1 shows where)", ExitCode.UNEXPECTED)


def _print_any_character() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fail(message: str, code: ExitCode) -> ExitCode:
    say_error(f"mooring: {message}")
    return code


def _parser() -> argparse.ArgumentParser:
    import argparse

    from mooring.cli import bundle, completion, explain, generate, imports, new, rehearse, schema

    parser = argparse.ArgumentParser(
        prog="mooring",
        description="Turn a short App description into a Helm chart that runs native Windows programs as replicas.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"mooring {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (new, generate, explain, schema, completion, rehearse, imports, bundle):
        command.add(commands)
    parser.set_defaults(parser=parser)  # which `mooring completion` reads
    return parser
