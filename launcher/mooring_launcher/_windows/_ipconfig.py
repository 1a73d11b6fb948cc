"""Reads `ipconfig /allcompartments`, in whatever language Windows speaks: the last resort.

Nothing is looked for by its words. A compartment's heading is a line that is framed by lines of `=` and ends in a
number; an address is what parses as one on an indented line, after the last colon that is followed by a blank.
"""

import ctypes
import re

from mooring_launcher._windows import _layouts as w
from mooring_launcher._windows import _processes
from mooring_launcher._windows._addresses import pack_ip
from mooring_launcher._windows._calls import WindowsCallError, bind
from mooring_launcher._windows._command_line import environment_block, join_arguments

_RULE = re.compile(r"^\s*={8,}\s*$")
_NUMBER = re.compile(r"(\d+)\D*$")
_VALUE = re.compile(r"^\s+.*?[:\uff1a]\s+(\S+)|^\s+(\S+)\s*$")
_ADDRESS = re.compile(r"^[0-9A-Fa-f:.]+")

_oem_code_page = bind("kernel32", "GetOEMCP", w.DWORD)
_system_directory = bind("kernel32", "GetSystemDirectoryW", w.DWORD, ctypes.c_void_p, w.DWORD)


def find(packed: bytes) -> dict[int, str]:
    """Return the compartments (id: a name) that have the IP. WindowsCallError when ipconfig cannot be run."""
    return parse(_run().decode(f"cp{_oem_code_page()}", "replace"), packed)


def parse(text: str, packed: bytes) -> dict[int, str]:
    """Return the compartments in whose part of the text the IP stands."""
    found: dict[int, str] = {}
    compartment = None
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if _is_heading(lines, index):
            number = _NUMBER.search(line)
            compartment = int(number[1]) if number else None
        elif compartment is not None and _address(line) == packed:
            found[compartment] = f"compartment {compartment} of ipconfig"
    return found


def _is_heading(lines: list[str], index: int) -> bool:
    around = (index - 1, index + 1)
    return bool(lines[index].strip()) and all(0 <= i < len(lines) and _RULE.match(lines[i]) for i in around)


def _address(line: str) -> bytes | None:
    """Return the address on a line: 10.0.0.5, 10.0.0.5(Preferred), fe80::1%4; None when there is none."""
    value = _VALUE.match(line)
    digits = _ADDRESS.match(value[1] or value[2] or "") if value else None
    try:
        return pack_ip(digits[0]) if digits else None
    except ValueError:
        return None


def _run() -> bytes:
    """Return what ipconfig prints, in the code page of consoles."""
    buffer = ctypes.create_string_buffer(1024)
    _system_directory(buffer, 512)
    exe = buffer.raw.decode("utf-16-le").partition("\0")[0] + "\\ipconfig.exe"
    reading, writing = _processes.create_pipe()
    with _processes.closing(reading):
        with _processes.closing(writing):
            new = _processes.NewProcess(
                exe,
                join_arguments(exe, ["/allcompartments"]),
                "",
                environment_block({"SystemRoot": exe.rpartition("\\System32")[0]}),
                (),
                (0, writing, writing),
                w.CREATE_NO_WINDOW,
            )
            process, _pid = _processes.create_process(new)
        with _processes.closing(process):
            text = b"".join(iter(lambda: _processes.read_chunk(reading), b""))
            _processes.wait_for(process)
            code = _processes.read_exit_code(process)
    if code:
        raise WindowsCallError("ipconfig /allcompartments", code)
    return text
