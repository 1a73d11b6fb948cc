"""Sockets as /proc tells them: who listens where, which process holds a socket, what is still to be sent.

The tables are /proc/<pid>/net/{tcp,tcp6,udp,udp6} (Documentation/networking/proc_net_tcp.rst): psutil's
net_connections would show the caller's own namespace instead.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator

from mooring_launcher.target import Listener

# include/net/tcp_states.h
_LISTEN = "0A"
_UNCONNECTED_UDP = "07"
_CLOSING = frozenset({"04", "09", "0B"})  # FIN_WAIT1, LAST_ACK, CLOSING

_LOCAL, _STATE, _QUEUES, _INODE = 1, 3, 4, 9


def read_listeners(net_folder: str) -> list[Listener]:
    """Return what listens (TCP) or is bound and unconnected (UDP) in the namespace of a /proc/…/net folder.

    An empty list when the process has gone.
    """
    listeners: list[Listener] = []
    for protocol in ("tcp", "udp"):
        for suffix in ("", "6"):
            rows = _rows(f"{net_folder}/{protocol}{suffix}")
            listeners += _listening_tcp(rows) if protocol == "tcp" else _bound_udp(rows)
    return listeners


def count_unsent_bytes(net_folder: str) -> int:
    """Return the bytes (and unacknowledged FINs) that connections closed by their owners have still to deliver."""
    total = 0
    for table in ("tcp", "tcp6"):
        for row in _rows(f"{net_folder}/{table}"):
            if row[_STATE] in _CLOSING:
                total += int(row[_QUEUES].partition(":")[0], 16)
    return total


def socket_inodes(pid: int) -> Iterator[tuple[int, str]]:
    """Yield (inode, /proc/<pid>/fd/<n>) for every socket the process holds."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        inode = socket_inode(path)
        if inode is not None:
            yield inode, path


def socket_inode(path: str) -> int | None:
    """Return the inode of the socket behind a /proc/<pid>/fd/<n>, None when it is something else or has gone."""
    try:
        link = os.readlink(path)
    except OSError:
        return None
    return int(link[8:-1]) if link.startswith("socket:[") else None


def _listening_tcp(rows: Iterable[list[str]]) -> Iterator[Listener]:
    for row in rows:
        # The kernel prints all listeners before the first connection (net/ipv4/tcp_ipv4.c: tcp_get_idx), so a
        # node with 100,000 connections costs no more than one without.
        if row[_STATE] != _LISTEN:
            return
        yield _listener("TCP", row)


def _bound_udp(rows: Iterable[list[str]]) -> Iterator[Listener]:
    return (_listener("UDP", row) for row in rows if row[_STATE] == _UNCONNECTED_UDP)


def _listener(protocol: str, row: list[str]) -> Listener:
    address, _, port = row[_LOCAL].partition(":")
    return Listener(protocol, _decode_address(address), int(port, 16), int(row[_INODE]))


def _decode_address(digits: str) -> str:
    """Decode 8 or 32 hex digits: 32-bit words, each in the machine's own byte order."""
    words = [int(digits[i : i + 8], 16) for i in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _rows(path: str) -> Iterator[list[str]]:
    try:
        with open(path, encoding="ascii") as table:
            next(table, None)
            for line in table:
                yield line.split()
    except OSError:
        return  # the process has gone, or IPv6 is switched off
