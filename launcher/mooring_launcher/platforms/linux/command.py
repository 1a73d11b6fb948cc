"""Runs a command beside the target: in its network, pid and mount namespaces, with a time limit.

It can therefore see and signal the target's processes, and dies with them. Between the launcher and the command is
a keeper, a fork of the launcher that adopts what the command leaves behind and ends it, as the job does on Windows:
also what has its own session, or daemonised twice.
"""

import os
import select
import signal
import time
from contextlib import ExitStack, suppress
from typing import NoReturn

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.linux import init, namespaces, syscalls
from mooring_launcher.platforms.linux.processes import read_children
from mooring_launcher.platforms.linux.report import exit_status, open_pipe, read_all, start_error
from mooring_launcher.platforms.scarcity import is_scarcity
from mooring_launcher.platforms.target import CommandResult, TargetSpec

_OUTPUT_LIMIT = 4096
_ENDED, _LATE = "ended ", "late"
_LOOK_AGAIN_S = 0.05
_CLEAN_UP_S = 5.0
"""What the kernel may take to end all that is left, once it has been killed."""


def run_beside(compartment: Compartment, init_pid: int, spec: TargetSpec, timeout_s: float) -> CommandResult:
    """Run `spec` in the namespaces of the init; LauncherError TARGET_NOT_STARTED when that cannot be."""

    def work() -> CommandResult:
        with ExitStack() as ours:
            with ExitStack() as theirs:
                output, child_output = open_pipe(ours, theirs)
                report, child_report = open_pipe(ours, theirs)
                try:
                    keeper = _fork(init_pid, spec, child_output, child_report, timeout_s)
                except OSError as error:
                    problem = f"{error.filename or 'fork'}: {error.errno} {error.strerror}"
                    message = f"{spec.exe}: {problem if is_scarcity(error) else f'the target has ended: {problem}'}"
                    raise LauncherError(ExitCode.TARGET_NOT_STARTED, message) from error
            text = _follow(keeper, output, time.monotonic() + timeout_s + _CLEAN_UP_S)
            return _result(spec, read_all(report), text)

    return namespaces.run_inside(compartment, work)


def _result(spec: TargetSpec, report: str, text: bytes) -> CommandResult:
    output = text.decode("utf-8", "replace").strip()
    if report == _LATE:
        return CommandResult(None, output)
    if report.startswith(_ENDED):
        return CommandResult(exit_status(int(report.removeprefix(_ENDED))), output)
    if not report:  # the keeper was killed, with the target's tree or by another process
        return CommandResult(exit_status(signal.SIGKILL), output)
    raise start_error(spec, report)


def _fork(init_pid: int, spec: TargetSpec, output: int, report: int, timeout_s: float) -> int:
    with (
        open(f"/proc/{init_pid}/ns/pid", "rb", buffering=0) as pid_namespace,
        open(f"/proc/{init_pid}/ns/mnt", "rb", buffering=0) as mount_namespace,
    ):
        # For the next child only; this thread itself cannot join the mounts, which it shares with the others.
        syscalls.set_namespace(pid_namespace.fileno(), syscalls.CLONE_NEWPID, "pid")
        changed = init.changed_signals()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            keeper = os.fork()
            if keeper == 0:
                _become_keeper(spec, mount_namespace.fileno(), output, report, changed, timeout_s)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return keeper


def _become_keeper(
    spec: TargetSpec, mount_namespace: int, output: int, report: int, changed: list[int], timeout_s: float
) -> NoReturn:
    try:
        os.setsid()
        init.reset_signals(changed)
        syscalls.name_process("mooring-keeper")
        folder = os.getcwd()
        syscalls.set_namespace(mount_namespace, syscalls.CLONE_NEWNS, "mnt")
        os.chdir(folder)  # joining a mount namespace goes to its root
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        init.close_all_but((report,))
        syscalls.adopt_orphans()
        command = init.spawn(spec, spec.exe)
        status = _wait(command, timeout_s)
        os.write(report, _LATE.encode() if status is None else f"{_ENDED}{status}".encode())
        _end_children()
    except OSError as error:
        init.report_failure(report, error)
    finally:
        os._exit(0)


def _wait(command: int, timeout_s: float) -> int | None:
    """Return the command's raw status, None when its time is up. What it left behind and has ended is reaped after."""
    pidfd = os.pidfd_open(command)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    ended = poll.poll(timeout_s * 1000)
    os.close(pidfd)
    return os.waitpid(command, 0)[1] if ended else None


def _end_children() -> None:
    """Kill and reap every child until there is none: those of a killed one become this process's own."""
    me = os.getpid()
    with suppress(ChildProcessError):
        while True:
            try:
                children = read_children(me)
            except OSError:
                time.sleep(_LOOK_AGAIN_S)  # who waits for this process does so for a limited time
                continue
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _follow(keeper: int, output: int, deadline: float) -> bytes:
    """Read what the command prints, up to the limit, until its keeper has ended; a keeper that is late is killed."""
    in_time = False
    try:
        with open(os.pidfd_open(keeper), "rb", buffering=0) as pidfd:
            text, in_time = _read_until_exit(pidfd.fileno(), output, deadline)
    finally:
        if not in_time:
            os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
    return text


def _read_until_exit(pidfd: int, output: int, deadline: float) -> tuple[bytes, bool]:
    """Return what was printed, up to the limit, and whether the keeper ended before the deadline."""
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
