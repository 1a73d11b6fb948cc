"""The use case behind `mooring generate`: Apps in, chart directories out.

All Apps are read first, because two of one name are both left alone; then each chart is made, compared and written by
itself. Both steps run in several processes for many Apps. What an App says travels between the two as plain data, a few
KiB each, so that ten thousand fit into memory.
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
"""Apps from which on several processes are worth starting."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What is kept of an App once it was read: enough to make it again, or to word a clash of names."""

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
    """What is to be done with each App."""

    out: Path
    platform: Platform | None
    check: bool
    force: bool
    with_tests: bool


Watch = Callable[[str, int, int, ChartResult | None], None]
"""Is told the step ("reading" or "writing"), how many are done, of how many, and what became of the last chart."""


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
    """Make the chart of each App below `out`, or with `check` only compare.

    A source is an App's file, a directory of them, a glob, or "-" for standard input. An App with problems is not
    written; the others are. `with_tests` adds the App team's suite to each chart; a run without it takes an unedited
    one away again. `only` are patterns of Apps' names; `changed_since` is a commit of git. `jobs` 0 means a process
    for each processor where there are many Apps. Raises UserError for what concerns the whole run.
    """
    is_whole = any(is_collection(name, many=many_documents) for name in sources)
    if prune and not is_whole:
        raise UserError(
            "--prune needs a directory, or a glob of all its files: a file alone does not say what has gone"
        )
    result = RunResult(is_check=check)
    found, result.problems = find_sources(sources, _files_of(platform))
    reads = _read_all(found, platform, many_documents, jobs, watch)
    # What has gone is known only if all that is there could be read: an App with a mistake may be the one of any chart.
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
    """Take the value from Apps that share a name, told apart as a case-insensitive disk would."""
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
    message = f"{', '.join(places)} has an App of this name too; neither is written"
    return Problem(read.file, read.name_line, read.name_column, "name", message)


def _choose(
    reads: Sequence[_Read],
    only: Sequence[str],
    changed_since: str | None,
    out: Path,
    platform: Platform | None,
    result: RunResult,
) -> list[_Read]:
    """Return the Apps to make, and note the problems of those that were asked for."""
    wanted = [read for read in reads if read.name is None or not only or _matches(read.name, only)]
    names = sorted(read.name for read in reads if read.name is not None)
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names):
            message = f"no App is called like {pattern}{did_you_mean(pattern, names) if names else ''}"
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
    """Say whether an App's file differs, or its chart is not there yet."""
    return not Path(read.file).is_file() or resolve_file(read.file) in changed or not (out / str(read.name)).is_dir()


def _make_all(reads: Sequence[_Read], work: _Work, jobs: int, watch: Watch, result: RunResult) -> None:
    jobs = _processes(jobs, len(reads))
    if jobs > 1:
        prepare_rendering()  # once, before the processes part
    made = map_in_order(partial(_make_one, work=work), [read.value for read in reads], jobs)
    for done, one in enumerate(made, 1):
        if isinstance(one, ChartResult):
            result.charts.append(one)
        else:
            result.problems += one
            result.bad_apps += 1
        watch("writing", done, len(reads), one if isinstance(one, ChartResult) else None)


def _make_one(value: Any, work: _Work) -> ChartResult | tuple[Problem, ...]:
    """Make the chart of one App, which is valid, and return what became of it, or why nothing did."""
    app = make_app(drop_nulls(APP, value), work.platform, value["values"])
    try:
        plan = plan_chart(work.out / app.name, render_chart(app, with_tests=work.with_tests))
        status = _decide(plan, check=work.check, force=work.force)
        if status is Status.WRITTEN:
            write_chart(plan)
    except OutputError as error:
        return (_output_problem(error),)
    except InputError as error:  # a template of the Platform's own that cannot take this App
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
