"""The whole oracle as a witness: it says what it did not look at, and for how long; a dead one is refused."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from mooring.rehearse.api import ApiServer

from tests.cluster.oracle.record import Oracle
from tests.oracle.objects import pod_object
from tests.oracle.processes import oracle_of, wait_for


def test_without_nodes_the_record_says_what_is_not_looked_at(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """On another cluster a split pair is still seen, and the first record names the rules that are not checked."""
    with oracle_of(kubeconfig, tmp_path) as oracle:
        api.put("pods", pod_object("orders-0"))
        api.put("pods", pod_object("orders-anchor-0", node="b"))
        wait_for(lambda: oracle.so_far().violations, "the split")
        api.put("pods", pod_object("orders-anchor-0", node="b", ready=False))
        wait_for(lambda: oracle.so_far().violations[0].duration_s, "its end")
        # Both at once: looking every 100 ms would not be enough to see it.
        for ready in (True, False):
            api.put("pods", pod_object("orders-anchor-0", node="b", ready=ready))
        wait_for(lambda: len(oracle.so_far().violations) == 2, "one that was over at once")
        record = oracle.stop()
    assert record.start["checks"] == ["split"]
    assert set(record.start["not_made"]) == {"shared", "wrong-anchor", "host-port", "endpoint"}
    assert [(seen.rule, seen.pods) for seen in record.violations] == [("split", ("orders-0", "orders-anchor-0"))] * 2
    assert record.summary is not None
    assert record.summary["looks"] >= 5
    assert {request.resource for request in api.requests} == {"pods"}


def test_a_time_without_looking_is_told(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """An oracle that was stopped for more than 2 s records it, and so does one without news from the API."""
    with oracle_of(kubeconfig, tmp_path) as oracle:
        os.kill(oracle.pid, signal.SIGSTOP)
        time.sleep(2.2)
        os.kill(oracle.pid, signal.SIGCONT)
        wait_for(lambda: oracle.so_far().holes, "the hole")
        api.close()
        time.sleep(2.5)
        api.start()
        wait_for(lambda: oracle.so_far().cuts, "the cut")
        record = oracle.stop()
    assert record.holes[0]["seconds"] > 2
    assert record.cuts[0]["seconds"] > 2
    assert record.summary is not None
    assert record.summary["longest_pause_s"] > 2
    assert record.summary["holes"] == 1


def test_an_oracle_that_died_is_no_witness(kubeconfig: Path, tmp_path: Path) -> None:
    """`stop` refuses the record of an oracle that ended early, and `start` an oracle that cannot look."""
    with oracle_of(kubeconfig, tmp_path) as oracle:
        os.kill(oracle.pid, signal.SIGKILL)
        wait_for(lambda: Path(f"/proc/{oracle.pid}/stat").read_text().split()[2] == "Z", "its end")
        with pytest.raises(RuntimeError, match="ended by itself with status -9"):
            oracle.stop()
    kubeconfig.write_text(kubeconfig.read_text().replace("token: oracle", "token: stranger"))
    with pytest.raises(RuntimeError, match="did not begin to look"):
        Oracle.start(kubeconfig, tmp_path / "other.jsonl", timeout_s=2)
