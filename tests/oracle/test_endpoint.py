"""The rule `endpoint`: an address that gets traffic and does not answer, and the time it is given."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.cluster.oracle.picture import Endpoint, HttpCheck, Silence, read_endpoints
from tests.cluster.oracle.probes import QUIET_S, Prober, Question
from tests.cluster.oracle.rules import judge, others_are_back_s
from tests.cluster.oracle.sight import Node
from tests.oracle.objects import slice_object
from tests.oracle.pictures import anchor, launcher, picture, rules
from tests.oracle.processes import SERVER, listens, wait_for


def test_a_silent_endpoint_is_wrong_once_kubelet_should_have_noticed() -> None:
    """The limit is the anchor's periodSeconds x failureThreshold + 1 s, not earlier."""
    silence = Silence(Endpoint("10.1.0.1", 18088, "a0", "orders"), 100.0, "Connection refused")
    seen = picture(launcher(), anchor(), silences=[silence])
    assert rules(seen, 116.0) == []
    assert rules(seen, 116.1) == [("endpoint", ("orders-anchor-0",))]
    [violation] = judge(seen, 117.0)
    assert "10.1.0.1:18088 of Service orders" in violation.sentence
    assert "more than 16 s: Connection refused" in violation.sentence


@pytest.mark.parametrize(
    ("conditions", "counts"),
    [
        ({}, True),
        ({"ready": True}, True),
        ({"ready": False, "serving": False}, False),
        ({"ready": False, "serving": True, "terminating": True}, True),
        ({"ready": None}, True),
    ],
)
def test_an_endpoint_counts_when_it_gets_traffic(conditions: dict[str, Any], counts: bool) -> None:
    """Ready endpoints get traffic, and terminating ones that still serve may get it."""
    assert bool(read_endpoints(slice_object("10.1.0.1", conditions))) is counts


@pytest.mark.sandbox
def test_a_pause_of_the_oracle_is_no_silence_of_others() -> None:
    """If the oracle itself was not scheduled for a while, an answer that came meanwhile still counts."""
    port = 18089  # test_nodes has 18088, perhaps at the same time
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)])
    try:
        wait_for(lambda: listens(port), "the server")
        prober, node = Prober(), Node("here", os.getpid())
        check = HttpCheck("/up", "", (), frozenset({204}), 0.5)
        prober.ask([Question(Endpoint("127.0.0.1", port, "a0", "orders"), node, check)])
        prober.start_due(time.monotonic())
        time.sleep(1)
        prober.serve(time.monotonic() + 0.3)
        assert (prober.count, prober.silences()) == (1, [])
        server.send_signal(signal.SIGSTOP)
        prober.serve(time.monotonic() + QUIET_S)
        prober.start_due(time.monotonic())
        prober.serve(time.monotonic() + 1)
        assert [silence.heard for silence in prober.silences()] == ["no answer within 0.5 s"]
    finally:
        server.kill()
        server.wait()


def test_every_watcher_is_back_in_the_time_it_is_given() -> None:
    """A watcher that backs off as client-go's do retries in time, whatever the random part; sometimes only just."""
    dice = random.Random(1)
    latest: dict[float, float] = {}
    for without_s in (0.5, 3.0, 15.0, 60.0, 240.0):
        for _ in range(20_000):
            tried_s, delay_s = 0.0, 0.8
            while tried_s <= without_s:
                tried_s += delay_s * (1 + dice.random())
                delay_s = min(2 * delay_s, 30.0)
            latest[without_s] = max(latest.get(without_s, 0.0), tried_s - without_s)
    allowed = {without_s: others_are_back_s(without_s) for without_s in latest}
    assert all(latest[without_s] <= allowed[without_s] for without_s in latest), (latest, allowed)
    assert latest[60.0] > 0.9 * allowed[60.0]
