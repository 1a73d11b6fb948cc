"""Reads a security descriptor as bytes: who owns a file and who may change it. Works on any platform.

Layouts: MS-DTYP 2.4.2 (SID), 2.4.4 (ACE), 2.4.5 (ACL), 2.4.6 (SECURITY_DESCRIPTOR, self-relative).
"""

import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

from mooring_launcher.platforms.windows import layouts as w

SYSTEM = "S-1-5-18"
ADMINISTRATORS = "S-1-5-32-544"
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_CREATOR_OWNER = "S-1-3-0"
"""No token has it: an entry for it means something on what is created below, where it becomes the creator's own."""
_OWNER_RIGHTS = "S-1-3-4"
_ADMINISTRATIVE = ("500", "512", "519")
"""The last number of the built-in Administrator, Domain Admins and Enterprise Admins (MS-DTYP 2.4.2.4)."""
_NAMES = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "INTERACTIVE",
    "S-1-5-7": "ANONYMOUS LOGON",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-32-545": "Users",
    "S-1-5-32-546": "Guests",
}

_ALLOWED = {0x0: 8, 0x9: 8, 0x5: 0, 0xB: 0}
"""Kinds of entry that give rights, with the offset of the SID; 0: behind GUIDs, not used on files."""
_INHERIT_ONLY = 0x8
_DACL_PRESENT = 0x4

TAKE_OVER = w.DELETE | w.WRITE_DAC | w.WRITE_OWNER | w.GENERIC_ALL
REPLACE = TAKE_OVER | w.FILE_DELETE_CHILD
"""On a directory: put something else in the place of what is in it, or of itself."""
ADD = w.FILE_WRITE_DATA | w.FILE_APPEND_DATA | w.GENERIC_WRITE
"""On a directory: make a file or directory in it (FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY). On a file: write."""


class Entry(NamedTuple):
    """What one entry of an access control list gives: a SID and an access mask."""

    sid: str
    mask: int


class Descriptor(NamedTuple):
    """Owner and the entries that give rights here. `entries` is None without a list: everyone may do anything."""

    owner: str
    entries: tuple[Entry, ...] | None


def parse(data: bytes) -> Descriptor:
    """Read a self-relative descriptor. ValueError when it breaks off."""
    try:
        _, _, control, owner, _, _, dacl = struct.unpack_from("<BBHIIII", data)
        entries = tuple(_entries(data, dacl)) if control & _DACL_PRESENT and dacl else None
        return Descriptor(_sid(data, owner) if owner else "", entries)
    except struct.error as error:
        message = f"a security descriptor of {len(data)} bytes breaks off"
        raise ValueError(message) from error


def judge(descriptor: Descriptor, rights: int, own: Collection[str]) -> str:
    """Say who else has one of these rights, empty if no one. `own`: the launcher's own SIDs."""
    if not _is_trusted(descriptor.owner, own):
        return f"belongs to {_name(descriptor.owner)}"
    if descriptor.entries is None:
        return "has no access control list, so everybody may change it"
    for sid, mask in descriptor.entries:
        if mask & rights and not _is_trusted(sid, own) and sid not in (_CREATOR_OWNER, _OWNER_RIGHTS):
            return f"can be changed by {_name(sid)} (0x{mask:X})"
    return ""


def parse_sid(data: bytes) -> str:
    """Return a SID in its usual notation, S-1-5-18."""
    return _sid(data, 0)


def _is_trusted(sid: str, own: Collection[str]) -> bool:
    if sid in (SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER) or sid in own:
        return True
    return sid.startswith("S-1-5-21-") and sid.rpartition("-")[2] in _ADMINISTRATIVE


def _name(sid: str) -> str:
    return f"{_NAMES[sid]} ({sid})" if sid in _NAMES else sid or "nobody"


def _entries(data: bytes, at: int) -> Iterator[Entry]:
    _, _, _, count, _ = struct.unpack_from("<BBHHH", data, at)
    at += 8
    for _ in range(count):
        kind, flags, size, mask = struct.unpack_from("<BBHI", data, at)
        if kind in _ALLOWED and not flags & _INHERIT_ONLY:
            offset = _ALLOWED[kind]
            yield Entry(_sid(data, at + offset) if offset else f"an entry of kind {kind}", mask)
        at += size


def _sid(data: bytes, at: int) -> str:
    revision, count = struct.unpack_from("<BB", data, at)
    authority = int.from_bytes(data[at + 2 : at + 8], "big")
    numbers = struct.unpack_from(f"<{count}I", data, at + 8)
    return "-".join(map(str, ("S", revision, authority, *numbers)))
