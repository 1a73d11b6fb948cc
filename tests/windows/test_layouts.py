"""The layout oracle: the launcher's Windows structures and constants, against a compiler's headers."""

from __future__ import annotations

import ctypes
import inspect
import subprocess
from pathlib import Path

from mooring_launcher.platforms.windows import layouts

from tests.windows.machine import Machine
from tests.windows.parts import COMPILER, FLAGS

_HEADERS = ("winsock2", "ws2tcpip", "windows", "iphlpapi", "userenv", "aclapi", "sddl", "wintrust", "softpub")
# Constants under another name in the headers, most of them members of enumerations.
_IN_C = {
    "JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION": "JobObjectBasicAccountingInformation",
    "JOB_OBJECT_BASIC_PROCESS_ID_LIST": "JobObjectBasicProcessIdList",
    "JOB_OBJECT_ASSOCIATE_COMPLETION_PORT_INFORMATION": "JobObjectAssociateCompletionPortInformation",
    "JOB_OBJECT_EXTENDED_LIMIT_INFORMATION": "JobObjectExtendedLimitInformation",
    "GAA_FLAG_SKIP_OTHERS": "GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER",
    "IP_DAD_STATE_PREFERRED": "IpDadStatePreferred",
    "IF_OPER_STATUS_UP": "IfOperStatusUp",
    "MIB_TCP_STATE_FIN_WAIT1": "MIB_TCP_STATE_FIN_WAIT1",
    "MIB_TCP_STATE_LAST_ACK": "MIB_TCP_STATE_LAST_ACK",
    "WIN_BUILTIN_ADMINISTRATORS_SID": "WinBuiltinAdministratorsSid",
    "TOKEN_USER": "TokenUser",
}
_ONLY_BEGINNING = {"ProviderCertificate"}


def test_every_structure_and_constant_is_the_compilers(machine: Machine, tmp_path: Path) -> None:
    """Every size, offset and value of ctypes on Windows is that of mingw-w64's headers."""
    source = tmp_path / "layouts.c"
    source.write_text(_program())
    out = machine.drive / "layouts.exe"
    done = subprocess.run([COMPILER, *FLAGS, "-o", str(out), str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    printed = (line.split() for line in machine.run("C:\\layouts.exe").output.decode().splitlines())
    theirs = {name: int(value) for name, value in printed}
    ours = machine.run_python(Path(__file__).parent / "inside/layouts.py")
    for name in _ONLY_BEGINNING:
        del ours[name], theirs[name]
    assert len(ours) > 250
    assert ours == theirs


def _program() -> str:
    """Return a C program that prints a line for each: `STARTUPINFOW` is the first word of its class's docstring."""
    # windows.h has some of ntstatus.h's values; the two can be included together only like this.
    lines = ["#define WIN32_NO_STATUS", *(f"#include <{name}.h>" for name in _HEADERS)]
    lines += ["#undef WIN32_NO_STATUS", "#include <ntstatus.h>"]
    lines += ["#include <stddef.h>", "#include <stdio.h>", "int main(void) {"]
    for name, value in vars(layouts).items():
        if name.isupper() and isinstance(value, int):
            lines.append(f'printf("{name} %lu\\n", (unsigned long)({_IN_C.get(name, name)}));')
        elif inspect.isclass(value) and issubclass(value, ctypes.Structure) and value is not ctypes.Structure:
            structure = str(value.__doc__).split(" ")[0].rstrip(".;,")
            lines.append(f'printf("{name} %zu\\n", sizeof({structure}));')
            for field, *_ in value._fields_:
                lines.append(f'printf("{name}.{field} %zu\\n", offsetof({structure}, {field}));')
    return "\n".join([*lines, "return 0; }", ""])
