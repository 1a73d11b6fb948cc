"""Who else may change a path on Windows: by owner and access control list of it and of each directory above.

Trusted are SYSTEM, Administrators, TrustedInstaller, administrators of the domain and the launcher's own account.
A directory below C: inherits "Users may create" on a server and "Authenticated Users may modify" on a client. Who may
only create cannot change what is there, so that counts only where names are looked up that may be absent.
"""

import ctypes
import functools
import ntpath
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_void_p

from mooring_launcher.platforms.windows import descriptor, handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide

_OWN = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
"""SDDL of the state directory: all rights to SYSTEM, Administrators and the owner, and nothing inherited."""

_final_path = bind("kernel32", "GetFinalPathNameByHandleW", w.DWORD, w.HANDLE, c_void_p, w.DWORD, w.DWORD)
_get_security = bind(
    "advapi32", "GetKernelObjectSecurity", w.BOOL, w.HANDLE, w.DWORD, c_void_p, w.DWORD, POINTER(w.DWORD)
)
_set_security = bind_checked("advapi32", "SetKernelObjectSecurity", w.BOOL, w.HANDLE, w.DWORD, c_void_p)
_parse_access = bind_checked(
    "advapi32",
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
    w.BOOL,
    c_void_p,
    w.DWORD,
    POINTER(c_void_p),
    c_void_p,
)
_open_token = bind_checked("advapi32", "OpenProcessToken", w.BOOL, w.HANDLE, w.DWORD, POINTER(w.HANDLE))
_own_process = bind("kernel32", "GetCurrentProcess", w.HANDLE)
_token_information = bind_checked(
    "advapi32", "GetTokenInformation", w.BOOL, w.HANDLE, ctypes.c_int32, c_void_p, w.DWORD, POINTER(w.DWORD)
)
_sid_length = bind("advapi32", "GetLengthSid", w.DWORD, c_void_p)
_local_free = bind("kernel32", "LocalFree", c_void_p, c_void_p)


def find_exposure(path: str, lookup: bool) -> str:
    """Say who else could change what `path` names; see `trust.find_exposure`. OSError."""
    last = ntpath.abspath(path)
    with _seam(path):
        final = _resolve(last)
        for place in {**dict.fromkeys(_ways(last)), **dict.fromkeys(_way(final))}:
            rights = descriptor.REPLACE
            if place in (last, final):
                rights = _rights(final, lookup)
            if found := descriptor.judge(read(place), rights, {own_sid()}):
                return f"{place} {found}"
    return ""


def make_own(directory: str) -> str:
    """Give the directory an access control list without anyone else; say whose it is if not the launcher's."""
    with _seam(directory):
        wanted = _rights(directory, lookup=True)
        own = read(_resolve(directory))
        if not descriptor.judge(own, wanted, {own_sid()}):
            return ""
        if found := descriptor.judge(own, 0, {own_sid()}):
            return f"{directory} {found}"
        security = c_void_p()
        _parse_access(wide(_OWN), w.SDDL_REVISION_1, byref(security), None)
        try:
            with _opened(directory, w.READ_CONTROL | w.WRITE_DAC, 0) as handle:
                _set_security(handle, w.DACL_SECURITY_INFORMATION, security)
        finally:
            _local_free(security)
    return ""


def read(path: str) -> descriptor.Descriptor:
    """Return owner and rights of a file or directory; of a link those of the link itself. WindowsCallError."""
    what, needed = w.OWNER_SECURITY_INFORMATION | w.DACL_SECURITY_INFORMATION, w.DWORD()
    with _opened(path, w.READ_CONTROL, w.FILE_FLAG_OPEN_REPARSE_POINT) as handle:
        _get_security(handle, what, None, 0, byref(needed))
        buffer = ctypes.create_string_buffer(max(1, needed.value))
        if not _get_security(handle, what, buffer, len(buffer), byref(needed)):
            call = f"GetKernelObjectSecurity({path})"
            raise WindowsCallError(call, last_error())
    return descriptor.parse(buffer.raw)


@functools.cache
def own_sid() -> str:
    """Return the SID of the account that this process runs as."""
    token, size = w.HANDLE(), w.DWORD(256)
    _open_token(_own_process(), w.TOKEN_QUERY, byref(token))
    buffer = ctypes.create_string_buffer(size.value)
    with handles.closing(token.value or 0):
        _token_information(token, w.TOKEN_USER, buffer, size, byref(size))
    sid = w.SidAndAttributes.from_buffer(buffer).Sid
    return descriptor.parse_sid(ctypes.string_at(sid, _sid_length(sid)))


def _rights(path: str, lookup: bool) -> int:
    if not os.path.isdir(path):
        return descriptor.TAKE_OVER | descriptor.ADD
    return descriptor.REPLACE | descriptor.ADD if lookup else descriptor.REPLACE


def _ways(path: str) -> Iterator[str]:
    """Yield the path as given and everything above it, unless it is below the container's own root.

    What is named there is a link that the runtime has made (hcsshim internal/jobcontainers/mounts.go); what it leads to
    is looked at. Who owns that root depends on the image.
    """
    below = os.environ.get("CONTAINER_SANDBOX_MOUNT_POINT", "").rstrip("\\/").casefold()
    if not below or not path.casefold().startswith(below + "\\"):
        yield from _way(path)


def _way(path: str) -> Iterator[str]:
    """Yield a path and every directory above it, from the drive's root."""
    above = ntpath.dirname(path)
    if above != path:
        yield from _way(above)
    yield path


def _resolve(path: str) -> str:
    """Return where a path leads once all links are followed."""
    with _opened(path, w.READ_CONTROL, 0) as handle:
        buffer = ctypes.create_string_buffer(2 * 32768)
        if not _final_path(handle, buffer, 32768, 0):
            return path  # a file system that lacks them
    found = buffer.raw.decode("utf-16-le", "surrogatepass").partition("\0")[0]
    for prefix, plain in (("\\\\?\\UNC\\", "\\\\"), ("\\\\?\\", "")):
        if found.startswith(prefix):
            return plain + found.removeprefix(prefix)
    return found


@contextmanager
def _opened(path: str, access: int, flags: int) -> Iterator[int]:
    flags |= w.FILE_FLAG_BACKUP_SEMANTICS  # else directories cannot be opened
    share = w.FILE_SHARE_READ | w.FILE_SHARE_WRITE | w.FILE_SHARE_DELETE
    handle = handles.open_file(path, access, share, flags=flags)
    with handles.closing(handle):
        yield handle


@contextmanager
def _seam(path: str) -> Iterator[None]:
    try:
        yield
    except (WindowsCallError, ValueError) as error:
        raise OSError(getattr(error, "code", 0), str(error), path) from error
