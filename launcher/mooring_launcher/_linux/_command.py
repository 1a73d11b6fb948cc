"""Runs a command beside the target: in its network, pid and mount namespaces, with a time limit.

It can therefore see and signal the target's processes, and dies with them.
"""

import os
import select
import signal
import time
from typing import NoReturn

from mooring_launcher._linux import _init, _namespaces, _syscalls
from mooring_launcher._linux._report import exit_status, read_all, start_error
from mooring_launcher.compartment import Compartment
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.target import CommandResult, TargetSpec

_OUTPUT_LIMIT = 4096


def run_beside(compartment: Compartment, init_pid: int, spec: TargetSpec, timeout_s: float) -> CommandResult:
    """Run `spec` in the namespaces of the init; LauncherError TARGET_NOT_STARTED when that cannot be."""

    def work() -> CommandResult:
        child, output = _start(init_pid, spec)
        return _follow(child, output, timeout_s)

    return _namespaces.run_inside(compartment, work)


def _start(init_pid: int, spec: TargetSpec) -> tuple[int, int]:
    """Fork and exec the command; return its pid and the pipe of its output."""
    output, child_output = os.pipe()
    report, child_report = os.pipe()
    try:
        child = _fork(init_pid, spec, child_output, child_report)
    except OSError as error:
        os.close(output)
        os.close(report)
        message = f"{spec.exe}: the target has ended: {error.filename or 'fork'}: {error.errno} {error.strerror}"
        raise LauncherError(ExitCode.TARGET_NOT_STARTED, message) from error
    finally:
        os.close(child_output)
        os.close(child_report)
    failure = read_all(report)
    if failure:
        os.close(output)
        os.waitpid(child, 0)
        raise start_error(spec, failure)
    return child, output


def _fork(init_pid: int, spec: TargetSpec, output: int, report: int) -> int:
    with (
        open(f"/proc/{init_pid}/ns/pid", "rb", buffering=0) as pid_namespace,
        open(f"/proc/{init_pid}/ns/mnt", "rb", buffering=0) as mount_namespace,
    ):
        # For the next child only; this thread itself cannot join the mounts, which it shares with the others.
        _syscalls.set_namespace(pid_namespace.fileno(), _syscalls.CLONE_NEWPID, "pid")
        changed = _init.changed_signals()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            child = os.fork()
            if child == 0:
                _become_command(spec, mount_namespace.fileno(), output, report, changed)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return child


def _become_command(spec: TargetSpec, mount_namespace: int, output: int, report: int, changed: list[int]) -> NoReturn:
    try:
        os.setsid()
        _init.reset_signals(changed)
        folder = os.getcwd()
        _syscalls.set_namespace(mount_namespace, _syscalls.CLONE_NEWNS, "mnt")
        os.chdir(folder)  # joining a mount namespace goes to its root
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _init.close_all_but((report,))
        _init.exec_program(spec, report)
    except OSError as error:
        _init.report_failure(report, error)
    finally:
        os._exit(127)


def _follow(child: int, output: int, timeout_s: float) -> CommandResult:
    """Wait for the command, reading what it prints; kill its process group when the time is up."""
    pidfd = os.pidfd_open(child)
    try:
        text, in_time = _read_until_exit(pidfd, output, time.monotonic() + timeout_s)
        if not in_time:
            os.killpg(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
    finally:
        os.close(pidfd)
        os.close(output)
    return CommandResult(exit_status(status) if in_time else None, text.decode("utf-8", "replace").strip())


def _read_until_exit(pidfd: int, output: int, deadline: float) -> tuple[bytes, bool]:
    """Return what was printed, cut to the limit, and whether the command ended before the deadline."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(output, select.POLLIN)
    text = b""
    while True:
        ready = {fd for fd, _event in poll.poll(max(0, (deadline - time.monotonic()) * 1000))}
        if output in ready:
            chunk = os.read(output, 65536)
            text = (text + chunk)[:_OUTPUT_LIMIT]
            if not chunk:
                poll.unregister(output)
        if pidfd in ready:
            return text, True
        if time.monotonic() >= deadline:
            return text, False
