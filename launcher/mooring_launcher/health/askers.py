"""Who asks the launcher's server: the node itself, somebody inside the anchor's network, or a stranger.

kubelet asks from an address of its node: the node's own, or that of the bridge or gateway that the CNI made there. All
of them are in the node's network, which is the launcher's. Through a mesh's proxy a question comes from the anchor's
own address or from loopback (Istio: 127.0.0.6).
"""

import time
from collections.abc import Callable
from enum import IntEnum

from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.addresses import pack_ip

_REREAD_S = 1.0
"""How often at most an unknown address has the node's own read again: a flood of strangers must not make it work."""


class Origin(IntEnum):
    """Where a question comes from. Each origin has places of its own, so that none pushes out another."""

    NODE = 0
    """The node, so kubelet: also every other process on the node's network, and whatever the node masquerades."""
    NETWORK = 1
    """The anchor's own network: the program, a sidecar, a mesh's proxy on behalf of whoever it lets through."""
    STRANGER = 2


class Askers:
    """Tells where a question comes from by its peer's address."""

    def __init__(self, ip: str, read_node: Callable[[], frozenset[bytes]], warn: Callable[[str], None]) -> None:
        """Take the anchor's IP and what reads the node's addresses, packed; `warn` is told when they are not known."""
        self._own = pack_ip(ip)
        self._read_node = read_node
        self._warn = warn
        self._node: frozenset[bytes] | None = None
        self._read_s = float("-inf")
        self._read()

    def origin(self, peer: str) -> Origin:
        """Return the origin. While the node's addresses were never read everybody counts as the node.

        The other way round kubelet would be refused, and the network go before the program has stopped.
        """
        packed = pack_ip(peer)
        if packed == self._own or _is_loopback(packed):
            return Origin.NETWORK
        if packed not in (self._node or ()) and time.monotonic() - self._read_s >= _REREAD_S:
            self._read()
        return Origin.NODE if self._node is None or packed in self._node else Origin.STRANGER

    @property
    def knows_node(self) -> bool:
        """Whether the node's addresses have been read: what only the node may see is for nobody until then."""
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
