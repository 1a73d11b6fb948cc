"""The target on Linux: started in its compartment's namespace and its own pid namespace, watched by one thread.

`target.lifetime` says when it has ended: the init reports the end of the main process and of the last one.
"""

import errno
import os
import signal
import threading
import time
from contextlib import ExitStack

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.lifetime import TREE, Ends, tree_status
from mooring_launcher.platforms.linux import init, namespaces, sockets, syscalls
from mooring_launcher.platforms.linux.command import run_beside
from mooring_launcher.platforms.linux.processes import is_running, read_children, read_name, runs_inside
from mooring_launcher.platforms.linux.program import opened
from mooring_launcher.platforms.linux.report import Ended, open_pipe, read_all, read_ended, start_error
from mooring_launcher.platforms.program import OpenedProgram
from mooring_launcher.platforms.scarcity import is_scarcity
from mooring_launcher.platforms.target import CommandResult, ExitStatus, Listener, TargetSpec

_TREE_KILLED = ExitStatus(128 + signal.SIGKILL, signal.SIGKILL, "was killed together with its process tree")


def start_target(compartment: Compartment, spec: TargetSpec) -> "LinuxTarget":
    """Start the program inside the namespace; return once it runs.

    LauncherError TARGET_NOT_FOUND or TARGET_NOT_STARTED with the call and its error.
    """
    target = LinuxTarget(compartment, spec)
    target.start()
    return target


class LinuxTarget(Ends):
    """A started program. `Target` says what each method promises."""

    asks_by = "SIGTERM"
    kills_by = "SIGKILL"

    def __init__(self, compartment: Compartment, spec: TargetSpec) -> None:
        super().__init__()
        self.pid = 0
        self.started_at = 0.0
        self._compartment = compartment
        self._spec = spec
        self._init_pid = 0
        self._init_fd = -1
        self._main_fd = -1
        self._lock = threading.Lock()
        self._asked: set[int] = set()
        self._owners: dict[int, str] = {}
        self._host = sockets.SocketTable("/proc/self/net")
        self._inside: sockets.SocketTable | None = None

    def start(self) -> None:
        """Start it: the thread that forks the init lives as long as the init, whose PDEATHSIG is tied to it.

        A fresh thread also because one whose pid namespace is dead can never fork again (ENOMEM).
        """
        with opened(self._spec) as (program, path):
            self._start_thread(path, program)
            if program is None or program.is_unchanged():
                return
        self.kill()
        self.wait_all()
        message = f"{self._spec.exe} was changed between the comparison with target.sha256 and its start"
        raise LauncherError(ExitCode.TARGET_CHECKSUM, message)

    def _start_thread(self, path: str, program: OpenedProgram | None) -> None:
        started = threading.Event()
        errors: list[BaseException] = []

        def body() -> None:
            try:
                status_pipe = self._start_in_this_thread(path, program)
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
                errors.append(error)
                return
            finally:
                started.set()
            self._watch(status_pipe)

        threading.Thread(target=body, name="mooring-target", daemon=True).start()
        started.wait()
        if errors:
            raise errors[0]

    def ask_to_stop(self) -> bool:
        """Send SIGTERM: to the main process, with lifetime tree to everything that the init is the parent of."""
        if self._spec.lifetime != TREE:
            self._signal(self._main_fd, signal.SIGTERM)
            return True
        try:
            self.ask_further()
        except OSError as error:
            if not is_scarcity(error):
                raise
        return True  # those that this call missed get it soon

    def ask_further(self) -> None:
        """Send SIGTERM once to each that the init has become the parent of: workers are their own parent's to stop.

        OSError as of `read_children`: the rest get it the next time.
        """
        if self._spec.lifetime != TREE or self._all_gone.is_set():
            return
        for pid in set(read_children(self._init_pid)) - self._asked:
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                if pid in read_children(self._init_pid):  # so the descriptor is of that one, not of a later namesake
                    self._asked.add(pid)
                    self._signal(pidfd, signal.SIGTERM)
            finally:
                os.close(pidfd)

    def close_windows(self) -> bool:
        """Find no window: Linux programs have none here."""
        return False

    def kill(self) -> None:
        """Kill the init: the kernel then kills everything in its namespace."""
        self._signal(self._init_fd, signal.SIGKILL)

    def tree(self) -> list[int]:
        """Return the pids below the init, parents first. OSError as of `read_children`."""
        found: list[int] = []
        parents = [self._init_pid]
        while parents and not self._all_gone.is_set():
            parents = [child for parent in parents for child in read_children(parent)]
            found += parents
        return found

    def left_behind(self) -> list[str]:
        """Return the names of what is left below the init."""
        try:
            return [read_name(pid) for pid in self.tree() if pid != self.pid and is_running(pid)]
        except OSError:
            return []  # it is for people only; nothing depends on it

    def listeners(self, protocol: str = "TCP") -> list[Listener]:
        """Return every listening port of the namespace."""
        return [] if self._inside is None or self._all_gone.is_set() else self._inside.listeners(protocol)

    def owns(self, listener: Listener) -> bool:
        """Return whether the tree holds the socket; the place where it was found last is looked at first."""
        known = self._owners.get(listener.owner)
        if known is not None and sockets.socket_inode(known) == listener.owner:
            return True
        self._owners = {inode: path for pid in self.tree() for inode, path in sockets.socket_inodes(pid)}
        return listener.owner in self._owners

    def misplacement(self) -> str | None:
        """Name a process that runs in another namespace, or a socket of the tree that listens on the host."""
        tree = self.tree()
        for pid in tree:
            if not runs_inside(pid, self._compartment.id):
                return f"process {pid} ({read_name(pid)}) left the network namespace {self._compartment.name}"
        on_host = {
            listener.owner: listener for protocol in ("TCP", "UDP") for listener in self._host.listeners(protocol)
        }
        for pid in tree:
            for inode, _path in sockets.socket_inodes(pid):
                if inode in on_host:
                    _, address, port, _ = on_host[inode]
                    return f"process {pid} ({read_name(pid)}) listens on {address} port {port} of the host network"
        return None

    def run_command(self, command: list[str], timeout_s: float) -> CommandResult:
        """Run a command in the target's namespaces."""
        if self._all_gone.is_set():  # the init's number may be another process's by now
            raise LauncherError(ExitCode.TARGET_NOT_STARTED, f"{command[0]}: the target has ended")
        spec = self._spec._replace(exe=command[0], args=command[1:], sha256="")
        return run_beside(self._compartment, self._init_pid, spec, timeout_s)

    def _start_in_this_thread(self, path: str, program: OpenedProgram | None) -> int:
        """Fork the init and let the target go; return the pipe that will report how it ends."""
        namespaces.enter(self._compartment)
        with ExitStack() as on_failure, ExitStack() as ours:
            with ExitStack() as theirs:
                report, init_report = open_pipe(ours, theirs)
                init_go, go = open_pipe(theirs, ours)
                status, init_status = open_pipe(on_failure, theirs)
                on_failure.callback(self._end_init)
                try:
                    self._fork_init(init.Pipes(init_report, init_go, init_status), path, program and program.fd)
                except OSError as error:
                    raise start_error(self._spec, f"{error.errno} {error.filename or 'fork'}") from error
            self._inside = sockets.SocketTable(f"/proc/{self._init_pid}/net")
            failure = self._release(report, go)
            if failure:
                raise start_error(self._spec, failure)
            on_failure.pop_all()
            return status

    def _fork_init(self, pipes: init.Pipes, path: str, program: int | None) -> None:
        syscalls.unshare(syscalls.CLONE_NEWPID, "CLONE_NEWPID")
        changed = init.changed_signals()
        # No signal may reach the child while it still has the launcher's handlers.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._init_pid = os.fork()
            if self._init_pid == 0:
                init.run_init(self._spec, pipes, changed, path, program)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._init_fd = os.pidfd_open(self._init_pid)

    def _release(self, report: int, go: int) -> str:
        """Let the init start the program, find it, let the init go on; return what failed ('' when it runs)."""
        os.write(go, b"g")
        answer = read_all(report)
        if not answer.startswith(init.STARTED):
            return answer or f"{errno.ECHILD} fork"
        self.started_at = time.monotonic()
        self.pid = self._find_main(answer.removeprefix(init.STARTED))
        if not self.pid:
            return f"{errno.ENOSYS} /proc/{self._init_pid}/task/*/children"
        self._main_fd = os.pidfd_open(self.pid)
        os.write(go, b"g")
        return ""

    def _find_main(self, inner_pid: str) -> int:
        """Return the child of the init that its own namespace numbers `inner_pid` (proc_pid_status(5): NSpid)."""
        for pid in read_children(self._init_pid):
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
                if any(line.startswith("NSpid:") and line.split()[-1] == inner_pid for line in status):
                    return pid
        return 0

    def _watch(self, status_pipe: int) -> None:
        """Wait for the main process, then for the whole tree."""
        with os.fdopen(status_pipe, encoding="utf-8", errors="replace") as lines:
            main = read_ended(lines.readline())
            self._main.tell(main.status if main else _TREE_KILLED)
            if main is None or self._spec.lifetime != TREE:
                self._end.tell(main.status if main else _TREE_KILLED)
            last = read_ended(lines.readline())
        if main is not None and self._spec.lifetime == TREE:
            self._end.tell(_end_of_tree(main, last))
        self._reap_init()

    def _end_init(self) -> None:
        """End what a start that failed halfway has left."""
        if self._init_pid:
            os.kill(self._init_pid, signal.SIGKILL)  # not reaped yet, so the number is its own
            self._reap_init()

    def _reap_init(self) -> None:
        os.waitpid(self._init_pid, 0)
        with self._lock:
            self._all_gone.set()
            for fd in (self._init_fd, self._main_fd):
                if fd >= 0:
                    os.close(fd)
            self._init_fd = self._main_fd = -1
        for table in (self._host, self._inside):
            if table is not None:
                table.close()

    def _signal(self, pidfd: int, number: int) -> None:
        with self._lock:
            if self._all_gone.is_set():
                return
            try:
                signal.pidfd_send_signal(pidfd, number)
            except ProcessLookupError:
                return


def _end_of_tree(main: Ended, last: Ended | None) -> ExitStatus:
    if last is None:  # the init was killed, and with it what was left
        return main.status if main.status.code else _TREE_KILLED
    return main.status if last.pid == main.pid else tree_status(main.status, last.status, last.name)
