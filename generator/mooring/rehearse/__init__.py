"""Run a rendered chart on this machine, without a cluster: real launchers, sockets, processes and Helm."""

from collections.abc import Sequence
from pathlib import Path


def main(
    chart: Path,
    values: Sequence[Path] = (),
    sets: Sequence[str] = (),
    replicas: int | None = None,
    helm: str | None = None,
    logs: Path | None = None,
) -> int:
    """Rehearse a chart until Ctrl-C and return the exit status. Raises MooringError with a message for the user."""
    # Imported here: `mooring.rehearse.sandbox` and the launcher's tests need none of it.
    from mooring.rehearse.console import rehearse

    return rehearse(chart, values, sets, replicas, helm, logs)
