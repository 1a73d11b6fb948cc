"""Which IP addresses the calling thread's network namespace has, by rtnetlink (rtnetlink(7)).

Netlink rather than `ip` or getifaddrs, because only it distinguishes tentative and failed IPv6 addresses.
"""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from mooring_launcher.platforms.linux import netlink

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_DADFAILED, _IFA_F_TENTATIVE = 0x08, 0x40
_IFF_UP = 0x1

_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, interface, flags, change
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type


class Address(NamedTuple):
    """One configured address: packed, with whether duplicate address detection has let it through."""

    packed: bytes
    interface: int
    settled: bool


def read_addresses() -> list[Address]:
    """Return every address of the calling thread's namespace."""
    return [_parse_address(payload) for payload in _dump(_RTM_GETADDR, _RTM_NEWADDR)]


def read_interfaces_up() -> set[int]:
    """Return the indexes of the interfaces that are up in the calling thread's namespace."""
    links = (_LINK.unpack_from(payload) for payload in _dump(_RTM_GETLINK, _RTM_NEWLINK))
    return {index for _family, _type, index, flags, _change in links if flags & _IFF_UP}


def _parse_address(payload: bytes) -> Address:
    _family, _prefix, flags, _scope, interface = _ADDRESS.unpack_from(payload)
    attributes = dict(_attributes(payload[_ADDRESS.size :]))
    if _IFA_FLAGS in attributes:
        (flags,) = struct.unpack("=I", attributes[_IFA_FLAGS])
    # On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL, where present, is always this one.
    packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS, b"")
    return Address(packed, interface, not flags & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def _dump(request: int, answer: int) -> Iterator[bytes]:
    """Yield the payload of each message of type `answer`."""
    with netlink.open_netlink(socket.NETLINK_ROUTE) as route:
        body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        yield from (payload for kind, payload in netlink.dump(route, request, body) if kind == answer)
