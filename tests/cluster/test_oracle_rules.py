"""The oracle sees what it is there to see: its rules, its feed from an API, the whole process in namespaces."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import yaml
from mooring.rehearse import store
from mooring.rehearse.api import ApiServer
from mooring.rehearse.network import ip

from tests.cluster.oracle.feed import Change, Feed, Server
from tests.cluster.oracle.picture import (
    Config,
    Endpoint,
    HostListener,
    HttpCheck,
    Picture,
    Pod,
    Program,
    Silence,
    belong_together,
    read_config,
    read_endpoints,
    read_pod,
)
from tests.cluster.oracle.probes import QUIET_S, Prober, Question
from tests.cluster.oracle.record import Oracle, Record, Recorder, read_record
from tests.cluster.oracle.rules import Violation, judge, others_are_back_s
from tests.cluster.oracle.sight import Node

HOST = 1
PORTS = frozenset({(18088, "TCP"), (5353, "UDP")})


def test_every_watcher_is_back_in_the_time_it_is_given() -> None:
    """A watcher that backs off as client-go's do, by any chance, tries again in time; now and then only just."""
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


def launcher(ordinal: int = 0, **changes: Any) -> Pod:
    config = Config(ports=PORTS)
    pod = Pod("apps", f"orders-{ordinal}", f"l{ordinal}", ("orders", "orders"), "launcher", ordinal, "a", True)
    return dataclasses.replace(pod, **{"config": config, **changes})


def anchor(ordinal: int = 0, **changes: Any) -> Pod:
    pod = Pod("apps", f"orders-anchor-{ordinal}", f"a{ordinal}", ("orders", "orders"), "anchor", ordinal, "a", True)
    return dataclasses.replace(pod, **{"patience_s": 15.0, **changes})


def picture(*pods: Pod, **seen: Any) -> Picture:
    made = Picture(host_namespaces=frozenset({HOST}), **seen)
    for pod in pods:
        made.put(pod)
    return made


def rules(seen: Picture, now_s: float = 0.0) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((violation.rule, violation.pods) for violation in judge(seen, now_s))


# split


def test_a_ready_pair_on_two_nodes_is_split() -> None:
    """A launcher and its anchor, both Ready, on two nodes are wrong; so they are while one is being deleted."""
    seen = picture(launcher(), anchor(node="b"), launcher(1), anchor(1))
    assert rules(seen) == [("split", ("orders-0", "orders-anchor-0"))]
    [violation] = judge(seen, 0.0)
    assert violation.sentence == "a Ready pair is split: orders-0 on a, orders-anchor-0 on b"


@pytest.mark.parametrize(
    "pods",
    [
        (launcher(), anchor()),
        (launcher(ready=False), anchor(node="b")),
        (launcher(), anchor(node="b", ready=False)),
        (launcher(), anchor(1, node="b")),
        (launcher(), anchor(node="b", release=("orders", "other"))),
        (launcher(), anchor(node="b", namespace="others")),
        (launcher(), anchor(node="b", component="")),
    ],
    ids=["together", "launcher-unready", "anchor-unready", "other-ordinal", "other-release", "other-ns", "no-anchor"],
)
def test_no_ready_pair_is_split(pods: tuple[Pod, ...]) -> None:
    """Pairs that are together or not Ready, and pods that are no pair, are not split."""
    assert rules(picture(*pods)) == []


def test_a_pod_that_has_gone_is_not_split() -> None:
    """What was removed counts no more."""
    seen = picture(launcher(), anchor(node="b"))
    seen.remove("a0")
    assert rules(seen) == []


def test_every_launcher_of_a_shared_anchor_belongs_to_it() -> None:
    """With the strategy shared each launcher on another node than the one anchor is split from it."""
    config = Config("shared")
    seen = picture(launcher(0, config=config), launcher(1, config=config, node="b"), anchor())
    assert rules(seen) == [("split", ("orders-1", "orders-anchor-0"))]


def test_an_anchor_of_others_is_found_by_its_selector() -> None:
    """`{ordinal}` stands for the launcher's ordinal, in the anchors' namespace."""
    config = Config(selector="app=my-anchor-{ordinal}, tier==net", anchor_namespace="nets")
    labels = {"app": "my-anchor-1", "tier": "net"}
    foreign = Pod("nets", "my-anchor-1", "f1", labels=labels, node="b", ready=True)
    assert belong_together(launcher(1, config=config), foreign)
    assert not belong_together(launcher(0, config=config), foreign)
    assert not belong_together(launcher(1, config=config), dataclasses.replace(foreign, namespace="apps"))
    assert rules(picture(launcher(1, config=config), foreign)) == [("split", ("orders-1", "my-anchor-1"))]


# shared and wrong-anchor


def test_programs_of_two_launchers_in_one_network_are_wrong() -> None:
    """Two launchers' programs in one namespace break the rule, and the second is in a network that is not its own."""
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "l1"), Program(5, 7, "ca", "a0")]
    seen = picture(launcher(), launcher(1), anchor(), programs=programs)
    assert rules(seen) == [("shared", ("orders-0", "orders-1")), ("wrong-anchor", ("orders-1", "orders-anchor-0"))]


def test_a_shared_anchor_may_hold_the_programs_of_its_launchers() -> None:
    """With the strategy shared that is what is wanted, but not of another release."""
    config = Config("shared")
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "l1"), Program(5, 7, "ca", "a0")]
    pods = launcher(config=config), anchor()
    assert rules(picture(*pods, launcher(1, config=config), programs=programs)) == []
    other = launcher(1, config=config, release=("orders", "other"), name="other-1")
    assert ("shared", ("orders-0", "other-1")) in rules(picture(*pods, other, programs=programs))


def test_two_lives_of_a_launcher_in_one_network_are_wrong() -> None:
    """A program that outlived its launcher's container beside that of the next container is found."""
    programs = [Program(10, 7, "before", "l0"), Program(20, 7, "after", "l0")]
    assert rules(picture(launcher(), programs=programs)) == [("shared", ("orders-0",))]


def test_a_program_of_a_launcher_that_has_gone_still_counts() -> None:
    """A re-created launcher pod has another uid; what the old one left in the network is not forgotten."""
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "new")]
    seen = picture(launcher(), launcher(uid="new"), programs=programs)
    seen.remove("l0")
    assert rules(seen) == [("shared", ("orders-0", "orders-0"))]


def test_one_program_in_its_own_anchor_is_right() -> None:
    """Several processes of one program, launchers on the host, and pods that are none of ours are no violation."""
    programs = [
        Program(5, 7, "ca", "a0"),
        Program(10, 7, "c0", "l0"),
        Program(11, 7, "c0", "l0"),
        Program(12, HOST, "c0", "l0"),
        Program(13, HOST, "c1", "l1"),
        Program(14, 7, "c9", "unknown"),
    ]
    assert rules(picture(launcher(), launcher(1), anchor(), programs=programs)) == []


# host-port


def test_a_targets_port_on_the_host_is_wrong() -> None:
    """A target's port, of its own protocol, open on the host by a launcher's process is a violation."""
    for port, wrong in {(18088, "TCP"): True, (5353, "UDP"): True, (18088, "UDP"): False, (22, "TCP"): False}.items():
        seen = picture(launcher(), anchor(), host_listeners=[HostListener("a", port, 10, "l0")])
        assert rules(seen) == ([("host-port", ("orders-0",))] if wrong else []), port


def test_a_port_on_the_host_that_others_opened_is_their_affair() -> None:
    """Only what a launcher started counts."""
    listeners = [HostListener("a", (18088, "TCP"), 10, uid) for uid in ("a0", "unknown")]
    assert rules(picture(launcher(), anchor(), host_listeners=listeners)) == []


# endpoint


def test_a_silent_endpoint_is_wrong_once_kubelet_should_have_noticed() -> None:
    """The limit is the anchor's periodSeconds x failureThreshold + 1 s, and not before."""
    silence = Silence(Endpoint("10.1.0.1", 18088, "a0", "orders"), 100.0, "Connection refused")
    seen = picture(launcher(), anchor(), silences=[silence])
    assert rules(seen, 116.0) == []
    assert rules(seen, 116.1) == [("endpoint", ("orders-anchor-0",))]
    [violation] = judge(seen, 117.0)
    assert "10.1.0.1:18088 of Service orders" in violation.sentence
    assert "more than 16 s: Connection refused" in violation.sentence


# what is read of the API's objects


def pod_object(name: str, **changes: Any) -> dict[str, Any]:
    component = "anchor" if "-anchor-" in name else "launcher"
    labels = {f"app.kubernetes.io/{key}": "orders" for key in ("name", "instance")}
    labels |= {"app.kubernetes.io/component": component, "apps.kubernetes.io/pod-index": name.rpartition("-")[2]}
    metadata = {"namespace": "apps", "name": name, "uid": changes.get("uid", f"uid-{name}"), "labels": labels}
    if component == "launcher":
        metadata["annotations"] = {"mooring/config": json.dumps(changes.get("config", CONFIG))}
    probe = {"periodSeconds": 1, "failureThreshold": 1}
    spec = {"nodeName": changes.get("node", "a"), "containers": [{"name": component, "readinessProbe": probe}]}
    ready = {"type": "Ready", "status": "True" if changes.get("ready", True) else "False"}
    running = {"containerID": changes.get("container", f"containerd://{name}")}
    running["lastState"] = {"terminated": {"containerID": "containerd://before"}}
    status = {"conditions": [ready], "containerStatuses": [running]}
    return {"metadata": metadata, "spec": spec, "status": status}


CONFIG = {
    "configVersion": 2,
    "anchor": {"strategy": "ordinal"},
    "target": {
        "exe": "/x",
        "ports": {"http": {"port": 18088, "protocol": "TCP"}, "dns": {"port": 53, "protocol": "UDP"}},
        "perOrdinal": {"1": {"ports": {"http": 8081}}},
    },
    "gate": {"http": {"up": {"port": "http", "path": "/up", "timeoutSeconds": 1, "status": [204]}}},
    "readiness": {"port": 9000},
}


def test_a_pod_is_read() -> None:
    """Labels, node, condition, containers and probe become what the rules ask for."""
    pod = read_pod(pod_object("orders-anchor-3", node="b"))
    assert (pod.component, pod.ordinal, pod.node, pod.ready, pod.patience_s) == ("anchor", 3, "b", True, 1.0)
    assert pod.containers == {"orders-anchor-3", "before"}
    bare = read_pod({"metadata": {"namespace": "apps", "name": "coredns", "uid": "u"}})
    assert (bare.component, bare.ordinal, bare.ready, bare.patience_s) == ("", None, False, 30.0)


def test_a_configuration_is_read() -> None:
    """Ports of all ordinals, the readiness port and the HTTP checks are taken from the annotation."""
    config = read_pod(pod_object("orders-0")).config
    assert config is not None
    assert config.ports == {(18088, "TCP"), (8081, "TCP"), (53, "UDP"), (9000, "TCP")}
    check = config.checks[18088]
    assert (check.path, check.timeout_s) == ("/up", 1.0)
    assert (check.accepts(204), check.accepts(200)) == (True, False)
    for text in (None, "", "[]", "{}", "null", "nonsense"):
        assert read_config(text) is None, text


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
    """Ready ones get traffic, and ones that terminate while they still serve may."""
    assert bool(read_endpoints(slice_object("10.1.0.1", conditions))) is counts


def slice_object(ip: str, conditions: dict[str, Any], port: int = 18088) -> dict[str, Any]:
    endpoint = {"addresses": [ip], "conditions": conditions, "targetRef": {"uid": "uid-orders-anchor-0"}}
    labels = {"kubernetes.io/service-name": "orders"}
    ports = [{"port": port, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    metadata = {"namespace": "apps", "name": "orders-x", "labels": labels}
    return {"metadata": metadata, "endpoints": [endpoint], "ports": ports}


# the record


def test_a_violation_is_written_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    """Each has two lines with one id and a duration; what is still wrong at the end is told as such."""
    path = tmp_path / "record.jsonl"
    recorder = Recorder(str(path))
    first = Violation("split", "apps", ("a", "b"), "first")
    for at_s, found in [(0.0, set()), (1.0, {first}), (2.0, {first}), (3.5, set()), (4.0, {first})]:
        recorder.update(found, at_s, 0.0)
        record = read_record(path)
    assert [seen.duration_s for seen in record.violations] == [2.5, None]
    assert record.summary is None
    recorder.close(5.0, looks=5)
    record = read_record(path)
    assert [seen.duration_s for seen in record.violations] == [2.5, 1.0]
    assert record.of("apps") == record.violations
    assert record.of("others") == []
    assert record.summary is not None
    assert (record.summary["violations"], record.summary["looks"]) == (2, 5)
    with path.open("a") as file:
        file.write('{"kind": "beg')
    assert len(read_record(path).violations) == 2


# the feed and the whole process, against an API over TLS


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setitem(store.API_VERSIONS, "endpointslices", "discovery.k8s.io/v1")
    monkeypatch.setitem(store.KIND_NAMES, "endpointslices", "EndpointSlice")
    server = ApiServer()
    server.add_token("oracle")
    server.start()
    yield server
    server.close()


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path: Path) -> Path:
    authority = base64.b64encode(api.ca_pem.encode()).decode()
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority-data": authority}}],
        "users": [{"name": "u", "user": {"token": "oracle"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.02)
    return value


def verbs(api: ApiServer) -> list[str]:
    return [request.verb for request in api.requests if request.resource == "pods"]


def test_the_feed_lists_once_and_watches_on(api: ApiServer, kubeconfig: Path) -> None:
    """After a cut watch or a server that was down it goes on from where it was; only 410 makes it list again."""
    queue: SimpleQueue[Change] = SimpleQueue()
    api.put("pods", pod_object("orders-0"))
    feed = Feed(Server(str(kubeconfig)), "/api/v1", "pods", "", queue)
    feed.start()
    assert queue.get(timeout=10).type == "LISTED"
    wait_for(lambda: feed.cut_since_s is None, "a watch")

    api.cut_watches()
    wait_for(lambda: verbs(api).count("watch") > 1, "another watch")
    api.put("pods", pod_object("orders-0", ready=False))
    assert queue.get(timeout=10).type == "MODIFIED"

    api.close()
    wait_for(lambda: feed.cut_since_s is not None, "the feed to notice")
    api.start()
    api.delete("pods", "apps", "orders-0")
    assert queue.get(timeout=10).type == "DELETED"
    assert feed.lists == 1

    api.expire()
    api.cut_watches()
    listed = queue.get(timeout=10)
    assert (listed.type, listed.objects, feed.namespace) == ("LISTED", (), "")
    assert verbs(api).count("list") == 2


def test_without_nodes_the_record_says_what_is_not_looked_at(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """On a cluster of others a split pair is still seen, and the first record names the rules that nobody checks."""
    with oracle_of(kubeconfig, tmp_path) as oracle:
        api.put("pods", pod_object("orders-0"))
        api.put("pods", pod_object("orders-anchor-0", node="b"))
        wait_for(lambda: oracle.so_far().violations, "the split")
        api.put("pods", pod_object("orders-anchor-0", node="b", ready=False))
        wait_for(lambda: oracle.so_far().violations[0].duration_s, "its end")
        # Both at once: whoever looked every 100 ms alone would not see it.
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
    """An oracle that was stopped for more than 2 s says so, and one without news of the API does."""
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
    """`stop` refuses the record of an oracle that ended before it was told to, and `start` one that cannot look."""
    with oracle_of(kubeconfig, tmp_path) as oracle:
        os.kill(oracle.pid, signal.SIGKILL)
        wait_for(lambda: Path(f"/proc/{oracle.pid}/stat").read_text().split()[2] == "Z", "its end")
        with pytest.raises(RuntimeError, match="ended by itself with status -9"):
            oracle.stop()
    kubeconfig.write_text(kubeconfig.read_text().replace("token: oracle", "token: stranger"))
    with pytest.raises(RuntimeError, match="did not begin to look"):
        Oracle.start(kubeconfig, tmp_path / "other.jsonl", timeout_s=2)


@contextlib.contextmanager
def oracle_of(kubeconfig: Path, tmp_path: Path, nodes: dict[str, int] | None = None) -> Iterator[Oracle]:
    oracle = Oracle.start(kubeconfig, tmp_path / "record.jsonl", nodes)
    try:
        yield oracle
    finally:
        with contextlib.suppress(ProcessLookupError, RuntimeError):
            os.kill(oracle.pid, signal.SIGCONT)
            oracle.stop()


SERVER = textwrap.dedent("""
    import http.server, signal, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204 if self.path == "/up" else 404)
            self.end_headers()
        def log_message(self, *_): pass
    http.server.HTTPServer(("0.0.0.0", 18088), Handler).serve_forever()
""")


@pytest.mark.sandbox
def test_the_oracle_sees_all_rules_broken(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """With real processes and sockets: nothing while a pair is whole, then each rule as it is broken, then its end."""
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
        target = program("uid-orders-0", "anchor-0", sys.executable, "-c", SERVER)
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

        intruder = program("uid-orders-0", "", sys.executable, "-c", SERVER)
        wait_for(lambda: seen("host-port"), "the port on the host")
        assert f"process {intruder.pid} of apps/orders-0 listens on TCP port 18088" in seen("host-port")[0].sentence
        intruder.kill()
        wait_for(lambda: seen("host-port")[0].duration_s, "its end")
        bystander = program("", "", sys.executable, "-c", SERVER)

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


def add_network(name: str, number: int) -> str:
    """Make the network namespace `name`, joined to this one by a pair of interfaces; return its address."""
    ip("netns", "add", name)
    ip("link", "add", "name", f"oracle{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("address", "add", f"10.77.{number}.1/24", "dev", f"oracle{number}")
    ip("link", "set", f"oracle{number}", "up")
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", name, "address", "add", f"10.77.{number}.2/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")
    return f"10.77.{number}.2"


def http_get(address: str) -> None:
    with urllib.request.urlopen(f"http://{address}:18088/up", timeout=1):
        return


@pytest.mark.sandbox
def test_a_pause_of_the_oracle_is_no_silence_of_others() -> None:
    """On a machine that had no time for the oracle, an answer that came meanwhile is still a good one."""
    server = subprocess.Popen([sys.executable, "-c", SERVER])
    try:
        wait_for(lambda: listens(18088), "the server")
        prober, node = Prober(), Node("here", os.getpid())
        check = HttpCheck("/up", "", (), frozenset({204}), 0.5)
        prober.ask([Question(Endpoint("127.0.0.1", 18088, "a0", "orders"), node, check)])
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


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.sandbox
def test_a_node_that_ends_is_let_go_and_found_again(api: ApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    """The oracle keeps nothing of a dead node, asks nobody there, and goes on when a machine of its name is back."""

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
        # Nobody listens there: it is silent at once, but its node ends before that is wrong.
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
