"""Where a HostProcess container of Windows finds what is mounted for it."""

import ntpath
import os
from collections.abc import Mapping


def find_mounted(path: str, environ: Mapping[str, str]) -> str:
    """Return where a mounted path is: itself, or on Windows with containerd 1.6 below the sandbox mount point.

    containerd 1.7 and later bind each volume to its own path, and set the variable too; so the path itself comes first.
    """
    below = environ.get("CONTAINER_SANDBOX_MOUNT_POINT", "")
    if not below or os.path.exists(path):
        return path
    beside = ntpath.join(below, ntpath.splitdrive(path)[1].lstrip("\\/"))
    return beside if os.path.exists(beside) else path
