"""The use case behind `mooring generate`: Apps in, chart directories out.

All Apps are read first, because of two with the same name neither is written; then each chart is rendered, compared and
written on its own. For many Apps both steps run in several processes. Between the steps an App is plain data of a few
KiB, so ten thousand fit into memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from mooring.batch.changed import changed_files
from mooring.batch.parallel import map_in_order, usable_cpus
from mooring.batch.result import ChartResult, RunResult, Status
from mooring.batch.sources import Source, find_sources, is_collection
from mooring.chart.render import prepare_rendering, render_chart
from mooring.errors import InputError, OutputError, Problem, UserError
from mooring.inputs.app import App, make_app, read_document
from mooring.inputs.platform import Platform
from mooring.model.app import APP
from mooring.model.check import did_you_mean, drop_nulls, show
from mooring.model.rules.warnings import find_warnings
from mooring.output.lock import open_output, watch_output
from mooring.output.plan import Plan, find_charts, own_files, plan_chart
from mooring.output.write import remove_chart, write_chart
from mooring.text.document import Document
from mooring.text.reader import resolve_file

_MANY = 64
"""How many Apps make it worth starting several processes."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What is kept of an App after reading: enough to build it again, or to report a name clash."""

    file: str
    name: str | None
    name_line: int
    name_column: int
    value: Any
    """The document's value; None if the App has problems."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Work:
    """What to do with each App."""

    out: Path
    platform: Platform | None
    check: bool
    force: bool
    with_tests: bool


Watch = Callable[[str, int, int, ChartResult | None], None]
"""Called with the step ("reading" or "writing"), how many are done, of how many, and the result of the last chart."""


def _ignore(_step: str, _done: int, _total: int, _chart: ChartResult | None) -> None:
    """Watch nothing."""


def generate(
    sources: Sequence[str],
    out: Path,
    *,
    platform: Platform | None = None,
    check: bool = False,
    force: bool = False,
    with_tests: bool = False,
    only: Sequence[str] = (),
    changed_since: str | None = None,
    prune: bool = False,
    many_documents: bool = False,
    jobs: int = 0,
    watch: Watch = _ignore,
) -> RunResult:
    """Generate the chart of each App below `out`, or with `check` only compare.

    A source is an App's file, a directory of them, a glob, or "-" for standard input. An App with problems is not
    written; the others are. `with_tests` adds the App team's test suite to each chart; a run without it removes an
    unedited one. `only` are patterns of App names; `changed_since` is a git commit. `jobs` 0 means one process per
    processor if there are many Apps. Raises UserError for whatever concerns the whole run.
    """
    is_whole = any(is_collection(name, many=many_documents) for name in sources)
    if prune and not is_whole:
        raise UserError(
            "--prune needs a directory, or a glob of all its files: a single file does not show which Apps are gone"
        )
    result = RunResult(is_check=check)
    found, result.problems = find_sources(sources, _files_of(platform))
    reads = _read_all(found, platform, many_documents, jobs, watch)
    # Which Apps are gone is known only if all files could be read: one with a mistake may be the App of any chart.
    is_sure = not result.problems and not any(read.problems for read in reads)
    wanted = _choose(reads, only, changed_since, out, platform, result)
    work = _Work(out, platform, check, force, with_tests)
    if not wanted and not out.is_dir():
        return result
    try:
        with watch_output(out) if check else open_output(out):
            _make_all(wanted, work, jobs, watch, result)
            names = {read.name for read in reads}
            for name in [name for name in find_charts(out) if is_whole and name not in names]:
                _settle_orphan(name, out, result, prune=prune and not check and is_sure, force=force)
    except OutputError as error:
        result.problems.append(_output_problem(error))
    return result


def _processes(jobs: int, count: int) -> int:
    return jobs or (usable_cpus() if count >= _MANY else 1)


def _files_of(platform: Platform | None) -> frozenset[Path]:
    return frozenset(map(resolve_file, platform.files)) if platform else frozenset()


def _read_all(
    sources: Sequence[Source],
    platform: Platform | None,
    many: bool,
    jobs: int,
    watch: Watch,
) -> list[_Read]:
    reads: list[_Read] = []
    read = partial(_read_source, platform=platform, many=many)
    for done, found in enumerate(map_in_order(read, sources, _processes(jobs, len(sources))), 1):
        reads += found
        watch("reading", done, len(sources), None)
    return _without_clashes(reads)


def _read_source(source: Source, platform: Platform | None, many: bool) -> list[_Read]:
    return [_read_one(source.file, found, platform) for found in source.documents(many=many)]


def _read_one(file: str, found: Document | InputError, platform: Platform | None) -> _Read:
    if isinstance(found, InputError):
        return _Read(file, None, 1, 1, None, found.problems)
    reading = read_document(found, platform)
    at = found.position(("name",))
    value = found.value if reading.app else None
    warnings = tuple(_warnings(found, reading.app)) if reading.app else ()
    return _Read(file, reading.name, at.line, at.column, value, reading.problems, warnings)


def _warnings(document: Document, app: App) -> Iterator[Problem]:
    for path, found, message in find_warnings(app.values):
        yield document.problem(("values", *path), f"{show(found)} {message}")


def _without_clashes(reads: Sequence[_Read]) -> list[_Read]:
    """Drop the value of Apps that share a name, compared as a case-insensitive disk compares."""
    by_name: defaultdict[str, list[_Read]] = defaultdict(list)
    for read in reads:
        if read.name is not None:
            by_name[read.name.casefold()].append(read)
    left = []
    for read in reads:
        group = by_name[read.name.casefold()] if read.name is not None else []
        clash = [_word_clash(read, group)] if len(group) > 1 else []
        problems = (*read.problems, *clash)
        left.append(replace(read, value=None if problems else read.value, problems=problems))
    return left


def _word_clash(read: _Read, group: Sequence[_Read]) -> Problem:
    others = [other for other in group if other is not read]
    places = [f"line {other.name_line}" if other.file == read.file else other.file for other in others]
    message = f"{', '.join(places)} has an App with this name too; neither is written; rename one"
    return Problem(read.file, read.name_line, read.name_column, "name", message)


def _choose(
    reads: Sequence[_Read],
    only: Sequence[str],
    changed_since: str | None,
    out: Path,
    platform: Platform | None,
    result: RunResult,
) -> list[_Read]:
    """Return the Apps to generate, and collect the problems of the selected ones."""
    wanted = [read for read in reads if read.name is None or not only or _matches(read.name, only)]
    names = sorted(read.name for read in reads if read.name is not None)
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names):
            message = f"no App matches {pattern}{did_you_mean(pattern, names) if names else ''}"
            result.problems.append(Problem("--only", None, None, "", message))
    if changed_since is not None:
        changed = changed_files(changed_since)
        if not changed & _files_of(platform):
            wanted = [read for read in wanted if read.problems or _has_changed(read, changed, out)]
    result.skipped = len(reads) - len(wanted)
    result.bad_apps = sum(bool(read.problems) for read in wanted)
    for read in wanted:
        result.problems += read.problems
        result.warnings += read.warnings if not read.problems else ()
    return [read for read in wanted if not read.problems]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _has_changed(read: _Read, changed: frozenset[Path], out: Path) -> bool:
    """Return whether an App's file has changed, or its chart does not exist yet."""
    return not Path(read.file).is_file() or resolve_file(read.file) in changed or not (out / str(read.name)).is_dir()


def _make_all(reads: Sequence[_Read], work: _Work, jobs: int, watch: Watch, result: RunResult) -> None:
    jobs = _processes(jobs, len(reads))
    if jobs > 1:
        prepare_rendering()  # once, before the processes fork
    made = map_in_order(partial(_make_one, work=work), [read.value for read in reads], jobs)
    for done, one in enumerate(made, 1):
        if isinstance(one, ChartResult):
            result.charts.append(one)
        else:
            result.problems += one
            result.bad_apps += 1
        watch("writing", done, len(reads), one if isinstance(one, ChartResult) else None)


def _make_one(value: Any, work: _Work) -> ChartResult | tuple[Problem, ...]:
    """Generate the chart of one valid App; return the result, or the problems that prevented it."""
    app = make_app(drop_nulls(APP, value), work.platform, value["values"])
    try:
        plan = plan_chart(work.out / app.name, render_chart(app, with_tests=work.with_tests))
        status = _decide(plan, check=work.check, force=work.force)
        if status is Status.WRITTEN:
            write_chart(plan)
    except OutputError as error:
        return (_output_problem(error),)
    except InputError as error:  # one of the Platform's own templates fails for this App
        return error.problems
    return _describe(app.name, plan, status)


def _decide(plan: Plan, *, check: bool, force: bool) -> Status:
    if plan.is_current:
        return Status.UNCHANGED
    if check:
        return Status.DRIFTED
    return Status.EDITED if plan.edited and not force else Status.WRITTEN


def _describe(name: str, plan: Plan, status: Status) -> ChartResult:
    diffs = {Status.DRIFTED: None, Status.EDITED: plan.edited}
    return ChartResult(
        app=name,
        directory=str(plan.directory),
        status=status,
        exists=plan.exists,
        files=tuple(sorted([*plan.changed, *plan.removed])),
        edited=tuple(plan.edited),
        diff=plan.diff(diffs[status]) if status in diffs else "",
    )


def _settle_orphan(name: str, out: Path, result: RunResult, *, prune: bool, force: bool) -> None:
    directory = out / name
    status = Status.ORPHANED
    edited: tuple[str, ...] = ()
    if prune:
        edited = () if force else tuple(own_files(directory))
        status = Status.EDITED if edited else Status.PRUNED
    if status is Status.PRUNED:
        remove_chart(directory)
    result.charts.append(ChartResult(name, str(directory), status, edited=edited))


def _output_problem(error: OutputError) -> Problem:
    return Problem(error.path, None, None, "", str(error).removeprefix(f"{error.path}: "))
