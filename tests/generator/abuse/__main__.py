"""Run the cases of one kind in a process with limited memory, and print the result of each as a JSON line.

`python -m tests.generator.abuse KIND COUNT`; a separate process, so that its memory is only that of the cases.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from mooring.cli import main as _cli

from tests.generator.abuse import KINDS

ADDRESS_SPACE = 300 * 1024 * 1024


def main(kind: str, count: int) -> None:
    """Run every case, and that many mutants of a correct file."""
    chosen = KINDS[kind]
    tables = {"broken": chosen.broken(), "own": chosen.own(), "fuzz": chosen.fuzz(count)}
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for table, files in tables.items():
        for number, (name, data) in enumerate(files.items()):
            more = chosen.sometimes if table == "own" and number % 2 else ()
            print(json.dumps({"name": name, "table": table}), flush=True)  # first, so that a hang has a name
            print(json.dumps(_run([*chosen.command, *more], {**chosen.beside, "case.yaml": data})), flush=True)


def _run(command: list[str], files: dict[str, str | bytes]) -> dict[str, object]:
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, data in files.items():
            Path(name).write_bytes(data if isinstance(data, bytes) else data.encode())
        began = time.process_time()
        with redirect_stdout(out), redirect_stderr(err):
            code = _cli.main(command)
        took = time.process_time() - began
        written = sorted(str(path) for path in Path().rglob("*") if str(path) not in files)
        os.chdir("/")
    return {
        "code": code,
        "cpu_s": took,
        "rss_mib": _peak_mib(),
        "out": out.getvalue()[:5000],
        "err": err.getvalue()[:200_000],
        "written": written,
    }


def _peak_mib() -> float:
    """Return this program's peak memory; ru_maxrss would include what its parent had when it forked."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
