"""The user and group ids of a sandbox: as many as this machine lets us map into a user namespace.

With only one, a program that gives a file to another user (chown, setgroups: nginx, postgres) fails with EINVAL.
Sources: user_namespaces(7), newuidmap(1), subuid(5).
"""

import contextlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

WHY_ONE = (
    "only your own user id exists here: a program that changes a file's owner, or its own user, fails (EINVAL). "
    "For more ids, install newuidmap (package uidmap) and add a range for yourself to /etc/subuid and /etc/subgid, or "
    "run as root"
)
"""The message for has_range() == False."""

_MAPS = (("uid_map", "newuidmap", "/etc/subuid"), ("gid_map", "newgidmap", "/etc/subgid"))


def map_ids(pid: int) -> None:
    """Map all ids this process may into the user namespace that another process just made.

    Root maps each of its ids onto itself. Other users map their own id to root, and their range of subordinate ids
    after it, with newuidmap.
    """
    for (name, program, file), own in zip(_MAPS, (os.geteuid(), os.getegid()), strict=True):
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):  # root without CAP_SETUID, as in a container
                Path(f"/proc/{pid}/{name}").write_text(_identity(name), "ascii")
            continue
        start, count = _subordinate(Path(file))
        newidmap = shutil.which(program)
        if newidmap and count:
            words = [newidmap, str(pid), *map(str, (0, own, 1, 1, start, count))]
            subprocess.run(words, check=False, capture_output=True)


def map_own_id(uid: int, gid: int) -> None:
    """Map one id to root in this process's new user namespace, unless ids are mapped already."""
    if not _is_mapped("gid_map"):
        # Without "deny" an unprivileged process may not write gid_map: user_namespaces(7).
        Path("/proc/self/setgroups").write_text("deny", "ascii")
    for name, own in (("uid_map", uid), ("gid_map", gid)):
        if not _is_mapped(name):
            Path(f"/proc/self/{name}").write_text(f"0 {own} 1", "ascii")


def has_range() -> bool:
    """Return whether more than one id exists here."""
    return all(sum(int(line.split()[2]) for line in _lines(name)) > 1 for name, *_ in _MAPS)


def _is_mapped(name: str) -> bool:
    return bool(_lines(name))


def _lines(name: str) -> list[str]:
    return Path(f"/proc/self/{name}").read_text("ascii").splitlines()


def _identity(name: str) -> str:
    """Return a map of each id of this namespace onto itself."""
    lines = [line.split() for line in _lines(name)]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in lines)


def _subordinate(file: Path) -> tuple[int, int]:
    """Return the first range of ids that a file gives to this user: start and count, both 0 for none."""
    uid = os.geteuid()
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        names = {str(uid)}
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return 0, 0
    for line in lines:
        owner, *numbers = line.split(":")
        if owner in names and len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            return int(numbers[0]), int(numbers[1])
    return 0, 0
