"""Queries the Host Compute Network service: which namespace has an IP, and which compartment that namespace is.

computenetwork.dll, Windows Server 2019 and later. Each call returns an HRESULT and a text that CoTaskMemFree frees.
Documents: https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
"""

import ctypes
import json
from collections.abc import Callable
from ctypes import POINTER, byref, c_void_p
from typing import Any

from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import Function, WindowsCallError, bind, wide

_QUERY = '{"SchemaVersion":{"Major":2,"Minor":0},"Flags":0}'
_HRESULT = w.DWORD
_TEXT = POINTER(c_void_p)

_free = bind("ole32", "CoTaskMemFree", None, c_void_p)


class _Kind:
    """The four calls for one kind of object."""

    def __init__(self, one: str, many: str) -> None:
        self.one = one
        self.many = many
        self.enumerate = bind("computenetwork", f"HcnEnumerate{many}", _HRESULT, c_void_p, _TEXT, _TEXT)
        self.open = bind("computenetwork", f"HcnOpen{one}", _HRESULT, POINTER(w.Guid), POINTER(w.HANDLE), _TEXT)
        self.query = bind("computenetwork", f"HcnQuery{one}Properties", _HRESULT, w.HANDLE, c_void_p, _TEXT, _TEXT)
        self.close = bind("computenetwork", f"HcnClose{one}", _HRESULT, w.HANDLE)


_ENDPOINT = _Kind("Endpoint", "Endpoints")
_NAMESPACE = _Kind("Namespace", "Namespaces")


def find(packed: bytes) -> dict[int, str]:
    """Return the compartments (id: what HCN calls them) of the endpoints that have the IP. WindowsCallError."""
    return match(packed, _read_all(_ENDPOINT), lambda guid: _read(_NAMESPACE, guid))


def match(
    packed: bytes, endpoints: list[dict[str, Any]], namespace_of: Callable[[str], dict[str, Any] | None]
) -> dict[int, str]:
    """Join endpoints with their namespaces. An endpoint without a namespace is not attached yet."""
    found: dict[int, str] = {}
    for endpoint in endpoints:
        guid = endpoint.get("HostComputeNamespace") or ""
        if not guid.strip("{0-}") or not _has_ip(endpoint, packed):
            continue
        namespace = namespace_of(guid)
        if namespace is not None:
            found[int(namespace.get("NamespaceId") or 0)] = f"HCN namespace {guid}"
    return found


def find_by_container(container_id: str) -> set[int]:
    """Return the compartments that HCN says a container is in, by the id that the runtime gave it. WindowsCallError."""
    return match_container(container_id, _read_all(_NAMESPACE))


def match_container(container_id: str, namespaces: list[dict[str, Any]]) -> set[int]:
    """Pick the namespaces among whose resources the container is: hcsshim, hcn.GetNamespaceContainerIds."""

    def has_container(namespace: dict[str, Any]) -> bool:
        resources = [one for one in namespace.get("Resources") or [] if one.get("Type") == "Container"]
        return any(str((one.get("Data") or {}).get("Id")).lower() == container_id.lower() for one in resources)

    return {int(one.get("NamespaceId") or 0) for one in namespaces if has_container(one)} - {0}


def _has_ip(endpoint: dict[str, Any], packed: bytes) -> bool:
    addresses = (str(one.get("IpAddress") or "") for one in endpoint.get("IpConfigurations") or [])
    return any(_pack(address) == packed for address in addresses)


def _pack(address: str) -> bytes | None:
    """Return an address as bytes; None for an invalid one: one bad endpoint must not hide all others."""
    try:
        return pack_ip(address)
    except ValueError:
        return None


def _read_all(kind: _Kind) -> list[dict[str, Any]]:
    ids = json.loads(_call(kind.enumerate, f"HcnEnumerate{kind.many}", wide(_QUERY)) or "[]")
    documents = (_read(kind, guid) for guid in ids)
    return [document for document in documents if document is not None]


def _read(kind: _Kind, guid: str) -> dict[str, Any] | None:
    """Return an object's properties, None when it has vanished since it was named."""
    handle = w.HANDLE()
    try:
        _call(kind.open, f"HcnOpen{kind.one}({guid})", byref(parse_guid(guid)), byref(handle), answers=False)
    except WindowsCallError:
        return None
    try:
        text = _call(kind.query, f"HcnQuery{kind.one}Properties({guid})", handle, wide(_QUERY))
    except WindowsCallError:
        return None
    finally:
        kind.close(handle)
    document: dict[str, Any] = json.loads(text)
    return document


def _call(function: Function, name: str, *arguments: Any, answers: bool = True) -> str:
    """Make a call and return its text; HCN's own error text becomes part of the error."""
    text, error = c_void_p(), c_void_p()
    code = function(*arguments, *([byref(text)] if answers else []), byref(error))
    said, problem = _take(text), _take(error)
    if code:
        call = f"{name} ({problem})" if problem else name
        raise WindowsCallError(call, code)
    return said


def _take(text: c_void_p) -> str:
    if not text.value:
        return ""
    taken = ctypes.wstring_at(text.value)
    _free(text)
    return taken


def parse_guid(text: str) -> w.Guid:
    """Read a GUID, with braces or without."""
    digits = text.strip("{}").replace("-", "")
    tail = bytes.fromhex(digits[16:])
    return w.Guid(int(digits[:8], 16), int(digits[8:12], 16), int(digits[12:16], 16), (ctypes.c_uint8 * 8)(*tail))
