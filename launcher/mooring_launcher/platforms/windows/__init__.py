"""The Windows backend: a compartment is a Windows network compartment, the target's tree a job. Needs SYSTEM's rights.

No library is loaded before a function is called, so that importing it anywhere is harmless. What each belief about
Windows rests on is in docs/windows-fidelity.md.
"""

from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.windows.network import compartments, sockets
from mooring_launcher.platforms.windows.network.compartments import (
    address_usable,
    find_compartments,
    hold,
    networks_of,
    node_addresses,
    run_inside,
)
from mooring_launcher.platforms.windows.process.console import block_shutdown
from mooring_launcher.platforms.windows.process.target import start_target

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


def unsent_bytes(compartment: Compartment) -> int:
    """Return how many closed connections inside the compartment have still something to deliver."""
    return compartments.run_inside(compartment, sockets.count_unsent)
