"""Files in a directory that others may write to: never through a link."""

import os
from contextlib import suppress


def create_file(path: str) -> int:
    """Return the descriptor of a new file in place of whatever was there; a link there is not followed.

    OSError when it cannot be made, also when somebody else makes one at the same moment.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o644)


def open_file(path: str, flags: int) -> int:
    """Return the descriptor of an existing file; OSError if it is a link. Windows lacks that flag."""
    never_wait = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would block a probe for ever
    return os.open(path, flags | never_wait | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
