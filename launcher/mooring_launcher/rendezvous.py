"""Where the `stop` command meets the running launcher: at a socket in the state directory, on Windows a named pipe."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from mooring_launcher.reports.vitals import Living

SOCKET_NAME = "stop.sock"
_ACCEPT_PAUSE_S = 0.2


def request_stop(state_dir: str, tell: Callable[[str], None]) -> None:
    """Ask the launcher to stop and return once its target has stopped. If there is no launcher, it already has."""
    if sys.platform == "win32":
        from mooring_launcher.platforms.windows.rendezvous import request_stop as request_on_windows

        request_on_windows(state_dir, tell)
        return
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with client:
        try:
            client.connect(os.path.join(state_dir, SOCKET_NAME))
        except OSError as error:
            tell(f"no launcher to stop: {error.strerror}")
            return
        with client.makefile("r", encoding="utf-8", errors="replace") as lines:
            try:
                for line in lines:
                    tell(line.rstrip("\n"))
            except OSError:
                return  # the launcher ended without closing the connection properly


class Listening(Living, Protocol):
    """The thread that receives stop requests."""

    def announce(self, line: str) -> None:
        """Send a line to every waiting `stop` command; those that hung up are dropped."""

    def close(self) -> None:
        """Let every waiting `stop` command return, and stop listening."""


def listen_for_stop(state_dir: str, on_stop: Callable[[str], None]) -> Listening:
    """Return this platform's listener; it accepts connections already. OSError when the directory is not writable."""
    if sys.platform == "win32":
        from mooring_launcher.platforms.windows.rendezvous import PipeListener

        return PipeListener(state_dir, on_stop)
    return StopListener(state_dir, on_stop)


class StopListener(threading.Thread):
    """Accepts `stop` commands. Each receives every step from then on, and the end of file when the stop is complete."""

    def __init__(self, state_dir: str, on_stop: Callable[[str], None]) -> None:
        """Listen from now on. OSError when the directory is not writable."""
        super().__init__(name="mooring-stop", daemon=True)
        self._path = os.path.join(state_dir, SOCKET_NAME)
        self._on_stop = on_stop
        self._clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False
        with suppress(FileNotFoundError):
            os.unlink(self._path)  # removes a link itself, never the file it points to
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._path)
        self._listener.listen(8)

    def run(self) -> None:
        """Accept until closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(_ACCEPT_PAUSE_S)  # out of file descriptors; the client waits
                continue
            client.settimeout(1.0)  # a client that does not read must not delay the stop
            with self._lock:
                self._clients.append(client)
            self.announce("stop requested")
            self._on_stop("the stop command")

    def announce(self, line: str) -> None:
        """Send a line to every waiting `stop` command; those that hung up are dropped."""
        with self._lock:
            self._clients = [client for client in self._clients if _send_line(client, line)]

    def close(self) -> None:
        """Let every waiting `stop` command return, and stop listening."""
        self._closed = True
        self._listener.close()
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients = []
        try:
            os.unlink(self._path)
        except OSError:
            return  # the emptyDir was removed first


def _send_line(client: socket.socket, line: str) -> bool:
    try:
        client.sendall(line.encode() + b"\n")
    except OSError:
        client.close()
        return False
    return True
