"""Processes and jobs: kernel32 as the backend needs it. Handles are integers; whoever gets one closes it."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_size_t, c_void_p
from typing import Any, NamedTuple

from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide

_close = bind("kernel32", "CloseHandle", w.BOOL, w.HANDLE)
_current_process = bind("kernel32", "GetCurrentProcess", w.HANDLE)
_duplicate = bind_checked(
    "kernel32", "DuplicateHandle", w.BOOL, w.HANDLE, w.HANDLE, w.HANDLE, POINTER(w.HANDLE), w.DWORD, w.BOOL, w.DWORD
)
_standard = bind("kernel32", "GetStdHandle", w.HANDLE, w.DWORD)
_create_job = bind_checked("kernel32", "CreateJobObjectW", w.HANDLE, c_void_p, c_void_p)
_set_job = bind_checked("kernel32", "SetInformationJobObject", w.BOOL, w.HANDLE, ctypes.c_int32, c_void_p, w.DWORD)
_query_job = bind(
    "kernel32", "QueryInformationJobObject", w.BOOL, w.HANDLE, ctypes.c_int32, c_void_p, w.DWORD, c_void_p
)
_terminate_job = bind_checked("kernel32", "TerminateJobObject", w.BOOL, w.HANDLE, w.DWORD)
_create_port = bind_checked("kernel32", "CreateIoCompletionPort", w.HANDLE, w.HANDLE, w.HANDLE, c_size_t, w.DWORD)
_get_queued = bind(
    "kernel32",
    "GetQueuedCompletionStatus",
    w.BOOL,
    w.HANDLE,
    POINTER(w.DWORD),
    POINTER(c_void_p),
    POINTER(c_void_p),
    w.DWORD,
)
_post_queued = bind_checked("kernel32", "PostQueuedCompletionStatus", w.BOOL, w.HANDLE, w.DWORD, c_size_t, c_void_p)
_wait = bind("kernel32", "WaitForSingleObject", w.DWORD, w.HANDLE, w.DWORD)
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
_create_process = bind_checked(
    "kernel32",
    "CreateProcessW",
    w.BOOL,
    c_void_p,
    c_void_p,
    c_void_p,
    c_void_p,
    w.BOOL,
    w.DWORD,
    c_void_p,
    c_void_p,
    POINTER(w.StartupInfoEx),
    POINTER(w.ProcessInformation),
)
_create_process_as_user = bind_checked(
    "advapi32",
    "CreateProcessAsUserW",
    w.BOOL,
    w.HANDLE,
    c_void_p,
    c_void_p,
    c_void_p,
    c_void_p,
    w.BOOL,
    w.DWORD,
    c_void_p,
    c_void_p,
    POINTER(w.StartupInfoEx),
    POINTER(w.ProcessInformation),
)
_create_pipe = bind_checked("kernel32", "CreatePipe", w.BOOL, POINTER(w.HANDLE), POINTER(w.HANDLE), c_void_p, w.DWORD)
_read_file = bind("kernel32", "ReadFile", w.BOOL, w.HANDLE, c_void_p, w.DWORD, POINTER(w.DWORD), c_void_p)
_create_file = bind(
    "kernel32", "CreateFileW", w.HANDLE, c_void_p, w.DWORD, w.DWORD, c_void_p, w.DWORD, w.DWORD, w.HANDLE
)

INVALID_HANDLE = c_void_p(-1).value
JOB_MESSAGE, OWN_MESSAGE, COMMAND_MESSAGE = 0, 1, 2
"""Completion keys: of the target's job, of what the launcher posts itself, of the job of a command beside it."""


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


def close_handle(handle: int) -> None:
    """Close a handle; 0 is none."""
    if handle:
        _close(handle)


@contextmanager
def closing(*handles: int) -> Iterator[None]:
    """Close the handles at the end."""
    try:
        yield
    finally:
        for handle in handles:
            close_handle(handle)


def duplicate_standard_handles() -> tuple[int, int, int]:
    """Return inheritable duplicates of the launcher's standard input, output and error, 0 where it has none."""
    numbers = (w.STD_INPUT_HANDLE, w.STD_OUTPUT_HANDLE, w.STD_ERROR_HANDLE)
    stdin, stdout, stderr = (_duplicate_inheritable(_standard(number)) for number in numbers)
    return stdin, stdout, stderr


def create_job() -> int:
    """Return a new job that ends its processes when its last handle is closed; none can break away."""
    job: int = _create_job(None, None)
    limits = w.ExtendedLimitInformation()
    limits.BasicLimitInformation.LimitFlags = w.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    try:
        _set(job, w.JOB_OBJECT_EXTENDED_LIMIT_INFORMATION, limits)
    except WindowsCallError:
        close_handle(job)
        raise
    return job


class Message(NamedTuple):
    """What came through a completion port: whose it is, what happened, to which process (0: to none)."""

    key: int
    what: int
    pid: int = 0


def watch_job(job: int) -> int:
    """Return a completion port that gets the job's messages; before any process is in it."""
    port: int = _create_port(INVALID_HANDLE, None, 0, 1)
    send_messages(job, port, JOB_MESSAGE)
    return port


def send_messages(job: int, port: int, key: int) -> None:
    """Have a job send its messages to a port, with this key; those of jobs in it come from each of them."""
    _set(job, w.JOB_OBJECT_ASSOCIATE_COMPLETION_PORT_INFORMATION, w.AssociateCompletionPort(key, port))


def next_message(port: int, timeout_ms: int) -> Message | None:
    """Wait for a message; None when the time is up."""
    message, key, overlapped = w.DWORD(), c_void_p(), c_void_p()
    if not _get_queued(port, byref(message), byref(key), byref(overlapped), timeout_ms):
        if last_error() == w.WAIT_TIMEOUT:
            return None
        raise WindowsCallError("GetQueuedCompletionStatus", last_error())
    return Message(key.value or 0, message.value, overlapped.value or 0)


def post_message(port: int) -> None:
    """Wake the one who waits at the port, with the key OWN_MESSAGE."""
    _post_queued(port, 0, OWN_MESSAGE, None)


def count_active(job: int) -> int:
    """Return how many processes are in the job and in those nested in it."""
    accounting = w.BasicAccountingInformation()
    _query(job, w.JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION, accounting, ctypes.sizeof(accounting))
    return int(accounting.ActiveProcesses)


def list_processes(job: int) -> list[int]:
    """Return the process ids of the job. The list is asked for again, larger, while it does not fit."""
    room = 64
    while True:
        buffer = ctypes.create_string_buffer(ctypes.sizeof(w.BasicProcessIdList) + 8 * room)
        fits = _query_job(job, w.JOB_OBJECT_BASIC_PROCESS_ID_LIST, buffer, len(buffer), None)
        if fits:
            head = w.BasicProcessIdList.from_buffer(buffer)
            ids = (ctypes.c_uint64 * head.NumberOfProcessIdsInList).from_buffer(
                buffer, w.BasicProcessIdList.ProcessIdList.offset
            )
            return list(ids)
        if last_error() != w.ERROR_MORE_DATA:
            raise WindowsCallError("QueryInformationJobObject", last_error())
        room *= 4


def terminate_job(job: int, code: int) -> None:
    """End every process of the job with this exit code."""
    _terminate_job(job, code)


def terminate_process(process: int, code: int) -> None:
    """End one process; one that has ended already stays as it is."""
    _terminate(process, code)


def wait_for(handle: int, timeout_ms: int = w.INFINITE) -> bool:
    """Wait for a process to end; whether it has."""
    return bool(_wait(handle, timeout_ms) == w.WAIT_OBJECT_0)


def read_exit_code(process: int) -> int:
    """Return the code of a process that has ended: any of 32 bits, 259 as well."""
    code = w.DWORD()
    _exit_code(process, byref(code))
    return code.value


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
    close_handle(made.hThread)
    return made.hProcess, made.dwProcessId


def create_pipe() -> tuple[int, int]:
    """Return the reading and the writing end of a pipe; only the writing one can be inherited."""
    reading, writing = w.HANDLE(), w.HANDLE()
    _create_pipe(byref(reading), byref(writing), None, 0)
    inheritable = _duplicate_inheritable(writing.value)
    close_handle(writing.value or 0)
    return reading.value or 0, inheritable


def read_chunk(handle: int, size: int = 65536) -> bytes:
    """Return what there is in a pipe or file, empty at its end."""
    buffer = ctypes.create_string_buffer(size)
    count = w.DWORD()
    if not _read_file(handle, buffer, size, byref(count), None):
        if last_error() in (w.ERROR_BROKEN_PIPE, w.ERROR_NO_DATA):
            return b""
        raise WindowsCallError("ReadFile", last_error())
    return buffer.raw[: count.value]


def open_file(path: str, access: int, share: int, *, inheritable: bool = False, flags: int = 0) -> int:
    """Open what exists. WindowsCallError naming the path."""
    attributes = w.SecurityAttributes(ctypes.sizeof(w.SecurityAttributes), None, inheritable)
    handle = _create_file(wide(path), access, share, byref(attributes), w.OPEN_EXISTING, flags, None)
    if handle == INVALID_HANDLE:
        call = f"CreateFileW({path})"
        raise WindowsCallError(call, last_error())
    return int(handle)


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


def _duplicate_inheritable(handle: int | None) -> int:
    if handle in (None, 0, INVALID_HANDLE):
        return 0
    copy = w.HANDLE()
    own = _current_process()
    _duplicate(own, handle, own, byref(copy), 0, True, w.DUPLICATE_SAME_ACCESS)
    return copy.value or 0


def _set(job: int, kind: int, information: ctypes.Structure) -> None:
    _set_job(job, kind, byref(information), ctypes.sizeof(information))


def _query(job: int, kind: int, information: Any, size: int) -> None:
    if not _query_job(job, kind, byref(information), size, None):
        raise WindowsCallError("QueryInformationJobObject", last_error())
