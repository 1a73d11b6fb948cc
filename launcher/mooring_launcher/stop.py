"""Stopping: the `stop` command and the socket it asks on, and the ladder that ends a target step by step."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from mooring_launcher.reports.vitals import Living

SOCKET_NAME = "stop.sock"
_NETWORK_DRAIN_LIMIT_S = 5.0
_KILL_LIMIT_S = 10.0
_ACCEPT_PAUSE_S = 0.2
_WM_CLOSE = "WM_CLOSE"
_ASK_AGAIN_S = 0.2

T = TypeVar("T")


def request_stop(state_dir: str, tell: Callable[[str], None]) -> None:
    """Ask the launcher to stop and return when its target has gone. Nobody to ask means that it has."""
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
                return  # the launcher ended without a farewell


class Listening(Living, Protocol):
    """What hears stop requests, a thread: by a socket, on Windows by a named pipe."""

    def announce(self, line: str) -> None:
        """Tell every asker; who hung up is forgotten."""

    def close(self) -> None:
        """End every asker's wait and listen no more."""


def listen_for_stop(state_dir: str, on_stop: Callable[[str], None]) -> Listening:
    """Return this platform's listener, listening. OSError when the directory cannot be written."""
    if sys.platform == "win32":
        from mooring_launcher.platforms.windows.rendezvous import PipeListener

        return PipeListener(state_dir, on_stop)
    return StopListener(state_dir, on_stop)


class StopListener(threading.Thread):
    """Listens for stop requests. Each asker hears every step from then on, and the end of file when it is over."""

    def __init__(self, state_dir: str, on_stop: Callable[[str], None]) -> None:
        """Listen at once. OSError when the directory cannot be written."""
        super().__init__(name="mooring-stop", daemon=True)
        self._path = os.path.join(state_dir, SOCKET_NAME)
        self._on_stop = on_stop
        self._askers: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False
        with suppress(FileNotFoundError):
            os.unlink(self._path)  # a link itself, never what it leads to
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._path)
        self._listener.listen(8)

    def run(self) -> None:
        """Accept until closed."""
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(_ACCEPT_PAUSE_S)  # no descriptor is left; whoever asks waits
                continue
            asker.settimeout(1.0)  # one that does not read cannot hold up the stop
            with self._lock:
                self._askers.append(asker)
            self.announce("stop requested")
            self._on_stop("the stop command")

    def announce(self, line: str) -> None:
        """Tell every asker; who hung up is forgotten."""
        with self._lock:
            self._askers = [asker for asker in self._askers if _send_line(asker, line)]

    def close(self) -> None:
        """End every asker's wait and listen no more."""
        self._closed = True
        self._listener.close()
        with self._lock:
            for asker in self._askers:
                asker.close()
            self._askers = []
        try:
            os.unlink(self._path)
        except OSError:
            return  # the emptyDir has gone first


def _send_line(asker: socket.socket, line: str) -> bool:
    try:
        asker.sendall(line.encode() + b"\n")
    except OSError:
        asker.close()
        return False
    return True


class Stoppable(NamedTuple):
    """What the ladder needs of an attached target, as functions, so that it knows no backend."""

    wait_s: Callable[[float], bool]
    """Wait for the target up to so many seconds; whether it has ended, as its lifetime says."""
    run_command: Callable[[list[str], float], str]
    """Run the stop command inside the compartment; a sentence on how it went."""
    ask: Callable[[], bool | None]
    """Ask the program to stop; False when it is not to be asked."""
    kill: Callable[[], None]
    wait_all_s: Callable[[float], bool]
    unsent_bytes: Callable[[], int]
    await_siblings: Callable[[], None]
    """Wait for the replicas that share this one's network, if it is to outlive them too."""
    close_windows: Callable[[], bool] = lambda: False
    """Ask every window to close; False when there is none."""
    asks_by: str = "SIGTERM"
    kills_by: str = "SIGKILL"
    ask_further: Callable[[], None] | None = None
    """Ask those of the tree that stand alone only since the asking; None where the end of one process is all."""


class Ladder(threading.Thread):
    """Ends a target rung by rung: drain, command, SIGTERM, SIGKILL; then its last bytes leave. Runs once.

    On Windows the rungs after the command are a console event, WM_CLOSE and the end of the job.

    The launcher of the first ordinal at a shared anchor then waits for its siblings.
    """

    def __init__(
        self,
        target: Stoppable,
        stop: dict[str, Any],
        drain_s: float,
        tell: Callable[[str], None],
        on_done: Callable[[str], None],
    ) -> None:
        """Take the configuration's `stop`. `on_done` gets the rung the target ended on, from this thread."""
        super().__init__(name="mooring-ladder", daemon=True)
        self._target = target
        self._config = stop
        self._drain_s = drain_s
        self._tell = tell
        self._on_done = on_done

    def run(self) -> None:
        """Climb down and report the rung as people call it: the stop command, SIGTERM, CTRL_C, WM_CLOSE, SIGKILL."""
        rung = self._guarded(self._climb) or self._target.kills_by
        self._guarded(self._end_tree)
        self._guarded(self._await_last_bytes)
        self._guarded(self._target.await_siblings)
        self._on_done(rung)

    def _guarded(self, step: Callable[[], T]) -> T | None:
        """Take a step; one that fails is told, and the next is taken: a stop that hangs is worse than a rude one."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the target must end
            self._tell(f"a step of the stop failed: {type(error).__name__}: {error}")
            return None

    def _end_tree(self) -> None:
        """Kill whatever the main process left behind."""
        self._target.kill()
        if not self._target.wait_all_s(_KILL_LIMIT_S):
            self._tell(f"some processes do not end even after {self._target.kills_by}")

    def _climb(self) -> str:
        if self._drain_s > 0:
            self._tell(f"not ready; draining for {self._drain_s:g} s")
        if self._target.wait_s(self._drain_s):
            return "before it was asked to end"
        if self._config["command"] and self._command():
            return "the stop command"
        target = self._target
        if self._asked(target.asks_by, target.ask, self._config["consoleSeconds"], target.ask_further):
            return target.asks_by
        window_s = self._config.get("windowSeconds", 0)
        if window_s and self._asked(_WM_CLOSE, self._target.close_windows, window_s):
            return _WM_CLOSE
        self._tell(self._target.kills_by)
        return self._target.kills_by

    def _asked(
        self, by: str, ask: Callable[[], bool | None], budget_s: float, again: Callable[[], None] | None = None
    ) -> bool:
        """Ask in one way and give the target its budget; whether it ended. Who cannot be asked is not waited for."""
        asked = self._guarded(lambda: ask() is not False)
        if not asked:
            return self._target.wait_s(0)
        self._tell(f"{by}; waiting up to {budget_s} s")
        until_s = time.monotonic() + budget_s
        while again is not None and time.monotonic() + _ASK_AGAIN_S < until_s:
            if self._target.wait_s(_ASK_AGAIN_S):
                return True
            self._guarded(again)
        return self._target.wait_s(max(0.0, until_s - time.monotonic()))

    def _command(self) -> bool:
        """Run the stop command and give the target the rest of its budget; whether it ended."""
        budget_s = float(self._config["commandSeconds"])
        until_s = time.monotonic() + budget_s
        self._tell(f"stop command; waiting up to {budget_s:g} s")
        self._tell(self._target.run_command(self._config["command"], budget_s))
        return self._target.wait_s(max(0.0, until_s - time.monotonic()))

    def _await_last_bytes(self) -> None:
        """Let the kernel deliver what the target has written: the network stays until /hold is answered."""
        until_s = time.monotonic() + _NETWORK_DRAIN_LIMIT_S
        while time.monotonic() < until_s and self._target.unsent_bytes() > 0:
            time.sleep(0.02)
