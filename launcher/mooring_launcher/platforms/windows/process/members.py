"""Who is in a target's job, and how the last one ended, for `target.lifetime: tree`.

A job reports each process that enters or leaves it only by its pid, so each is opened when it enters: with that handle
its exit code can be read when it has left. The messages are not promised to arrive, so the job's list is read as well.
A process that ended before the handle was open is known to have been there, not how it ended.

Two kinds do not count as the tree: commands beside the target (each in its own job inside the target's), and the
console hosts that Windows starts for console programs, which end with the last program at their console.
"""

import ntpath
from collections.abc import Callable, Iterator
from ctypes import POINTER, byref, c_uint64, c_void_p, create_string_buffer
from typing import NamedTuple

from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked
from mooring_launcher.platforms.windows.process import jobs, processes

_open = bind_checked("kernel32", "OpenProcess", w.HANDLE, w.DWORD, w.BOOL, w.DWORD)
_in_job = bind_checked("kernel32", "IsProcessInJob", w.BOOL, w.HANDLE, w.HANDLE, POINTER(w.BOOL))
_times = bind_checked("kernel32", "GetProcessTimes", w.BOOL, w.HANDLE, *[POINTER(c_uint64)] * 4)
_image = bind("kernel32", "QueryFullProcessImageNameW", w.BOOL, w.HANDLE, w.DWORD, c_void_p, POINTER(w.DWORD))

_CONSOLE_HOSTS = ("conhost.exe", "openconsole.exe")
_LONGEST_PATH = 32768
_END_LIMIT_MS = 1000


class Departed(NamedTuple):
    """A process that has ended: `code` is None when it is unknown, `ended_at` then 0 (FILETIME, UTC)."""

    pid: int
    name: str
    code: int | None
    ended_at: int


class _Member:
    """A process of the job, open."""

    def __init__(self, handle: int, pid: int) -> None:
        self.handle = handle
        self._pid = pid
        self._file = ""
        self.learn_name()

    def learn_name(self) -> None:
        """Read the name of its file, which a process may not have in its first moment, and not after its end."""
        self._file = self._file or _read_name(self.handle)

    @property
    def name(self) -> str:
        """The name of its file."""
        self.learn_name()
        return self._file or f"process {self._pid}"

    @property
    def is_console_host(self) -> bool:
        """Whether Windows started it for a console."""
        return self.name.lower() in _CONSOLE_HOSTS

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return handles.wait_for(self.handle, 0)


class Members:
    """Follows the processes of a job. Not thread-safe."""

    def __init__(self, job: int, commands: Callable[[], set[int]]) -> None:
        """`commands` returns the processes of the commands that run beside the target."""
        self.last: Departed | None = None
        """The process of the tree that ended last, as far as is known."""
        self._job = job
        self._commands = commands
        self._known: dict[int, _Member] = {}
        self._of_commands: set[int] = set()
        self._seen_gone: set[int] = set()
        """Those that were found ended before the job's message of it was taken."""

    def hear(self, message: jobs.Message) -> None:
        """Take a message of the job, or of a command's job, into account."""
        for member in self._known.values():
            member.learn_name()
        if message.key == jobs.COMMAND_MESSAGE:
            if message.what == w.JOB_OBJECT_MSG_NEW_PROCESS:
                self._of_commands.add(message.pid)
        elif message.what == w.JOB_OBJECT_MSG_NEW_PROCESS:
            self._enter(message.pid)
        elif message.what in (w.JOB_OBJECT_MSG_EXIT_PROCESS, w.JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS):
            self._hear_exit(message.pid)

    def look(self) -> bool:
        """Read the job's list too; return whether a process of the tree is left, or of the job, if that is unknown."""
        try:
            return self._look()
        except WindowsCallError:
            return jobs.count_active(self._job) > 0

    def _look(self) -> bool:
        commands = self._commands() | self._of_commands
        listed = set(jobs.list_processes(self._job)) - commands
        left = {pid for pid in listed if self._is_left(pid)}
        own = [(pid, member) for pid, member in self._known.items() if pid not in commands]
        ended = {pid for pid, member in own if pid not in listed or member.has_ended}
        self._seen_gone |= ended
        for departed in (self._depart(pid) for pid in ended):
            if departed is not None and (self.last is None or departed.ended_at >= self.last.ended_at):
                self.last = departed
        return bool(left)

    def close(self) -> None:
        """Let go of every handle."""
        for member in self._known.values():
            handles.close_handle(member.handle)
        self._known.clear()

    def _is_left(self, pid: int) -> bool:
        try:
            member = self._known.get(pid) or self._open(pid)
        except WindowsCallError as error:
            return error.code == w.ERROR_ACCESS_DENIED  # it lives; any other: it has ended meanwhile
        return not member.is_console_host and not member.has_ended

    def _enter(self, pid: int) -> None:
        try:
            self._open(pid)
        except WindowsCallError:
            return  # it has ended already; its exit is reported too

    def _open(self, pid: int) -> _Member:
        member = _open_member(self._job, pid)
        if pid in self._known:  # its number is another process's now
            handles.close_handle(self._known[pid].handle)
        self._known[pid] = member
        self._seen_gone.discard(pid)
        return member

    def _hear_exit(self, pid: int) -> None:
        if pid in self._of_commands:
            self._of_commands.discard(pid)
            self._forget(pid)
        elif pid in self._seen_gone:
            self._seen_gone.discard(pid)
        elif pid not in self._known:
            self.last = Departed(pid, f"process {pid}", None, 0)
        elif (departed := self._depart(pid)) is not None:
            self.last = departed

    def _depart(self, pid: int) -> Departed | None:
        """Read how a process ended that has left the job, and let go of it; None for one that is not of the tree."""
        member = self._known[pid]
        handles.wait_for(member.handle, _END_LIMIT_MS)  # it leaves its job a moment before its end shows
        departed = Departed(pid, member.name, processes.read_exit_code(member.handle), _ended_at(member.handle))
        self._forget(pid)
        return None if member.is_console_host else departed

    def _forget(self, pid: int) -> None:
        member = self._known.pop(pid, None)
        if member is not None:
            handles.close_handle(member.handle)


def name_members(job: int, without: set[int]) -> Iterator[str]:
    """Yield the file name of each process of a job, console hosts and those of `without` left out."""
    for pid in set(jobs.list_processes(job)) - without:
        try:
            member = _open_member(job, pid)
        except WindowsCallError:
            continue
        with handles.closing(member.handle):
            if not member.is_console_host and not member.has_ended:
                yield member.name


def _open_member(job: int, pid: int) -> _Member:
    """Open a process of the job. WindowsCallError if it has ended, or its pid is another process's."""
    handle = int(_open(w.PROCESS_QUERY_INFORMATION | w.SYNCHRONIZE, False, pid))
    try:
        inside = w.BOOL()
        _in_job(handle, job, byref(inside))
        if not inside.value:
            call = f"IsProcessInJob({pid})"
            raise WindowsCallError(call, w.ERROR_INVALID_PARAMETER)
    except WindowsCallError:
        handles.close_handle(handle)
        raise
    return _Member(handle, pid)


def _read_name(handle: int) -> str:
    """Return the name of a process's file; empty when it cannot be read now."""
    buffer, length = create_string_buffer(2 * _LONGEST_PATH), w.DWORD(_LONGEST_PATH)
    if not _image(handle, 0, buffer, byref(length)):
        return ""
    return ntpath.basename(buffer.raw[: 2 * length.value].decode("utf-16-le", "replace"))


def _ended_at(handle: int) -> int:
    created, ended, kernel, user = c_uint64(), c_uint64(), c_uint64(), c_uint64()
    _times(handle, byref(created), byref(ended), byref(kernel), byref(user))
    return ended.value
