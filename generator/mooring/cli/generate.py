"""`mooring generate`: render the charts of Apps."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    generate = commands.add_parser("generate", help="generate the chart of each App")
    generate.add_argument(
        "apps",
        metavar="APP",
        nargs="+",
        help="an App's file, a directory of them, a glob such as 'apps/**/*.yaml', or - (standard input)",
    )
    generate.add_argument("--out", metavar="DIR", required=True, help="write charts to DIR/<name>/")
    generate.add_argument("--platform", metavar="FILE", help="the Platform's file: defaults and locks for all Apps")
    how = generate.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing; show differences and exit 3 if there are any")
    how.add_argument("--force", action="store_true", help="overwrite generated files that were edited")
    generate.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        default=[],
        help="only Apps whose name matches PATTERN, such as 'ward-*'",
    )
    generate.add_argument("--changed-since", metavar="REF", help="only Apps changed since git REF")
    generate.add_argument("--prune", action="store_true", help="delete charts that no App generates any more")
    generate.add_argument("--multi-document", action="store_true", help="a file may hold several Apps")
    generate.add_argument(
        "--jobs", metavar="N", type=_positive, help="number of parallel processes (default: one per processor)"
    )
    generate.add_argument(
        "--with-tests",
        action="store_true",
        help="add tests/test_release.py, which installs the chart in a cluster (use it with --check too)",
    )
    generate.add_argument("--output", choices=["text", "json"], default="text", help="output format")
    generate.set_defaults(command=run)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ValueError(text)
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Generate the charts, and return the exit code."""
    from pathlib import Path

    from mooring.batch.generate import generate
    from mooring.cli.outcome import print_json, print_result, watch_for
    from mooring.inputs.platform import load_platform

    as_json = arguments.output == "json"
    watch = watch_for(json_output=as_json)
    result = generate(
        arguments.apps,
        Path(arguments.out),
        platform=load_platform(arguments.platform) if arguments.platform else None,
        check=arguments.check,
        force=arguments.force,
        with_tests=arguments.with_tests,
        only=arguments.only,
        changed_since=arguments.changed_since,
        prune=arguments.prune,
        many_documents=arguments.multi_document,
        jobs=arguments.jobs or 0,
        watch=watch,
    )
    if as_json:
        print_json(result)
    else:
        print_result(result, watch)
    return result.exit_code
