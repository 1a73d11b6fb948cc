"""Jobs: what holds a tree of processes together, and the messages it sends."""

import ctypes
from ctypes import POINTER, byref, c_size_t, c_void_p
from typing import Any, NamedTuple

from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error
from mooring_launcher.platforms.windows.handles import INVALID_HANDLE, close_handle

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

JOB_MESSAGE, OWN_MESSAGE, COMMAND_MESSAGE = 0, 1, 2
"""Completion keys: of the target's job, of what the launcher posts itself, of the job of a command beside it."""


class Message(NamedTuple):
    """What came through a completion port: whose it is, what happened, to which process (0: to none)."""

    key: int
    what: int
    pid: int = 0


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
    """Wake the thread that waits at the port, with the key OWN_MESSAGE."""
    _post_queued(port, 0, OWN_MESSAGE, None)


def count_active(job: int) -> int:
    """Return how many processes are in the job and in those nested in it."""
    accounting = w.BasicAccountingInformation()
    _query(job, w.JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION, accounting, ctypes.sizeof(accounting))
    return int(accounting.ActiveProcesses)


def list_processes(job: int) -> list[int]:
    """Return the process ids of the job. While the list does not fit, it is read again with more room."""
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


def _set(job: int, kind: int, information: ctypes.Structure) -> None:
    _set_job(job, kind, byref(information), ctypes.sizeof(information))


def _query(job: int, kind: int, information: Any, size: int) -> None:
    if not _query_job(job, kind, byref(information), size, None):
        raise WindowsCallError("QueryInformationJobObject", last_error())
