"""Write zip files (PKWARE's APPNOTE) that are the same bytes on every machine; zipfile's depend on its zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from mooring.bundle.deflate import deflate

_VERSION = 20  # 2.0, which knows deflate (section 4.4.3.2)
_UNIX = 3 << 8  # whose modes the attributes are (section 4.4.2)
_STORED, _DEFLATED = 0, 8
_UTF8 = 1 << 11  # of a path that is not ASCII (appendix D)
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01, the earliest in MS-DOS's format
_MODE = 0o100644 << 16


def pack(files: Mapping[str, bytes], *, deflated: bool = True) -> bytes:
    """Return a zip of files by their paths, in the order of the paths. No more than 65,535, and all below 4 GiB.

    Deflating takes about two seconds for each MB, so what is large, or must be read fast, is stored.
    """
    members, directory = bytearray(), bytearray()
    for name, data in sorted(files.items()):
        path, content = name.encode(), deflate(data) if deflated else data
        how = 0 if name.isascii() else _UTF8, _DEFLATED if deflated else _STORED
        sizes = zlib.crc32(data), len(content), len(data), len(path), 0
        facts = struct.pack("<5H3I2H", _VERSION, *how, _TIME, _DATE, *sizes)
        directory += b"PK\x01\x02" + struct.pack("<H", _UNIX | _VERSION) + facts  # section 4.3.12
        directory += struct.pack("<3H2I", 0, 0, 0, _MODE, len(members)) + path
        members += b"PK\x03\x04" + facts + path + content  # section 4.3.7
    end = struct.pack("<4H2IH", 0, 0, len(files), len(files), len(directory), len(members), 0)
    return bytes(members + directory) + b"PK\x05\x06" + end  # section 4.3.16
