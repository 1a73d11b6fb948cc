"""Replace a chart with the staged one, in one step where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

from mooring.output.disk import OLD_SUFFIX, remove_tree

# renameat2(2): exchange two paths atomically (Linux 3.15). AT_FDCWD resolves relative paths as open(2) does.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = frozenset([errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])


def put_in_place(staged: Path, directory: Path) -> None:
    """Give the staged directory its real name, and remove what had it before. Raises OSError."""
    if not os.path.lexists(directory):
        staged.rename(directory)
        return
    if not _exchange(staged, directory):
        aside = directory.with_name(f".{directory.name}{OLD_SUFFIX}")
        directory.rename(aside)
        staged.rename(directory)
        staged = aside
    remove_tree(staged)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two paths in one step; False where the system cannot. Source: renameat2(2)."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:  # musl before 1.2.6, glibc before 2.28
        return False
    renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    renameat2.restype = ctypes.c_int
    if renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(second))
