"""What the Windows backend makes of texts and tables: it needs no Windows to be right."""

import struct
from typing import Any

import pytest
from mooring_launcher._windows import _hcn, _ipconfig, _layouts, _sockets
from mooring_launcher._windows._account import logon_password, split_name
from mooring_launcher._windows._addresses import pack_ip
from mooring_launcher._windows._command_line import environment_block, join_arguments, long_path, quote
from mooring_launcher._windows._exit_status import KILLED, exit_status
from mooring_launcher.errors import LauncherError

_RULE = "=" * 78
# As Windows prints it in each language; the words are not looked at, the structure is.
_LANGUAGES = {
    "English": (
        "Network Information for Compartment {} (ACTIVE)",
        "IPv4 Address. . . . . . . . . . . :",
        "(Preferred)",
    ),
    "German": ("Netzwerkinformationen für Depot {} (AKTIV)", "IPv4-Adresse  . . . . . . . . . . :", "(Bevorzugt)"),
    "Spanish": ("Información de red para el compartimiento {}", "Dirección IPv4. . . . . . . . . . :", "(Preferido)"),
    "French": ("Informations réseau du compartiment {}", "Adresse IPv4. . . . . . . . . . . :", "(préféré)"),
    "Japanese": ("コンパートメント {} のネットワーク情報", "IPv4 アドレス . . . . . . . . . . .:", "(優先)"),
}


def _ipconfig_text(language: str) -> str:
    heading, label, preferred = _LANGUAGES[language]
    parts = ["", "Windows IP Configuration", ""]
    for number, address in ((1, "192.168.1.10"), (7, "10.244.0.5"), (12, "10.244.0.6")):
        parts += ["", _RULE, heading.format(number), _RULE, "", "vEthernet (Ethernet) 3:", ""]
        parts += [f"   Connection-specific DNS Suffix  . : cluster{number}.local"]
        parts += [f"   Link-local IPv6 Address . . . . . : fe80::{number}%4", f"   {label} {address}{preferred}"]
        parts += [
            "   Subnet Mask . . . . . . . . . . . : 255.255.255.0",
            "   Default Gateway . . . . . . . . . : 10.244.0.1",
        ]
    return "\r\n".join(parts)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_ipconfig_is_read_by_its_structure(language: str) -> None:
    """The compartment of an address is found whatever language Windows speaks."""
    text = _ipconfig_text(language)
    assert list(_ipconfig.parse(text, pack_ip("10.244.0.5"))) == [7]
    assert list(_ipconfig.parse(text, pack_ip("10.244.0.6"))) == [12]
    assert list(_ipconfig.parse(text, pack_ip("fe80::1"))) == [1]
    assert _ipconfig.parse(text, pack_ip("10.244.0.7")) == {}


def test_an_endpoint_is_joined_with_its_namespace() -> None:
    """HCN's endpoints that have the IP give the compartments of their namespaces; the others are passed over."""
    endpoints: list[dict[str, Any]] = [
        {"HostComputeNamespace": "A", "IpConfigurations": [{"IpAddress": "10.0.0.5"}]},
        {"HostComputeNamespace": "B", "IpConfigurations": [{"IpAddress": "10.0.0.6"}]},
        {"HostComputeNamespace": "", "IpConfigurations": [{"IpAddress": "10.0.0.5"}]},
        {
            "HostComputeNamespace": "00000000-0000-0000-0000-000000000000",
            "IpConfigurations": [{"IpAddress": "10.0.0.5"}],
        },
        {"HostComputeNamespace": "GONE", "IpConfigurations": [{"IpAddress": "10.0.0.5"}]},
        {"HostComputeNamespace": "A", "IpConfigurations": None},
    ]
    namespaces = {"A": {"NamespaceId": 7}, "B": {"NamespaceId": 8}}
    assert _hcn.match(pack_ip("10.0.0.5"), endpoints, namespaces.get) == {7: "HCN namespace A"}
    assert _hcn.match(pack_ip("10.0.0.9"), endpoints, namespaces.get) == {}


def test_the_tables_of_listeners_are_read_as_windows_lays_them_out() -> None:
    """A recorded table gives address, port and process; rubbish in a port's upper half does not count."""
    row = struct.pack("<I4sI4sII", 2, bytes([10, 0, 0, 5]), 0xBEEF0000 | 0x901F, bytes(4), 0, 4242)
    (found,) = _sockets.parse_rows(struct.pack("<I", 1) + row, _layouts.TcpRow)
    assert (bytes(found.dwLocalAddr), _sockets.parse_port(found.dwLocalPort), found.dwOwningPid) == (
        bytes([10, 0, 0, 5]),
        8080,
        4242,
    )
    row6 = struct.pack("<16sII16sIIII", pack_ip("fd00::5"), 0, 0x901F, bytes(16), 0, 0, 2, 4)
    (found6,) = _sockets.parse_rows(struct.pack("<I", 1) + row6, _layouts.Tcp6Row)
    assert (bytes(found6.ucLocalAddr), found6.dwOwningPid) == (pack_ip("fd00::5"), 4)


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        (r"C:\folder\x", r"C:\folder\x"),
        ("C:\\two words\\", r'"C:\two words\\"'),
        ('say "hi"', r'"say \"hi\""'),
        ('a\\"b', r'"a\\\"b"'),
    ],
)
def test_arguments_are_quoted_as_the_rules_say(argument: str, quoted: str) -> None:
    """Backslashes are doubled before a quote alone (Microsoft's page on parsing command-line arguments)."""
    assert quote(argument) == quoted
    assert join_arguments(r"C:\a b.exe", [argument]) == rf'"C:\a b.exe" {quoted}'


def test_an_environment_block_is_sorted_and_tells_no_case() -> None:
    """Of names that differ in case the last counts; each variable ends with a zero, the block with one more."""
    assert environment_block({"b": "2", "PATH": "x", "A": "", "Path": "y"}) == "A=\0b=2\0Path=y\0\0"
    with pytest.raises(ValueError, match="TOKEN holds a zero"):
        environment_block({"TOKEN": "a\0b"})


def test_long_paths_say_so() -> None:
    """A path that MAX_PATH would cut gets the prefix that lifts it, on a share its own."""
    long = "x" * 300
    assert long_path(r"C:\a.exe") == r"C:\a.exe"
    assert long_path(f"C:\\{long}") == f"\\\\?\\C:\\{long}"
    assert long_path(f"\\\\server\\{long}") == f"\\\\?\\UNC\\server\\{long}"


def test_the_end_of_a_program_is_worded() -> None:
    """An NTSTATUS has its name and what to do; the launcher's own kill is told apart from a program that exits 137."""
    assert exit_status(3).sentence == "exited with code 3"
    assert "STATUS_INVALID_IMAGE_FORMAT" in exit_status(0xC000007B).sentence
    assert exit_status(KILLED, killed=True).sentence == "was ended together with its job"
    assert exit_status(KILLED).sentence == "exited with code 137"
    assert exit_status(0xC0001234).sentence == "exited with code 0xC0001234"


@pytest.mark.parametrize(
    ("run_as", "split"),
    [
        ("LocalService", ("NT AUTHORITY", "LocalService")),
        (r"NT AUTHORITY\Network Service", ("NT AUTHORITY", "NetworkService")),
        (r"CORP\orders$", ("CORP", "orders$")),
        ("orders", (".", "orders")),
        (r"CORP\LocalService", ("CORP", "LocalService")),
    ],
)
def test_accounts_are_named_as_windows_names_them(run_as: str, split: tuple[str, str]) -> None:
    """Built-in accounts belong to NT AUTHORITY; a name without a domain is this machine's."""
    assert split_name(run_as) == split


@pytest.mark.parametrize(
    ("run_as", "given", "password"),
    [
        ("LocalService", None, None),
        (r"NT AUTHORITY\NetworkService", "unused", None),
        (r"CORP\orders$", None, "_SA_{262E99C9-6160-4871-ACEC-4E61736B6F21}"),
        ("orders$", "unused", "_SA_{262E99C9-6160-4871-ACEC-4E61736B6F21}"),
        (r"CORP\orders", "secret", "secret"),
        (r".\orders", "", ""),
    ],
)
def test_each_account_logs_on_with_the_password_that_windows_wants(
    run_as: str, given: str | None, password: str | None
) -> None:
    """None for built-in accounts; for a managed one the constant by which LSA finds the real one (lmaccess.h)."""
    assert logon_password(run_as, given) == password


def test_an_account_without_its_password_is_refused() -> None:
    """The sentence says where the password is expected."""
    with pytest.raises(LauncherError, match="RUN_AS_PASSWORD"):
        logon_password(r"CORP\orders", None)
