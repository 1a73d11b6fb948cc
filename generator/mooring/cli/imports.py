"""`mooring import`: Apps of manifests, and a report of what changes and in which order to go over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mooring.cli.console import say, say_error
from mooring.errors import UserError
from mooring.importing.report import report_lines
from mooring.importing.run import import_files, import_namespace

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Import files, or a namespace of a cluster."""
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
