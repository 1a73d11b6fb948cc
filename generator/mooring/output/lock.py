"""Lock the output for one run at a time, and repair what a killed run left there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mooring.errors import OutputError
from mooring.output.disk import NEW_SUFFIX, OLD_SUFFIX, reading, reason, remove_tree


@contextmanager
def open_output(out: Path) -> Iterator[None]:
    """Create `out`, lock it for this run, and repair what a killed run left there.

    Raises OutputError if it is not a directory that can be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(str(out), "is not a directory (or is below a file)") from error
    except OSError as error:
        raise OutputError(str(out), reason(error)) from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise OutputError(str(out), "cannot be written to: permission denied")
    with _locked(out):
        repair(out)
        yield


@contextmanager
def watch_output(out: Path) -> Iterator[None]:
    """Lock `out`, if it exists, so that no run writes while this one reads; several may read at the same time."""
    if not out.is_dir():
        yield
        return
    with _locked(out, shared=True):
        yield


@contextmanager
def _locked(directory: Path, *, shared: bool = False) -> Iterator[None]:
    """Let one run at a time write there: whatever is staged is then left over from a killed one."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with reading(directory):
        descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def repair(out: Path) -> None:
    """Restore charts that a killed run had moved aside, and remove what it had staged."""
    with os.scandir(out) as entries:
        names = [entry.name for entry in entries if entry.name.endswith((NEW_SUFFIX, OLD_SUFFIX))]
    for name in sorted(names):
        leftover = out / name
        chart = out / name.removeprefix(".").removesuffix(NEW_SUFFIX).removesuffix(OLD_SUFFIX)
        try:
            if name.endswith(OLD_SUFFIX) and not chart.exists():
                leftover.rename(chart)
            else:
                remove_tree(leftover)
        except OSError as error:
            raise OutputError(str(leftover), reason(error)) from error
