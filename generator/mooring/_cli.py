"""The command line. Nothing else prints; whatever a command needs is imported when it runs."""

from __future__ import annotations

import sys

from mooring import __version__

TYPE_CHECKING = False  # typing's own would import typing, which takes as long as all of `mooring --version`
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mooring._errors import ExitCode
    from mooring._generate import ChartResult, RunResult

_EXIT_CODES = "Exit codes: 0 done, 1 unexpected, 2 bad input, 3 drift (--check) or edited files left alone."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see ExitCode)."""
    words = sys.argv[1:] if argv is None else [*argv]
    if words == ["--version"]:
        _print(f"mooring {__version__}")  # at once: scripts and editors ask this often
        return 0
    _print_any_character()
    return _run(_parser().parse_args(words))


def _run(arguments: argparse.Namespace) -> int:
    import os

    from mooring._errors import ExitCode, MooringError

    try:
        return int(arguments.command(arguments))
    except MooringError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", ExitCode.UNEXPECTED)
    except BrokenPipeError:
        # Whoever read our output has gone (`mooring … | head`); nobody is left to tell.
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
    _print_error(f"mooring: {message}")
    return code


def _print(text: str) -> None:
    print(text)  # noqa: T201 - the command line's own output


def _print_error(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the command line's own output


def _parser() -> argparse.ArgumentParser:
    import argparse

    from mooring._bundle_command import add_bundle

    parser = argparse.ArgumentParser(
        prog="mooring",
        description="Turn a short App description into a Helm chart that runs native Windows programs as replicas.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"mooring {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_new(commands)
    _add_generate(commands)
    _add_schema(commands)
    _add_rehearse(commands)
    add_bundle(commands, _print)
    return parser


def _add_new(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    new = commands.add_parser("new", help="write a commented App to start from")
    new.add_argument("name", metavar="NAME", help="name of the App; the file is NAME.yaml")
    new.add_argument("--dir", default=".", help="where to write it (default: here)")
    new.set_defaults(command=_new)


def _add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    generate = commands.add_parser("generate", help="make the chart of each App")
    generate.add_argument("apps", metavar="APP", nargs="+", help="an App's file, or a directory of them")
    generate.add_argument("--out", metavar="DIR", required=True, help="charts are written to DIR/<name>/")
    how = generate.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing; exit 3 and show any difference")
    how.add_argument("--force", action="store_true", help="overwrite generated files that were edited")
    generate.add_argument(
        "--with-tests",
        action="store_true",
        help="add tests/test_release.py, which installs the chart in a cluster (give it with --check too)",
    )
    generate.add_argument("--output", choices=["text", "json"], default="text", help="form of the result")
    generate.set_defaults(command=_generate)


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    schema = commands.add_parser("schema", help="print a JSON schema (draft-07)")
    schema.add_argument("of", nargs="?", choices=["app", "values", "config"], default="app", help="default: app")
    schema.set_defaults(command=_schema)


def _add_rehearse(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rehearse = commands.add_parser("rehearse", help="run a chart (platform: linux) on this machine, without a cluster")
    rehearse.add_argument("chart", metavar="CHART", help="a chart's directory")
    rehearse.add_argument("-f", "--values", metavar="FILE", action="append", default=[], help="a values file")
    rehearse.add_argument(
        "--set", metavar="K=V", dest="sets", action="append", default=[], help="one value, as for helm"
    )
    rehearse.add_argument("--replicas", metavar="N", type=_count, help="replicas to start with")
    rehearse.add_argument("--helm", metavar="PATH", help="the helm to use (default: from PATH)")
    rehearse.add_argument("--logs", metavar="DIR", help="keep the launchers' logs here, a file for each pod")
    rehearse.set_defaults(command=_rehearse)


def _count(text: str) -> int:
    import argparse

    if not text.isdecimal():
        message = f"{text!r} is not a whole number, 0 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _new(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mooring._new import write_new_app

    path = write_new_app(arguments.name, Path(arguments.dir))
    _print(f"wrote {path}; next: edit it, then `mooring generate {path} --out charts`")
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mooring._generate import generate

    result = generate(
        arguments.apps,
        Path(arguments.out),
        check=arguments.check,
        force=arguments.force,
        with_tests=arguments.with_tests,
    )
    show = _show_json if arguments.output == "json" else _show_text
    show(result)
    return result.exit_code


def _show_json(result: RunResult) -> None:
    import json

    document = {
        "exitCode": int(result.exit_code),
        "charts": [chart.as_dict() for chart in result.charts],
        "problems": [problem.as_dict() for problem in result.problems],
    }
    _print(json.dumps(document, indent=2))


def _show_text(result: RunResult) -> None:
    for chart in result.charts:
        _show_chart(chart)
    for problem in result.problems:
        _print_error(str(problem))


def _show_chart(chart: ChartResult) -> None:
    if chart.status in ("written", "unchanged"):
        _print(f"{chart.status} {chart.directory}")
        return
    if chart.status == "drifted":
        _show_drift(chart)
        return
    advice = "put the change into the App, or let --force overwrite it"
    _print_error(
        f"{chart.directory}: left as it is, because these files were edited: {', '.join(chart.edited)}; {advice}"
    )
    _print_error(chart.diff.rstrip("\n"))


def _show_drift(chart: ChartResult) -> None:
    if not chart.exists:
        _print_error(f"{chart.directory}: does not exist yet")
        return
    if chart.diff:
        _print(chart.diff.rstrip("\n"))
    _print_error(f"{chart.directory}: differs from what its App makes: {', '.join(chart.files)}")


def _schema(arguments: argparse.Namespace) -> int:
    from mooring._schema import schema_text

    _print(schema_text(arguments.of).rstrip("\n"))
    return 0


def _rehearse(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mooring.rehearse import main as rehearse

    values = [Path(file) for file in arguments.values]
    logs = Path(arguments.logs) if arguments.logs else None
    return rehearse(Path(arguments.chart), values, arguments.sets, arguments.replicas, arguments.helm, logs)
