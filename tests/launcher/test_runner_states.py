"""The states of a run and what leads from one to the next, with a real target in a real compartment."""

import os
from collections.abc import Iterator

import pytest
from mooring_launcher.attachment.attachment import Attachment, Hooks
from mooring_launcher.attachment.ladder import Ladder
from mooring_launcher.attachment.place import Place
from mooring_launcher.cluster.anchor import Attached as Anchor
from mooring_launcher.config import check_config, for_ordinal, load_schema
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.log import GateLog
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import ExitStatus
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.outcome import Outcome
from mooring_launcher.runner.states import (
    Attached,
    Ended,
    Failed,
    SearchAgain,
    Searching,
    Stopping,
    StopRequested,
    concerns,
    end,
    is_ending,
    leave,
    lose_anchor,
    lose_target,
)

from tests.launcher.rig import PORT, SERVER_TOY, ask, make_config, wait_for

pytestmark = pytest.mark.sandbox

STOP = StopRequested("SIGTERM")
FAILURE = Failed(LauncherError(ExitCode.GATE_TIMEOUT, "the gate did not hold"))
GENERATION = 2
STOP_BUDGETS = {"command": [], "consoleSeconds": 1}


@pytest.fixture
def attached(ip: str, compartment: Compartment, request: pytest.FixtureRequest) -> Iterator[Attached]:
    """Attach the toy server, with the arguments of the test's parameter, as a launcher's second attachment."""
    args = ["-S", str(SERVER_TOY), str(PORT), *getattr(request, "param", [])]
    config = for_ordinal(check_config(make_config(target={"args": args}), load_schema(), "test"), 0)
    place = Place(Anchor("orders-anchor-0", "uid-1", ip, "containerd://c1"), compartment, 0.0)
    ignored = lambda *_: None  # noqa: E731 - not needed here
    hooks = Hooks(lambda: "", lambda: "", ignored, ignored, ignored, ignored, ignored)
    environ = dict(os.environ)
    attachment = Attachment(backend(), config, 0, place, environ, hooks, generation=GENERATION, restarts=GENERATION - 1)
    try:
        wait_for(lambda: attachment.gate.holds, "the gate")
        yield Attached(attachment, place.anchor, GateLog(Log(), 0.0), anchor_ready=True, has_been_ready=True)
    finally:
        attachment.close()


def climb_down(attached: Attached) -> str:
    """Stop the target by a real ladder and return the rung it ended on."""
    rungs: list[str] = []
    target = attached.attachment.target
    ladder = Ladder(
        target, attached.attachment.unsent_bytes, lambda: None, STOP_BUDGETS, 0, lambda _step: None, rungs.append
    )
    ladder.start()
    ladder.join(15)
    return rungs[0]


@pytest.mark.parametrize(
    ("has_been_attached", "when"), [(False, "before a target was started"), (True, "while no target ran")]
)
def test_a_stop_while_searching_ends_at_once(has_been_attached: bool, when: str) -> None:
    """Without a target there is nothing to wait for; the message says whether one ran before."""
    assert end(Searching(has_been_attached), STOP) == Ended(STOP, Outcome("launcher", 0, f"stopped by SIGTERM {when}"))


def test_a_failure_while_searching_ends_at_once() -> None:
    """Without a target the launcher exits immediately with the failure's code."""
    expected = Outcome("launcher", ExitCode.GATE_TIMEOUT, "the gate did not hold")
    assert end(Searching(has_been_attached=True), FAILURE) == Ended(FAILURE, expected)


def test_only_a_target_that_was_ready_is_drained(attached: Attached) -> None:
    """A stop, or an anchor that is leaving, drains if traffic may have arrived; a failure or lost network does not."""
    never_ready = attached._replace(has_been_ready=False)
    gentle = [end(attached, STOP), lose_anchor(attached, "leaving", graceful=True)]
    hasty = [end(attached, FAILURE), lose_anchor(attached, "gone", graceful=False)]
    unused = [end(never_ready, STOP), lose_anchor(never_ready, "leaving", graceful=True)]
    drains = [isinstance(state, Stopping) and state.drains for state in (*gentle, *hasty, *unused)]
    assert drains == [True, True, False, False, False, False]


def test_a_lost_anchor_leads_back_to_the_search(attached: Attached) -> None:
    """After the ladder the launcher searches for the next anchor, as one that has been attached."""
    stopping = lose_anchor(attached, "the anchor is gone", graceful=False)
    assert not is_ending(stopping)
    assert leave(stopping, "SIGTERM") == Searching(has_been_attached=True)


@pytest.mark.parametrize("ending", [STOP, FAILURE])
def test_an_end_while_the_anchor_is_lost_ends_the_run_after_the_ladder(
    attached: Attached, ending: StopRequested | Failed
) -> None:
    """A ladder that is running continues with its reason, and the launcher searches for no further anchor."""
    stopping = lose_anchor(attached, "the anchor is gone", graceful=False)
    ended = end(stopping, ending)
    assert ended == stopping._replace(then=ending)
    assert is_ending(ended)
    assert isinstance(ended, Stopping)
    left = leave(ended, climb_down(attached))
    assert isinstance(left, Ended)
    assert left.ending == ending


def test_a_failure_while_stopping_changes_nothing(attached: Attached) -> None:
    """The first ending counts, whether it was a stop, a failure or the target's own end."""
    exited = lose_target(attached, ExitStatus(7, None, "exited with code 7"))
    assert end(exited, FAILURE) is exited
    for first, later in ((STOP, FAILURE), (FAILURE, STOP), (STOP, StopRequested("SIGINT"))):
        stopping = end(attached, first)
        assert end(stopping, later) is stopping
    over = end(Searching(has_been_attached=False), STOP)
    assert end(over, FAILURE) is over


def test_reports_of_a_former_attachment_are_out_of_date(attached: Attached) -> None:
    """Reports of an attachment count while it is attached or being stopped, and never for another attachment."""
    stopping = lose_anchor(attached, "the anchor is gone", graceful=False)
    searching = leave(stopping, "SIGTERM")
    states = (attached, stopping, searching, end(searching, STOP))
    assert [concerns(state, GENERATION) for state in states] == [True, True, False, False]
    assert [concerns(state, GENERATION - 1) for state in states] == [False] * 4


def test_a_target_that_ended_by_itself_gives_its_code(attached: Attached, ip: str) -> None:
    """Its code and sentence are the outcome, whatever the ladder finds afterwards."""
    ask(attached.attachment.place.compartment, ip, b"exit 7")
    status = attached.attachment.target.wait(10)
    assert status is not None
    left = leave(lose_target(attached, status), climb_down(attached))
    assert isinstance(left, Ended)
    assert left.outcome == Outcome("target", 7, "the target exited with code 7")


@pytest.mark.parametrize(
    ("attached", "outcome"),
    [
        ([], Outcome("target", 0, "stopped by SIGTERM: the target ended on SIGTERM")),
        (["exit=3"], Outcome("target", 3, "stopped by SIGTERM (SIGTERM): the target exited with code 3")),
        (
            ["ignore"],
            Outcome(
                "target", 137, "stopped by SIGTERM (SIGKILL): the target was killed together with its process tree"
            ),
        ),
    ],
    indirect=["attached"],
)
def test_a_stop_is_a_success_only_if_the_target_obeyed(attached: Attached, outcome: Outcome) -> None:
    """A target that ends on SIGTERM is a success; if it was killed or has its own exit code, that code is passed on."""
    stopping = end(attached, STOP)
    assert isinstance(stopping, Stopping)
    left = leave(stopping, climb_down(attached))
    assert isinstance(left, Ended)
    assert left.outcome == outcome


def test_a_search_again_is_no_ending(attached: Attached) -> None:
    """Only a decided end counts: searching, attached and a stop for another anchor do not."""
    stopping = lose_anchor(attached, "the anchor is gone", graceful=True)
    assert stopping.then == SearchAgain()
    undecided = (Searching(has_been_attached=True), attached, stopping)
    decided = (end(attached, STOP), end(attached, FAILURE), end(Searching(has_been_attached=False), STOP))
    assert [is_ending(state) for state in (*undecided, *decided)] == [False] * 3 + [True] * 3
