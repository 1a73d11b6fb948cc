"""The result of a run, and of each chart in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.errors import ExitCode, Problem


class Status(StrEnum):
    """The result for one App's chart."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    DRIFTED = "drifted"
    """Differs from what its App generates (--check)."""
    EDITED = "edited"
    """Has edits that would be lost, so it was not changed."""
    ORPHANED = "orphaned"
    """No App generates it any more; it still exists."""
    PRUNED = "pruned"
    """No App generates it any more, and it was deleted."""


@dataclass(frozen=True, slots=True)
class ChartResult:
    """The result for one App's chart. `files` are those that were, or would be, written or removed."""

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
    """The result of a run: the charts, every problem with input and output, and how many Apps were left out."""

    charts: list[ChartResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    """Likely mistakes in Apps that were generated; the exit code does not depend on them."""
    bad_apps: int = 0
    """Apps that were not generated because of a problem."""
    skipped: int = 0
    """Apps left out by --only or --changed-since."""
    is_check: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Return the run's exit code: bad input takes precedence over drift."""
        if self.problems:
            return ExitCode.BAD_INPUT
        stale = {Status.DRIFTED, Status.EDITED} | ({Status.ORPHANED} if self.is_check else set())
        return ExitCode.DRIFT if any(chart.status in stale for chart in self.charts) else ExitCode.DONE

    @property
    def summary(self) -> dict[str, int]:
        """Return how many Apps or charts had each outcome, zeros left out."""
        counts = Counter(chart.status.value for chart in self.charts)
        counts.update({"with errors": self.bad_apps, "skipped": self.skipped})
        order = [*(status.value for status in Status), "with errors", "skipped"]
        return {outcome: counts[outcome] for outcome in order if counts[outcome]}
