"""Print the table of figures: `make bench`.

`fetch`, its only argument, downloads what the measured programs need, because the sandbox has no network.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.generator import measure_generator
from tests.bench.launcher import measure_launcher
from tests.bench.table import print_table
from tests.node_modules import install

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure everything in one run, so that each figure and its peer come from the same machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pyz = folder / "mooring-launcher.pyz"
        subprocess.run([sys.executable, str(ROOT / "launcher" / "build.py"), str(pyz)], check=True)
        python = f"Python {platform.python_version()}, {platform.machine()}"
        print(f"{python}; ten million additions take {_speed_s():.1f} s here.")
        print("Medians unless said otherwise.\n", flush=True)
        print_table([*measure_generator(folder), *measure_launcher(folder, pyz)])


def _speed_s() -> float:
    """Return how long this machine's Python takes for a fixed amount of work: the goals are absolute times."""
    start_s = time.perf_counter()
    total = 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - start_s


if __name__ == "__main__":
    if sys.argv[1:] == ["fetch"]:
        install("cdk8s")
    else:
        main()
