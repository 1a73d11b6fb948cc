"""Read and remove what is on the disk, and word what keeps a run from it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mooring.errors import OutputError

NEW_SUFFIX = ".mooring-new"
"""Of what is staged, and cleared away by the next run if this one is killed."""
OLD_SUFFIX = ".mooring-old"
"""Of a chart that was moved aside, and is put back by the next run if this one is killed."""


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Word what keeps a directory from being read. Raises OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(str(directory), reason(error)) from error


def read_or_none(path: str | Path) -> bytes | None:
    """Return a file's bytes, None if there is nothing; a link or directory reads as empty, so that it differs."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            return b""
        raise


def remove_tree(path: Path) -> None:
    """Remove a file, a link itself, or a directory with all that is in it. Raises OSError."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)


def reason(error: OSError) -> str:
    """Return what the system says, worded for the end of a message."""
    return (error.strerror or str(error)).lower()
