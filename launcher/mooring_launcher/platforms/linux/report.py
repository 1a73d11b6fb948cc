"""Turns what a forked child reports through its pipes into statuses and errors that people understand."""

import errno
import os
import signal
from contextlib import ExitStack
from typing import NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.target import ExitStatus, TargetSpec

_REASONS = {
    errno.EACCES: "is not executable, or a directory of its path may not be entered",
    errno.EPERM: "is not permitted to run here",
    errno.ENOEXEC: "is not a program that this machine can run",
    errno.EISDIR: "is a folder",
    errno.ETXTBSY: "is being written to",
}


class Ended(NamedTuple):
    """A process that the init has reaped: its number inside, its short name, how it ended."""

    pid: int
    name: str
    status: ExitStatus


def read_ended(line: str) -> Ended | None:
    """Read the init's line `<pid> <raw status> <name>`; None for an empty one: the init was killed."""
    if not line:
        return None
    pid, raw, name = line.rstrip("\n").split(" ", 2)
    return Ended(int(pid), name, exit_status(int(raw)))


def exit_status(raw: int) -> ExitStatus:
    """Read a raw wait status (wait(2))."""
    code = os.waitstatus_to_exitcode(raw)
    if code >= 0:
        return ExitStatus(code, None, f"exited with code {code}")
    number = -code
    return ExitStatus(128 + number, number, f"was ended by signal {number} ({_signal_name(number)})")


def start_error(spec: TargetSpec, failure: str) -> LauncherError:
    """Word a failed start from the child's `<errno> <call or path>`."""
    number, _, where = failure.partition(" ")
    code = int(number)
    if code == errno.ENOENT and where == spec.working_dir and not os.path.exists(spec.exe):
        return _exec_error(spec.exe, code)  # by default the one is the folder of the other
    if code == errno.ENOENT and where == spec.working_dir:
        message = f"the working directory {spec.working_dir} does not exist"
        return LauncherError(ExitCode.TARGET_NOT_FOUND, message)
    if where == spec.exe:
        return _exec_error(spec.exe, code)
    message = f"{spec.exe} could not be started: {where}: {code} {os.strerror(code)}"
    return LauncherError(ExitCode.TARGET_NOT_STARTED, message)


def open_pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Make a pipe (reading end, writing end); each end is closed with its stack. OSError when none is left."""
    reading, writing = os.pipe()
    reader.callback(os.close, reading)
    writer.callback(os.close, writing)
    return reading, writing


def read_all(fd: int) -> str:
    """Read a pipe to its end."""
    with open(fd, "rb", buffering=0, closefd=False) as pipe:
        return pipe.readall().decode()


def _exec_error(exe: str, code: int) -> LauncherError:
    if code == errno.ENOENT and not os.path.exists(exe):
        return LauncherError(ExitCode.TARGET_NOT_FOUND, f"{exe} does not exist on this node")
    if code == errno.ENOENT:
        reason = "names an interpreter or loader that does not exist on this node"
    else:
        reason = _REASONS.get(code, "could not be started")
    message = f"{exe} {reason}: execve: {code} {os.strerror(code)}"
    return LauncherError(ExitCode.TARGET_NOT_STARTED, message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"
