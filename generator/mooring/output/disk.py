"""Read and remove what is on disk, and say why that fails."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mooring.errors import OutputError

NEW_SUFFIX = ".mooring-new"
"""Marks what is staged; the next run removes it if this one is killed."""
OLD_SUFFIX = ".mooring-old"
"""Marks a chart that was moved aside; the next run restores it if this one is killed."""


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Raise OutputError if a directory cannot be read within."""
    try:
        yield
    except OSError as error:
        raise OutputError(str(directory), reason(error)) from error


def read_or_none(path: str | Path) -> bytes | None:
    """Return a file's bytes, None if nothing is there; a link or directory reads as empty, so that it differs."""
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
    """Return the system's error text, for the end of a message."""
    return (error.strerror or str(error)).lower()
