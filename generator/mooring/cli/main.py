"""The command line. Nothing else prints; whatever a command needs is imported when it runs."""

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
        say(f"mooring {__version__}")  # at once: scripts and editors ask this often
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
    say_error(f"mooring: {message}")
    return code


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="mooring",
        description="Turn a short App description into a Helm chart that runs native Windows programs as replicas.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"mooring {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_new(commands)
    _add_generate(commands)
    _add_explain(commands)
    _add_schema(commands)
    _add_completion(commands)
    _add_rehearse(commands)
    _add_import(commands)
    _add_bundle(commands)
    return parser


def _add_new(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    new = commands.add_parser("new", help="write a commented App to start from")
    new.add_argument("name", metavar="NAME", help="name of the App; the file is NAME.yaml")
    new.add_argument("--dir", default=".", help="where to write it (default: here)")
    new.set_defaults(command=_new)


def _add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    generate = commands.add_parser("generate", help="make the chart of each App")
    generate.add_argument(
        "apps",
        metavar="APP",
        nargs="+",
        help="an App's file, a directory of them, a glob such as 'apps/**/*.yaml', or -",
    )
    generate.add_argument("--out", metavar="DIR", required=True, help="charts are written to DIR/<name>/")
    generate.add_argument("--platform", metavar="FILE", help="the Platform's file: defaults and locks for all Apps")
    how = generate.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing; exit 3 and show any difference")
    how.add_argument("--force", action="store_true", help="overwrite generated files that were edited")
    generate.add_argument(
        "--only", metavar="PATTERN", action="append", default=[], help="Apps of such a name alone: 'ward-*'"
    )
    generate.add_argument("--changed-since", metavar="REF", help="Apps whose file differs from a commit of git alone")
    generate.add_argument("--prune", action="store_true", help="delete charts that no App makes any more")
    generate.add_argument("--multi-document", action="store_true", help="a file may hold several Apps")
    generate.add_argument(
        "--jobs", metavar="N", type=_positive, help="processes at once (default: one for each processor)"
    )
    generate.add_argument(
        "--with-tests",
        action="store_true",
        help="add tests/test_release.py, which installs the chart in a cluster (give it with --check too)",
    )
    generate.add_argument("--output", choices=["text", "json"], default="text", help="form of the result")
    generate.set_defaults(command=_generate)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ValueError(text)
    return int(text)


def _add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = commands.add_parser("explain", help="say where a value of an App came from, and who locked it")
    explain.add_argument("app", metavar="APP", help="the App's file")
    explain.add_argument(
        "key", metavar="KEY", help="a key below values, such as service.type, or what is around several"
    )
    explain.add_argument("--platform", metavar="FILE", help="the Platform's file")
    explain.add_argument("--output", choices=["text", "json"], default="text", help="form of the result")
    explain.set_defaults(command=_explain)


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    schema = commands.add_parser("schema", help="print a JSON schema (draft-07)")
    schema.add_argument(
        "of", nargs="?", choices=["app", "platform", "values", "config"], default="app", help="default: app"
    )
    schema.add_argument(
        "--platform", metavar="FILE", help="make the schema of Apps refuse what this Platform's locks do"
    )
    schema.set_defaults(command=_schema)


def _add_completion(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    completion = commands.add_parser("completion", help="print a script that completes mooring's words in a shell")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell it is for")
    completion.set_defaults(command=_completion)


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


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    imports = commands.add_parser("import", help="make Apps of manifests in K2s' pattern (cplauncher and anchor pods)")
    imports.add_argument(
        "sources",
        metavar="FILE",
        nargs="*",
        help="a file, a directory of them, a kustomize base, or - (standard input)",
    )
    imports.add_argument("--out", metavar="DIR", required=True, help="Apps are written to DIR/<name>.yaml")
    imports.add_argument("--mend", action="store_true", help="read broken YAML as it was likely meant, and say so")
    imports.add_argument(
        "--strict", action="store_true", help="refuse what an App does not carry over with the same meaning (exit 2)"
    )
    imports.add_argument("--from-cluster", action="store_true", help="read a namespace of a cluster instead of files")
    imports.add_argument("-n", "--namespace", metavar="NS", help="that namespace")
    imports.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig (default: as for kubectl)")
    imports.add_argument("--context", metavar="NAME", help="context of the kubeconfig (default: its current one)")
    imports.add_argument("--output", choices=["text", "json"], default="text", help="form of the report")
    imports.set_defaults(command=_import)


def _add_bundle(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bundle = commands.add_parser("bundle", help="make the launcher's directory for Windows nodes, or verify one")
    bundle.add_argument("--out", metavar="DIR", help="a directory, or a file that ends in .zip")
    bundle.add_argument("--python", metavar="ZIP", help="embeddable Python for Windows (default: fetch it)")
    bundle.add_argument("--psutil", metavar="WHEEL", help="psutil's wheel for win_amd64 (default: fetch it by pip)")
    bundle.set_defaults(command=_bundle)
    verify = bundle.add_subparsers(metavar="verify").add_parser("verify", help="hold a bundle to its manifest")
    verify.add_argument("bundle", metavar="DIR", help="a bundle's directory or zip")
    verify.set_defaults(command=_verify_bundle)


def _count(text: str) -> int:
    import argparse

    if not text.isdecimal():
        message = f"{text!r} is not a whole number, 0 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _new(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mooring.inputs.new import write_new_app

    path = write_new_app(arguments.name, Path(arguments.dir))
    say(f"wrote {path}; next: edit it, then `mooring generate {path} --out charts`")
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from mooring.cli.generate import run

    return run(arguments)


def _explain(arguments: argparse.Namespace) -> int:
    from mooring.cli.explain import run

    return run(arguments)


def _schema(arguments: argparse.Namespace) -> int:
    from mooring.chart.schemas import locked_app_schema_text, schema_text
    from mooring.inputs.platform import load_platform

    if not arguments.platform:
        say(schema_text(arguments.of).rstrip("\n"))
        return 0
    if arguments.of != "app":
        from mooring.errors import UserError

        message = f"--platform is for the schema of Apps, not of {arguments.of}; leave it out"
        raise UserError(message)
    platform = load_platform(arguments.platform)
    say(locked_app_schema_text(platform.locks, platform.values).rstrip("\n"))
    return 0


def _completion(arguments: argparse.Namespace) -> int:
    from mooring.cli.completion import run

    return run(_parser(), arguments.shell)


def _rehearse(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mooring.rehearse import main as rehearse

    values = [Path(file) for file in arguments.values]
    logs = Path(arguments.logs) if arguments.logs else None
    return rehearse(Path(arguments.chart), values, arguments.sets, arguments.replicas, arguments.helm, logs)


def _import(arguments: argparse.Namespace) -> int:
    from mooring.cli.imports import run

    return run(arguments)


def _bundle(arguments: argparse.Namespace) -> int:
    from mooring.cli.bundle import write

    return write(arguments)


def _verify_bundle(arguments: argparse.Namespace) -> int:
    from mooring.cli.bundle import verify

    return verify(arguments)
