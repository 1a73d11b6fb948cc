"""Where a request comes from: the node itself, the anchor's network, or a stranger.

kubelet connects from an address of its node: the node's own, or that of the bridge or gateway that the CNI made there.
All of them are in the node's network, which is the launcher's. Through a mesh's proxy a request comes from the anchor's
own address or from loopback (Istio: 127.0.0.6).
"""

import time
from collections.abc import Callable
from enum import IntEnum

from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.addresses import pack_ip

_REREAD_S = 1.0
"""The shortest time between reads of the node's addresses: a flood of strangers must not cause work."""


class Origin(IntEnum):
    """Where a request comes from. Each origin has its own slots, so that none crowds out another."""

    NODE = 0
    """The node, so kubelet: also every other process on the node's network, and whatever the node masquerades."""
    NETWORK = 1
    """The anchor's own network: the program, a sidecar, a mesh's proxy on behalf of the clients it admits."""
    STRANGER = 2


class Askers:
    """Finds out where a request comes from by its peer's address."""

    def __init__(self, ip: str, read_node: Callable[[], frozenset[bytes]], warn: Callable[[str], None]) -> None:
        """Take the anchor's IP and what reads the node's packed addresses; `warn` is called while they are unknown."""
        self._own = pack_ip(ip)
        self._read_node = read_node
        self._warn = warn
        self._node: frozenset[bytes] | None = None
        self._read_s = float("-inf")
        self._read()

    def origin(self, peer: str) -> Origin:
        """Return the origin. Until the node's addresses have been read, everyone counts as the node.

        Without that, kubelet would be refused, and the network would be removed before the program has stopped.
        """
        packed = pack_ip(peer)
        if packed == self._own or _is_loopback(packed):
            return Origin.NETWORK
        if packed not in (self._node or ()) and time.monotonic() - self._read_s >= _REREAD_S:
            self._read()
        return Origin.NODE if self._node is None or packed in self._node else Origin.STRANGER

    @property
    def knows_node(self) -> bool:
        """Whether the node's addresses are known: until then, what only the node may see is shown to no client."""
        return self._node is not None

    def _read(self) -> None:
        self._read_s = time.monotonic()
        try:
            self._node = self._read_node()
        except (OSError, LauncherError) as error:
            if self._node is None:
                self._warn(f"the node's addresses cannot be read, so anyone may request /hold: {error}")


def _is_loopback(packed: bytes) -> bool:
    return packed[0] == 127 if len(packed) == 4 else packed == bytes(15) + b"\1"
