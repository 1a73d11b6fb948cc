"""Handles of kernel32: files, pipes and waiting. A handle is an integer; the caller closes it."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_void_p

from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide

_close = bind("kernel32", "CloseHandle", w.BOOL, w.HANDLE)
_current_process = bind("kernel32", "GetCurrentProcess", w.HANDLE)
_duplicate = bind_checked(
    "kernel32", "DuplicateHandle", w.BOOL, w.HANDLE, w.HANDLE, w.HANDLE, POINTER(w.HANDLE), w.DWORD, w.BOOL, w.DWORD
)
_standard = bind("kernel32", "GetStdHandle", w.HANDLE, w.DWORD)
_wait = bind("kernel32", "WaitForSingleObject", w.DWORD, w.HANDLE, w.DWORD)
_create_pipe = bind_checked("kernel32", "CreatePipe", w.BOOL, POINTER(w.HANDLE), POINTER(w.HANDLE), c_void_p, w.DWORD)
_read_file = bind("kernel32", "ReadFile", w.BOOL, w.HANDLE, c_void_p, w.DWORD, POINTER(w.DWORD), c_void_p)
_create_file = bind(
    "kernel32", "CreateFileW", w.HANDLE, c_void_p, w.DWORD, w.DWORD, c_void_p, w.DWORD, w.DWORD, w.HANDLE
)

INVALID_HANDLE = c_void_p(-1).value


def close_handle(handle: int) -> None:
    """Close a handle; 0 means none."""
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


def wait_for(handle: int, timeout_ms: int = w.INFINITE) -> bool:
    """Wait for a process to end; whether it has."""
    return bool(_wait(handle, timeout_ms) == w.WAIT_OBJECT_0)


def duplicate_standard_handles() -> tuple[int, int, int]:
    """Return inheritable duplicates of the launcher's standard input, output and error, 0 where it has none."""
    numbers = (w.STD_INPUT_HANDLE, w.STD_OUTPUT_HANDLE, w.STD_ERROR_HANDLE)
    stdin, stdout, stderr = (_duplicate_inheritable(_standard(number)) for number in numbers)
    return stdin, stdout, stderr


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


def _duplicate_inheritable(handle: int | None) -> int:
    if handle in (None, 0, INVALID_HANDLE):
        return 0
    copy = w.HANDLE()
    own = _current_process()
    _duplicate(own, handle, own, byref(copy), 0, True, w.DUPLICATE_SAME_ACCESS)
    return copy.value or 0
