"""The native program and everything it started, as the rest of the launcher sees it."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class TargetSpec(NamedTuple):
    """What to start. `exe` is a full path; `working_dir` is empty for the launcher's own.

    From `console_event` to `signed_by`, only on Windows: how to ask it to stop, whether its job enters the compartment
    (`attach`), as whom it runs, and what its file must be. `lifetime`: `process` ends the target with its main process,
    `tree` with the last process of its tree.
    """

    exe: str
    args: list[str]
    working_dir: str
    env: dict[str, str]
    console_event: str = "ctrlC"
    attach: str = "job"
    run_as: str = ""
    sha256: str = ""
    signed_by: str = ""
    lifetime: str = "process"


class ExitStatus(NamedTuple):
    """How a program ended. `code` is its exit code, or 128 + n when `signal` n ended it."""

    code: int
    signal: int | None
    sentence: str


class CommandResult(NamedTuple):
    """How a command ended: `exit` is None when its time was up. `output` holds the first 4 KiB it printed."""

    exit: ExitStatus | None
    output: str


class Listener(NamedTuple):
    """A local port that is listened on (TCP) or bound (UDP).

    `owner` identifies the owner: the socket's inode on Linux, the process id on Windows.
    """

    protocol: str
    address: str
    port: int
    owner: int


class Target(Protocol):
    """One started program with its tree of processes, contained: the tree dies with the launcher."""

    @property
    def pid(self) -> int:
        """The main process, as the launcher's own process table numbers it."""

    @property
    def started_at(self) -> float:
        """When it was started, by time.monotonic()."""

    @property
    def asks_by(self) -> str:
        """What `ask_to_stop` sends, by its usual name."""

    @property
    def kills_by(self) -> str:
        """What `kill` does, by its usual name."""

    def on_exit(self, callback: Callable[[ExitStatus], None]) -> None:
        """Call back from another thread when the target has ended, as its lifetime says; immediately if it has."""

    def on_main_exit(self, callback: Callable[[ExitStatus], None]) -> None:
        """Call back from another thread when the main process has ended; immediately if it has."""

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        """Wait until the target has ended, as its lifetime says; None when the time is up first."""

    def main_exit(self) -> ExitStatus | None:
        """Return how the main process ended, None while it runs."""

    def wait_all(self, timeout_s: float | None = None) -> bool:
        """Wait until no process of the tree is left; False when the time is up first."""

    def ask_to_stop(self) -> bool:
        """Ask the program to stop (SIGTERM, a console event). Harmless when it has ended.

        With lifetime process that is the main process. With tree it is every process whose parent has ended, and the
        main one; on Windows every console of the tree.
        False when the configuration says not to; an exception when it cannot be asked.
        """

    def ask_further(self) -> None:
        """With lifetime tree, also ask processes whose parent has ended since; with process, do nothing."""

    def close_windows(self) -> bool:
        """Ask every window of the tree to close; False when there is none (on Linux always)."""

    def kill(self) -> None:
        """Kill every process of the tree. Harmless if they have ended."""

    def tree(self) -> list[int]:
        """Return the process ids of the tree, including those left behind by the main process."""

    def left_behind(self) -> list[str]:
        """Return the name of each process of the tree except the main one, in no particular order."""

    def listeners(self, protocol: str = "TCP") -> list[Listener]:
        """Return every TCP port of the compartment that is listened on (or UDP port bound), whoever owns it."""

    def owns(self, listener: Listener) -> bool:
        """Return whether a process of the tree holds that port."""

    def misplacement(self) -> str | None:
        """Return a sentence naming a process of the tree that runs or listens outside the compartment, if any."""

    def run_command(self, command: list[str], timeout_s: float) -> CommandResult:
        """Run a command beside the target: same compartment, processes, environment and working directory.

        It is killed when its time is up, and ends with the target's tree.
        """
