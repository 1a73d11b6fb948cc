"""Makes sure that only the node's administrators can change what the launcher runs, imports or reads.

The launcher runs as SYSTEM or root, so anyone who may write its code, psutil, its configuration, its token or its state
acts as SYSTEM. Each is looked at before it is used; what another account could change is refused with exit code 224.
What "another account" is, `linux/trust.py` and `windows/trust.py` say.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping

from mooring_launcher.errors import ExitCode, LauncherError

_WHO = "SYSTEM and Administrators" if sys.platform == "win32" else "root"


def find_exposure(path: str, *, lookup: bool = False) -> str:
    """Say who else could change what `path` names, empty if no one: itself, and each directory it is reached by.

    `lookup`: names that may be absent are looked up in this directory (modules, libraries), so the right to add to it
    counts too. What does not exist is not exposed. OSError when it cannot be read.
    """
    if sys.platform == "win32":
        from mooring_launcher.platforms.windows.trust import find_exposure as find
    else:
        from mooring_launcher.platforms.linux.trust import find_exposure as find
    return find(path, lookup) if os.path.exists(path) else ""


def find_exposure_below(folder: str) -> str:
    """Say who else could change a directory that modules are imported from, or anything in it. Links are followed."""
    if found := find_exposure(folder, lookup=True):
        return found
    for place, folders, files in os.walk(folder, followlinks=True):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            if found := find_exposure(path, lookup=os.path.isdir(path)):
                return found
    return ""


def refuse_exposed(what: str, path: str, find: Callable[[str], str]) -> None:
    """LauncherError UNTRUSTED_PATH when something is found, or cannot be determined."""
    try:
        found = find(path)
    except OSError as error:
        found = f"cannot determine who may write to {path}: {error.strerror or error}"
    if found:
        message = f"{what} is not safe to use: {found}; only {_WHO} may"
        raise LauncherError(ExitCode.UNTRUSTED_PATH, message)


def check_files(files: Mapping[str, str]) -> None:
    """Look at the launcher's own code and at files that it is about to read, by what each is.

    LauncherError UNTRUSTED_PATH with the first that somebody else could change.
    """
    for what, path in (*_own_code(), *files.items()):
        refuse_exposed(what, path, lambda one: find_exposure(one, lookup=os.path.isdir(one)))


def make_state_own(state_dir: str) -> None:
    """Remove everyone else's write access to the state directory.

    LauncherError UNTRUSTED_PATH where it is somebody else's, or somebody else has put something there already.
    """
    refuse_exposed("the state directory", state_dir, _make_own)


def _own_code() -> Iterator[tuple[str, str]]:
    """Yield where the launcher and its Python are; a checkout that is run as a package is up to its developer."""
    archive = own_archive()
    if os.path.isfile(archive):
        yield "the launcher", archive
        yield "the launcher's directory", os.path.dirname(archive)
        yield "the directory of its Python", os.path.dirname(sys.executable)


def own_archive() -> str:
    """Return the zipapp that this runs from; from a checkout, a directory."""
    # …/mooring-launcher.pyz/mooring_launcher/platforms/trust.py
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _make_own(state_dir: str) -> str:
    """Remove everyone else's write access to the state directory, and say what others have put there before.

    kubelet makes an emptyDir that everybody may write to (0777), on Windows with what C: gives to Users.
    """
    if not os.path.isdir(state_dir):
        return ""  # the next one to need it says so
    if sys.platform == "win32":
        from mooring_launcher.platforms.windows.trust import make_own
    else:
        from mooring_launcher.platforms.linux.trust import make_own
    if found := make_own(state_dir) or find_exposure(state_dir, lookup=True):
        return found
    entries = (os.path.join(state_dir, name) for name in os.listdir(state_dir))
    return next(filter(None, (find_exposure(entry) for entry in entries)), "")
