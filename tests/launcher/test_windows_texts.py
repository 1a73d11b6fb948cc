"""How the Windows backend reads and writes texts and tables, which can be tested without Windows."""

import struct
from typing import Any

import pytest
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.windows import layouts
from mooring_launcher.platforms.windows.network import hcn, ipconfig, sockets
from mooring_launcher.platforms.windows.process.account import logon_password, split_name
from mooring_launcher.platforms.windows.process.command_line import environment_block, join_arguments, long_path, quote
from mooring_launcher.platforms.windows.process.exit_status import KILLED, exit_status

_RULE = "=" * 78
# The format of recorded outputs, with our own words and addresses. Per language: the compartment's heading, in
# which the number need not be last, then an adapter's labels, then what is appended to an address in use.
_LANGUAGES = {
    "English": (
        "Network Information for Compartment {} (ACTIVE)",
        ("Media State", "Connection-specific DNS Suffix", "IPv6 Address", "Link-local IPv6 Address"),
        ("IPv4 Address", "Subnet Mask", "Default Gateway"),
        "(Preferred)",
    ),
    "German": (
        "Netzwerkinformationen für Depot {} (AKTIV)",
        ("Medienstatus", "Verbindungsspezifisches DNS-Suffix", "IPv6-Adresse", "Verbindungslokale IPv6-Adresse"),
        ("IPv4-Adresse", "Subnetzmaske", "Standardgateway"),
        "(Bevorzugt)",
    ),
    "Spanish": (
        "Información de red para el compartimiento {}",
        ("Estado de los medios", "Sufijo DNS de la conexión", "Dirección IPv6", "Vínculo: dirección IPv6 local"),
        ("Dirección IPv4", "Máscara de subred", "Puerta de enlace predeterminada"),
        "(Preferido)",
    ),
    "French": (
        "Informations réseau du compartiment {} (ACTIF)",
        ("Statut du média", "Suffixe DNS propre à la connexion", "Adresse IPv6", "Adresse IPv6 de liaison locale"),
        ("Adresse IPv4", "Masque de sous-réseau", "Passerelle par défaut"),
        "(préféré)",
    ),
    "Japanese": (
        "コンパートメント {} のネットワーク情報",
        ("メディアの状態", "接続固有の DNS サフィックス", "IPv6 アドレス", "リンクローカル IPv6 アドレス"),
        ("IPv4 アドレス", "サブネット マスク", "デフォルト ゲートウェイ"),
        "(優先)",
    ),
    "Chinese": (
        "分段 {} 的网络信息(活动)",
        ("媒体状态", "连接特定的 DNS 后缀", "IPv6 地址", "本地链接 IPv6 地址"),
        ("IPv4 地址", "子网掩码", "默认网关"),
        "(首选)",
    ),
}


def _ipconfig_text(language: str, line_end: str = "\r\n") -> str:
    """Return three compartments: the host's, one with both families, one with IPv6 only; and one that is empty."""
    heading, (media, suffix, ipv6, local), (ipv4, mask, gateway), used = _LANGUAGES[language]

    def lines(*pairs: tuple[str, str]) -> list[str]:
        return [
            f"   {label.ljust(34, '.')} : {value}".rstrip() if label else " " * 39 + value for label, value in pairs
        ]

    def part(number: int, *adapters: list[str]) -> list[str]:
        blocks = (["", f"Ethernet vEthernet {number}.{n}:", "", *one] for n, one in enumerate(adapters))
        return ["", "", _RULE, heading.format(number), _RULE, *(line for block in blocks for line in block)]

    unplugged = lines((media, "-"), (suffix, ""))
    host = lines((suffix, "plant.example"), (local, "fe80::a1%6"), (ipv4, "192.168.7.20"), (mask, "255.255.255.0"))
    host += lines((gateway, "192.168.7.254"))
    bridge = lines((suffix, ""), (ipv4, "10.77.3.2"), (mask, "255.255.255.128"), (gateway, ""))
    pod = lines((suffix, "apps.svc.cluster.local"), (ipv6, f"fd77:3::9{used}"), (local, f"fe80::c9%31{used}"))
    pod += lines((ipv4, f"10.77.3.9{used}"), (mask, "255.255.255.128"))
    pod += lines((gateway, "fe80::1%31"), ("", "10.77.3.2"))
    six = lines((suffix, ""), (ipv6, "fd77:3::a"), (local, "fe80::ca%40"), (gateway, "fd77:3::1"))
    text = ["", "Windows IP", *part(1, unplugged, host, bridge), *part(7, pod), *part(12, six), *part(15)]
    return line_end.join([*text, ""])


@pytest.mark.parametrize("line_end", ["\r\n", "\r\r\n"])
@pytest.mark.parametrize("language", _LANGUAGES)
def test_ipconfig_is_read_by_its_structure(language: str, line_end: str) -> None:
    """The compartment of an address is found in any language of Windows."""
    text = _ipconfig_text(language, line_end)
    wanted = {
        "192.168.7.20": [1],
        "fe80::a1": [1],
        "10.77.3.9": [7],
        "fd77:3::9": [7],
        "fe80::c9": [7],
        "fd77:3::a": [12],
        "fe80::ca": [12],
        "10.77.3.10": [],
    }
    assert {ip: list(ipconfig.parse(text, pack_ip(ip))) for ip in wanted} == wanted


@pytest.mark.parametrize("language", _LANGUAGES)
def test_a_gateway_is_no_address_of_its_compartment(language: str) -> None:
    """The host's bridge is every pod's gateway, but it is only in the host's compartment. Masks are not addresses."""
    text = _ipconfig_text(language)
    assert list(ipconfig.parse(text, pack_ip("10.77.3.2"))) == [1]
    for ip in ("192.168.7.254", "fe80::1", "fd77:3::1", "255.255.255.128"):
        assert ipconfig.parse(text, pack_ip(ip)) == {}, ip


_NETWORK = "5D3C0F6A-1111-4D0E-9A40-00000000BEEF"
_NAMESPACES: dict[str, dict[str, Any]] = {
    # As HCN has them on a node: the host's, a pod's, one whose container has not started, one that is being removed.
    "A7000000-0000-4000-8000-000000000001": {"NamespaceId": 1, "Type": "HostDefault", "Resources": []},
    "A7000000-0000-4000-8000-000000000007": {"NamespaceId": 7, "Type": "Host"},
    "A7000000-0000-4000-8000-0000000000FF": {"NamespaceId": 0, "Type": "Host"},
    "A7000000-0000-4000-8000-0000000000EE": {"Type": "Host", "Health": {"LastErrorCode": 1}},
}


def _endpoint(namespace: str, *addresses: str, **changes: Any) -> dict[str, Any]:
    """Return an endpoint in HCN's second schema, with everything that a CNI plugin puts into it."""
    document = {
        "ID": "0E9D0000-0000-4000-8000-000000000001",
        "Name": "c0ffee_net",
        "HostComputeNetwork": _NETWORK,
        "HostComputeNamespace": namespace,
        "Policies": [
            {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.77.0.0/16", "10.96.0.0/12"]}},
            {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}},
            {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "10.77.3.9"}},
        ],
        "IpConfigurations": [{"IpAddress": one, "PrefixLength": 64 if ":" in one else 25} for one in addresses],
        "Dns": {"Domain": "cluster.local", "Search": ["cluster.local"], "ServerList": ["10.96.0.10"]},
        "Routes": [{"NextHop": "10.77.3.2", "DestinationPrefix": "0.0.0.0/0", "Metric": 0}],
        "MacAddress": "00-15-5D-00-00-09",
        "Flags": 0,
        "Health": {"Data": None, "Extra": {"LastErrorCode": 0}},
        "SchemaVersion": {"Major": 2, "Minor": 16},
    }
    return document | changes


@pytest.mark.parametrize(
    ("ip", "compartments"),
    [
        ("10.77.3.9", [7]),
        ("fd77:3::9", [7]),
        ("fd77:0003:0:0::0009", [7]),
        ("10.77.3.2", [1]),  # next hop of the pod's routes, address of the host's own endpoint
        ("10.77.3.11", [0]),  # its container has not started: no compartment yet
        ("10.77.3.12", [0]),
        ("10.77.9.5", []),  # on another node
        ("10.96.0.10", []),
    ],
)
def test_documents_as_a_node_has_them_are_joined(ip: str, compartments: list[int]) -> None:
    """Only an endpoint's own addresses count; remote endpoints and those without a namespace are ignored."""
    host, pod, early, ending = _NAMESPACES
    endpoints = [
        _endpoint(host, "10.77.3.2"),
        _endpoint(pod, "10.77.3.9", "fd77:3::9"),
        _endpoint(early, "10.77.3.11"),
        _endpoint(ending, "10.77.3.12"),
        # What an overlay network keeps of pods on other nodes: no namespace at all, or one of zeros.
        _endpoint("", "10.77.9.5", Flags=1),
        _endpoint("00000000-0000-0000-0000-000000000000", "10.77.9.5", Flags=1),
        _endpoint(pod, IpConfigurations=[{}]),
        _endpoint(pod, IpConfigurations=[{"IpAddress": "not an address", "PrefixLength": 0}]),
    ]
    del endpoints[1]["Dns"], endpoints[1]["Health"]
    assert list(hcn.match(pack_ip(ip), endpoints, _NAMESPACES.get)) == compartments


def test_an_endpoint_is_joined_with_its_namespace() -> None:
    """HCN's endpoints that have the IP give the compartments of their namespaces; the others are ignored."""
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
    assert hcn.match(pack_ip("10.0.0.5"), endpoints, namespaces.get) == {7: "HCN namespace A"}
    assert hcn.match(pack_ip("10.0.0.9"), endpoints, namespaces.get) == {}


def test_a_container_is_found_among_a_namespaces_resources() -> None:
    """HCN's namespaces that list the container give their compartments; one that has no id yet gives none."""
    endpoint = {"Type": "Endpoint", "Data": {"Id": "4F2A"}}
    namespaces: list[dict[str, Any]] = [
        {"NamespaceId": 7, "Resources": [endpoint, {"Type": "Container", "Data": {"Id": "4f2a"}}]},
        {"NamespaceId": 8, "Resources": [endpoint, {"Type": "Container", "Data": {"Id": "4f2b"}}]},
        {"NamespaceId": 0, "Resources": [{"Type": "Container", "Data": {"Id": "4f2a"}}]},
        {"NamespaceId": 9, "Resources": None},
        {"NamespaceId": 10, "Resources": [{"Type": "Container", "Data": None}]},
        {"NamespaceId": 11},
    ]
    assert hcn.match_container("4F2A", namespaces) == {7}
    assert hcn.match_container("4f2c", namespaces) == set()


def test_the_tables_of_listeners_are_read_as_windows_lays_them_out() -> None:
    """A recorded table gives address, port and process; garbage in the upper half of a port does not matter."""
    row = struct.pack("<I4sI4sII", 2, bytes([10, 0, 0, 5]), 0xBEEF0000 | 0x901F, bytes(4), 0, 4242)
    (found,) = sockets.parse_rows(struct.pack("<I", 1) + row, layouts.TcpRow)
    assert (bytes(found.dwLocalAddr), sockets.parse_port(found.dwLocalPort), found.dwOwningPid) == (
        bytes([10, 0, 0, 5]),
        8080,
        4242,
    )
    row6 = struct.pack("<16sII16sIIII", pack_ip("fd00::5"), 0, 0x901F, bytes(16), 0, 0, 2, 4)
    (found6,) = sockets.parse_rows(struct.pack("<I", 1) + row6, layouts.Tcp6Row)
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
        ("C:\\my dir\\\n", '"C:\\my dir\\\n"'),
        ("plain\n", '"plain\n"'),
    ],
)
def test_arguments_are_quoted_as_the_rules_say(argument: str, quoted: str) -> None:
    """Backslashes are doubled only before a quotation mark (Microsoft's page on parsing command-line arguments)."""
    assert quote(argument) == quoted
    assert join_arguments(r"C:\a b.exe", [argument]) == rf'"C:\a b.exe" {quoted}'


def test_an_environment_block_is_sorted_and_tells_no_case() -> None:
    """Of names that differ in case the last counts; each variable ends with a zero, and the block with another."""
    assert environment_block({"b": "2", "PATH": "x", "A": "", "Path": "y"}) == "A=\0b=2\0Path=y\0\0"
    with pytest.raises(ValueError, match="TOKEN contains a null"):
        environment_block({"TOKEN": "a\0b"})


def test_long_paths_say_so() -> None:
    """A path that MAX_PATH would cut off gets the prefix that lifts the limit; a share has its own."""
    long = "x" * 300
    assert long_path(r"C:\a.exe") == r"C:\a.exe"
    assert long_path(f"C:\\{long}") == f"\\\\?\\C:\\{long}"
    assert long_path(f"\\\\server\\{long}") == f"\\\\?\\UNC\\server\\{long}"


def test_the_end_of_a_program_is_worded() -> None:
    """An NTSTATUS has its name and what to do; the launcher's own kill differs from a program that exits with 137."""
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
    """None for built-in accounts; for a managed one the constant with which LSA finds the real one (lmaccess.h)."""
    assert logon_password(run_as, given) == password


def test_an_account_without_its_password_is_refused() -> None:
    """The sentence says where the password is expected."""
    with pytest.raises(LauncherError, match="RUN_AS_PASSWORD"):
        logon_password(r"CORP\orders", None)
