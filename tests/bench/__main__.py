"""Print the table of figures: `make bench`."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "launcher")]

from bench.generator import measure_generator  # noqa: E402 - the tests' folders must be on the path first
from bench.launcher import measure_launcher  # noqa: E402
from bench.table import print_table  # noqa: E402


def main() -> None:
    """Measure everything in one run, so that each figure and its peer saw the same machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pyz = folder / "mooring-launcher.pyz"
        subprocess.run([sys.executable, str(TESTS.parent / "launcher" / "build.py"), str(pyz)], check=True)
        print(f"Python {platform.python_version()}, {platform.machine()}, medians unless said otherwise\n", flush=True)
        print_table([*measure_generator(folder), *measure_launcher(folder, pyz)])


if __name__ == "__main__":
    main()
