"""Build mooring-launcher.pyz, the same bytes every time: `python launcher/build.py [OUT]`.

Every module is there as source and, for the Python that builds, compiled: zipimport takes the compiled one when it
was made by the same Python and recompiles in memory otherwise, so the archive runs on every supported Python.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent / "mooring_launcher"
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "dist" / "mooring-launcher.pyz"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell
_MAIN = "import sys\n\nfrom mooring_launcher.__main__ import main\n\nsys.exit(main(sys.argv[1:]))\n"


def collect_members() -> dict[str, bytes]:
    """Return every file of the archive by its name."""
    members = {"__main__.py": _MAIN.encode()}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".json") and "__pycache__" not in path.parts:
            members[path.relative_to(PACKAGE.parent).as_posix()] = path.read_bytes()
    compiled = {name + "c": _compile(name, source) for name, source in members.items() if name.endswith(".py")}
    return members | compiled


def write_archive(out: Path) -> None:
    """Write the archive. Members are stored, not deflated: starting must not wait for zlib."""
    out.parent.mkdir(parents=True, exist_ok=True)
    members = collect_members()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])


def _compile(name: str, source: bytes) -> bytes:
    """Return a .pyc that is valid whatever the dates of the source (PEP 552, unchecked hash)."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    unchecked_hash = (1).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + unchecked_hash + importlib.util.source_hash(source) + marshal.dumps(code)


if __name__ == "__main__":
    write_archive(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_OUT)
