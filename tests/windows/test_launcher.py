"""The launcher's `run` on Windows: the program's output, its end, its checks, its network."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from tests.windows.machine import COMPARTMENT, Machine
from tests.windows.program import wait_until
from tests.windows.release import SERVER, TOY, config_of, portless, toy


def test_64_mib_of_binary_output_pass_unchanged(launch: Any) -> None:
    """The program writes to the container's own output: nothing is read, decoded or delayed on the way."""
    launcher = launch(toy("bytes", "64"))
    assert launcher.wait_exit(180)["code"] == 0
    block = bytearray((i * 31 + (i >> 8)) & 0xFF for i in range(1 << 20))
    wanted = hashlib.sha256()
    for number in range(64):
        block[0] = number
        wanted.update(block)
    assert len(launcher.program.output) == 64 << 20
    assert hashlib.sha256(launcher.program.output).hexdigest() == wanted.hexdigest()


def test_a_line_of_5_mb_blocks_nobody(launch: Any) -> None:
    """A very long line arrives whole."""
    launcher = launch(toy("line", "5000000"))
    assert launcher.wait_exit()["code"] == 0
    assert launcher.program.output == b"x" * 5_000_000 + b"\n"


def test_a_crash_is_told_with_its_name(launch: Any) -> None:
    """The termination message has the 32-bit code and what it means; the launcher exits with the same code."""
    launcher = launch(toy("exit", "0xC0000135"))
    end = launcher.wait_exit()
    assert (end["by"], end["code"]) == ("target", 0xC0000135)
    message = launcher.message()
    assert message["code"] == 0xC0000135
    assert "STATUS_DLL_NOT_FOUND" in message["message"]
    assert launcher.program.code == 0x35  # this system keeps 8 bits of it


def test_the_compartment_is_waited_for(launch: Any, machine: Machine) -> None:
    """The launcher waits while the id is 0 or the address not Preferred, and logs why; then the program starts."""
    machine.set_node(f"{COMPARTMENT} {machine.ip} zero=2 tentative")
    launcher = launch(toy("wait"))
    wait_until(lambda: any("become usable" in e["reason"] for e in launcher.events("waiting")), "the reason")
    assert any("no compartment of this node has it" in e["reason"] for e in launcher.events("waiting"))
    assert not launcher.events("target-started")
    (machine.drive / "shim/node.txt").write_text(f"{COMPARTMENT} {machine.ip}\n")
    launcher.program.wait_line("ready")
    assert launcher.events("bootstrap")[0]["compartment"] == COMPARTMENT


def test_the_launcher_itself_stays_outside(launch: Any, machine: Machine) -> None:
    """No thread of the launcher stays in the compartment: each switch is followed by one back."""
    launcher = launch()
    launcher.wait_ready()
    by_thread: dict[tuple[int, int], list[str]] = {}
    for pid, tid, call in machine.calls():
        if call.startswith("SetCurrentThreadCompartmentId"):
            by_thread.setdefault((pid, tid), []).append(call.rpartition(" ")[2])
    assert by_thread
    for switches in by_thread.values():
        paired = switches[: len(switches) // 2 * 2]
        assert paired == ["7", "1"] * (len(paired) // 2)


def test_the_right_program_alone_is_started(launch: Any, machine: Machine) -> None:
    """A wrong sha256 is refused with both sums; the right one is started."""
    own = hashlib.sha256((machine.drive / "toys/toy.exe").read_bytes()).hexdigest()
    end = launch(toy("exit", "0", sha256="0" * 64)).wait_exit()
    assert end["code"] == 216
    assert own in end["message"]
    assert launch(toy("exit", "9", sha256=own)).wait_exit()["code"] == 9


def test_the_gate_measures_a_windows_program(launch: Any) -> None:
    """Memory and threads are measured by psutil's Windows build from the bundle; Wine always reports 0 handles."""
    gate = {"memory": {"minMiB": 1}, "threads": {"min": 1}}
    layer = {"gate": {**gate, "handles": {"max": 5}, "ports": None}}
    launcher = launch(portless({"exe": TOY, "args": ["leak", "600"]}), layer)
    launcher.wait_ready()
    status = json.loads(launcher.get("/status")[1])
    holding = {one["name"] for one in status["conditions"] if one["holds"]}
    assert {"handles", "memory", "threads"} <= holding
    _, metrics = launcher.get("/metrics")
    memory = re.search(r"^mooring_target_resident_memory_bytes (\d+)$", metrics, re.MULTILINE)
    assert memory is not None
    assert int(memory[1]) > 1 << 20
    assert re.search(r"^mooring_target_open_handles 0$", metrics, re.MULTILINE)


def test_a_body_is_compared_by_a_process_of_its_own(launch: Any) -> None:
    """An expression that repeats is matched by a second Python, which Windows starts without a console."""
    timing = {"port": 8091, "path": "/livez", "timeoutSeconds": 20, "periodSeconds": 1}
    checks = {"same": {**timing, "bodyMatches": "^li+ve"}, "other": {**timing, "bodyMatches": "dea+d"}}
    launcher = launch(portless({"exe": TOY, "args": ["wait"]}), {"gate": {"ports": None, "http": checks}})

    def told() -> list[str]:
        return [one["value"] for one in launcher.events("gate-waiting") if one["condition"] == "http other"]

    wait_until(lambda: any("body does not match 'dea+d'" in value for value in told()), "the comparison")
    conditions = json.loads(launcher.get("/status")[1])["conditions"]
    assert {one["name"]: one["holds"] for one in conditions if "http" in one["name"]} == {
        "http same": True,
        "http other": False,
    }


def test_a_port_that_is_taken_is_told(launch: Any, machine: Machine) -> None:
    """A second launcher on the same IP finds readiness.port taken, which Windows by itself would not ensure."""
    launch({"target": {"exe": SERVER}}).wait_ready()
    second = machine.site.machine("one").launch(config_of(toy("wait")))
    end = second.wait_exit()
    assert end["code"] == 221, end
