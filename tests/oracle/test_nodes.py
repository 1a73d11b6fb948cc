"""The whole oracle beside nodes, with real processes and sockets in namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mooring.rehearse.api import ApiServer
from mooring.rehearse.network import ip

from tests.cluster.oracle.record import Record
from tests.oracle.objects import pod_object, slice_object
from tests.oracle.processes import SERVER, add_network, http_get, oracle_of, wait_for


@pytest.mark.sandbox
def test_the_oracle_sees_all_rules_broken(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """With real processes and sockets: nothing while a pair is whole, then each rule as it is broken, and its end."""
    address = add_network("anchor-0", 71)
    with contextlib.ExitStack() as stack:

        def program(pod_uid: str, netns: str = "", *command: str) -> subprocess.Popen[bytes]:
            inside = ["ip", "netns", "exec", netns] if netns else []
            started = subprocess.Popen([*inside, *command], env={**os.environ, "POD_UID": pod_uid})
            stack.callback(started.wait)
            stack.callback(started.kill)
            return started

        def answers() -> bool:
            with contextlib.suppress(OSError):
                http_get(address)
                return True
            return False

        program("uid-orders-anchor-0", "anchor-0", "sleep", "inf")
        target = program("uid-orders-0", "anchor-0", sys.executable, "-c", SERVER, "18088")
        wait_for(answers, "the target")
        for name in ("orders-0", "orders-1", "orders-anchor-0"):
            api.put("pods", pod_object(name))
        api.put("endpointslices", slice_object(address, {"ready": True}))
        oracle = stack.enter_context(oracle_of(kubeconfig, tmp_path, {"a": os.getpid()}))

        def seen(rule: str) -> list[Any]:
            return [violation for violation in oracle.so_far().violations if violation.rule == rule]

        time.sleep(3)
        assert oracle.so_far().violations == []

        stranger = program("uid-orders-1", "anchor-0", "sleep", "inf")
        wait_for(lambda: seen("shared") and seen("wrong-anchor"), "the second launcher's program")
        stranger.kill()
        wait_for(lambda: seen("shared")[0].duration_s, "its end")

        intruder = program("uid-orders-0", "", sys.executable, "-c", SERVER, "18088")
        wait_for(lambda: seen("host-port"), "the port on the host")
        assert f"process {intruder.pid} of apps/orders-0 listens on TCP port 18088" in seen("host-port")[0].sentence
        intruder.kill()
        wait_for(lambda: seen("host-port")[0].duration_s, "its end")
        bystander = program("", "", sys.executable, "-c", SERVER, "18088")

        target.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        wait_for(lambda: seen("endpoint"), "the silence")
        assert time.monotonic() - stopped_s > 2.0, "before the anchor's 1 x 1 s + 1 s had passed"
        # The kernel accepts connections for it until its queue is full.
        assert re.search(r"no (answer|connection) within 1 s", seen("endpoint")[0].sentence)
        target.send_signal(signal.SIGCONT)
        wait_for(lambda: seen("endpoint")[0].duration_s, "its end")
        assert bystander.poll() is None
        record: Record = oracle.stop()

    assert {violation.rule for violation in record.violations} == {"shared", "wrong-anchor", "host-port", "endpoint"}
    assert record.start["not_made"] == {}
    assert record.summary is not None
    assert record.summary["questions"] > 5


@pytest.mark.sandbox
def test_a_node_that_ends_is_let_go_and_found_again(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """The oracle holds nothing of a dead node, probes nothing there, and resumes when its machine is back."""

    def boot(stack: contextlib.ExitStack) -> tuple[subprocess.Popen[bytes], str]:
        address = add_network("node-a", 72)
        script = "hostname node-a; exec sleep inf"
        machine = subprocess.Popen(["ip", "netns", "exec", "node-a", "unshare", "--uts", "sh", "-c", script])
        stack.callback(machine.wait)
        stack.callback(machine.kill)
        comm = Path(f"/proc/{machine.pid}/comm")
        wait_for(lambda: comm.read_text() == "sleep\n", "the machine")
        return machine, address

    def states() -> list[str]:
        lines = [json.loads(line) for line in oracle.path.read_text().splitlines()]
        return [line["state"] for line in lines if line["kind"] == "node"]

    for name in ("orders-0", "orders-anchor-0"):
        api.put("pods", pod_object(name, node="node-a"))
    with contextlib.ExitStack() as stack:
        machine, address = boot(stack)
        # Nothing listens there: it is silent immediately, but its node ends before that is a violation.
        api.put("endpointslices", slice_object(address, {"ready": True}))
        oracle = stack.enter_context(oracle_of(kubeconfig, tmp_path, {"node-a": machine.pid}))
        machine.kill()
        ip("netns", "delete", "node-a")
        wait_for(lambda: states() == ["lost"], "the end of the node")
        wait_for(lambda: "oracle72" not in [name for _, name in socket.if_nameindex()], "its interface to go")
        time.sleep(3)
        assert oracle.so_far().violations == []
        boot(stack)
        wait_for(lambda: states() == ["lost", "back"], "the node to be found")
        wait_for(lambda: oracle.so_far().violations, "the silence")
        record = oracle.stop()
    assert [seen.rule for seen in record.violations] == ["endpoint"]
