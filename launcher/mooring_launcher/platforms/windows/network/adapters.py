"""Reads from iphlpapi which adapters of all compartments have which addresses, and in what state.

https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh
"""

import ctypes
import threading
from collections.abc import Iterator
from ctypes import POINTER, byref, c_void_p
from typing import Any, NamedTuple

from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind

_get_adapters = bind(
    "iphlpapi", "GetAdaptersAddresses", w.DWORD, w.DWORD, w.DWORD, c_void_p, c_void_p, POINTER(w.DWORD)
)
_notify = bind(
    "iphlpapi",
    "NotifyUnicastIpAddressChange",
    w.DWORD,
    w.WORD,
    c_void_p,
    c_void_p,
    ctypes.c_uint8,
    POINTER(w.HANDLE),
)
_cancel = bind("iphlpapi", "CancelMibChangeNotify2", w.DWORD, w.HANDLE)
_CHANGED = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, ctypes.c_int32)

_FLAGS = w.GAA_FLAG_INCLUDE_ALL_COMPARTMENTS | w.GAA_FLAG_SKIP_OTHERS
_FIRST_SIZE = 16 * 1024


class Unicast(NamedTuple):
    """One address of one adapter."""

    packed: bytes
    compartment: int
    adapter: str
    up: bool
    preferred: bool


def find(packed: bytes) -> dict[int, str]:
    """Return the compartments (id: the adapter's name) that have the IP. WindowsCallError."""
    return {one.compartment: one.adapter for one in read_addresses() if one.packed == packed}


def is_preferred(packed: bytes, compartment: int) -> bool:
    """Return whether the IP has passed duplicate address detection on an adapter of the compartment that is up."""
    return any(
        one.packed == packed and one.compartment == compartment and one.up and one.preferred for one in read_addresses()
    )


def read_addresses() -> list[Unicast]:
    """Return every unicast address of every compartment; read again with more room when the list has grown."""
    size = w.DWORD(_FIRST_SIZE)
    for _ in range(8):
        buffer = ctypes.create_string_buffer(size.value)
        code = _get_adapters(w.AF_UNSPEC, _FLAGS, None, buffer, byref(size))
        if code == 0:
            return list(_parse(ctypes.addressof(buffer)))
        if code != w.ERROR_BUFFER_OVERFLOW:
            break
        size.value *= 2
    if code == 232:  # ERROR_NO_DATA: no adapter at all
        return []
    raise WindowsCallError("GetAdaptersAddresses", code)


def await_change(timeout_s: float) -> None:
    """Return when an address of this node has changed, or the time is up."""
    changed = threading.Event()
    callback = _CHANGED(lambda _context, _row, _kind: changed.set())
    handle = w.HANDLE()
    told = _notify(w.AF_UNSPEC, callback, None, False, byref(handle)) == 0
    changed.wait(timeout_s)
    if told:
        _cancel(handle)  # waits for a callback that is under way


def _parse(address: int | None) -> Iterator[Unicast]:
    for adapter in _chain(w.AdapterAddresses, address):
        name = ctypes.wstring_at(adapter.FriendlyName) if adapter.FriendlyName else f"adapter {adapter.IfIndex}"
        for unicast in _chain(w.UnicastAddress, adapter.FirstUnicastAddress):
            packed = _packed(unicast.Address)
            up = adapter.OperStatus == w.IF_OPER_STATUS_UP
            yield Unicast(packed, adapter.CompartmentId, name, up, unicast.DadState == w.IP_DAD_STATE_PREFERRED)


def _chain(kind: Any, address: int | None) -> Iterator[Any]:
    while address:
        one = kind.from_address(address)
        yield one
        address = one.Next


def _packed(address: w.SocketAddress) -> bytes:
    """Return the IP of a sockaddr: after family and port, and with IPv6 after the flow label."""
    raw = ctypes.string_at(address.lpSockaddr, address.iSockaddrLength)
    return raw[8:24] if int.from_bytes(raw[:2], "little") == w.AF_INET6 else raw[4:8]
