"""The stop ladder when one of its steps fails."""

import pytest
from mooring_launcher.attachment.ladder import Ladder

from tests.launcher.inside_helpers import namespace, random_ip, target

pytestmark = pytest.mark.sandbox


def _broken() -> bool:
    raise ZeroDivisionError


def _broken_wait() -> None:
    raise ZeroDivisionError


def test_a_failing_step_is_reported_and_the_tree_is_killed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails on the way down, the tree is killed and its end is reported."""
    told: list[str] = []
    ended: list[str] = []
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60") as started:
        monkeypatch.setattr(started, "ask_to_stop", _broken)
        stop = {"command": [], "consoleSeconds": 1}
        ladder = Ladder(started, lambda: 1 // 0, _broken_wait, stop, 0, told.append, ended.append)
        ladder.start()
        ladder.join(10)
        assert started.wait_all(0)
        status = started.wait(0)
    assert status is not None
    assert status.signal == 9
    assert ended == ["SIGKILL"]
    failures = [line for line in told if line.startswith("a step of the stop failed: ZeroDivisionError: ")]
    assert len(failures) == 3
