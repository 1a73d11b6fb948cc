"""How a program is stopped on Windows, rung by rung, and what is left when the launcher itself is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

from tests.windows.machine import Launcher, Machine, Site
from tests.windows.program import Program, wait_until
from tests.windows.release import PORT, SERVER, TOY, WINDOW, anchor_pod, config_of, portless, toy

_QUICK = {"stop": {"drainSeconds": 6, "consoleSeconds": 2}}


def _stop(launcher: Launcher) -> tuple[Program, dict[str, Any]]:
    """Run the stop command as the preStop hook does; return it and how the launcher ended."""
    stopped = launcher.machine.command("stop")
    return stopped, launcher.wait_exit()


def test_a_request_in_flight_is_answered_before_the_program_ends(launch: Any) -> None:
    """The program gets CTRL_C while it answers; the answer arrives, then it ends with its own code."""
    launcher = launch()
    launcher.wait_ready()
    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(launcher.get("/slow?9000", PORT, 60)))
    asking.start()
    time.sleep(0.5)  # the request is on its way; 9 s outlast the drain of 6 s
    _, end = _stop(launcher)
    asking.join(30)
    assert answers
    assert answers[0][0] == 200
    assert (end["by"], end["code"]) == ("target", 0)
    assert "(CTRL_C)" in end["message"]


def test_a_program_ends_by_the_stop_command(launch: Any) -> None:
    """The first rung is the configured command, which runs beside the program."""
    command = {"stop": {"command": [TOY, "exit", "0"], "commandSeconds": 1, "consoleSeconds": 5}}
    launcher = launch(toy("wait"), command)
    launcher.program.wait_line("ready")
    stopped, end = _stop(launcher)
    assert "the stop command exited with code 0" in stopped.text
    assert end["code"] == 7  # the command did nothing to it: CTRL_C did, as the next rung
    assert "event 0" in launcher.program.text


def test_a_program_that_ignores_everything_ends_with_its_job(launch: Any) -> None:
    """CTRL_C is tried for its budget, then the job is ended, including forked processes."""
    launcher = launch(toy("wait", "ignore"), _QUICK)
    launcher.program.wait_line("ready")
    stopped, end = _stop(launcher)
    assert "CTRL_C; waiting up to 2 s" in stopped.text
    assert "the end of the job" in stopped.text
    assert (end["by"], end["code"]) == ("target", 137)
    assert "was ended together with its job" in end["message"]
    assert launcher.machine.processes("toy.exe") == []


def test_without_a_console_event_none_is_sent(launch: Any) -> None:
    """consoleEvent: none ends the job immediately."""
    launcher = launch(toy("wait"), {"stop": {"consoleEvent": "none", "consoleSeconds": 30}})
    launcher.program.wait_line("ready")
    began = time.monotonic()
    stopped, _ = _stop(launcher)
    assert "CTRL_C" not in stopped.text
    assert "event" not in launcher.program.output.decode()
    assert time.monotonic() - began < 25


def test_a_window_is_closed(site: Site) -> None:
    """A program with a window and no console ends on WM_CLOSE, with its own code."""
    machine = site.machine("window")  # a desktop with nothing left by crashed programs
    site.api.put("pods", anchor_pod(machine))
    config = config_of(portless({"exe": WINDOW, "args": []}), {"stop": {"consoleSeconds": 5, "windowSeconds": 20}})
    launcher = machine.launch(config)
    launcher.program.wait_line("ready")
    stopped, end = _stop(launcher)
    assert "a program without a console cannot be reached this way" in stopped.text
    assert "WM_CLOSE; waiting up to 20 s" in stopped.text
    assert (end["by"], end["code"]) == ("target", 5), end


def test_a_killed_launcher_leaves_no_process(launch: Any) -> None:
    """SIGKILL to the launcher ends the program and its children: the job's last handle is closed."""
    launcher = launch({"target": {"exe": SERVER}})
    launcher.wait_ready()
    machine = launcher.machine
    assert machine.processes("server.exe")
    for pid in machine.processes("mooring-launcher.pyz"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not machine.processes("server.exe"), "the end of the program", 20)


def test_a_stop_with_nobody_to_hear_it_says_so(machine: Machine) -> None:
    """`stop` after the launcher's end exits immediately, with a message."""
    machine.path("C:\\run\\mooring").mkdir(parents=True, exist_ok=True)
    machine.path("C:\\run\\mooring\\stop.pipe").unlink(missing_ok=True)
    stopped = machine.command("stop")
    assert stopped.code == 0
    assert "no launcher to stop" in stopped.text


def test_a_planted_pipe_may_see_who_asks_and_no_more(machine: Machine) -> None:
    """`stop` opens the pipe for identification only: Wine logs the arguments of its CreateFileW."""
    name = r"\\.\pipe\mooring-stop-planted"
    machine.write("C:\\run\\mooring\\stop.pipe", name)
    stopped = machine.command("stop", env={"WINEDEBUG": "+file"})
    machine.path("C:\\run\\mooring\\stop.pipe").unlink()
    calls = [line for line in stopped.errors if "trace:file:CreateFileW" in line and "stop-planted" in line]
    assert calls, stopped.text
    flags = {line.rpartition("attributes ")[2].split()[0] for line in calls}
    assert flags == {hex(0x100000 | 0x10000)}, calls  # SECURITY_SQOS_PRESENT, SECURITY_IDENTIFICATION (winbase.h)
