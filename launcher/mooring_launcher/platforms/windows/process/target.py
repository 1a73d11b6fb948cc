"""The target on Windows: in a job from its first instruction, the job in the anchor's compartment.

The job ends its processes when the launcher's handle is closed, however that happens, and nothing can leave it. Its
compartment holds for every thread and every descendant. What starts elsewhere on the target's behalf (COM servers,
services, WMI) is in neither. `target.lifetime` says whether the target ends with its main process or its job's last.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.lifetime import TREE, Ends, tree_status
from mooring_launcher.platforms.target import CommandResult, ExitStatus, Listener, TargetSpec
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError
from mooring_launcher.platforms.windows.network import compartments, sockets
from mooring_launcher.platforms.windows.process import account, console, jobs, processes
from mooring_launcher.platforms.windows.process.command import follow
from mooring_launcher.platforms.windows.process.command_line import environment_block, join_arguments, long_path
from mooring_launcher.platforms.windows.process.exit_status import KILLED, exit_status
from mooring_launcher.platforms.windows.process.members import Members, name_members
from mooring_launcher.platforms.windows.process.program import verified
from mooring_launcher.platforms.windows.process.start_error import start_error

_LAST_LOOK_MS = 1000
_LEAVING = (
    (jobs.JOB_MESSAGE, w.JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO),
    (jobs.JOB_MESSAGE, w.JOB_OBJECT_MSG_EXIT_PROCESS),
    (jobs.JOB_MESSAGE, w.JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS),
    (jobs.OWN_MESSAGE, 0),
)
"""Messages after which the tree may have ended."""


def start_target(compartment: Compartment, spec: TargetSpec) -> "WindowsTarget":
    """Start the program inside the compartment; return once it runs.

    LauncherError TARGET_NOT_FOUND, TARGET_NOT_STARTED, TARGET_CHECKSUM, TARGET_SIGNATURE, RUN_AS_REFUSED,
    COMPARTMENT_NOT_FOUND or PLACEMENT_FAILED.
    """
    target = WindowsTarget(compartment, spec)
    try:
        target.start()
    except WindowsCallError as error:
        target.close()
        raise start_error(spec, error) from error
    except BaseException:
        target.close()
        raise
    return target


class WindowsTarget(Ends):
    """A started program. `Target` says what each method promises."""

    kills_by = "the end of the job"

    def __init__(self, compartment: Compartment, spec: TargetSpec) -> None:
        super().__init__()
        self.pid = 0
        self.started_at = 0.0
        self.asks_by = {"ctrlC": "CTRL_C", "ctrlBreak": "CTRL_BREAK"}.get(spec.console_event, "nothing")
        self._compartment = compartment
        self._spec = spec
        self._job = jobs.create_job()
        self._port = 0
        self._process = 0
        self._account = account.Account(0, {})
        self._lock = threading.Lock()
        self._killed = False
        self._command_jobs: list[int] = []
        self._members = Members(self._job, self._commands) if spec.lifetime == TREE else None

    def start(self) -> None:
        """Make the job ready before anything is in it, start the program, watch both."""
        if self._spec.attach == "job":
            compartments.bind_job(self._job, self._compartment)
        self._port = jobs.watch_job(self._job)
        self._account = account.open_account(self._spec.run_as, self._spec.env)
        console.let_ctrl_c_through()
        standard = handles.duplicate_standard_handles()
        # A process in its own group ignores CTRL_C: so only for the other event.
        group = w.CREATE_NEW_PROCESS_GROUP if self._spec.console_event == "ctrlBreak" else 0
        with handles.closing(*standard):
            self._process, self.pid = self._launch(self._spec, (self._job,), standard, group)
        self.started_at = time.monotonic()
        threading.Thread(target=self._watch_process, name="mooring-target", daemon=True).start()
        threading.Thread(target=self._watch_job, name="mooring-job", daemon=True).start()

    def close(self) -> None:
        """Let go of a target that could not be started."""
        self._close_handles()
        self._all_gone.set()

    def ask_to_stop(self) -> bool:
        """Send the console event; False when the program has no console, or none is to be sent."""
        if self._spec.console_event == "none" or self._end.has_come():
            return False
        # With lifetime tree all get it together: a process started later may be there to clean up.
        pids = [self.pid] if self._members is None else sorted(set(self.tree()) - self._commands())
        try:
            console.send_event(self._spec.console_event, pids)
        except WindowsCallError as error:
            message = f"{error} (a program without a console cannot be reached this way)"
            raise LauncherError(ExitCode.UNEXPECTED, message) from error
        return True

    def ask_further(self) -> None:
        """Do nothing: the event has reached every console of the tree."""

    def close_windows(self) -> bool:
        """Post WM_CLOSE to every window of the tree; return whether there was one."""
        return console.close_windows(set(self.tree())) > 0

    def kill(self) -> None:
        """End every process of the job."""
        with self._lock:
            if self._job and not self._all_gone.is_set():
                self._killed = True
                jobs.terminate_job(self._job, KILLED)

    def tree(self) -> list[int]:
        """Return the processes of the job, including those of jobs nested in it."""
        with self._lock:
            return jobs.list_processes(self._job) if self._job and not self._all_gone.is_set() else []

    def left_behind(self) -> list[str]:
        """Return the file names of the job's other processes, without console hosts and commands beside the target."""
        try:
            without = self._commands() | {self.pid}
            with self._lock:
                return list(name_members(self._job, without)) if self._job and not self._all_gone.is_set() else []
        except WindowsCallError:
            return []  # only people read it

    def listeners(self, protocol: str = "TCP") -> list[Listener]:
        """Return every listening port of the compartment."""
        if self._all_gone.is_set():
            return []
        return compartments.run_inside(self._compartment, lambda: sockets.read_listeners(protocol))

    def owns(self, listener: Listener) -> bool:
        """Return whether a process of the job has the port. HTTP.sys listens as process 4, which no job has."""
        return listener.owner in self.tree()

    def misplacement(self) -> str | None:
        """Say when the job has left its compartment, or a process of it listens on the host and not in here.

        What is in both tables does not count: if Windows showed all compartments one table, everything would be.
        """
        with self._lock:
            if not self._job or self._all_gone.is_set() or self._spec.attach != "job":
                return None
            try:
                compartments.check_job(self._job, self._compartment)
            except LauncherError as error:
                if error.code is not ExitCode.PLACEMENT_FAILED:
                    raise
                return str(error)
        tree = set(self.tree())
        for protocol in ("TCP", "UDP"):
            host = [one for one in sockets.read_listeners(protocol) if one.owner in tree]
            inside = set(self.listeners(protocol)) if host else set()
            for _, address, port, pid in (one for one in host if one not in inside):
                return f"process {pid} listens on {address} port {port} of the host network"
        return None

    def run_command(self, command: list[str], timeout_s: float) -> CommandResult:
        """Run a command in the target's job, so in its compartment too; a job inside that one ends it with its tree."""
        if self._all_gone.is_set():
            raise LauncherError(ExitCode.TARGET_NOT_STARTED, f"{command[0]}: the target has ended")
        spec = self._spec._replace(exe=command[0], args=command[1:], sha256="", signed_by="")
        own_job = jobs.create_job()
        with self._command_job(own_job):
            reading, writing = handles.create_pipe()
            with handles.closing(reading):
                try:
                    with handles.closing(writing):
                        process, _ = self._launch(spec, (self._job, own_job), (0, writing, writing), 0)
                except WindowsCallError as error:
                    raise start_error(spec, error) from error
                with handles.closing(process):
                    return follow(process, own_job, reading, timeout_s)

    @contextmanager
    def _command_job(self, job: int) -> Iterator[None]:
        """Know a command's job while there is one, and close it."""
        with self._lock:
            self._command_jobs.append(job)
        try:
            with self._lock:
                if self._port and self._members is not None:
                    jobs.send_messages(job, self._port, jobs.COMMAND_MESSAGE)
            yield
        finally:
            with self._lock:
                self._command_jobs.remove(job)
                handles.close_handle(job)

    def _commands(self) -> set[int]:
        """Return the processes of the commands that run beside the target."""
        with self._lock:
            return {pid for job in self._command_jobs for pid in jobs.list_processes(job)}

    def _launch(
        self, spec: TargetSpec, in_jobs: tuple[int, ...], standard: tuple[int, int, int], flags: int
    ) -> tuple[int, int]:
        """Start a program of this target. WindowsCallError; LauncherError for program or account refused."""
        environment = {key: value for key, value in spec.env.items() if key.upper() != account.PASSWORD}
        with verified(spec):
            new = processes.NewProcess(
                long_path(spec.exe),
                join_arguments(spec.exe, spec.args),
                spec.working_dir,
                environment_block(environment | self._account.environment),
                in_jobs,
                standard,
                flags | w.CREATE_NO_WINDOW,
                self._account.token,
            )
            return processes.create_process(new)

    def _watch_process(self) -> None:
        """Wait for the main process: a job's messages are not promised to arrive, a process handle is."""
        handles.wait_for(self._process)
        status = exit_status(processes.read_exit_code(self._process), self._killed)
        self._main.tell(status)
        if self._members is None:
            self._end.tell(status)
        with self._lock:
            if self._port:  # else the other thread has seen the end of the whole tree already
                jobs.post_message(self._port)

    def _watch_job(self) -> None:
        """Take the job's messages until no process is left; once the main one has ended, also look occasionally."""
        while not self._has_emptied(self._next_message()):
            pass
        with self._lock:
            self._all_gone.set()
            self._close_handles()

    def _next_message(self) -> jobs.Message | None:
        timeout_ms = _LAST_LOOK_MS if self._main.has_come() else w.INFINITE
        message = jobs.next_message(self._port, timeout_ms)
        if message is not None and self._members is not None:
            with suppress(WindowsCallError):  # the job's list is read too
                self._members.hear(message)
        return message

    def _has_emptied(self, message: jobs.Message | None) -> bool:
        """Report the end of the tree when that is due; return whether the job is empty, commands included."""
        if not self._main.has_come() or (message is not None and message[:2] not in _LEAVING):
            return False
        if self._members is not None and not self._end.has_come() and not self._members.look():
            self._end.tell(self._end_of_tree(self._members))
        return jobs.count_active(self._job) == 0

    def _end_of_tree(self, members: Members) -> ExitStatus:
        main, last = self._main.wait(0), members.last
        assert main is not None  # noqa: S101 - looked at before
        if last is None or last.pid == self.pid:
            return main
        status = None if last.code is None else exit_status(last.code, self._killed)
        return tree_status(main, status, last.name)

    def _close_handles(self) -> None:
        if self._members is not None:
            self._members.close()
        for handle in (self._process, self._job, self._port, self._account.token):
            handles.close_handle(handle)
        self._process = self._job = self._port = 0
