"""How `mooring generate` shows its progress and reports the result of each App."""

from __future__ import annotations

import json
import shutil
import sys
import time

from mooring.batch.generate import Watch
from mooring.batch.result import ChartResult, RunResult, Status
from mooring.cli.console import say, say_error

_REDRAW_S = 0.1


def watch_for(*, json_output: bool) -> Watch:
    """Return what shows the progress: nothing for machines, a bar on a terminal, else a line for each chart."""
    if json_output:
        return _show_nothing
    return _Progress() if sys.stderr.isatty() else _show_lines


def print_result(result: RunResult, shown: Watch) -> None:
    """Report a run to people, without the charts that `shown` has already printed."""
    if isinstance(shown, _Progress):
        shown.clear()
    for chart in result.charts:
        if isinstance(shown, _Progress) or chart.status in (Status.ORPHANED, Status.PRUNED) or _is_left_orphan(chart):
            _show_chart(chart)
    for warning in result.warnings:
        say_error(f"warning: {warning}")
    for problem in result.problems:
        say_error(str(problem))
    _show_summary(result)


def print_json(result: RunResult) -> None:
    """Print a run's result as one JSON document."""
    document = {
        "exitCode": int(result.exit_code),
        "summary": result.summary,
        "charts": [chart.as_dict() for chart in result.charts],
        "problems": [problem.as_dict() for problem in result.problems],
        "warnings": [warning.as_dict() for warning in result.warnings],
    }
    say(json.dumps(document, indent=2))


def _show_nothing(_step: str, _done: int, _total: int, _chart: ChartResult | None) -> None:
    """Print nothing: machines want one document at the end."""


def _show_lines(_step: str, _done: int, _total: int, chart: ChartResult | None) -> None:
    """Print a line for each chart as soon as it is done."""
    if chart is not None:
        _show_chart(chart)


class _Progress:
    """A bar on a terminal's last line."""

    def __init__(self) -> None:
        self._drawn_s = 0.0
        self._is_drawn = False

    def __call__(self, step: str, done: int, total: int, _chart: ChartResult | None) -> None:
        """Draw the bar, rarely enough to cost nothing."""
        now_s = time.monotonic()
        if total < 2 or (now_s - self._drawn_s < _REDRAW_S and done < total):
            return
        self._drawn_s, self._is_drawn = now_s, True
        width = max(10, min(40, shutil.get_terminal_size().columns - len(f"writing {total}/{total}") - 6))
        filled = width * done // total
        sys.stderr.write(f"\r{step} [{'#' * filled}{'.' * (width - filled)}] {done}/{total}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Clear the line."""
        if self._is_drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _is_left_orphan(chart: ChartResult) -> bool:
    return chart.status is Status.EDITED and not chart.files


def _show_chart(chart: ChartResult) -> None:
    if chart.status in (Status.WRITTEN, Status.UNCHANGED, Status.PRUNED):
        say(f"{chart.status} {chart.directory}")
    elif chart.status is Status.ORPHANED:
        say_error(f"{chart.directory}: no App generates it any more; --prune deletes it")
    elif chart.status is Status.DRIFTED:
        _show_drift(chart)
    elif _is_left_orphan(chart):
        own = ", ".join(chart.edited)
        say_error(
            f"{chart.directory}: left as it is although no App generates it any more, because these files are not "
            f"mooring's or were edited: {own}; delete it yourself, or with --force"
        )
    else:
        _show_edited(chart)


def _show_edited(chart: ChartResult) -> None:
    advice = "put the change into the App, or let --force overwrite it"
    edited = ", ".join(chart.edited)
    say_error(f"{chart.directory}: left as it is, because these files were edited: {edited}; {advice}")
    say_error(chart.diff.rstrip("\n"))


def _show_drift(chart: ChartResult) -> None:
    if not chart.exists:
        say_error(f"{chart.directory}: does not exist yet")
        return
    if chart.diff:
        say(chart.diff.rstrip("\n"))
    say_error(f"{chart.directory}: differs from what its App generates: {', '.join(chart.files)}")


def _show_summary(result: RunResult) -> None:
    """Print how many Apps had each outcome, if there was more than one App."""
    counts = result.summary
    if sum(counts.values()) > 1:
        say(", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
