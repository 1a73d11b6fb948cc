"""Run something in its own namespaces, without leaving anything behind.

`python -m mooring.rehearse.sandbox -- CMD ARGS…` and `run(function)` start a process in new user, network,
mount and pid namespaces: its own loopback, its own /proc, an empty /run/netns, the caller as root. Needs no
privilege if the kernel lets users make user namespaces; if not, root can do without one.

    caller ── helper (makes the namespaces) ── init (pid 1: reaps, forwards signals) ── the function

Helper and init die with their parents by PR_SET_PDEATHSIG, and a pid namespace dies with its pid 1: so
killing the caller, even with SIGKILL, ends every process and with them the interfaces and mounts.
"""

import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from mooring.errors import MooringError
from mooring.rehearse import ids, kernel

ENV_MARK = "MOORING_SANDBOX"
"""Set to 1 in the environment of whatever runs inside."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_WAITED = (*_SIGNALS, signal.SIGCHLD)
_READY = b"ready"


class SandboxError(MooringError):
    """This machine does not let us make namespaces; the message says what failed and what to do."""


def run(function: Callable[[], int], *, user_namespace: bool = True) -> int:
    """Run a function in a sandbox and return its exit status (128 + n if signal n ended it).

    Without a user namespace (only for root) the function keeps root's access to cgroups and sysctls.
    Raises SandboxError if neither a user namespace nor root's privileges allow it.
    """
    refusals = []
    ways = ([True] if user_namespace else []) + ([False] if os.geteuid() == 0 else [])
    for with_user in ways:
        outcome = _attempt(function, with_user)
        if isinstance(outcome, int):
            return outcome
        refusals.append(outcome)
    message = (
        f"cannot make namespaces on this machine ({'; '.join(refusals) or 'not root'}); "
        "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns) or run as root"
    )
    raise SandboxError(message)


def _attempt(function: Callable[[], int], with_user: bool) -> int | str:
    """Return the function's exit status, or why the sandbox could not be made."""
    report_read, report_write = os.pipe()
    alive_read, alive_write = os.pipe()
    unshared_read, unshared_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    caller = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    try:
        helper = os.fork()
        if helper == 0:
            for fd in (alive_write, report_read, unshared_read, mapped_write):
                os.close(fd)
            make = lambda: _make_namespaces(with_user, unshared_write, mapped_read)  # noqa: E731
            _guard(lambda: _help(caller, function, make, old_mask, report_write, alive_read), report_write)
        for fd in (report_write, alive_read, unshared_write, mapped_read):
            os.close(fd)
        # Only a process outside can map more than one id into a namespace. No byte means that it was not made.
        if os.read(unshared_read, 1) and with_user:
            ids.map_ids(helper)
        os.close(unshared_read)
        os.close(mapped_write)
        report = _read_all(report_read)
        status = _supervise(helper)
    finally:
        os.close(alive_write)
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
    return status if report == _READY else report.decode(errors="replace") or f"its helper exited with {status}"


def _read_all(fd: int) -> bytes:
    """Read a pipe to its end and close it."""
    with os.fdopen(fd, "rb") as stream:
        return stream.read()


def _guard(body: Callable[[], int], report: int) -> NoReturn:
    """Run a forked process's body; a failed system call is reported to the caller as text."""
    status = 1
    try:
        status = body()
    except OSError as error:
        os.write(report, (error.strerror or str(error)).encode())
    except BaseException:  # noqa: BLE001 - a fork must never return into its caller's frames
        traceback.print_exc()
    finally:
        os._exit(status)


def _help(
    caller: int,
    function: Callable[[], int],
    make_namespaces: Callable[[], None],
    old_mask: set[int],
    report: int,
    alive: int,
) -> int:
    """Be the process between the caller and pid 1: only it makes and enters the user namespace."""
    make_namespaces()
    kernel.die_with_parent()
    if os.getppid() != caller:
        return 1
    init = os.fork()
    if init == 0:
        _guard(lambda: _init(function, old_mask, report, alive), report)
    os.close(report)
    return _supervise(init)


def _make_namespaces(with_user: bool, unshared: int, mapped: int) -> None:
    """Unshare, signal the caller with a byte, and wait until it has mapped ids if there is a user namespace."""
    uid, gid = os.geteuid(), os.getegid()
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
    kernel.unshare(flags | kernel.CLONE_NEWUSER if with_user else flags)
    os.write(unshared, b"u")
    os.close(unshared)
    os.read(mapped, 1)
    os.close(mapped)
    if with_user:
        ids.map_own_id(uid, gid)


def _init(function: Callable[[], int], old_mask: set[int], report: int, alive: int) -> int:
    """Be pid 1: set up the namespaces, start the function, reap processes until it ends."""
    kernel.die_with_parent()
    # A parent outside the pid namespace has pid 0 here, so a closed pipe shows that the caller is dead.
    if select.select([alive], [], [], 0)[0]:
        return 1
    os.close(alive)
    _furnish()
    os.write(report, _READY)
    os.close(report)
    child = os.fork()
    if child == 0:
        _guard(lambda: _be_child(function, old_mask), 2)
    return _supervise(child, reap_all=True)


def _furnish() -> None:
    """Give the new mount and network namespaces their own /proc, /run and loopback."""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    _renew_run()
    kernel.raise_loopback()


def _renew_run() -> None:
    """Put a tmpfs on /run and bind everything back except the network namespaces.

    Tools need other things there (systemd-resolved's resolv.conf, /run/current-system).
    """
    # By descriptor: its path may contain directories that the caller cannot search.
    workdir = os.open(".", os.O_PATH)
    os.chdir("/run")  # relative paths still refer to the old tree once it is covered
    entries = sorted(os.scandir("."), key=lambda entry: entry.name)
    kernel.mount("tmpfs", "/run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    for entry in entries:
        target = f"/run/{entry.name}"
        if entry.is_symlink():
            Path(target).symlink_to(Path(entry.name).readlink())
        elif entry.is_dir() and entry.name != "netns":
            Path(target).mkdir()
            kernel.mount(entry.name, target, flags=kernel.MS_BIND | kernel.MS_REC)
    os.fchdir(workdir)
    os.close(workdir)


def _be_child(function: Callable[[], int], old_mask: set[int]) -> int:
    """Call the function with the caller's signal mask and return its exit status."""
    os.environ[ENV_MARK] = "1"
    signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
    try:
        return function()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _supervise(child: int, reap_all: bool = False) -> int:
    """Forward signals to a child until it ends and return its exit status.

    A signal from the terminal (si_pid 0) already went to the whole foreground group, including the child, so only
    signals from processes are forwarded. The caller has blocked the signals.
    """
    while True:
        while pid_status := _wait_one(-1 if reap_all else child):
            if pid_status[0] == child:
                code = os.waitstatus_to_exitcode(pid_status[1])
                return code if code >= 0 else 128 - code
        received = signal.sigwaitinfo(_WAITED)
        if received.si_signo != signal.SIGCHLD and received.si_code <= 0:
            os.kill(child, received.si_signo)


def _wait_one(pid: int) -> tuple[int, int] | None:
    """Reap one ended child, or return None if none has ended."""
    pid, status = os.waitpid(pid, os.WNOHANG)
    return (pid, status) if pid else None


def exec_command(command: Sequence[str]) -> int:
    """Become another program; return 127 with a line on stderr if it cannot be started."""
    sys.stdout.flush()
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"sandbox: {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - this is a command itself
    return 127


def main(argv: Sequence[str]) -> int:
    """Run `-- CMD ARGS…` in a sandbox."""
    command = list(argv[1:] if argv[:1] == ["--"] else argv)
    if not command:
        print("usage: python -m mooring.rehearse.sandbox -- CMD ARGS…", file=sys.stderr)  # noqa: T201
        return 2
    try:
        return run(lambda: exec_command(command))
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
