"""The script for a real node also runs to its end here, and reports what it found."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.windows.machine import COMPARTMENT, PYTHON, Machine

# The others need real Windows: compartments, ipconfig's option, CTRL_BREAK, accounts, a container runtime.
_HERE_TOO = (
    "the address is Preferred, seen from outside",
    "a thread goes in and comes back",
    "a socket made inside stays inside",
    "the pod's namespace lists its containers",
    "with lifetime tree a start program's server gives the exit code, and no console host does",
    "ctrlC reaches the program",
    "the helper for ctrlC outlives its own event",
    "only administrators may write to the launcher's directory",
    "KILL_ON_JOB_CLOSE: a launcher that is killed leaves nothing",
)


def test_the_field_check_reports(machine: Machine) -> None:
    """Every check is reported, good or bad; what Wine can do is good."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    shutil.copy(Path(__file__).parent / "field_check.py", machine.drive / "field_check.py")
    program = machine.run(PYTHON, "-I", "C:\\field_check.py", machine.ip)
    lines = [line.rstrip("\r") for line in program.lines]
    assert program.code == 1, program.text  # some need real Windows
    for name in _HERE_TOO:
        assert any(line.startswith(f"ok      {name}") for line in lines), program.text
    assert len([line for line in lines if line.startswith(("ok ", "FAILED "))]) == 19, program.text
