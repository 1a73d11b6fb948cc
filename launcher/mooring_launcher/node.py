"""Whether somebody asks from the node itself, as kubelet and its administrators do."""

import socket
import sys

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291: an IPv4 address as IPv6


def is_node_address(asker: str) -> bool:
    """Tell whether an address is one of the node's own network, which is the launcher's.

    The anchor's own and loopback are not: through a mesh's proxy everybody comes from there. Nobody is the node while
    its addresses cannot be read. Not to be called inside a compartment.
    """
    text = asker.partition("%")[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text).removeprefix(_MAPPED)
    if packed[:1] == b"\x7f" or packed == bytes(15) + b"\1":
        return False
    try:
        return packed in _read_own()
    except OSError:
        return False


def _read_own() -> set[bytes]:
    if sys.platform == "win32":
        from mooring_launcher._windows._adapters import read_addresses as read_windows
        from mooring_launcher._windows._calls import WindowsCallError

        try:
            return {one.packed for one in read_windows() if one.compartment == 1}
        except WindowsCallError:
            return set()
    from mooring_launcher._linux._addresses import read_addresses

    return {one.packed for one in read_addresses()}
