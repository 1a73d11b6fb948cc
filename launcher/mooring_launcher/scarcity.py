"""Errors that say something of this process or machine, not of what was looked at: no descriptor or memory is left.

What could not be looked at for want of these is not known. Nothing may end a program on the strength of it.
"""

import errno

_ERRNOS = frozenset(
    (
        *(errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN),
        *(getattr(errno, "WSAEMFILE", errno.EMFILE), getattr(errno, "WSAENOBUFS", errno.ENOBUFS)),
    )
)
"""EAGAIN is what fork(2) and clone(2) say at a limit of processes (RLIMIT_NPROC, pids.max)."""


def is_scarcity(error: BaseException | None) -> bool:
    """Tell whether an error, or one that it was raised from, is for want of descriptors, memory or processes."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _ERRNOS):
            return True
        error = error.__cause__
    return False
