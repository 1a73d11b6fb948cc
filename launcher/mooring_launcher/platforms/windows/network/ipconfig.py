"""Reads `ipconfig /allcompartments`, in whatever language Windows speaks: the last resort.

Nothing is looked for by its words. A compartment's heading is a line that is framed by lines of `=`; its number is the
last in it. Below it, each adapter has its own heading, and indented lines `label . . : value`: its addresses, each
IPv4 one followed by its mask, then its gateways, of which further ones are on lines without a label. So an IPv4
address counts where a mask follows, an IPv6 address where another label does: gateways are not mistaken for addresses.
"""

import ctypes
import re

from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind
from mooring_launcher.platforms.windows.process import processes

_RULE = re.compile(r"^\s*={8,}\s*$")
_NUMBER = re.compile(r"(\d+)\D*$")
# The last colon before a blank: a label may have one too ("Vínculo: dirección IPv6 local").
_VALUE = re.compile(r"^\s+(\S.*)[:\uff1a]\s+(\S+)|^\s+(\S.*)[:\uff1a]\s*$")
_ADDRESS = re.compile(r"^[0-9A-Fa-f:.]+")

_oem_code_page = bind("kernel32", "GetOEMCP", w.DWORD)
_system_directory = bind("kernel32", "GetSystemDirectoryW", w.DWORD, ctypes.c_void_p, w.DWORD)


def find(packed: bytes) -> dict[int, str]:
    """Return the compartments (id: a name) that have the IP. WindowsCallError when ipconfig cannot be run."""
    return parse(_run().decode(f"cp{_oem_code_page()}", "replace"), packed)


def parse(text: str, packed: bytes) -> dict[int, str]:
    """Return the compartments in whose part of the text the IP is an adapter's own address."""
    found: dict[int, str] = {}
    compartment = None
    lines = [line for line in text.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if _is_heading(lines, index):
            number = _NUMBER.search(line)
            compartment = int(number[1]) if number else None
        elif compartment is not None and _own_address(lines, index) == packed:
            found[compartment] = f"compartment {compartment} of ipconfig"
    return found


def _is_heading(lines: list[str], index: int) -> bool:
    around = (index - 1, index + 1)
    framed = all(0 <= i < len(lines) and _RULE.match(lines[i]) for i in around)
    return framed and not _RULE.match(lines[index])


def _own_address(lines: list[str], index: int) -> bytes | None:
    """Return the address of an adapter that a line gives: 10.0.0.5, 10.0.0.5(Preferred), fe80::1%4; None for others."""
    label, address = _read_line(lines[index])
    follows, value = _read_line(lines[index + 1]) if index + 1 < len(lines) else ("", None)
    if not label or address is None or not follows:
        return None
    return None if len(address) == 4 and not _is_mask(value) else address


def _read_line(line: str) -> tuple[str, bytes | None]:
    """Return the label of an indented line, empty where it has none, and the address in its value, if it is one."""
    value = _VALUE.match(line)
    label = (value[1] or value[3]) if value else ""
    digits = _ADDRESS.match(value[2] or "") if value else None
    try:
        address = pack_ip(digits[0]) if digits else None
    except ValueError:
        address = None
    return label, address


def _is_mask(packed: bytes | None) -> bool:
    """Return whether these are ones, then zeros: 255.255.255.0, also 255.255.255.255 of a host's own route."""
    if packed is None or len(packed) != 4:
        return False
    zeros = int.from_bytes(packed, "big") ^ 0xFFFFFFFF
    return zeros & (zeros + 1) == 0 and zeros != 0xFFFFFFFF


def _run() -> bytes:
    """Return what ipconfig prints, in the code page of consoles."""
    buffer = ctypes.create_string_buffer(1024)
    _system_directory(buffer, 512)
    exe = buffer.raw.decode("utf-16-le").partition("\0")[0] + "\\ipconfig.exe"
    environ = {"SystemRoot": exe.rpartition("\\System32")[0]}
    with processes.helper(exe, ["/allcompartments"], environ) as (process, reading):
        text = b"".join(iter(lambda: handles.read_chunk(reading), b""))
        handles.wait_for(process)
        code = processes.read_exit_code(process)
    if code:
        raise WindowsCallError("ipconfig /allcompartments", code)
    return text
