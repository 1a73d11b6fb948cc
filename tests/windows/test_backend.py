"""The Windows backend on its own: jobs, compartments, exit codes, environment, refusals."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.windows.machine import COMPARTMENT, Machine

_SCRIPT = Path(__file__).parent / "inside/target.py"


@pytest.fixture(autouse=True)
def node(machine: Machine) -> None:
    """Give the shims the machine's own IP again and clear the recorded calls."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")


def ask(machine: Machine, case: str, *words: str) -> Any:
    """Run one case of inside/target.py."""
    return machine.run_python(_SCRIPT, machine.ip, case, *words)


def test_exit_codes_have_32_bits(machine: Machine) -> None:
    """Every code is passed on unchanged, even 259 and 0xFFFFFFFF."""
    wanted = [0, 1, 3, 259, 0xFFFFFFFF]
    codes = ask(machine, "codes", *(str(code) for code in wanted))
    assert [code for code, *_ in codes] == wanted
    assert codes[4][1] == "exited with code 0xFFFFFFFF"


_CRASHES = {
    "access": 0xC0000005,
    "divide": 0xC0000094,
    "illegal": 0xC000001D,
    "breakpoint": 0x80000003,
    "assertion": 0xC0000420,
    "fail-fast": 0xC0000409,
    "stack": 0xC00000FD,
    "memory": 0xC0000017,
}
"""What the processor, the heap or Wine raises itself."""
_NOT_RAISED = (0x40010004, 0xC000013A)
"""What another process, or the console's own handler, ends a program with."""


def test_each_way_to_crash_is_told_by_its_name(machine: Machine) -> None:
    """Every NTSTATUS with a meaning here ends a program: by a real crash if one can be made, or by RaiseException."""
    meanings = ask(machine, "meanings")
    raised = [code for code in meanings if code not in (*_CRASHES.values(), *_NOT_RAISED)]
    found = ask(machine, "crash", *_CRASHES, *(f"0x{code:08X}" for code in raised))
    found += ask(machine, "codes", *(str(code) for code in _NOT_RAISED))
    assert [code for code, *_ in found] == [*_CRASHES.values(), *raised, *_NOT_RAISED]
    for code, sentence, gone in found:
        assert gone
        assert sentence.startswith(f"ended with 0x{code:08X} (")


def test_a_program_that_cannot_be_loaded_is_told_by_its_name(machine: Machine) -> None:
    """A missing DLL and one that refuses to load end with the loader's own codes."""
    folders = {name: machine.drive / "toys" / name for name in ("absent", "refusing")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
        shutil.copy(machine.site.parts / "needy.exe", folder / "needy.exe")
    shutil.copy(machine.site.parts / "part.dll", folders["refusing"] / "part.dll")
    found = ask(machine, "load", *(f"C:\\toys\\{name}\\needy.exe" for name in folders))
    assert [code for code, *_ in found] == [0xC0000135, 0xC0000142]
    assert "STATUS_DLL_NOT_FOUND): a DLL is neither beside it nor on PATH" in found[0][1]
    assert "STATUS_DLL_INIT_FAILED" in found[1][1]


def test_the_whole_tree_ends_with_the_job(machine: Machine) -> None:
    """What a program left behind, and what tried to break away from its job and console, is counted and killed."""
    found = ask(machine, "trees")
    assert found["fork"][0] >= 3
    assert found["daemonise"][0] >= 1
    assert all(gone and left == 0 for _, gone, left in found.values())


def test_the_compartment_is_in_force_from_the_first_instruction(machine: Machine) -> None:
    """The job is bound while it is empty; the program, its later threads and its grandchildren begin inside."""
    assert ask(machine, "compartment")[0] == 0
    calls = [call for _, _, call in machine.calls()]
    assert "SetJobCompartmentId 7 with 0 processes" in calls
    # DllMain runs before the program's first instruction; one line is from the program, one from the grandchild.
    assert calls.count("begins in 7") == 2
    assert calls.index("SetJobCompartmentId 7 with 0 processes") < calls.index("begins in 7")
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    ask(machine, "env-attach")
    assert not [call for _, _, call in machine.calls() if "Job" in call or "begins" in call]


def test_the_compartment_of_an_ip_is_found(machine: Machine) -> None:
    """HCN names the compartment, or the adapters if HCN fails to answer; id 0 and a vanished endpoint mean none yet.

    HCN reports a container's compartment; the node's own compartment is never an anchor's.
    """
    assert ask(machine, "ways") == {
        "found": [[7, "HCN namespace 00000001-0000-0000-0000-0000000000A0"]],
        "other": [],
        "usable": True,
        "own": [[7], []],
        "node": [[], True],
        "inside": False,
    }
    machine.set_node("hcn-fails", f"{COMPARTMENT} {machine.ip}")
    ways = ask(machine, "ways")
    assert [one[0] for one in ways["found"]] == [7]
    # The adapters also list the node's own addresses: those are not an anchor's.
    assert (ways["own"], ways["node"], ways["inside"]) == ([[], []], [[], True], False)
    machine.set_node(f"{COMPARTMENT} {machine.ip} zero=1")
    assert ask(machine, "ways")["found"] == []
    machine.set_node(f"9 {machine.ip} vanished", f"{COMPARTMENT} {machine.ip} tentative")
    ways = ask(machine, "ways")
    assert [one[0] for one in ways["found"]] == [7]
    assert ways["usable"] is False


@pytest.mark.parametrize("code", ["1168", "0xC0000225"])
def test_a_job_that_may_not_be_bound_is_told_apart_from_a_compartment_that_has_gone(
    machine: Machine, code: str
) -> None:
    """A thread can enter the compartment, so "not found" for the job means that the call is not permitted."""
    machine.set_node(f"job-refused={code}", f"{COMPARTMENT} {machine.ip}")
    name, sentence = ask(machine, "job")
    assert name == "UNSUPPORTED_PLATFORM"
    assert f"SetJobCompartmentId(7): {code}" in sentence
    assert "the compartment exists, so this is not permitted here" in sentence


def test_a_helper_that_its_own_event_ends_has_sent_it(machine: Machine) -> None:
    """Windows ends a helper without a handler with 0xC000013A at CTRL_BREAK: the event is out. Other codes failed."""
    sent, failed = ask(machine, "events", "0xC000013A", "5")
    assert sent == [[True], "nothing", ""]
    assert failed[:2] == [[], "UNEXPECTED"]
    assert "the helper failed: 5" in failed[2]


def test_the_helper_outlives_its_own_event(machine: Machine) -> None:
    """The helper shares the program's console: both get CTRL_C, it ends the program, and the helper exits with 0."""
    assert ask(machine, "helper") == [0, "", 7]


def test_commands_run_beside_the_target(machine: Machine) -> None:
    """A command has its own job inside the target's: its timeout ends it and its children, but not the target."""
    found = ask(machine, "commands")
    assert (found["good"], found["forker"], found["late"]) == (4, 0, None)
    assert found["alive"]
    assert found["took"] < 20


def test_the_environment_arrives(machine: Machine) -> None:
    """Unicode and 30000 characters arrive; an empty value is a value, an absent variable is not."""
    text, empty, absent = ask(machine, "environment")
    assert text == "=grüße 漢字 😀"
    assert (empty, absent) == ("=", "(not set)")
    assert ask(machine, "long") == 4096  # what is kept of a command's output; all of it was read


def test_what_cannot_be_started_is_refused_by_name(machine: Machine) -> None:
    """Each refusal names what was found and the call; nothing is started."""
    found = ask(machine, "refusals")
    codes = {case: code for case, (code, _) in found.items()}
    assert codes == {
        "missing": "TARGET_NOT_FOUND",
        "no program": "TARGET_NOT_STARTED",
        "no folder": "TARGET_NOT_FOUND",
        "wrong id": "COMPARTMENT_NOT_FOUND",
        "wrong thread": "COMPARTMENT_NOT_FOUND",
        "wrong sum": "TARGET_CHECKSUM",
        "not signed": "TARGET_SIGNATURE",
        "no password": "RUN_AS_REFUSED",
    }
    own = hashlib.sha256((machine.drive / "toys/toy.exe").read_bytes()).hexdigest()
    assert own in found["wrong sum"][1]
    assert "1168 no such compartment" in found["wrong id"][1]
    assert "RUN_AS_PASSWORD" in found["no password"][1]


def test_a_restricted_program_runs(machine: Machine) -> None:
    """With runAs: restricted the program is started with its own token and ends with its own code."""
    assert ask(machine, "restricted")[0] == 5
