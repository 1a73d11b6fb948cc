"""The stop ladder when a step of it fails."""

import threading

from mooring_launcher.stop import Ladder, Stoppable


def _broken() -> None:
    raise ZeroDivisionError


def test_a_failing_step_is_told_and_the_tree_is_killed_all_the_same() -> None:
    """Whatever fails on the way down, the tree is killed and the end is told."""
    told: list[str] = []
    ended: list[str] = []
    killed = threading.Event()
    target = Stoppable(
        wait_s=lambda _seconds: False,
        run_command=lambda _command, _seconds: "",
        ask=_broken,
        kill=killed.set,
        wait_all_s=lambda _seconds: True,
        unsent_bytes=lambda: 1 // 0,
        await_siblings=_broken,
    )
    ladder = Ladder(target, {"command": [], "consoleSeconds": 1}, 0, told.append, ended.append)
    ladder.start()
    ladder.join(10)
    assert killed.is_set()
    assert ended == ["SIGKILL"]
    assert "a step of the stop failed: ZeroDivisionError: " in told
