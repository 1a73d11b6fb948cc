"""What became of a run, and of each chart in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.errors import ExitCode, Problem


class Status(StrEnum):
    """What became of one App's chart."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    DRIFTED = "drifted"
    """Differs from what its App makes (--check)."""
    EDITED = "edited"
    """Holds edits that would be lost, and so was left as it is."""
    ORPHANED = "orphaned"
    """No App makes it any more; it is still there."""
    PRUNED = "pruned"
    """No App made it any more, and it was deleted."""


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
    """What became of a run: the charts, every problem with the input and the output, and what was left aside."""

    charts: list[ChartResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    """What is most likely not what was meant, in Apps that are made; no exit code depends on it."""
    bad_apps: int = 0
    """Apps that were not made because of a problem."""
    skipped: int = 0
    """Apps that were not asked for (--only, --changed-since)."""
    is_check: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Return the run's exit code: bad input goes before drift."""
        if self.problems:
            return ExitCode.BAD_INPUT
        stale = {Status.DRIFTED, Status.EDITED} | ({Status.ORPHANED} if self.is_check else set())
        return ExitCode.DRIFT if any(chart.status in stale for chart in self.charts) else ExitCode.DONE

    @property
    def summary(self) -> dict[str, int]:
        """Return how many Apps or charts there were of each outcome, those of none left out."""
        counts = Counter(chart.status.value for chart in self.charts)
        counts.update({"with errors": self.bad_apps, "not asked for": self.skipped})
        order = [*(status.value for status in Status), "with errors", "not asked for"]
        return {outcome: counts[outcome] for outcome in order if counts[outcome]}
