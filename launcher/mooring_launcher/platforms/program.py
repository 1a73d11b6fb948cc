"""Checks the program's file against target.sha256."""

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError

_ELF = b"\x7fELF"


class OpenedProgram(NamedTuple):
    """A program's file with the right checksum: what is started is what this descriptor refers to."""

    fd: int
    stamp: tuple[int, ...]

    def is_unchanged(self) -> bool:
        """Return whether the file is unchanged since before its checksum was taken."""
        return self.stamp == _stamp(self.fd)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


def check_program(target: Mapping[str, Any]) -> None:
    """Compare the program with target.sha256, if that is set. LauncherError as `open_program`."""
    if target["sha256"]:
        open_program(target["exe"], target["sha256"]).close()


def open_program(exe: str, sha256: str) -> OpenedProgram:
    """Open the program and compare its checksum; the caller closes it.

    LauncherError TARGET_NOT_FOUND or TARGET_CHECKSUM. On Linux a script is refused: its interpreter would open it by
    its name once more, when it may be another.
    """
    import hashlib  # only now: it costs milliseconds of every start

    try:
        fd = os.open(exe, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        message = f"open({exe}): {error.errno} {os.strerror(error.errno or 0)}"
        raise LauncherError(ExitCode.TARGET_NOT_FOUND, message) from error
    try:
        opened = OpenedProgram(fd, _stamp(fd))
        with open(fd, "rb", closefd=False) as file:
            is_elf = file.read(len(_ELF)) == _ELF
            file.seek(0)
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256.lower():
            message = f"{exe} has sha256 {found}, target.sha256 is {sha256.lower()}"
            raise LauncherError(ExitCode.TARGET_CHECKSUM, message)
        if sys.platform != "win32" and not is_elf:
            message = f"{exe} is not a binary: its interpreter opens it again after the checksum was compared, so "
            message += (
                "target.sha256 cannot guarantee what runs; set target.exe to a binary, or leave target.sha256 out"
            )
            raise LauncherError(ExitCode.TARGET_CHECKSUM, message)
    except BaseException:
        os.close(fd)
        raise
    return opened


def _stamp(fd: int) -> tuple[int, ...]:
    """Return what every write to a file changes; only the kernel sets the time of the last change (ctime)."""
    status = os.fstat(fd)
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
