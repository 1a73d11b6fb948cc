"""Build mooring-launcher.pyz from this checkout, the same bytes every time: `python launcher/build.py [OUT]`.

The standard library is enough. How the archive is made is up to the generator (mooring.bundle.archive).
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "launcher")]  # this checkout's, whatever is installed

from mooring.bundle.archive import compiled_archive  # noqa: E402 - found by the line above

if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "mooring-launcher.pyz"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(compiled_archive())
