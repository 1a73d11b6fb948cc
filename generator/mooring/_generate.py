"""The use case behind `mooring generate`: Apps in, chart directories out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from mooring._app import App, Reading, read_app
from mooring._errors import ExitCode, OutputError, Problem
from mooring._platform import Platform
from mooring._render import render_chart
from mooring._write import Plan, open_output, plan_chart, write_chart


class Status(StrEnum):
    """What became of one App's chart."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    DRIFTED = "drifted"
    """Differs from what its App makes (--check)."""
    EDITED = "edited"
    """Holds edits that would be lost, and so was left as it is."""


@dataclass(frozen=True, slots=True)
class ChartResult:
    """What became of one App's chart. `files` are those that were, or would be, written or removed."""

    app: str
    directory: str
    status: Status
    exists: bool = True
    files: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    diff: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON output."""
        return {
            "app": self.app,
            "directory": self.directory,
            "status": self.status.value,
            "files": list(self.files),
            "edited": list(self.edited),
            "diff": self.diff,
        }


@dataclass(slots=True)
class RunResult:
    """What became of a run: the charts, and every problem with the input and the output."""

    charts: list[ChartResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """Return the run's exit code: bad input goes before drift."""
        if self.problems:
            return ExitCode.BAD_INPUT
        stale = any(chart.status in (Status.DRIFTED, Status.EDITED) for chart in self.charts)
        return ExitCode.DRIFT if stale else ExitCode.DONE


def generate(
    sources: Sequence[str],
    out: Path,
    *,
    platform: Platform | None = None,
    check: bool = False,
    force: bool = False,
    with_tests: bool = False,
) -> RunResult:
    """Make the chart of each App below `out`, or with `check` only compare.

    A source is an App's file, or a directory of them. An App with problems is not written; the others are.
    `with_tests` adds the App team's suite to each chart; a run without it takes an unedited one away again.
    """
    result = RunResult()
    apps = _read_all(sources, platform, result)
    if not apps:
        return result
    try:
        with nullcontext() if check else open_output(out):
            for app in apps:
                texts = partial(render_chart, app, with_tests=with_tests)
                _generate_one(app, out / app.name, texts, result, check=check, force=force)
    except OutputError as error:
        result.problems.append(_output_problem(error))
    return result


def _read_all(sources: Sequence[str], platform: Platform | None, result: RunResult) -> list[App]:
    readings = [read_app(file, platform) for file in _list_files(sources, result)]
    for reading in readings:
        result.problems += reading.problems
    clashing = _find_clashes(readings, result)
    return [reading.app for reading in readings if reading.app is not None and reading.file not in clashing]


def _list_files(sources: Sequence[str], result: RunResult) -> list[str]:
    files: dict[Path, str] = {}
    for source in sources:
        found = list(_files_of(source))
        if not found:
            result.problems.append(Problem(source, None, None, "", "holds no .yaml file"))
        for file in found:
            files.setdefault(Path(file).resolve(), file)
    return list(files.values())


def _files_of(source: str) -> Iterator[str]:
    if not Path(source).is_dir():
        yield source
        return
    yield from sorted(str(path) for path in Path(source).iterdir() if path.suffix in (".yaml", ".yml"))


def _find_clashes(readings: Sequence[Reading], result: RunResult) -> set[str]:
    """Return the files whose Apps share a name, told apart as a case-insensitive disk would."""
    by_name: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.name is not None:
            by_name[reading.name.casefold()].append(reading)
    clashing: set[str] = set()
    for group in by_name.values():
        for reading in group if len(group) > 1 else []:
            others = ", ".join(other.file for other in group if other is not reading)
            result.problems.append(reading.name_problem(f"{others} has an App of this name too; neither is written"))
            clashing.add(reading.file)
    return clashing


def _generate_one(
    app: App, directory: Path, render: Callable[[], dict[str, str]], result: RunResult, *, check: bool, force: bool
) -> None:
    try:
        plan = plan_chart(directory, render())
        status = _decide(plan, check=check, force=force)
        if status is Status.WRITTEN:
            write_chart(plan)
    except OutputError as error:
        result.problems.append(_output_problem(error))
        return
    result.charts.append(_describe(app, plan, status))


def _decide(plan: Plan, *, check: bool, force: bool) -> Status:
    if plan.is_current:
        return Status.UNCHANGED
    if check:
        return Status.DRIFTED
    return Status.EDITED if plan.edited and not force else Status.WRITTEN


def _describe(app: App, plan: Plan, status: Status) -> ChartResult:
    diffs = {Status.DRIFTED: None, Status.EDITED: plan.edited}
    return ChartResult(
        app=app.name,
        directory=str(plan.directory),
        status=status,
        exists=plan.exists,
        files=tuple(sorted([*plan.changed, *plan.removed])),
        edited=tuple(plan.edited),
        diff=plan.diff(diffs[status]) if status in diffs else "",
    )


def _output_problem(error: OutputError) -> Problem:
    return Problem(error.path, None, None, "", str(error).removeprefix(f"{error.path}: "))
