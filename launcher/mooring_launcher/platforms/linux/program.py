"""Starts the very file whose checksum was compared, whatever its name leads to by then.

The kernel is given /proc/self/fd/<n>. It calls a process after the last part of the path, so that is a link with the
program's name, in a private folder of the launcher.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.program import OpenedProgram, open_program
from mooring_launcher.platforms.target import TargetSpec


@contextmanager
def opened(spec: TargetSpec) -> Iterator[tuple[OpenedProgram | None, str]]:
    """Give the program's opened file and the path to start it by: without `sha256` none, and its own path.

    LauncherError TARGET_NOT_FOUND, TARGET_CHECKSUM or TARGET_NOT_STARTED.
    """
    if not spec.sha256:
        yield None, spec.exe
        return
    import tempfile  # only now: it costs milliseconds of every start

    program = open_program(spec.exe, spec.sha256)
    try:
        with tempfile.TemporaryDirectory(prefix="mooring-") as folder:
            link = os.path.join(folder, os.path.basename(spec.exe))
            os.symlink(f"/proc/self/fd/{program.fd}", link)
            yield program, link
    except OSError as error:
        message = f"{spec.exe}: {error.filename}: {error.errno} {error.strerror}"
        raise LauncherError(ExitCode.TARGET_NOT_STARTED, message) from error
    finally:
        program.close()
