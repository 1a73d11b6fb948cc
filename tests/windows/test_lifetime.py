"""`target.lifetime` on Windows: a target ends with its main process, or with the last process of its job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.windows.machine import COMPARTMENT, Machine
from tests.windows.release import toy

_SCRIPT = Path(__file__).parent / "inside/target.py"


@pytest.fixture(autouse=True)
def node(machine: Machine) -> None:
    """Give the shims the machine's own IP again."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")


def ask(machine: Machine, case: str, *words: str) -> Any:
    """Run one case of inside/target.py."""
    return machine.run_python(_SCRIPT, machine.ip, case, *words)


_OF_MAIN = "(the last process of its tree, toy.exe; its main process exited with code 0)"
_TREES = {
    "exit 0": [0, "exited with code 0", True],
    "exit 3": [3, "exited with code 3", True],
    "leave 0 later 1500 4": [4, f"exited with code 4 {_OF_MAIN}", True],
    "leave 3 later 1500 4": [
        3,
        "exited with code 3 (its main process; the last process of its tree, toy.exe, exited with code 4)",
        True,
    ],
    "leave 0 leave 0 later 1500 5": [5, f"exited with code 5 {_OF_MAIN}", True],
    "leave-apart 0 leave 8 later 1500 6": [6, f"exited with code 6 {_OF_MAIN}", True],
    "leave 0 later 1500 0xC0000409": [0xC0000409, None, True],
}


def test_a_tree_ends_with_its_last_process(machine: Machine) -> None:
    """The code is the main process's unless that is 0, then that of the process that ended last; hosts do not count."""
    found = ask(machine, "lifetimes", *_TREES)
    assert found["leave 0 later 1500 0xC0000409"][1].startswith("ended with 0xC0000409 (STATUS_STACK_BUFFER_OVERRUN)")
    found["leave 0 later 1500 0xC0000409"][1] = None
    assert found == _TREES


def test_a_tree_goes_on_without_its_main_process(machine: Machine) -> None:
    """While a process is left the target has not ended; a kill then gives the job's code unless the main one failed."""
    found = ask(machine, "left")
    assert found["0"][:4] == [[0], 0, None, ["toy.exe"]]
    assert found["0"][4] == 137
    assert found["0"][5].startswith("was ended together with its job (the last process of its tree, toy.exe; ")
    assert found["0"][6]
    assert found["3"][:5] == [[3], 3, None, ["toy.exe"], 3]
    assert found["process"] == [["toy.exe"]]


def test_every_console_of_a_tree_is_asked_once(machine: Machine) -> None:
    """CTRL_C reaches what a start program left, on its console or another, and each of two consoles once."""
    found = ask(machine, "asked")
    assert found == {"leave 0 wait": [True, 7], "leave-apart 0 wait": [True, 7], "both": [True, 7 + 7 + 100]}


def test_a_running_command_does_not_keep_a_tree_alive(machine: Machine) -> None:
    """A check that runs when the last process ends neither delays the end nor sets its code."""
    found = ask(machine, "overlapping")
    assert found == {"code": 4, "sentence": f"exited with code 4 {_OF_MAIN}", "running": True, "ended": 137}


def test_an_end_that_was_not_seen_is_known_as_such(machine: Machine) -> None:
    """A process that ended before it could be opened counts as the last one, with no code; a command's never does.

    A message about an end that the job's list has already shown changes nothing.
    """
    assert ask(machine, "unseen") == {
        "unseen": [0xFFFFFFF0, f"process {0xFFFFFFF0}", None, 0],
        "left": True,
        "late": [True, 4],
    }


def test_a_stop_asks_what_the_start_program_left(launch: Any) -> None:
    """The launcher logs the main process's end and continues; a stop ends the rest by CTRL_C, with its own code."""
    launcher = launch(toy("leave", "0", "wait", lifetime="tree"))
    launcher.program.wait_line("ready")
    assert launcher.wait_event("main-process-exited")["left"] == ["toy.exe"]
    launcher.wait_ready()
    launcher.machine.command("stop")
    end = launcher.wait_exit()
    assert (end["by"], end["code"]) == ("target", 7)
    assert launcher.program.lines.count("event 0\r") + launcher.program.lines.count("event 0") == 1
    assert launcher.machine.processes("toy.exe") == []


def test_a_start_program_without_the_lifetime_is_told_of_it(launch: Any) -> None:
    """With lifetime process the termination message names what to set, and nothing is left."""
    launcher = launch(toy("leave", "0", "sleep"))
    end = launcher.wait_exit()
    assert (end["by"], end["code"]) == ("target", 0)
    assert "left a process running (toy.exe)" in end["message"]
    assert "set target.lifetime: tree" in launcher.message()["message"]
    assert launcher.machine.processes("toy.exe") == []
