"""Who listens where, by process, as the calling thread's compartment shows it; and what is still to be sent.

https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
"""

import ctypes
import socket
from collections.abc import Iterator
from ctypes import POINTER, byref, c_void_p
from typing import Any

from mooring_launcher.platforms.target import Listener
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import Function, WindowsCallError, bind

_tcp_table = bind(
    "iphlpapi", "GetExtendedTcpTable", w.DWORD, c_void_p, POINTER(w.DWORD), w.BOOL, w.DWORD, ctypes.c_int32, w.DWORD
)
_udp_table = bind(
    "iphlpapi", "GetExtendedUdpTable", w.DWORD, c_void_p, POINTER(w.DWORD), w.BOOL, w.DWORD, ctypes.c_int32, w.DWORD
)
_UNSENT = (w.MIB_TCP_STATE_FIN_WAIT1, w.MIB_TCP_STATE_CLOSING, w.MIB_TCP_STATE_LAST_ACK)
_FIRST_SIZE = 4096


def read_listeners(protocol: str) -> list[Listener]:
    """Return what listens (TCP) or is bound (UDP), both families. WindowsCallError."""
    rows: list[Any]
    if protocol == "TCP":
        function, table = _tcp_table, w.TCP_TABLE_OWNER_PID_LISTENER
        rows = [*_read(function, table, w.AF_INET, w.TcpRow), *_read(function, table, w.AF_INET6, w.Tcp6Row)]
    else:
        function, table = _udp_table, w.UDP_TABLE_OWNER_PID
        rows = [*_read(function, table, w.AF_INET, w.UdpRow), *_read(function, table, w.AF_INET6, w.Udp6Row)]
    return [_listener(protocol, row) for row in rows]


def count_unsent() -> int:
    """Return how many connections their owners have closed that have still something to deliver.

    Windows does not say how many bytes; a connection that waits for its last acknowledgement counts as one.
    """
    function, table = _tcp_table, w.TCP_TABLE_OWNER_PID_ALL
    rows = [*_read(function, table, w.AF_INET, w.TcpRow), *_read(function, table, w.AF_INET6, w.Tcp6Row)]
    return sum(row.dwState in _UNSENT for row in rows)


def _listener(protocol: str, row: Any) -> Listener:
    packed = bytes(row.ucLocalAddr if hasattr(row, "ucLocalAddr") else row.dwLocalAddr)
    address = socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
    return Listener(protocol, address, parse_port(row.dwLocalPort), row.dwOwningPid)


def parse_port(number: int) -> int:
    """Return a port from its field: two bytes in network order; Windows leaves garbage in the other two."""
    return int.from_bytes((number & 0xFFFF).to_bytes(2, "little"), "big")


def _read(function: Function, table: int, family: int, row: Any) -> Iterator[Any]:
    """Yield the rows of a table. It may grow between two calls: then it is read again with more room."""
    size = w.DWORD(_FIRST_SIZE)
    code = w.ERROR_INSUFFICIENT_BUFFER
    for _ in range(8):
        buffer = ctypes.create_string_buffer(size.value)
        code = function(buffer, byref(size), False, family, table, 0)
        if code == 0:
            yield from parse_rows(buffer.raw, row)
            return
        if code != w.ERROR_INSUFFICIENT_BUFFER:
            break
        size.value += size.value // 2
    call = "GetExtendedTcpTable" if function is _tcp_table else "GetExtendedUdpTable"
    raise WindowsCallError(call, code)


def parse_rows(table: bytes, row: Any) -> list[Any]:
    """Return the rows of a table as Windows lays it out: their number, then one after the other."""
    count = int.from_bytes(table[:4], "little")
    return list((row * count).from_buffer_copy(table, 4))
