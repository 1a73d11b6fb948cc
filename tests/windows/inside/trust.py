"""Has the launcher find who else could change paths of C:, and take over a state directory; prints JSON."""

import ctypes
import json
import os
import sys

sys.path.insert(0, r"C:\mooring\mooring-launcher.pyz")
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.trust import find_exposure, find_exposure_below, make_state_own
from mooring_launcher.platforms.windows import descriptor, trust
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import bind_checked, wide

_parse = bind_checked(
    "advapi32",
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
    w.BOOL,
    ctypes.c_void_p,
    w.DWORD,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(w.DWORD),
)


def described(sddl):
    """Return what the launcher reads from a descriptor that Windows makes from SDDL."""
    made, size = ctypes.c_void_p(), w.DWORD()
    _parse(wide(sddl), w.SDDL_REVISION_1, ctypes.byref(made), ctypes.byref(size))
    return descriptor.parse(ctypes.string_at(made.value, size.value))


def judged(sddl):
    """Return who could replace it, and who could add to it."""
    found = described(sddl)
    rights = (descriptor.REPLACE, descriptor.REPLACE | descriptor.ADD)
    return [descriptor.judge(found, one, {"S-1-5-21-1-2-3-1001"}) for one in rights]


def refused(call):
    """Return the name and the text of the error."""
    try:
        call()
    except LauncherError as error:
        return [error.code.name, str(error)]
    return ["nothing", ""]


CASES = {
    "sddl": lambda *texts: [judged(text) for text in texts],
    "find": lambda *paths: [find_exposure(path, lookup=os.path.isdir(path)) for path in paths],
    "below": lambda path: find_exposure_below(path),
    "own": lambda path: [*refused(lambda: make_state_own(path)), trust.find_exposure(path, True)],
    "sid": lambda: trust.own_sid(),
}
print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
