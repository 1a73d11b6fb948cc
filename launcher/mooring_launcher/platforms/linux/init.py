"""What runs between fork and exec: the small init of the target's pid namespace, and a command's first steps.

Everything here runs in a fork of a process that had several threads. So it only makes system calls: no import, no
lock, no logging. Every failure is written to the report pipe as `<errno> <call>`.

Why an init: a program that daemonises twice escapes every process group and subreaper, but not its pid namespace.
When the init dies, and PR_SET_PDEATHSIG makes it die with the launcher, the kernel kills all that is in there.
"""

import os
import signal
from contextlib import suppress
from typing import NamedTuple, NoReturn

from mooring_launcher.platforms.linux import syscalls
from mooring_launcher.platforms.target import TargetSpec

STARTED = "started "


_CATCHABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class Pipes(NamedTuple):
    """The init's ends: `report` says started or why not, `go` lets it go on.

    `status` gets a line when the main process has ended, and another with the last process of the tree.
    """

    report: int
    go: int
    status: int


def run_init(spec: TargetSpec, pipes: Pipes, changed: list[int], path: str, program: int | None) -> NoReturn:
    """Be the init of a new pid namespace: start the target, reap everything, end when nothing is left.

    `changed` are the signals whose action is not the default one (`changed_signals`, read before the fork). `path` is
    what to start, for which the descriptor `program` is kept open.
    """
    try:
        _prepare_init(pipes if program is None else (*pipes, program), changed)
        _await_launcher(pipes.go)
        main = spawn(spec, path)
        if program is not None:
            os.close(program)
        os.write(pipes.report, f"{STARTED}{main}".encode())
        os.close(pipes.report)
        # Until the launcher has found the main process, nothing is reaped: so its number means only that process.
        _await_launcher(pipes.go)
        os.close(pipes.go)
        _reap_all(main, pipes.status)
    except OSError as error:
        report_failure(pipes.report, error)
    finally:
        os._exit(0)


def report_failure(report: int, error: OSError) -> None:
    """Report to the launcher which call failed, and how."""
    os.write(report, f"{error.errno} {error.filename or 'fork'}".encode())


def changed_signals() -> list[int]:
    """Return the signals that do not have their default action in this process."""
    return [number for number in _CATCHABLE if signal.getsignal(number) != signal.SIG_DFL]


def reset_signals(changed: list[int]) -> None:
    """Give every signal its default action and unblock it: Python ignores SIGPIPE, and exec keeps what is ignored."""
    signal.set_wakeup_fd(-1)
    for number in changed:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def close_all_but(kept: tuple[int, ...]) -> None:
    """Close every descriptor above standard error but those: a listener kept open here would block its port."""
    # Not os.closerange up to SC_OPEN_MAX: container runtimes set that to 2^30, and a Python built for an old C library
    # tries each number.
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in kept:
            with suppress(OSError):  # the listing's own descriptor is closed already
                os.close(fd)


def _prepare_init(kept: tuple[int, ...], changed: list[int]) -> None:
    syscalls.die_with_parent(signal.SIGKILL)
    syscalls.name_process("mooring-init")
    close_all_but(kept)
    os.setsid()
    reset_signals(changed)
    syscalls.unshare(syscalls.CLONE_NEWNS, "CLONE_NEWNS")
    syscalls.follow_mounts()
    syscalls.mount_proc()


def _await_launcher(go: int) -> None:
    """Wait for the launcher's byte; none comes when it died before PR_SET_PDEATHSIG could see it."""
    if not os.read(go, 1):
        os._exit(0)


def spawn(spec: TargetSpec, path: str) -> int:
    """Start the program and return its pid in here. posix_spawn copies no page tables, so it is faster than fork.

    Its own session: a Ctrl-C at the launcher's terminal must not reach it. OSError whose `filename` is the call.
    """
    if spec.working_dir:
        os.chdir(spec.working_dir)
    try:
        return os.posix_spawn(path, [spec.exe, *spec.args], spec.env, setsid=True)
    except OSError as error:
        error.filename = spec.exe
        raise


def _reap_all(main: int, status_pipe: int) -> None:
    """Reap until nothing is left; write how the main process ended, and at the end how the last process did.

    The last process of a namespace has no parent left in it, so the init is the one that reaps it. What that process
    never reaped itself comes to the init in the same moment and later in its list (`forget_original_parent` in Linux'
    kernel/exit.c): so of those found ended together the first counts.
    """
    last = b""
    try:
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            assert found is not None  # noqa: S101 - only with WNOHANG
            last = _reap(found.si_pid)
            if found.si_pid == main:
                os.write(status_pipe, last)
            _reap_rest(main, status_pipe)
    except ChildProcessError:
        os.write(status_pipe, last)


def _reap_rest(main: int, status_pipe: int) -> None:
    """Reap those that have ended by now."""
    while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is not None:
        line = _reap(found.si_pid)
        if found.si_pid == main:
            os.write(status_pipe, line)


def _reap(pid: int) -> bytes:
    """Reap one that has ended; return the line that reports it: pid, raw status, short name."""
    name = b"?"
    with suppress(OSError), open(f"/proc/{pid}/comm", "rb", buffering=0) as comm:
        name = comm.read(64).replace(b"\n", b"")
    _pid, status = os.waitpid(pid, 0)
    return b"%d %d %s\n" % (pid, status, name)
