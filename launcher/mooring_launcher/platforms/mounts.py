"""Where a HostProcess container of Windows finds what is mounted for it."""

import ntpath
import os
from collections.abc import Mapping


def find_mounted(path: str, environ: Mapping[str, str]) -> str:
    """Return where a mounted path is: on Windows below the sandbox mount point, which every version has; else itself.

    containerd 1.7 and later bind each volume to its own path as well, by bindflt, which Windows Server 2019 lacks
    (hcsshim internal/jobcontainers). Where nothing is bound, anyone who may create directories on C: could create
    that path, so it is taken only where the other is not there.
    """
    below = environ.get("CONTAINER_SANDBOX_MOUNT_POINT", "")
    if not below:
        return path
    beside = ntpath.join(below, ntpath.splitdrive(path)[1].lstrip("\\/"))
    return beside if os.path.exists(beside) or not os.path.exists(path) else path
