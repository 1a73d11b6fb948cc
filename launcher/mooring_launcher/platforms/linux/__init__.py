"""The Linux backend: a compartment is a network namespace. Needs CAP_SYS_ADMIN, and hostPID or /run/netns.

More than ten modules: each wraps one interface of the kernel, or is code that runs between fork and exec.
"""

from collections.abc import Callable

from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.linux import addresses, sockets
from mooring_launcher.platforms.linux.namespaces import address_usable, find_compartments, hold, networks_of, run_inside
from mooring_launcher.platforms.linux.target import start_target

__all__ = [
    "address_usable",
    "block_shutdown",
    "find_compartments",
    "hold",
    "networks_of",
    "node_addresses",
    "run_inside",
    "start_target",
    "unsent_bytes",
]


def block_shutdown(tell: Callable[[str], None]) -> None:
    """Do nothing: on Linux a container is shut down by SIGTERM, which the runner handles."""
    del tell


def node_addresses() -> frozenset[bytes]:
    """Return every address of the launcher's own network namespace, which hostNetwork makes the node's."""
    return frozenset(address.packed for address in addresses.read_addresses())


def unsent_bytes(compartment: Compartment) -> int:
    """Return how many bytes closed connections inside the namespace have still to deliver."""
    return run_inside(compartment, _count_unsent_bytes)


def _count_unsent_bytes() -> int:
    table = sockets.SocketTable("/proc/thread-self/net")
    try:
        return table.unsent_bytes()
    finally:
        table.close()
