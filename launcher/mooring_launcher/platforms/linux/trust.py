"""Who else may change a path on Linux: by owner and mode of each directory and link on the way to it.

Trusted are root, the launcher's own user and group, and in a user namespace (a rehearsal) everyone outside of it,
shown as the overflow user: the namespace's own users cannot be that one.
"""

import errno
import os
import stat
from collections.abc import Iterator

_MOST_LINKS = 40
_OVERFLOW = 65534
_ALL_IDS = 1 << 32
_ACL = "system.posix_acl_access"


def find_exposure(path: str, lookup: bool) -> str:
    """Say who else could change what `path` names; see `trust.find_exposure`."""
    trusted = _trusted_ids()
    places = list(_walk(path))
    for index, (place, info) in enumerate(places):
        adding = lookup and index == len(places) - 1
        if found := _judge(place, info, trusted, adding):
            return found
    return ""


def make_own(directory: str) -> str:
    """Remove everyone else's write access; say when the directory is not the launcher's own to change."""
    info = os.stat(directory)
    if info.st_uid == os.geteuid() and info.st_mode & 0o022:
        os.chmod(directory, stat.S_IMODE(info.st_mode) & ~0o022)
    return ""


def _walk(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every directory and link by which a path is reached, from the root, and what it is at last."""
    place, left, links = "/", _parts(os.path.abspath(path)), 0
    info = os.lstat(place)
    yield place, info
    while left:
        name = left.pop(0)
        if name == "..":
            place = os.path.dirname(place)
            continue
        below = os.path.join(place, name)
        info = os.lstat(below)
        yield below, info
        if not stat.S_ISLNK(info.st_mode):
            place = below
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(below)
        place = "/" if target.startswith("/") else place
        left = _parts(target) + left


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _judge(place: str, info: os.stat_result, trusted: set[int], adding: bool) -> str:
    if info.st_uid not in trusted:
        return f"{place} belongs to user {info.st_uid}"
    if stat.S_ISLNK(info.st_mode):
        return ""  # a link's mode means nothing; its directory decides who may replace it
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISDIR(info.st_mode) and mode & stat.S_ISVTX and not adding:
        return ""  # sticky: only the owner can replace it
    if mode & stat.S_IWOTH:
        who = "every user"
    elif mode & stat.S_IWGRP and (info.st_gid not in trusted | {os.getegid()} or _has_acl(place)):
        who = f"group {info.st_gid}"
    else:
        return ""
    return "" if _is_kubelets(place) else f"{who} may write to {place} (mode {mode:04o})"


def _has_acl(place: str) -> bool:
    """Return whether the group's bits of the mode stand for an ACL: then they do not say who is in it."""
    try:
        return _ACL in os.listxattr(place)
    except OSError:
        return False  # a file system without


def _trusted_ids() -> set[int]:
    trusted = {0, os.geteuid()}
    with open("/proc/self/uid_map", encoding="ascii") as mapping:
        ranges = [(int(first), int(count)) for first, _, count in map(str.split, mapping)]
    whole = ranges == [(0, _ALL_IDS - 1)]
    if not whole and not any(first <= _OVERFLOW < first + count for first, count in ranges):
        trusted.add(_OVERFLOW)
    return trusted


def _is_kubelets(place: str) -> bool:
    """Return whether a directory is a volume that kubelet made for this pod.

    Such a volume may be 0777, but it lies below kubelet's directory of pods, which only root may enter (0750), and it
    is mounted only in this pod.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        fields = [line.split(" ") for line in mounts]
    # proc(5): the fourth field is the mounted directory in its own file system, the fifth where it is mounted.
    return any(point == place and "/volumes/kubernetes.io~" in root for _, _, _, root, point, *_ in fields)
