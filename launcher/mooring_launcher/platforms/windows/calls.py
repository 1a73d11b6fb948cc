"""Binds functions of Windows' libraries, each at its first call: importing this anywhere loads nothing.

ctypes.CDLL is right for them all, as 64-bit Windows has one calling convention. Errors name the call, the code and
what Windows says of it.
"""

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any

from mooring_launcher.errors import ExitCode, LauncherError

Function = Callable[..., Any]

# On other platforms these do not exist, nor is anything here ever called there.
_last_error: Callable[[], int] = vars(ctypes).get("get_last_error", ctypes.get_errno)
_format_error: Callable[[int], str] = vars(ctypes).get("FormatError", str)


class WindowsCallError(Exception):
    """A call that failed: its name, the code (Win32 or HRESULT) and Windows' own words."""

    def __init__(self, call: str, code: int) -> None:
        code &= 0xFFFFFFFF
        super().__init__(f"{call}: {describe(code)}")
        self.call = call
        self.code = code


def describe(code: int) -> str:
    """Return a Win32 code or an HRESULT with what Windows says of it."""
    shown = str(code) if code < 0x10000 else f"0x{code:08X}"
    return f"{shown} {_format_error(code - (1 << 32) if code >= 1 << 31 else code).strip()}".strip()


@functools.cache
def _load(library: str) -> ctypes.CDLL:
    if sys.platform != "win32":
        message = f"the Windows backend needs {library}.dll: this launcher runs on {sys.platform}"
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)
    try:
        return ctypes.CDLL(f"{library}.dll", use_last_error=True)
    except OSError as error:
        message = f"the Windows backend needs {library}.dll: {error}"
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message) from error


def bind(library: str, name: str, result: Any, *arguments: Any) -> Function:
    """Return a function of a library with its types. LauncherError UNSUPPORTED_PLATFORM when this Windows lacks it."""
    bound: list[Function] = []

    def call(*values: object) -> Any:
        if not bound:
            bound.append(_find(library, name, result, arguments))
        return bound[0](*values)

    return call


def checked(function: Function, call: str) -> Function:
    """Return a function that raises WindowsCallError with GetLastError where the one given returns 0."""

    def call_and_check(*values: object) -> Any:
        result = function(*values)
        if not result:
            raise WindowsCallError(call, _last_error())
        return result

    return call_and_check


def bind_checked(library: str, name: str, result: Any, *arguments: Any) -> Function:
    """Bind a function that returns 0 (or NULL) when it fails."""
    return checked(bind(library, name, result, *arguments), name)


def last_error() -> int:
    """Return this thread's last error, as it was when the last bound function returned."""
    return _last_error()


def wide(text: str) -> ctypes.Array[Any]:
    """Return text as UTF-16 with its terminating zero, wherever this runs."""
    return ctypes.create_string_buffer(text.encode("utf-16-le", "surrogatepass") + b"\0\0")


def _find(library: str, name: str, result: Any, arguments: tuple[Any, ...]) -> Function:
    try:
        function = getattr(_load(library), name)
    except AttributeError as error:
        message = f"{library}.dll of this Windows has no {name}: Windows Server 2019 or later is needed"
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message) from error
    function.argtypes = arguments
    function.restype = result
    found: Function = function
    return found
