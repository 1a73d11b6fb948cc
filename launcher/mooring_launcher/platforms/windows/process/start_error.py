"""Words a failed start from the call and its Win32 code."""

import os

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.target import TargetSpec
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError

_REASONS = {
    w.ERROR_ACCESS_DENIED: "may not be run by this account, or is a directory",
    w.ERROR_SHARING_VIOLATION: "is being written to, or locked by a scanner",
    w.ERROR_BAD_EXE_FORMAT: "is not a program for this Windows (a different processor, or not a program at all)",
    740: "requires elevation in its manifest, which target.runAs does not give",  # ERROR_ELEVATION_REQUIRED
    216: "is built for a different processor than this node's",  # ERROR_EXE_MACHINE_TYPE_MISMATCH
    225: "is blocked by the virus scanner",  # ERROR_VIRUS_INFECTED
    577: "is not signed as this node's policy requires",  # ERROR_INVALID_IMAGE_HASH
    1260: "is blocked by a policy of this node (AppLocker, WDAC)",  # ERROR_ACCESS_DISABLED_BY_POLICY
    14001: "has a side-by-side manifest that cannot be satisfied: run it from its own directory on the node",
    1314: "cannot be started as another account: the launcher lacks the privilege, which SYSTEM has",
}


def start_error(spec: TargetSpec, error: WindowsCallError) -> LauncherError:
    """Return the error: the program or its directory is missing, or what prevents the start."""
    if error.code == w.ERROR_DIRECTORY or (spec.working_dir and not os.path.isdir(spec.working_dir)):
        if not os.path.exists(spec.exe):  # by default the one is the folder of the other
            return LauncherError(ExitCode.TARGET_NOT_FOUND, f"{spec.exe} does not exist on this node")
        message = f"the working directory {spec.working_dir} does not exist"
        return LauncherError(ExitCode.TARGET_NOT_FOUND, message)
    if error.code in (w.ERROR_FILE_NOT_FOUND, w.ERROR_PATH_NOT_FOUND) and not os.path.exists(spec.exe):
        return LauncherError(ExitCode.TARGET_NOT_FOUND, f"{spec.exe} does not exist on this node")
    reason = _REASONS.get(error.code, "could not be started")
    return LauncherError(ExitCode.TARGET_NOT_STARTED, f"{spec.exe} {reason}: {error}")
