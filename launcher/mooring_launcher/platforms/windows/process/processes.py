"""Processes: how one is started, and how it ends."""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_size_t, c_void_p
from typing import Any, NamedTuple

from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide
from mooring_launcher.platforms.windows.process.command_line import environment_block, join_arguments

_exit_code = bind_checked("kernel32", "GetExitCodeProcess", w.BOOL, w.HANDLE, POINTER(w.DWORD))
_terminate = bind("kernel32", "TerminateProcess", w.BOOL, w.HANDLE, w.DWORD)
_initialize_list = bind(
    "kernel32", "InitializeProcThreadAttributeList", w.BOOL, c_void_p, w.DWORD, w.DWORD, POINTER(c_size_t)
)
_update_list = bind_checked(
    "kernel32",
    "UpdateProcThreadAttribute",
    w.BOOL,
    c_void_p,
    w.DWORD,
    c_size_t,
    c_void_p,
    c_size_t,
    c_void_p,
    c_void_p,
)
_delete_list = bind("kernel32", "DeleteProcThreadAttributeList", None, c_void_p)
_CREATE_PROCESS = (
    c_void_p,  # lpApplicationName
    c_void_p,  # lpCommandLine
    c_void_p,  # lpProcessAttributes
    c_void_p,  # lpThreadAttributes
    w.BOOL,  # bInheritHandles
    w.DWORD,  # dwCreationFlags
    c_void_p,  # lpEnvironment
    c_void_p,  # lpCurrentDirectory
    POINTER(w.StartupInfoEx),
    POINTER(w.ProcessInformation),
)
_create_process = bind_checked("kernel32", "CreateProcessW", w.BOOL, *_CREATE_PROCESS)
_create_process_as_user = bind_checked("advapi32", "CreateProcessAsUserW", w.BOOL, w.HANDLE, *_CREATE_PROCESS)


class NewProcess(NamedTuple):
    """What to start. `handles` are standard input, output and error, 0 where there is none, each inheritable."""

    exe: str
    command_line: str
    working_dir: str
    environment: str
    jobs: tuple[int, ...]
    handles: tuple[int, int, int]
    flags: int
    token: int = 0


def create_process(new: NewProcess) -> tuple[int, int]:
    """Start a process that is in its jobs before its first instruction; return its handle and id.

    It inherits the three handles and nothing else. WindowsCallError when it cannot be started.
    """
    info = w.StartupInfoEx()
    info.StartupInfo.cb = ctypes.sizeof(info)
    info.StartupInfo.dwFlags = w.STARTF_USESTDHANDLES
    info.StartupInfo.hStdInput, info.StartupInfo.hStdOutput, info.StartupInfo.hStdError = new.handles
    made = w.ProcessInformation()
    with _attributes(new) as attributes:
        info.lpAttributeList = attributes
        strings = [wide(new.exe), wide(new.command_line), wide(new.environment)]
        folder = wide(new.working_dir) if new.working_dir else None
        flags = new.flags | w.CREATE_UNICODE_ENVIRONMENT | w.EXTENDED_STARTUPINFO_PRESENT
        inherit = any(new.handles)
        rest = (strings[0], strings[1], None, None, inherit, flags, strings[2], folder, byref(info), byref(made))
        _ = _create_process_as_user(new.token, *rest) if new.token else _create_process(*rest)
    handles.close_handle(made.hThread)
    return made.hProcess, made.dwProcessId


@contextmanager
def helper(exe: str, args: Sequence[str], environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Start a program of the launcher's own, without a console; its handle and the reading end of its output."""
    reading, writing = handles.create_pipe()
    with handles.closing(reading):
        with handles.closing(writing):
            line, environment = join_arguments(exe, args), environment_block(environ)
            new = NewProcess(exe, line, "", environment, (), (0, writing, writing), w.CREATE_NO_WINDOW)
            process, _pid = create_process(new)
        with handles.closing(process):
            yield process, reading


def terminate_process(process: int, code: int) -> None:
    """End one process; one that has ended already is left alone."""
    _terminate(process, code)


def read_exit_code(process: int) -> int:
    """Return the code of a process that has ended: any of 32 bits, 259 as well."""
    code = w.DWORD()
    _exit_code(process, byref(code))
    return code.value


@contextmanager
def _attributes(new: NewProcess) -> Iterator[Any]:
    """Make the attribute list of a start: its jobs, and the handles it inherits, each once as Windows demands."""
    values: list[tuple[int, Sequence[int]]] = [
        (w.PROC_THREAD_ATTRIBUTE_JOB_LIST, new.jobs),
        (w.PROC_THREAD_ATTRIBUTE_HANDLE_LIST, sorted({handle for handle in new.handles if handle})),
    ]
    values = [(key, handles) for key, handles in values if handles]
    size = c_size_t()
    _initialize_list(None, len(values), 0, byref(size))
    attributes = ctypes.create_string_buffer(size.value)
    if not _initialize_list(attributes, len(values), 0, byref(size)):
        raise WindowsCallError("InitializeProcThreadAttributeList", last_error())
    try:
        kept = [(key, (w.HANDLE * len(handles))(*handles)) for key, handles in values]
        for key, array in kept:
            _update_list(attributes, 0, key, array, ctypes.sizeof(array), None, None)
        yield ctypes.addressof(attributes)
    finally:
        _delete_list(attributes)
