"""Where the `stop` command finds the running launcher: a named pipe that only SYSTEM and Administrators may open.

All pods of a node share its pipe names, so each launcher picks a random name and writes it to its state
directory, which is the pod's own. Creation fails if the pipe exists already: no other process can have taken the name.

The client lets the server identify it and no more: without that flag a server may act as its client (impersonation),
and `stop` runs as SYSTEM, with a name read from a file.
"""

import ctypes
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import POINTER, byref, c_void_p

from mooring_launcher.platforms.files import create_file
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide

FILE_NAME = "stop.pipe"
_PREFIX = "\\\\.\\pipe\\mooring-stop-"
_ACCESS = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;OW)"
"""SDDL: all rights to SYSTEM, Administrators and the owner (the launcher's account), none to anyone else."""
_CLIENT_FLAGS = w.SECURITY_SQOS_PRESENT | w.SECURITY_IDENTIFICATION
"""How the pipe is opened (CreateFileW, "Named Pipe"): without SECURITY_SQOS_PRESENT the level is impersonation."""
_BUFFER = 64 * 1024
_BUSY_LIMIT_S = 5.0

_parse_access = bind_checked(
    "advapi32",
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
    w.BOOL,
    c_void_p,
    w.DWORD,
    POINTER(c_void_p),
    c_void_p,
)
_create_pipe = bind(
    "kernel32",
    "CreateNamedPipeW",
    w.HANDLE,
    c_void_p,
    w.DWORD,
    w.DWORD,
    w.DWORD,
    w.DWORD,
    w.DWORD,
    w.DWORD,
    POINTER(w.SecurityAttributes),
)
_connect = bind("kernel32", "ConnectNamedPipe", w.BOOL, w.HANDLE, c_void_p)
_write_file = bind_checked("kernel32", "WriteFile", w.BOOL, w.HANDLE, c_void_p, w.DWORD, POINTER(w.DWORD), c_void_p)


class PipeListener(threading.Thread):
    """Listens for stop requests, as `rendezvous.StopListener` does on Linux."""

    def __init__(self, state_dir: str, on_stop: Callable[[str], None]) -> None:
        """Listen from now on. OSError when the directory is not writable or the pipe cannot be created."""
        super().__init__(name="mooring-stop", daemon=True)
        self._on_stop = on_stop
        self._name = _PREFIX + secrets.token_hex(16)
        self._clients: list[int] = []
        self._lock = threading.Lock()
        self._closing = False
        self._waiting = self._new_instance(w.FILE_FLAG_FIRST_PIPE_INSTANCE)
        self._path = os.path.join(state_dir, FILE_NAME)
        with open(create_file(self._path), "w", encoding="ascii") as file:
            file.write(self._name)

    def run(self) -> None:
        """Accept until closed."""
        while True:
            connected = _connect(self._waiting, None) or last_error() == w.ERROR_PIPE_CONNECTED
            with self._lock:
                if self._closing:
                    return
                if connected:
                    self._clients.append(self._waiting)
                self._waiting = self._new_instance()
            if connected:
                self.announce("stop requested")
                self._on_stop("the stop command")

    def announce(self, line: str) -> None:
        """Send a line to every waiting `stop` command; those that hung up are dropped."""
        with self._lock:
            self._clients = [client for client in self._clients if _send_line(client, line)]

    def close(self) -> None:
        """Let every waiting `stop` command return, and stop listening."""
        with self._lock:
            self._closing = True
            for client in self._clients:
                handles.close_handle(client)
            self._clients = []
        try:
            os.unlink(self._path)
        except OSError:
            return  # the emptyDir was removed first

    def _new_instance(self, flags: int = 0) -> int:
        descriptor = c_void_p()
        _parse_access(wide(_ACCESS), w.SDDL_REVISION_1, byref(descriptor), None)
        security = w.SecurityAttributes(ctypes.sizeof(w.SecurityAttributes), descriptor.value, False)
        access = w.PIPE_ACCESS_DUPLEX | flags
        kind, most = w.PIPE_REJECT_REMOTE_CLIENTS, w.PIPE_UNLIMITED_INSTANCES
        pipe = _create_pipe(wide(self._name), access, kind, most, _BUFFER, _BUFFER, 0, byref(security))
        if pipe == handles.INVALID_HANDLE:
            error = WindowsCallError(f"CreateNamedPipeW({self._name})", last_error())
            raise OSError(error.code, str(error))
        return int(pipe)


def request_stop(state_dir: str, tell: Callable[[str], None]) -> None:
    """Ask the launcher to stop and return once its target has stopped. If there is no launcher, it already has."""
    try:
        with open(os.path.join(state_dir, FILE_NAME), encoding="ascii") as file:
            pipe = _open(file.read())
    except (OSError, WindowsCallError) as error:
        tell(f"no launcher to stop: {error}")
        return
    with handles.closing(pipe):
        for line in _lines(pipe):
            tell(line)


def _open(name: str) -> int:
    """Open the pipe; if another client has taken the last instance, wait for the next one."""
    until_s = time.monotonic() + _BUSY_LIMIT_S
    while True:
        try:
            return handles.open_file(name, w.GENERIC_READ | w.GENERIC_WRITE, 0, flags=_CLIENT_FLAGS)
        except WindowsCallError as error:
            if error.code != w.ERROR_PIPE_BUSY or time.monotonic() > until_s:
                raise
        time.sleep(0.05)


def _lines(pipe: int) -> Iterator[str]:
    """Yield each line until the launcher hangs up or ends."""
    text = b""
    while True:
        try:
            chunk = handles.read_chunk(pipe)
        except WindowsCallError:
            return  # the launcher ended without closing the pipe properly
        if not chunk:
            return
        *lines, text = (text + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)


def _send_line(client: int, line: str) -> bool:
    data = line.encode() + b"\n"
    try:
        _write_file(client, data, len(data), byref(w.DWORD()), None)
    except WindowsCallError:
        handles.close_handle(client)
        return False
    return True
