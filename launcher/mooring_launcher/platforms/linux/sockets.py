"""Who listens where, which process holds a socket, what is still to be sent.

By sock_diag(7), as ss does: the kernel then looks only at its few listeners, while reading /proc/<pid>/net/tcp
walks the hash of all connections (36 ms on a machine with 1 GiB of memory or more, against 0.1 ms). Where a kernel
lacks sock_diag, /proc is read (Documentation/networking/proc_net_tcp.rst). psutil's net_connections is of no use: it
shows the caller's own namespace.
"""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import NamedTuple

from mooring_launcher.platforms.linux import netlink
from mooring_launcher.platforms.scarcity import is_scarcity
from mooring_launcher.platforms.target import Listener

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_PROTOCOLS = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}

# include/net/tcp_states.h
_FIN_WAIT1, _CLOSE, _LAST_ACK, _LISTEN, _CLOSING = 4, 7, 9, 10, 11
# A UDP socket that is bound and not connected is in the state CLOSE.
_LISTENING = {"TCP": _LISTEN, "UDP": _CLOSE}

_REQUEST = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, socket id
_MESSAGE = struct.Struct("=BB2x2s2x16s28x4xIIII")  # inet_diag_msg: family, state, port, source, queues, uid, inode


class _Row(NamedTuple):
    address: str
    port: int
    unsent: int
    inode: int


class SocketTable:
    """The sockets of one network namespace: of the thread that makes this."""

    def __init__(self, net_folder: str) -> None:
        """`net_folder` is the /proc/…/net of the same namespace."""
        self._net_folder = net_folder
        self._lock = threading.Lock()
        self._netlink = netlink.open_netlink(_NETLINK_SOCK_DIAG)

    def close(self) -> None:
        """Close the descriptor."""
        with self._lock:
            self._netlink.close()

    def listeners(self, protocol: str) -> list[Listener]:
        """Return what listens (TCP) or is bound and unconnected (UDP); nothing once the namespace no longer exists."""
        rows = self._read(protocol, {_LISTENING[protocol]})
        return [Listener(protocol, row.address, row.port, row.inode) for row in rows if row.port]

    def unsent_bytes(self) -> int:
        """Return the bytes (and unacknowledged FINs) that connections closed by their owners have still to deliver."""
        return sum(row.unsent for row in self._read("TCP", {_FIN_WAIT1, _LAST_ACK, _CLOSING}))

    def _read(self, protocol: str, states: set[int]) -> list[_Row]:
        with self._lock:
            try:
                return [*self._ask(socket.AF_INET, protocol, states), *self._ask(socket.AF_INET6, protocol, states)]
            except OSError:
                return list(read_proc(self._net_folder, protocol, states))

    def _ask(self, family: int, protocol: str, states: set[int]) -> Iterator[_Row]:
        mask = sum(1 << state for state in states)
        body = _REQUEST.pack(family, _PROTOCOLS[protocol], 0, mask)
        for _kind, payload in netlink.dump(self._netlink, _SOCK_DIAG_BY_FAMILY, body):
            _family, _state, port, source, _receive, send, _uid, inode = _MESSAGE.unpack_from(payload)
            address = socket.inet_ntop(family, source[: 4 if family == socket.AF_INET else 16])
            yield _Row(address, int.from_bytes(port, "big"), send, inode)


def read_proc(net_folder: str, protocol: str, states: set[int]) -> Iterator[_Row]:
    """Read the same from /proc: columns 1 local address, 3 state, 4 queues, 9 inode."""
    for suffix in ("", "6"):
        for row in _lines(f"{net_folder}/{protocol.lower()}{suffix}"):
            if int(row[3], 16) in states:
                address, _, port = row[1].partition(":")
                unsent = int(row[4].partition(":")[0], 16)
                yield _Row(_decode_address(address), int(port, 16), unsent, int(row[9]))


def socket_inodes(pid: int) -> Iterator[tuple[int, str]]:
    """Yield (inode, /proc/<pid>/fd/<n>) for every socket the process holds. OSError as of `read_children`."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError as error:
        if is_scarcity(error):
            raise
        return
    for name in names:
        path = f"{folder}/{name}"
        inode = socket_inode(path)
        if inode is not None:
            yield inode, path


def socket_inode(path: str) -> int | None:
    """Return the inode of the socket behind a /proc/<pid>/fd/<n>, None if it is something else or closed."""
    try:
        link = os.readlink(path)
    except OSError:
        return None
    return int(link[8:-1]) if link.startswith("socket:[") else None


def _decode_address(digits: str) -> str:
    """Decode 8 or 32 hex digits: 32-bit words, each in the machine's own byte order."""
    words = [int(digits[i : i + 8], 16) for i in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _lines(path: str) -> Iterator[list[str]]:
    try:
        with open(path, encoding="ascii") as table:
            next(table, None)
            for line in table:
                yield line.split()
    except OSError as error:
        if is_scarcity(error):
            raise
        # The process has ended, or IPv6 is disabled.
