"""The use case behind `mooring import`: manifests in K2s' pattern in, Apps and a report out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from mooring.errors import InputError, OutputError, Problem
from mooring.importing.cutover import plan_cutover
from mooring.importing.manifests import Manifest
from mooring.importing.neighbours.settle import settle_neighbours
from mooring.importing.pairs.find import find_pairs
from mooring.importing.programs.make import Program, make_programs
from mooring.importing.reading.sources import Reading, read_sources
from mooring.importing.report import Imported, ImportResult, find_differences
from mooring.importing.texts import app_text
from mooring.inputs.app import parse_app
from mooring.output.lock import open_output
from mooring.output.write import write_new_files


def import_files(sources: Sequence[str], out: Path, *, mend: bool = False, strict: bool = False) -> ImportResult:
    """Write an App below `out` for each program in files, directories, kustomize bases or - (standard input).

    If a file cannot be read, nothing is written. A program that is not understood is a problem; the others are still
    written. With `mend`, broken YAML is read as it was likely meant, and reported. With `strict`, whatever an App does
    not carry over with the same meaning is a problem too.
    """
    return import_reading(read_sources(sources, mend=mend), out, strict=strict)


def import_reading(reading: Reading, out: Path, *, strict: bool = False) -> ImportResult:
    """Write an App below `out` for each program in what was read."""
    result = ImportResult(mends=reading.mends, unread=reading.unread, problems=reading.problems)
    if result.problems:
        return result
    found = find_pairs(reading.manifests)
    result.problems += found.problems
    programs = make_programs(found, result.problems)
    if programs:
        others = [*found.others, *_unrouted(found.services, programs)]
        unreadable = {key: error for key, (error, _) in found.unreadable.items()}
        result.strangers = settle_neighbours(others, programs, unreadable)
    elif not result.problems:
        # One of these may be the program to import; if another program was found they are only reported.
        result.problems += [problem for _, problem in found.unreadable.values()]
        result.problems.append(_nothing_found(reading))
    if strict:
        programs = [program for program in programs if not _refuse_differences(program, result)]
    texts = _texts_of(programs, result)
    try:
        with open_output(out) if texts else nullcontext():
            write_new_files(out, {f"{program.name}.yaml": text for program, text in texts})
    except OutputError as error:
        result.problems.append(Problem(error.path, None, None, "", str(error).removeprefix(f"{error.path}: ")))
        return result
    for program, _ in texts:
        file = str(out / f"{program.name}.yaml")
        result.apps.append(Imported(program, file, tuple(plan_cutover(program, file))))
    return result


def _refuse_differences(program: Program, result: ImportResult) -> bool:
    """Add a problem for each difference of a program; return whether it has any."""
    problems = find_differences(program)
    result.problems += problems
    return bool(problems)


def _texts_of(programs: Sequence[Program], result: ImportResult) -> list[tuple[Program, str]]:
    """Return the Apps' texts, each parsed again: what `mooring generate` would reject is a problem of its manifests."""
    texts = []
    for program in programs:
        text = app_text(program)
        try:
            parse_app(text.encode(), program.name)
        except InputError as error:
            launcher = program.members[0].pair.launcher.manifest
            for problem in error.problems:
                message = f"would become an invalid App: {problem.key}: {problem.message}"
                result.problems.append(launcher.problem((), message))
            continue
        texts.append((program, text))
    return texts


def _unrouted(services: Sequence[Manifest], programs: Sequence[Program]) -> list[Manifest]:
    routed = {id(route.manifest) for program in programs for route in program.routes}
    return [service for service in services if id(service) not in routed]


def _nothing_found(reading: Reading) -> Problem:
    where = ", ".join(reading.sources)
    message = (
        "contains no program to import: no HostProcess pod runs cplauncher, or a script that sets COMPARTMENT_ID_ATTACH"
    )
    return Problem(where, None, None, "", message)


def import_namespace(
    namespace: str,
    out: Path,
    kubeconfig: str | None = None,
    context: str | None = None,
    *,
    strict: bool = False,
) -> ImportResult:
    """Write an App below `out` for each program that runs in a namespace of a cluster, which is only read.

    Raises UserError if the cluster cannot be read.
    """
    from mooring.importing.reading.cluster import read_namespace

    return import_reading(read_namespace(namespace, kubeconfig, context), out, strict=strict)
