"""The stop ladder: ends a target rung by rung, each with a time budget."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.target import Target

_NETWORK_DRAIN_LIMIT_S = 5.0
_KILL_LIMIT_S = 10.0
_ASK_AGAIN_S = 0.2
_WM_CLOSE = "WM_CLOSE"
_STOP_COMMAND = "the stop command"
_ENDED_FIRST = "before it was asked to end"

T = TypeVar("T")


class Ladder(threading.Thread):
    """Stops a target: drain, stop command, SIGTERM, SIGKILL; then waits until its last bytes are sent. Runs once.

    On Windows the rungs after the command are a console event, WM_CLOSE and the termination of the job.
    """

    def __init__(
        self,
        target: Target,
        unsent_bytes: Callable[[], int],
        await_siblings: Callable[[], None],
        stop: dict[str, Any],
        drain_s: float,
        tell: Callable[[str], None],
        on_done: Callable[[str], None],
    ) -> None:
        """Take the configuration's `stop`. `on_done` is called from this thread with the rung the target ended on.

        `await_siblings` comes last: it returns when no other replica needs this one's network any more.
        """
        super().__init__(name="mooring-ladder", daemon=True)
        self._target = target
        self._unsent_bytes = unsent_bytes
        self._await_siblings = await_siblings
        self._config = stop
        self._drain_s = drain_s
        self._tell = tell
        self._on_done = on_done

    def run(self) -> None:
        """Go down the ladder and report the rung: the stop command, SIGTERM, CTRL_C, WM_CLOSE, SIGKILL and so on."""
        rung = self._guarded(self._descend) or self._target.kills_by
        self._guarded(self._kill_tree)
        self._guarded(self._await_last_bytes)
        self._guarded(self._await_siblings)
        self._on_done(rung)

    def _guarded(self, step: Callable[[], T]) -> T | None:
        """Take a step. If it fails, report that and continue: a stop that hangs is worse than an abrupt one."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the target must end
            self._tell(f"a step of the stop failed: {type(error).__name__}: {error}")
            return None

    def _descend(self) -> str:
        """Try rung after rung and return the one the target ended on, or the last, which is left to `_kill_tree`."""
        target = self._target
        if self._drain_s > 0:
            self._tell(f"not ready; draining for {self._drain_s:g} s")
        if self._has_ended(self._drain_s):
            return _ENDED_FIRST
        if self._config["command"] and self._run_command():
            return _STOP_COMMAND
        if self._ask(target.asks_by, target.ask_to_stop, self._config["consoleSeconds"], target.ask_further):
            return target.asks_by
        window_s = self._config.get("windowSeconds", 0)
        if window_s and self._ask(_WM_CLOSE, target.close_windows, window_s):
            return _WM_CLOSE
        self._tell(target.kills_by)
        return target.kills_by

    def _has_ended(self, within_s: float) -> bool:
        return self._target.wait(within_s) is not None

    def _run_command(self) -> bool:
        """Run the stop command and give the target the rest of its budget. Return whether the target ended."""
        budget_s = float(self._config["commandSeconds"])
        until_s = time.monotonic() + budget_s
        self._tell(f"stop command; waiting up to {budget_s:g} s")
        self._tell(_run_stop_command(self._target, self._config["command"], budget_s))
        return self._has_ended(_left_s(until_s))

    def _ask(
        self, rung: str, ask: Callable[[], bool], budget_s: float, again: Callable[[], None] | None = None
    ) -> bool:
        """Ask the target to stop and wait for its budget. Return whether it ended.

        A target that cannot be asked this way is not waited for. While waiting, `again` reaches processes that were
        missed.
        """
        if not self._guarded(ask):
            return self._has_ended(0)
        self._tell(f"{rung}; waiting up to {budget_s} s")
        until_s = time.monotonic() + budget_s
        while again is not None and time.monotonic() + _ASK_AGAIN_S < until_s:
            if self._has_ended(_ASK_AGAIN_S):
                return True
            self._guarded(again)
        return self._has_ended(_left_s(until_s))

    def _kill_tree(self) -> None:
        """Kill every process that is left."""
        self._target.kill()
        if not self._target.wait_all(_KILL_LIMIT_S):
            self._tell(f"some processes do not end even after {self._target.kills_by}")

    def _await_last_bytes(self) -> None:
        """Let the kernel deliver what the target wrote: the network stays up until /hold is answered."""
        until_s = time.monotonic() + _NETWORK_DRAIN_LIMIT_S
        while time.monotonic() < until_s and self._unsent_bytes() > 0:
            time.sleep(0.02)


def _run_stop_command(target: Target, command: list[str], budget_s: float) -> str:
    """Run it and return a sentence with the result. A command that cannot be run must not end the stop."""
    started_s = time.monotonic()
    try:
        result = target.run_command(command, budget_s)
    except (LauncherError, OSError) as error:
        return f"the stop command could not be run: {error}"
    ended = "was killed when its time was up" if result.exit is None else result.exit.sentence
    return f"the stop command {ended} after {time.monotonic() - started_s:.1f} s"


def _left_s(until_s: float) -> float:
    return max(0.0, until_s - time.monotonic())
