"""How a run ended, and the termination message that `kubectl describe pod` shows."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple

from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.files import open_file
from mooring_launcher.platforms.mounts import find_mounted

MESSAGE_BYTES = 4096
"""What kubelet keeps of a termination message."""


class Outcome(NamedTuple):
    """Whose exit code it is, the code, and a sentence an operator understands."""

    by: Literal["launcher", "target"]
    code: int
    message: str


def failure(error: LauncherError) -> Outcome:
    """Return the outcome of a run that the launcher ends itself."""
    return Outcome("launcher", int(error.code), str(error))


def write_termination_message(outcome: Outcome, environ: Mapping[str, str]) -> None:
    """Write one JSON line to the pod's termination log, where it exists (only in a pod)."""
    try:
        with open(open_file(_log_path(environ), os.O_RDWR), "r+b") as file:
            file.write(render_termination_message(outcome))
            file.truncate()
    except OSError:
        return


def render_termination_message(outcome: Outcome) -> bytes:
    """Return the line, cut in its sentence so that it stays whole JSON within kubelet's limit."""
    message = outcome.message
    while True:
        line = json.dumps({"by": outcome.by, "code": outcome.code, "message": message}).encode() + b"\n"
        if len(line) <= MESSAGE_BYTES:
            return line
        message = message[: len(message) * 3 // 4] + "…"


def _log_path(environ: Mapping[str, str]) -> str:
    """Return the contract's path; MOORING_TERMINATION_LOG overrides it where no kubelet made one."""
    if "MOORING_TERMINATION_LOG" in environ:
        return environ["MOORING_TERMINATION_LOG"]
    if sys.platform != "win32":
        return "/dev/termination-log"
    return find_mounted(r"C:\dev\termination-log", environ)
