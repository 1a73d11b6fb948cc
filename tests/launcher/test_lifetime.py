"""`target.lifetime`: a target ends with its main process, or with the last process of its tree."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.lifetime import hint_of_start_program, tree_status
from mooring_launcher.platforms.target import ExitStatus, Target, TargetSpec

from tests.launcher.inside_helpers import TOYS, is_running, namespace, random_ip
from tests.launcher.rig import PORT, SERVER_TOY, Rig, anchor_pod, ask, http_get, send_signal, wait_for

pytestmark = pytest.mark.sandbox


@contextmanager
def tree(script: str, lifetime: str = "tree") -> Iterator[Target]:
    """Start a shell script as a target in its own namespace; nothing of it is left afterwards."""
    with namespace(random_ip()) as inside:
        spec = TargetSpec("/bin/sh", ["-c", script], "", {"PATH": "/usr/bin:/bin"}, lifetime=lifetime)
        started = backend().start_target(inside, spec)
        try:
            yield started
        finally:
            started.kill()
            assert started.wait_all(10)


@pytest.mark.parametrize(
    ("script", "code", "sentence"),
    [
        ("exit 0", 0, "exited with code 0"),
        ("exit 3", 3, "exited with code 3"),
        (
            "setsid sh -c 'sleep 0.3; exit 4' & exit 0",
            4,
            "exited with code 4 (the last process of its tree, sh; its main process exited with code 0)",
        ),
        (
            "(sleep 0.3; exit 4) & exit 3",
            3,
            "exited with code 3 (its main process; the last process of its tree, sh, exited with code 4)",
        ),
        (
            "(setsid sh -c 'sleep 0.4; exit 5' &); exit 0",
            5,
            "exited with code 5 (the last process of its tree, sh; its main process exited with code 0)",
        ),
        (
            "(sleep 0.6; exit 6) & (sleep 0.2; exit 4) & exit 0",
            6,
            "exited with code 6 (the last process of its tree, sh; its main process exited with code 0)",
        ),
        (
            "setsid sh -c 'sleep 0.3; kill -SEGV $$' & exit 0",
            139,
            "was ended by signal 11 (SIGSEGV) (the last process of its tree, sh; its main process exited with code 0)",
        ),
        (  # the sleep never reaps the 9 that it has become the parent of: init gets both at the same time
            "setsid sh -c 'sh -c \"exit 9\" & exec sleep 0.4' & exit 0",
            0,
            "exited with code 0 (the last process of its tree, sleep; its main process exited with code 0)",
        ),
        ("sh -c 'exit 9' & exec sleep 0.4", 0, "exited with code 0"),
    ],
)
def test_a_tree_ends_with_its_last_process(script: str, code: int, sentence: str) -> None:
    """The code is that of the main process unless it is 0; then it is that of the process that ended last."""
    with tree(script) as started:
        status = started.wait(10)
        assert status is not None
        assert (status.code, status.sentence) == (code, sentence)
        assert started.wait_all(10)


def test_a_tree_goes_on_without_its_main_process() -> None:
    """While a process is left the target has not ended; it is known how the main one did, and which are left."""
    with tree("setsid sleep 60 & exit 0") as started:
        wait_for(started.main_exit, "the main process's end")
        assert started.main_exit() == (0, None, "exited with code 0")
        assert started.wait(0.2) is None
        assert started.left_behind() == ["sleep"]
        seen: list[int] = []
        started.on_main_exit(lambda status: seen.append(status.code))
        assert seen == [0]


def test_a_process_target_ends_with_its_main_process() -> None:
    """With lifetime process, processes left behind make no difference."""
    with tree("(sleep 60; exit 4) & exit 0", "process") as started:
        assert started.wait(10) == (0, None, "exited with code 0")
        assert started.wait_all(0) is False


def test_asking_reaches_what_has_no_parent_left(tmp_path: Path) -> None:
    """SIGTERM is sent to what the start program left behind, but not to its workers, which it stops itself."""
    said = tmp_path / "said"
    with tree(f"setsid {sys.executable} -S {TOYS / 'workers.py'} {said} & exit 0") as started:
        wait_for(lambda: said.exists() and said.read_text() and started.main_exit(), "the worker")
        assert started.ask_to_stop()
        started.ask_further()
        status = started.wait(10)
    assert said.read_text().split() == ["up", "server"]
    assert status is not None
    assert status.code == 7


def test_those_who_stand_alone_later_are_asked_later() -> None:
    """A shell that ends on SIGTERM leaves its server, which gets SIGTERM once it is found without a parent."""
    with tree("sleep 61 & wait") as started:
        wait_for(lambda: started.left_behind() == ["sleep"], "the server")
        started.ask_to_stop()
        wait_for(started.main_exit, "the shell's end")
        assert started.wait(0.2) is None
        started.ask_further()
        status = started.wait(10)
    assert status is not None
    assert (status.code, status.signal) == (143, signal.SIGTERM)


@pytest.mark.parametrize(("main", "code"), [(0, 137), (3, 3)])
def test_a_tree_that_is_killed_says_so(main: int, code: int) -> None:
    """What is left of a tree when it is killed ends by SIGKILL, unless the main process had failed before."""
    with tree(f"sleep 60 & exit {main}") as started:
        wait_for(started.main_exit, "the main process's end")
        started.kill()
        status = started.wait(10)
    assert status is not None
    assert status.code == code


def test_a_running_command_does_not_keep_a_tree_alive() -> None:
    """A check that is running when the last process ends is ended with the tree, and its code is not the target's."""
    with tree("sleep 1 & exit 0") as started:
        result = started.run_command(["/bin/sleep", "30"], 20)
        status = started.wait(10)
    assert result.exit is not None
    assert result.exit.signal == signal.SIGKILL
    assert status is not None
    assert (status.code, "sleep" in status.sentence) == (0, True)


def test_an_end_that_nobody_saw_is_told() -> None:
    """If the last process's code could not be read, the main one's counts, and the sentence says why."""
    unseen = "its main process; how the last process of its tree, process 4711, ended could not be seen"
    main = ExitStatus(0, None, "exited with code 0")
    assert tree_status(main, None, "process 4711") == (0, None, f"exited with code 0 ({unseen})")


@pytest.mark.parametrize(
    ("code", "lived_s", "left", "words"),
    [
        (0, 1.04, ["python3"], "after 1.0 s and left a process running (python3), which ended with it"),
        (0, 30, ["b", "a", "b"], "left 3 processes running (a, b), which"),
        (0, 1, list("gfedcba"), "left 7 processes running (a, b, c, d, e, …), which"),
        (1, 1, ["python3"], ""),
        (0, 1, [], ""),
        (0, 61, ["python3"], ""),
    ],
)
def test_a_start_program_is_told_from_others(code: int, lived_s: float, left: list[str], words: str) -> None:
    """Only a success soon after the start that leaves something behind leads to a hint at the other lifetime."""
    hint = hint_of_start_program(ExitStatus(code, None, ""), lived_s, left)
    assert words in hint
    assert ("set target.lifetime: tree (cplauncher's -wait-tree)" in hint) == bool(words)


# The launcher, unchanged.


@pytest.fixture
def start_program(rig: Rig, ip: str, compartment: Compartment) -> dict[str, Any]:
    """Create an anchor; return a target that starts the toy server as a daemon, forked twice, and exits."""
    rig.api.put("pods", anchor_pod(ip, ready=True))
    server = f"setsid {sys.executable} -S {SERVER_TOY} {PORT}"
    return {"exe": "/bin/sh", "args": ["-c", f"({server} &) & sleep 0.2; exit 0"], "lifetime": "tree"}


def pids_of(word: str) -> list[int]:
    """Return the processes in this sandbox whose command line contains a word."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def test_a_start_programs_server_is_served(
    rig: Rig, ip: str, compartment: Compartment, start_program: dict[str, Any]
) -> None:
    """The replica is ready once the start program has ended, and the server's code is passed on."""
    launcher = rig.launch(target=start_program)
    launcher.wait_event("gate-holds")
    event = launcher.wait_event("main-process-exited", code=0)
    assert len(event["left"]) == 1
    wait_for(lambda: http_get(compartment, ip, "/readyz")[0] == 200, "ready")
    ask(compartment, ip, b"exit 7")
    assert launcher.wait_exit() == 7
    assert (rig.message()["by"], rig.message()["code"]) == ("target", 7)
    assert "the last process of its tree" in rig.message()["message"]


def test_a_stop_asks_the_server_that_was_left(
    rig: Rig, ip: str, compartment: Compartment, start_program: dict[str, Any]
) -> None:
    """A stop while only grandchildren are left drains, then ends the server by SIGTERM: the launcher exits with 0."""
    launcher = rig.launch(target=start_program, stop={"drainSeconds": 1})
    launcher.wait_event("main-process-exited")
    launcher.wait_event("gate-holds")
    send_signal(launcher, signal.SIGTERM)
    launcher.wait_event("stopping", step="not ready; draining for 1 s")
    assert ask(compartment, ip, b"hi\n") == b"hello\n"
    assert launcher.wait_exit() == 0
    assert launcher.lines.count("SIGTERM") == 1
    assert "ended on SIGTERM" in rig.message()["message"]


def test_a_supervisor_that_leaves_its_server_at_the_stop_is_followed(
    rig: Rig, ip: str, compartment: Compartment
) -> None:
    """If a shell waits for its server and ends on SIGTERM, the server gets SIGTERM next, well within its budget."""
    rig.api.put("pods", anchor_pod(ip, ready=True))
    args = ["-c", f"{sys.executable} -S {SERVER_TOY} {PORT} & wait"]
    launcher = rig.launch(target={"exe": "/bin/sh", "args": args, "lifetime": "tree"}, stop={"consoleSeconds": 60})
    launcher.wait_event("gate-holds")
    began_s = time.monotonic()
    assert rig.command("stop").returncode == 0
    assert launcher.wait_exit() == 0
    assert launcher.lines.count("SIGTERM") == 1
    assert time.monotonic() - began_s < 10


def test_a_killed_launcher_leaves_nothing_of_a_tree(rig: Rig, start_program: dict[str, Any]) -> None:
    """After kill -9 of the launcher, the server also ends, although its start program ended long before."""
    launcher = rig.launch(target=start_program)
    launcher.wait_event("main-process-exited")
    launcher.wait_event("gate-holds")
    pids = pids_of(str(SERVER_TOY))
    assert pids
    launcher.process.kill()
    wait_for(lambda: not any(is_running(pid) for pid in pids), "the server's end")


def test_a_start_program_without_the_lifetime_is_told_of_it(rig: Rig, start_program: dict[str, Any]) -> None:
    """With lifetime process the termination message and the log name what to set."""
    launcher = rig.launch(target={**start_program, "lifetime": "process"})
    assert launcher.wait_exit() == 0
    message = rig.message()["message"]
    assert message.startswith("the target exited with code 0 after 0.")
    assert "left a process running (" in message
    assert "set target.lifetime: tree" in message
    assert "set target.lifetime: tree" in launcher.wait_event("target-exited")["message"]
