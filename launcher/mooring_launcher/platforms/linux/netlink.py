"""Netlink dumps (netlink(7)): one request, many answers."""

import socket
import struct
from collections.abc import Iterator

_NLM_F_REQUEST_DUMP = 0x001 | 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port


def open_netlink(protocol: int) -> socket.socket:
    """Return a netlink socket of the calling thread's network namespace; it stays there for its whole life."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)


def dump(netlink: socket.socket, request: int, body: bytes) -> list[tuple[int, bytes]]:
    """Return the type and payload of every answer. OSError when the kernel refuses, e.g. ENOENT: unknown table."""
    netlink.send(_HEADER.pack(_HEADER.size + len(body), request, _NLM_F_REQUEST_DUMP, 1, 0) + body)
    answers: list[tuple[int, bytes]] = []
    while True:
        for kind, payload in _messages(netlink.recv(65536)):
            if kind == _NLMSG_DONE:
                return answers
            if kind == _NLMSG_ERROR:
                (code,) = struct.unpack_from("=i", payload)
                raise OSError(-code, f"netlink request {request} refused")
            answers.append((kind, payload))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, offset)
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3
