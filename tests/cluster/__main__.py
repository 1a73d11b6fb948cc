"""Run tests on our own cluster: `python -m tests.cluster [PYTEST ARGUMENTS]`; with none, all tests, as `lanes` says.

`--up [COMMAND]` opens a shell beside a cluster. `--node-files DIRECTORY` writes what the nodes of another cluster need
in /opt to run the same tests.

Missing programs are built first, outside the sandbox, because it has no network. Everything else starts inside it and
ends with it. With KUBECONFIG set the tests run against that cluster, and nothing is built or started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from mooring.rehearse import sandbox

from tests.cluster import PROGRAMS
from tests.cluster.lanes import run_all
from tests.cluster.stack.builds import BuildError, build_all


def main(arguments: list[str]) -> int:
    """Build, then run pytest or a shell inside the sandbox."""
    tests = [sys.executable, "-m", "pytest", "-m", "cluster", "--numprocesses", "0", *(arguments or ["tests/cluster"])]
    if os.environ.get("KUBECONFIG"):
        return subprocess.run(tests, check=False).returncode
    began = time.monotonic()
    try:
        programs = build_all(_say)
    except BuildError as error:
        _say(str(error))
        return 1
    _say(f"cluster: programs ready after {time.monotonic() - began:.0f} s")
    if arguments[:1] == ["--node-files"] and len(arguments) == 2:
        from tests.cluster.stack.node import write_files_for_others

        write_files_for_others(Path(arguments[1]), programs)
        return 0
    if not arguments:
        return run_all(_say)
    os.environ[PROGRAMS] = str(programs)
    if arguments[:1] == ["--up"]:
        return sandbox.run(lambda: _shell(programs, arguments[1:]), user_namespace=False)
    return sandbox.run(lambda: sandbox.exec_command(tests), user_namespace=False)


def _shell(programs: Path, command: list[str]) -> int:
    from tests.cluster.stack.cluster import Cluster
    from tests.cluster.stack.machines import scratch

    with scratch() as base:
        cluster = Cluster(programs, base, _say)
        cluster.up()
        environment = os.environ | {
            "KUBECONFIG": cluster.kubeconfig,
            "PATH": f"{cluster.programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return subprocess.run(command or [os.environ.get("SHELL", "/bin/sh")], env=environment, check=False).returncode


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
