"""`mooring import`: turn manifests into Apps, and report what changes and in which order to migrate."""

from __future__ import annotations

from mooring.cli.console import say, say_error

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    imports = commands.add_parser("import", help="turn manifests in K2s' pattern (cplauncher, anchor pods) into Apps")
    imports.add_argument(
        "sources",
        metavar="FILE",
        nargs="*",
        help="a file, a directory of them, a kustomize base, or - (standard input)",
    )
    imports.add_argument("--out", metavar="DIR", required=True, help="write Apps to DIR/<name>.yaml")
    imports.add_argument(
        "--mend", action="store_true", help="read broken YAML as it was most likely meant, and report each repair"
    )
    imports.add_argument(
        "--strict", action="store_true", help="refuse what an App cannot carry over with the same meaning (exit 2)"
    )
    imports.add_argument("--from-cluster", action="store_true", help="read a namespace of a cluster instead of files")
    imports.add_argument("-n", "--namespace", metavar="NS", help="the namespace to read")
    imports.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig (default: the one kubectl uses)")
    imports.add_argument("--context", metavar="NAME", help="context of the kubeconfig (default: the current one)")
    imports.add_argument("--output", choices=["text", "json"], default="text", help="output format")
    imports.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Import files, or a namespace of a cluster."""
    import json
    from pathlib import Path

    from mooring.errors import UserError
    from mooring.importing.report import report_lines
    from mooring.importing.run import import_files, import_namespace

    if arguments.from_cluster == bool(arguments.sources) or arguments.from_cluster != bool(arguments.namespace):
        raise UserError("import takes either FILEs (or -), or --from-cluster with -n NAMESPACE")
    out = Path(arguments.out)
    if arguments.from_cluster:
        result = import_namespace(
            arguments.namespace, out, arguments.kubeconfig, arguments.context, strict=arguments.strict
        )
    else:
        result = import_files(arguments.sources, out, mend=arguments.mend, strict=arguments.strict)
    if arguments.output == "json":
        say(json.dumps(result.as_dict(), indent=2))
        return result.exit_code
    for line in report_lines(result):
        say(line)
    for problem in result.problems:
        say_error(str(problem))
    return result.exit_code
