"""Checks that the program on disk is the intended one: by its SHA-256, by its signer.

Both look at one opened file, which stays open, shared only for reading, until the process exists: so it cannot be
replaced by another program in between.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_void_p

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.target import TargetSpec
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, describe, wide
from mooring_launcher.platforms.windows.network.hcn import parse_guid

_verify = bind("wintrust", "WinVerifyTrust", ctypes.c_int32, w.HANDLE, POINTER(w.Guid), POINTER(w.WintrustData))
_provider_data = bind("wintrust", "WTHelperProvDataFromStateData", c_void_p, w.HANDLE)
_provider_signer = bind("wintrust", "WTHelperGetProvSignerFromChain", c_void_p, c_void_p, w.DWORD, w.BOOL, w.DWORD)
_provider_certificate = bind("wintrust", "WTHelperGetProvCertFromChain", c_void_p, c_void_p, w.DWORD)
_name = bind("crypt32", "CertGetNameStringW", w.DWORD, c_void_p, w.DWORD, w.DWORD, c_void_p, c_void_p, w.DWORD)

_GENERIC_VERIFY_V2 = "{00AAC56B-CD44-11d0-8CC2-00C04FC295EE}"
_PROBLEMS = {
    w.TRUST_E_NOSIGNATURE: "it is not signed",
    w.TRUST_E_BAD_DIGEST: "it was changed after it was signed",
    w.CERT_E_UNTRUSTEDROOT: "its signer's certificate chains to an authority that this node does not trust",
    w.CERT_E_CHAINING: "its signer's certificate chains to an authority that this node does not know",
    w.CERT_E_EXPIRED: "its signer's certificate has expired, and there is no time stamp",
}


@contextmanager
def verified(spec: TargetSpec) -> Iterator[None]:
    """Check what the spec requires of the program, and keep it from being changed meanwhile.

    LauncherError TARGET_NOT_FOUND, TARGET_CHECKSUM or TARGET_SIGNATURE. Without a requirement nothing is opened.
    """
    if not (spec.sha256 or spec.signed_by):
        yield
        return
    with _opened(spec.exe) as handle:
        if spec.sha256:
            check_sha256(spec.exe, handle, spec.sha256)
        if spec.signed_by:
            check_signer(spec.exe, handle, spec.signed_by)
        yield


def check_sha256(exe: str, handle: int, wanted: str) -> None:
    """LauncherError TARGET_CHECKSUM unless the file has this sum."""
    import hashlib  # only now: it costs milliseconds of every start

    digest = hashlib.sha256()
    while chunk := handles.read_chunk(handle, 1 << 20):
        digest.update(chunk)
    if digest.hexdigest() != wanted.lower():
        message = f"{exe} has sha256 {digest.hexdigest()}, target.sha256 is {wanted.lower()}"
        raise LauncherError(ExitCode.TARGET_CHECKSUM, message)


def check_signer(exe: str, handle: int, wanted: str) -> None:
    """LauncherError TARGET_SIGNATURE unless the file's Authenticode signature is valid and its signer the expected one.

    `wanted` is the subject's common name, or its whole X.500 name as Windows writes it.
    """
    path = wide(exe)
    file = w.WintrustFileInfo(ctypes.sizeof(w.WintrustFileInfo), ctypes.addressof(path), handle, None)
    data = w.WintrustData(cbStruct=ctypes.sizeof(w.WintrustData), pFile=ctypes.addressof(file))
    data.dwUIChoice, data.fdwRevocationChecks = w.WTD_UI_NONE, w.WTD_REVOKE_NONE
    data.dwUnionChoice, data.dwProvFlags = w.WTD_CHOICE_FILE, w.WTD_CACHE_ONLY_URL_RETRIEVAL
    data.dwStateAction = w.WTD_STATEACTION_VERIFY
    action = parse_guid(_GENERIC_VERIFY_V2)
    code = _verify(None, byref(action), byref(data)) & 0xFFFFFFFF
    try:
        names = _signer_names(data.hWVTStateData) if code == 0 else []
    finally:
        data.dwStateAction = w.WTD_STATEACTION_CLOSE
        _verify(None, byref(action), byref(data))
    if code:
        why = _PROBLEMS.get(code, "its signature is not valid")
        message = f"{exe}: target.signedBy is {wanted!r}, but {why}: WinVerifyTrust: {describe(code)}"
        raise LauncherError(ExitCode.TARGET_SIGNATURE, message)
    if wanted not in names:
        found = " or ".join(map(repr, names)) or "nobody"
        message = f"{exe} is signed by {found}, target.signedBy is {wanted!r}"
        raise LauncherError(ExitCode.TARGET_SIGNATURE, message)


def _signer_names(state: int | None) -> list[str]:
    """Return the signer's common name and whole name."""
    provider = _provider_data(state)
    signer = _provider_signer(provider, 0, False, 0) if provider else None
    entry = _provider_certificate(signer, 0) if signer else None
    if not entry:
        return []
    certificate = w.ProviderCertificate.from_address(entry).pCert
    kind = w.DWORD(w.CERT_X500_NAME_STR)
    common = _read_name(certificate, w.CERT_NAME_ATTR_TYPE, ctypes.c_char_p(b"2.5.4.3"))
    whole = _read_name(certificate, w.CERT_NAME_RDN_TYPE, byref(kind))
    return [common, whole]


def _read_name(certificate: int, kind: int, parameter: object) -> str:
    pointer = ctypes.cast(parameter, c_void_p)  # type: ignore[arg-type]  # a pointer of whatever kind
    length = _name(certificate, kind, 0, pointer, None, 0)
    buffer = ctypes.create_string_buffer(2 * length)
    _name(certificate, kind, 0, pointer, buffer, length)
    return buffer.raw.decode("utf-16-le").partition("\0")[0]


@contextmanager
def _opened(exe: str) -> Iterator[int]:
    try:
        handle = handles.open_file(exe, w.GENERIC_READ, w.FILE_SHARE_READ)
    except WindowsCallError as error:
        raise LauncherError(ExitCode.TARGET_NOT_FOUND, str(error)) from error
    with handles.closing(handle):
        yield handle
