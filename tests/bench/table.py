"""One row for each measure, printed as one table."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HEAD = ("measure", "this", "peer or floor", "ratio", "goal", "met")


@dataclass(frozen=True)
class Row:
    """A figure beside its peer, both in `unit` and from the same run."""

    measure: str
    unit: str
    this: float
    goal: str
    met: bool
    peer: float | None = None
    peer_name: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as printed."""
        beside = "" if self.peer is None else f"{self.peer:.4g} {self.unit} ({self.peer_name})"
        ratio = "" if not self.peer else f"{self.this / self.peer:.2f}"
        return (self.measure, f"{self.this:.4g} {self.unit}", beside, ratio, self.goal, "yes" if self.met else "no")


def print_table(rows: Iterable[Row]) -> None:
    """Print rows as the Markdown table that docs/figures.md holds."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    for cells in lines:
        print("| " + " | ".join(cells) + " |")


def time_command(command: Sequence[str], runs: int) -> float:
    """Return the median wall time of a command in milliseconds; each run is a new process."""
    return statistics.median(milliseconds(lambda: run_quietly(command)) for _ in range(runs))


def run_quietly(command: Sequence[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000
