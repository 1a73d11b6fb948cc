"""Run the tests under Wine: `python -m tests.windows [PYTEST ARGUMENTS]`; `demo` runs the demonstration.

Missing parts are fetched and built first, outside the sandbox, because it has no network. Everything else starts inside
it and ends with it.
"""

from __future__ import annotations

import os
import sys
import time

from mooring.rehearse import sandbox

from tests.windows import PARTS
from tests.windows.parts import BuildError, make_parts


def main(arguments: list[str]) -> int:
    """Build, then run pytest or the demonstration inside the sandbox."""
    began = time.monotonic()
    try:
        parts = make_parts(_say)
    except BuildError as error:
        _say(str(error))
        return 1
    _say(f"wine: parts ready after {time.monotonic() - began:.0f} s")
    os.environ[PARTS] = str(parts)
    if arguments == ["demo"]:
        command = [sys.executable, "-m", "tests.windows.demo"]
    else:
        words = [] if any(not one.startswith("-") for one in arguments) else ["tests/windows"]
        command = [sys.executable, "-m", "pytest", "-m", "wine", "--numprocesses", "0", *words, *arguments]
    return sandbox.run(lambda: sandbox.exec_command(command))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
