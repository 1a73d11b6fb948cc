"""Network compartments: what a backend can do with one.

A compartment is a Windows network compartment (id: its number) or, on Linux, a network namespace (id: the inode of
its nsfs file). The packages `linux` and `windows` have the functions of `Backend`.
"""

from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Protocol, TypeVar

from mooring_launcher.platforms.target import Target, TargetSpec

T = TypeVar("T")


class Compartment(NamedTuple):
    """One network compartment of this node. `name` is what the platform finds it by and what messages show."""

    id: int
    name: str


class Hold(Protocol):
    """Keeps a compartment alive and its id from being used again, until `close()`."""

    def close(self) -> None:
        """Let the compartment go. A second call does nothing."""

    def __enter__(self) -> "Hold":
        """Return itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""


class Backend(Protocol):
    """What a platform provides. Every failure is a LauncherError that names the call, the code and what it was for."""

    def find_compartments(self, ip: str) -> list[Compartment]:
        """Return the compartments that `ip` is configured in: none means not yet, several mean ambiguous."""

    def networks_of(self, uid: str, container_id: str) -> set[int]:
        """Return the ids of the compartments that the pod's own processes are in; none where this cannot be determined.

        `uid` is the pod's, `container_id` one of its containers' as in its status (`containerd://…`).
        """

    def address_usable(self, compartment: Compartment, ip: str) -> bool:
        """Return whether `ip` is configured, past duplicate address detection, on an interface that is up."""

    def hold(self, compartment: Compartment) -> Hold:
        """Keep the compartment alive. While it is held, every call reaches it, even after its name was removed."""

    def run_inside(self, compartment: Compartment, function: Callable[[], T]) -> T:
        """Call `function` in a thread inside the compartment; its result or exception is handed back.

        On Linux that is a fresh thread, on Windows the caller's own, which is taken out again. Sockets that it makes
        stay inside for their whole life, whichever thread uses them later.
        """

    def start_target(self, compartment: Compartment, spec: TargetSpec) -> Target:
        """Start a program inside the compartment from its first instruction, its descendants contained."""

    def node_addresses(self) -> frozenset[bytes]:
        """Return every address of the node's own network, which is the launcher's, as 4 or 16 bytes each.

        Not to be called inside a compartment. LauncherError or OSError when they cannot be read.
        """

    def unsent_bytes(self, compartment: Compartment) -> int:
        """Return how many bytes closed connections inside the compartment have still to deliver.

        Windows does not count bytes: there it is the number of such connections.
        """

    def block_shutdown(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called, from another thread, when the container is shut down by anything but a signal.

        Until this process ends by itself, the shutdown waits.
        """


class Inside(NamedTuple):
    """A compartment together with the backend that reaches it."""

    backend: Backend
    compartment: Compartment

    def run(self, function: Callable[[], T]) -> T:
        """Call `function` inside: `Backend.run_inside`."""
        return self.backend.run_inside(self.compartment, function)
