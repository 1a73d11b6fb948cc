"""Errors that concern this process or machine, not what was checked: out of descriptors or memory.

What could not be checked for lack of these is unknown. No program may be ended because of it.
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
    """Return whether an error, or one that it was raised from, is for lack of descriptors, memory or processes."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _ERRNOS):
            return True
        error = error.__cause__
    return False
