r"""Starts the program under a different account than the launcher's, which is SYSTEM: `target.runAs`.

| value | the program gets |
|---|---|
| `restricted` | the launcher's own token with every privilege but one removed and Administrators for deny only |
| `LocalService`, `NetworkService` | that built-in account |
| `DOMAIN\name$` | a group-managed service account that this node may use; nobody knows its password |
| `DOMAIN\name`, `.\name` | that account, by the password in RUN_AS_PASSWORD of the launcher's environment |

`restricted` is hygiene, not a boundary: the token keeps SYSTEM's SID as its user, so whatever SYSTEM owns or may write
is still open to the program. The accounts below it in the table are boundaries.
"""

import ctypes
from collections.abc import Mapping
from ctypes import POINTER, byref, c_void_p
from typing import NamedTuple

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked, last_error, wide

PASSWORD = "RUN_AS_PASSWORD"  # noqa: S105 - a variable's name
"""Where the password of an account is expected, from a Secret; the program does not get it."""

MANAGED_PASSWORD = "_SA_{262E99C9-6160-4871-ACEC-4E61736B6F21}"  # noqa: S105 - public, the same everywhere
"""What LogonUserW takes for a group-managed service account: LSA then fetches the real password by itself.

SERVICE_ACCOUNT_PASSWORD of lmaccess.h. NULL is refused (1326), as it means an empty password.
"""

_open_token = bind_checked("advapi32", "OpenProcessToken", w.BOOL, w.HANDLE, w.DWORD, POINTER(w.HANDLE))
_own_process = bind("kernel32", "GetCurrentProcess", w.HANDLE)
_restrict = bind_checked(
    "advapi32",
    "CreateRestrictedToken",
    w.BOOL,
    w.HANDLE,
    w.DWORD,
    w.DWORD,
    POINTER(w.SidAndAttributes),
    w.DWORD,
    c_void_p,
    w.DWORD,
    c_void_p,
    POINTER(w.HANDLE),
)
_well_known_sid = bind_checked(
    "advapi32", "CreateWellKnownSid", w.BOOL, ctypes.c_int32, c_void_p, c_void_p, POINTER(w.DWORD)
)
_log_on = bind_checked(
    "advapi32", "LogonUserW", w.BOOL, c_void_p, c_void_p, c_void_p, w.DWORD, w.DWORD, POINTER(w.HANDLE)
)
_token_information = bind(
    "advapi32", "GetTokenInformation", w.BOOL, w.HANDLE, ctypes.c_int32, c_void_p, w.DWORD, POINTER(w.DWORD)
)
_load_profile = bind_checked("userenv", "LoadUserProfileW", w.BOOL, w.HANDLE, POINTER(w.ProfileInfo))
_create_environment = bind_checked("userenv", "CreateEnvironmentBlock", w.BOOL, POINTER(c_void_p), w.HANDLE, w.BOOL)
_destroy_environment = bind("userenv", "DestroyEnvironmentBlock", w.BOOL, c_void_p)
_station = bind_checked("user32", "GetProcessWindowStation", w.HANDLE)
_desktop = bind_checked("user32", "GetThreadDesktop", w.HANDLE, w.DWORD)
_own_thread_id = bind("kernel32", "GetCurrentThreadId", w.DWORD)
_get_security = bind(
    "advapi32",
    "GetSecurityInfo",
    w.DWORD,
    w.HANDLE,
    ctypes.c_int32,
    w.DWORD,
    c_void_p,
    c_void_p,
    POINTER(c_void_p),
    c_void_p,
    POINTER(c_void_p),
)
_set_security = bind(
    "advapi32", "SetSecurityInfo", w.DWORD, w.HANDLE, ctypes.c_int32, w.DWORD, c_void_p, c_void_p, c_void_p, c_void_p
)
_set_entries = bind(
    "advapi32", "SetEntriesInAclW", w.DWORD, w.DWORD, POINTER(w.ExplicitAccess), c_void_p, POINTER(c_void_p)
)
_local_free = bind("kernel32", "LocalFree", c_void_p, c_void_p)

_OF_THE_PROFILE = (
    "USERNAME",
    "USERDOMAIN",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "TEMP",
    "TMP",
)
_BUILT_IN = {"localservice": "LocalService", "networkservice": "NetworkService"}


class Account(NamedTuple):
    """A token to start with, and the environment of its profile: what differs from the launcher's own."""

    token: int
    environment: dict[str, str]


def open_account(run_as: str, environ: Mapping[str, str]) -> Account:
    """Return what to start with; the caller closes the token. Empty: token 0, the launcher's own account.

    LauncherError RUN_AS_REFUSED that says what was refused and what is needed.
    """
    if not run_as:
        return Account(0, {})
    try:
        token = _open(run_as, environ.get(PASSWORD))
        try:
            return Account(token, {} if run_as == "restricted" else _prepare(token, run_as))
        except WindowsCallError:
            handles.close_handle(token)
            raise
    except WindowsCallError as error:
        message = f"target.runAs {run_as!r} was refused: {error}"
        raise LauncherError(ExitCode.RUN_AS_REFUSED, message) from error


def _prepare(token: int, run_as: str) -> dict[str, str]:
    """Let the account onto the desktop, load its profile, and return what its environment says of itself."""
    _let_onto_desktop(token)
    environment = _load_environment(token, run_as)
    return {key: value for key, value in environment.items() if key.upper() in _OF_THE_PROFILE}


def split_name(run_as: str) -> tuple[str, str]:
    """Return (domain, account): `NT AUTHORITY` for the built-in ones, `.` (this machine) where none is named."""
    domain, _, name = run_as.rpartition("\\")
    built_in = _BUILT_IN.get(name.casefold().replace(" ", ""))
    if built_in and domain.upper() in ("", "NT AUTHORITY"):
        return "NT AUTHORITY", built_in
    return domain or ".", name


def logon_password(run_as: str, password: str | None) -> str | None:
    """Return the password to log on with, None (NULL) for the built-in accounts. `password`: what RUN_AS_PASSWORD has.

    LauncherError RUN_AS_REFUSED for an account that needs one and has none.
    """
    domain, name = split_name(run_as)
    if domain == "NT AUTHORITY":
        return None
    if name.endswith("$"):
        return MANAGED_PASSWORD
    if password is None:
        message = f"target.runAs {run_as!r} needs its password in {PASSWORD}: set it by extraEnv from a Secret"
        raise LauncherError(ExitCode.RUN_AS_REFUSED, message)
    return password


def _open(run_as: str, password: str | None) -> int:
    if run_as == "restricted":
        return _restricted_token()
    domain, name = split_name(run_as)
    given = logon_password(run_as, password)
    token = w.HANDLE()
    secret = None if given is None else wide(given)
    kind, provider = w.LOGON32_LOGON_SERVICE, w.LOGON32_PROVIDER_DEFAULT
    _log_on(wide(name), wide(domain), secret, kind, provider, byref(token))
    if not token.value:
        raise WindowsCallError("LogonUserW", last_error())
    return token.value


def _restricted_token() -> int:
    own, made = w.HANDLE(), w.HANDLE()
    _open_token(_own_process(), w.TOKEN_ALL_ACCESS, byref(own))
    sid = ctypes.create_string_buffer(68)  # SECURITY_MAX_SID_SIZE
    _well_known_sid(w.WIN_BUILTIN_ADMINISTRATORS_SID, None, sid, byref(w.DWORD(len(sid))))
    disabled = w.SidAndAttributes(ctypes.addressof(sid), 0)
    with handles.closing(own.value or 0):
        _restrict(own, w.DISABLE_MAX_PRIVILEGE, 1, byref(disabled), 0, None, 0, None, byref(made))
    return made.value or 0


def _load_environment(token: int, run_as: str) -> dict[str, str]:
    """Load the account's profile and return its environment.

    The profile is never unloaded: the program needs it as long as the launcher lives, and the handle ends with that.
    """
    name = wide(split_name(run_as)[1])
    profile = w.ProfileInfo(dwSize=ctypes.sizeof(w.ProfileInfo), dwFlags=1, lpUserName=ctypes.addressof(name))
    _load_profile(token, byref(profile))
    block = c_void_p()
    _create_environment(byref(block), token, False)
    try:
        return parse_environment(block.value or 0)
    finally:
        _destroy_environment(block)


def parse_environment(address: int) -> dict[str, str]:
    """Read a block of `NAME=value` in UTF-16, each ended by a zero, and one more at the end."""
    found: dict[str, str] = {}
    while line := ctypes.wstring_at(address):
        name, _, value = line[1:].partition("=")
        found[line[0] + name] = value
        address += 2 * (len(line.encode("utf-16-le", "surrogatepass")) // 2 + 1)
    return found


def _let_onto_desktop(token: int) -> None:
    """Let the account use the launcher's window station and desktop: without, its first DLL fails (0xC0000142)."""
    sid = _sid_of(token)
    children = w.CONTAINER_INHERIT_ACE | w.OBJECT_INHERIT_ACE
    _grant(_station(), sid, children)
    _grant(_desktop(_own_thread_id()), sid, 0)


def _sid_of(token: int) -> "ctypes.Array[ctypes.c_char]":
    """Return a TOKEN_USER with its SID behind it."""
    size = w.DWORD(256)
    buffer = ctypes.create_string_buffer(size.value)
    if not _token_information(token, w.TOKEN_USER, buffer, size, byref(size)):
        raise WindowsCallError("GetTokenInformation", last_error())
    return buffer


def _grant(window_object: int, user: "ctypes.Array[ctypes.c_char]", inheritance: int) -> None:
    sid = w.SidAndAttributes.from_buffer(user).Sid
    old, new, descriptor = c_void_p(), c_void_p(), c_void_p()
    what = w.DACL_SECURITY_INFORMATION
    read = _get_security(window_object, w.SE_WINDOW_OBJECT, what, None, None, byref(old), None, byref(descriptor))
    _check(read, "GetSecurityInfo(window station)")
    try:
        entry = w.ExplicitAccess(w.GENERIC_ALL, w.GRANT_ACCESS, inheritance)
        entry.Trustee.TrusteeForm, entry.Trustee.ptstrName = w.TRUSTEE_IS_SID, sid
        _check(_set_entries(1, byref(entry), old, byref(new)), "SetEntriesInAclW")
        try:
            written = _set_security(window_object, w.SE_WINDOW_OBJECT, what, None, None, new, None)
            _check(written, "SetSecurityInfo(window station)")
        finally:
            _local_free(new)
    finally:
        _local_free(descriptor)


def _check(code: int, call: str) -> None:
    if code:
        raise WindowsCallError(call, code)
