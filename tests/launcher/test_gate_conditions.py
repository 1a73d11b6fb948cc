"""The gate's conditions on real processes, one by one."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mooring_launcher
import psutil
import pytest
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.gate import Gate
from mooring_launcher.gate.psutil import TreeSampler
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment, Inside
from mooring_launcher.platforms.target import Target

from tests.launcher.inside_helpers import (
    ANY_IPV4,
    TIMING,
    TOYS,
    gate_config,
    http_check,
    namespace,
    random_ip,
    target,
    toy,
    wait_for,
)

pytestmark = pytest.mark.sandbox

HTTP = {"http": {"port": 8080, "protocol": "TCP"}}


class Watched:
    """A started gate, with its callbacks recorded."""

    def __init__(self, gate: dict[str, Any], ports: dict[str, Any], ip: str, at: Compartment, of: Target) -> None:
        self.changes = 0
        self.failures: list[LauncherError] = []
        self.gate = Gate(gate, ports, ip, of, Inside(backend(), at), self._on_change, self.failures.append)
        self.gate.start()

    def _on_change(self) -> None:
        self.changes += 1

    def value(self, name: str) -> str:
        """Return the value that a condition reports."""
        return next(condition.value for condition in self.gate.conditions() if condition.name == name)

    def says(self, name: str, words: str) -> None:
        """Wait until a condition reports this, which keeps the gate from holding."""
        wait_for(lambda: words in self.value(name), f"{name} to say {words!r}")
        assert not self.gate.holds


@contextmanager
def gated(
    program: list[str], gate: dict[str, Any], ports: dict[str, Any] | None = None, ip: str | None = None
) -> Iterator[tuple[Watched, Target]]:
    """Run a program in a compartment with a gate on it."""
    ip = ip or random_ip()
    with namespace(ip) as inside, target(inside, program[0], *program[1:]) as started:
        watched = Watched(gate, ports or {}, ip, inside, started)
        try:
            yield watched, started
        finally:
            watched.gate.close()


def serving(*args: str) -> list[str]:
    return [sys.executable, "-S", str(TOYS / "serve.py"), *args]


SLEEPING = ["/bin/sleep", "60"]


def test_holds_once_the_declared_port_is_open() -> None:
    """Until the port listens the gate says so; then it holds, calls back and knows how long it took."""
    with gated(serving(ANY_IPV4, "8080", "0.5"), gate_config(), HTTP) as (watched, _):
        watched.says("port http", "port http 8080: not listening")
        wait_for(lambda: watched.gate.holds, "the gate")
        assert watched.value("port http") == "port http 8080: listens on 0.0.0.0"
        assert watched.gate.held_after_s is not None
        assert 0.4 < watched.gate.held_after_s < 5
        assert watched.changes > 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_on_loopback_alone_does_not_count(address: str) -> None:
    """A program that listens on loopback cannot be reached on the anchor's IP, and the gate says so."""
    with gated(serving(address, "8080"), gate_config(), HTTP) as (watched, _):
        watched.says("port http", f"port http 8080: listens on {address} only")


@pytest.mark.parametrize(("ip", "address"), [(None, "::"), ("fd00:9::7", "::"), ("fd00:9::7", "fd00:9::7")])
def test_a_port_on_a_wildcard_or_the_ip_itself_counts(ip: str | None, address: str) -> None:
    """An IPv6 wildcard accepts both families, and an IPv6 anchor's own address counts."""
    with gated(serving(address, "8080"), gate_config(), HTTP, ip) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")


# Writes into a file how many connections came and how many bytes the last one sent.
COUNTING = """
import signal, socket, sys
listener = socket.socket(socket.AF_INET6)
listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sys.argv[1]))
if len(sys.argv) > 3:
    other = socket.create_server(("0.0.0.0", 8080))
listener.bind(("::", 8080))
listener.listen()
count = 0
while True:
    connection, _ = listener.accept()
    data = connection.recv(10)
    count += 1
    open(sys.argv[2], "w").write(f"{count} {len(data)}")
"""


def counting(*args: str) -> list[str]:
    return [sys.executable, "-S", "-c", COUNTING, *args]


@pytest.mark.parametrize("owner", ["tree", "any"])
def test_a_listener_for_ipv6_alone_does_not_reach_an_ipv4_anchor(tmp_path: Path, owner: str) -> None:
    """A program on :: that accepts only IPv6 is not ready at an IPv4 anchor, whoever owns the port."""
    gate = gate_config(ports={"http": {"owner": owner}})
    with gated(counting("1", str(tmp_path / "count")), gate, HTTP) as (watched, _):
        watched.says("port http", "port http 8080: listens on ::, apparently for IPv6 only: TCP connection to 10.")
        assert "Connection refused" in watched.value("port http")
        assert not (tmp_path / "count").exists()


def test_one_connection_is_made_to_a_listener_for_both(tmp_path: Path) -> None:
    """A program on :: for both families gets one connection, without data, before it counts, and never again."""
    with gated(counting("0", str(tmp_path / "count")), gate_config(), HTTP) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
        wait_for((tmp_path / "count").exists, "the connection")
        looks = watched.gate._last_pass_s
        wait_for(lambda: watched.gate._last_pass_s > looks + 0.5, "more looks")
        assert (tmp_path / "count").read_text() == "1 0"


@pytest.mark.parametrize(("ip", "more"), [("fd00:9::9", []), (None, ["both"])])
def test_no_connection_is_made_where_the_table_tells(tmp_path: Path, ip: str | None, more: list[str]) -> None:
    """An IPv6 anchor, or a second listener for IPv4, needs no connection."""
    with gated(counting("1", str(tmp_path / "count"), *more), gate_config(), HTTP, ip) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
        assert not (tmp_path / "count").exists()


def test_an_ipv4_wildcard_does_not_reach_an_ipv6_anchor() -> None:
    """A listener on 0.0.0.0 does not count for an IPv6 address."""
    with gated(serving(ANY_IPV4, "8080"), gate_config(), HTTP, "fd00:9::8") as (watched, _):
        watched.says("port http", "listens on 0.0.0.0 only, which fd00:9::8 does not reach")


@pytest.mark.parametrize(("owner", "holds"), [("tree", False), ("any", True)])
def test_a_port_of_another_program(owner: str, holds: bool) -> None:
    """A port that another process listens on counts only if owner is any."""
    ip = random_ip()
    with namespace(ip) as inside, toy(inside, "serve.py", ANY_IPV4, "8080"), target(inside, *SLEEPING) as started:
        watched = Watched(gate_config(ports={"http": {"owner": owner}}), HTTP, ip, inside, started)
        if holds:
            wait_for(lambda: watched.gate.holds, "the gate")
        else:
            watched.says("port http", "listened on by a process outside the program's tree")
        watched.gate.close()


def test_udp_ports_must_be_bound() -> None:
    """A declared UDP port holds once it is bound."""
    code = "import socket, sys\ns = socket.socket(type=socket.SOCK_DGRAM)\ns.bind(('', 5353))\ns.recv(9)"
    ports = {"dns": {"port": 5353, "protocol": "UDP"}}
    with gated([sys.executable, "-S", "-c", code], gate_config(), ports) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
    with gated(SLEEPING, gate_config(), ports) as (watched, _):
        watched.says("port dns", "port dns 5353: not bound")


def test_the_program_must_have_run_for_a_while() -> None:
    """MinUptimeSeconds is waited for, and a program that has ended is not alive, however long it ran."""
    with gated(SLEEPING, gate_config(minUptimeSeconds=0.4)) as (watched, started):
        watched.says("uptime", "wanted 0.4 s")
        wait_for(lambda: watched.gate.holds, "the gate")
        started.ask_to_stop()
        wait_for(lambda: "the program was ended by signal 15 (SIGTERM)" in watched.value("uptime"), "the end")
        assert not watched.gate.holds


def test_cpu_must_settle_once() -> None:
    """If a program uses a whole core, its share is reported; once it has settled, being busy no longer matters."""
    busy_then_calm = (
        "import time, sys\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\n"
        "time.sleep(1.5)\nwhile True: pass"
    )
    gate = gate_config(cpu={"maxPercent": 20, "settleSeconds": 0.5})
    with gated([sys.executable, "-S", "-c", busy_then_calm], gate) as (watched, started):
        watched.says("cpu", "% of a core, wanted below 20 %")
        wait_for(lambda: watched.gate.holds, "calm")
        before = watched.gate.usage()
        assert before is not None

        def busy_again() -> bool:
            usage = watched.gate.usage()
            return usage is not None and usage.cpu_seconds > before.cpu_seconds + 0.3

        wait_for(busy_again, "the load")
        assert watched.gate.holds
        assert started.wait(0) is None


@pytest.mark.parametrize(
    ("key", "good", "bad", "words"),
    [
        ("memory", {"minMiB": 1, "maxMiB": 500}, {"minMiB": None, "maxMiB": 1}, " MiB, wanted at most 1 MiB"),
        ("memory", {"minMiB": 0, "maxMiB": None}, {"minMiB": 4000, "maxMiB": None}, "wanted at least 4000 MiB"),
        ("threads", {"min": 1, "max": 1}, {"min": 2, "max": 9}, "threads 1, wanted at least 2 and at most 9"),
        ("handles", {"min": 3, "max": 50}, {"min": None, "max": 0}, "wanted at most 0"),
    ],
)
def test_ranges(key: str, good: dict[str, Any], bad: dict[str, Any], words: str) -> None:
    """Memory, threads and handles hold within their range; outside it, the value found and the range are reported."""
    program = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    with gated(program, gate_config(**{key: good})) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
    with gated(program, gate_config(**{key: bad})) as (watched, _):
        watched.says(key, words)


def test_named_processes_must_exist() -> None:
    """The condition requires that many descendants with that name, and reports how many there are."""
    program = ["/bin/sh", "-c", "sleep 61 & sleep 62 & wait"]
    with gated(program, gate_config(processes={"workers": {"name": "sleep", "min": 2}})) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
    with gated(program, gate_config(processes={"workers": {"name": "sleep", "min": 3}})) as (watched, _):
        watched.says("process workers", "2 processes named sleep, wanted at least 3")


def test_thresholds_count_in_a_row() -> None:
    """A condition holds after that many successes in a row, and fails after that many failures in a row."""
    ip = random_ip()
    gate = gate_config(successThreshold=3, failureThreshold=2, periodSeconds=0.3)
    with namespace(ip) as inside, target(inside, *SLEEPING) as started:
        watched = Watched(gate, {}, ip, inside, started)
        wait_for(lambda: watched.gate.holds, "three looks")
        assert watched.gate.held_after_s is not None
        assert watched.gate.held_after_s >= 0.6
        started.ask_to_stop()
        wait_for(lambda: "signal 15" in watched.value("uptime"), "the first failure")
        assert watched.gate.holds
        wait_for(lambda: not watched.gate.holds, "the second failure")
        watched.gate.close()


def test_network_checks_wait_for_the_processes_and_run_inside() -> None:
    """HTTP, TCP and command checks pass inside the compartment, by a port's number or its name."""
    gate = gate_config(
        http={"ok": http_check(port="http", path="/204")},
        tcp={"open": {"port": 8080, **TIMING}},
        exec={"sees": {"command": ["/bin/sh", "-c", "test -e /proc/2 && echo fine"], **TIMING}},
    )
    with gated(serving(ANY_IPV4, "8080", "0.3"), gate, HTTP) as (watched, _):
        assert watched.value("http ok") == "not checked yet"
        wait_for(lambda: watched.gate.holds, "the gate")
        assert watched.value("http ok").endswith(":8080/204: status 204")
        assert watched.value("exec sees") == "command /bin/sh exited with code 0: fine"


def test_a_check_that_starts_to_fail_turns_the_gate() -> None:
    """A failing command makes the gate fail, and a succeeding one makes it hold again."""
    with gated(["/bin/sh", "-c", "sleep 60"], gate_config()) as (_, started):
        flag = f"/tmp/mooring-{started.pid}"
        gate = gate_config(exec={"flag": {"command": ["/bin/sh", "-c", f"test ! -e {flag}"], **TIMING}})
        second = Watched(gate, {}, "127.0.0.1", started._compartment, started)  # type: ignore[attr-defined]
        wait_for(lambda: second.gate.holds, "the gate")
        try:
            started.run_command(["/usr/bin/touch", flag], 5)
            wait_for(lambda: not second.gate.holds, "the failure")
            assert second.value("exec flag") == "command /bin/sh exited with code 1"
        finally:
            started.run_command(["/bin/rm", flag], 5)
        wait_for(lambda: second.gate.holds, "the recovery")
        second.gate.close()
        assert not second.gate.holds


def test_an_unknown_port_name_is_a_configuration_error() -> None:
    """A check on a port that target.ports does not name, or a bad regular expression, is refused immediately."""
    for gate in (
        gate_config(tcp={"open": {"port": "web", **TIMING}}),
        gate_config(http={"ok": http_check(port=80, bodyMatches="(")}),
    ):
        with pytest.raises(LauncherError) as caught, gated(SLEEPING, gate):
            pass
        assert caught.value.code is ExitCode.CONFIG_INVALID


def test_a_condition_without_psutil_is_a_start_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psutil, a condition that needs it is refused when the gate is created; others work."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    with (
        pytest.raises(LauncherError, match="psutil") as caught,
        gated(SLEEPING, gate_config(threads={"min": 1, "max": None})),
    ):
        pass
    assert caught.value.code is ExitCode.PSUTIL_MISSING
    with gated(SLEEPING, gate_config()) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
        assert watched.gate.usage() is None


def test_usage_is_measured_at_most_once_a_second() -> None:
    """A second request within a second gets the previous measurement."""
    with gated(SLEEPING, gate_config()) as (watched, _):
        first = watched.gate.usage()
        assert first is not None
        assert watched.gate.usage() is first
        wait_for(lambda: watched.gate.usage() is not first, "the next measurement")


def test_a_reused_pid_is_another_process() -> None:
    """A process that reuses a pid is recognized by its creation time: its CPU time adds to that of the old one."""
    sampler = TreeSampler()
    program = [sys.executable, "-S", "-c", "while True: pass"]
    with namespace(random_ip()) as inside, target(inside, *program) as started:
        sampler.follow([started.pid])
        wait_for(lambda: sampler.cpu_seconds() > 0.2, "some load")
        stale = sampler._known[started.pid]
        stale._ident = (started.pid, 1.0)  # type: ignore[attr-defined]
        used = sampler._cpu_seconds[started.pid]
        sampler.follow([started.pid])
        assert sampler.cpu_seconds() >= 2 * used
        assert sampler._known[started.pid] is not stale


def test_an_escaped_program_fails_the_gate() -> None:
    """A program that listens on the host's network instead is a placement failure that names it, reported once."""
    name = f"back-{os.getpid()}"
    subprocess.run(["ip", "netns", "attach", name, str(os.getpid())], check=True)
    try:
        program = [sys.executable, "-S", str(TOYS / "escape.py"), f"/run/netns/{name}", "18100"]
        with gated(program, gate_config(), HTTP) as (watched, started):
            wait_for(lambda: watched.failures, "the failure")
            (failure,) = watched.failures
            assert failure.code is ExitCode.PLACEMENT_FAILED
            assert f"process {started.pid}" in str(failure)
            assert not watched.gate.holds
            assert "left the network namespace" in watched.value("placement")
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_what_was_not_looked_at_for_long_does_not_hold() -> None:
    """A gate, or a check, whose own thread is stuck does not keep its last good result for ever."""
    gate = gate_config(periodSeconds=30, tcp={"open": {"port": 8080, **TIMING}})
    with gated(serving(ANY_IPV4, "8080"), gate, HTTP) as (watched, _):
        wait_for(lambda: watched.gate.holds, "the gate")
        last_look_s = watched.gate._last_pass_s
        watched.gate._last_pass_s -= 3 * 30 + 6
        assert not watched.gate.holds
        assert watched.gate.what_fails() == "gate: not checked for 96 s"
        assert not watched.gate.has_failed
        watched.gate._last_pass_s = last_look_s
        assert watched.gate.holds
        watched.gate._checks[0].tracker._looked_s -= 3 * 30 + 2 + 6
        assert not watched.gate.holds
        assert ("tcp open", False) in [condition[:2] for condition in watched.gate.conditions()]
        assert watched.gate.what_fails() == "tcp open: not checked for 98 s"
        assert not watched.gate.has_failed


def test_a_look_that_cannot_be_taken_says_nothing_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last result holds until it is too old; then the gate does not hold, but nothing has failed."""
    with gated(SLEEPING, gate_config(periodSeconds=0.2)) as (watched, started):
        wait_for(lambda: watched.gate.holds, "the gate")
        with monkeypatch.context() as broken:
            broken.setattr(started, "wait", lambda _timeout_s: 1 / 0)
            blind = "could not be checked: ZeroDivisionError: division by zero"
            wait_for(lambda: watched.value("uptime") == blind, "the look")
            assert watched.gate.holds
            assert not watched.gate.has_failed
            watched.gate._process_entries[0].tracker._looked_s -= 3 * 0.2 + 6
            wait_for(lambda: not watched.gate.holds, "the gate to hold no more")
            assert watched.gate.what_fails() == f"uptime: {blind}"
            assert not watched.gate.has_failed
        wait_for(lambda: watched.gate.holds, "the next good look")


def test_a_placement_that_cannot_be_proved_is_not_disproved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is never ended for it; until the first proof the gate does not hold."""
    with namespace(random_ip()) as inside, target(inside, *SLEEPING) as started:
        with monkeypatch.context() as broken:
            broken.setattr(started, "misplacement", lambda: 1 / 0)
            watched = Watched(gate_config(), {}, "127.0.0.1", inside, started)
            watched.says("placement", "could not be checked: ZeroDivisionError")
        wait_for(lambda: watched.gate.holds, "the proof")
        with monkeypatch.context() as broken:
            broken.setattr(started, "misplacement", lambda: 1 / 0)
            watched.gate._placement_due_s = 0.0
            wait_for(lambda: "could not be checked" in watched.value("placement"), "the look")
            assert watched.gate.holds
        assert not watched.failures
        watched.gate.close()


def test_a_gate_that_cannot_look_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure outside the looks at conditions does not end the gate's thread unreported."""
    monkeypatch.setattr("mooring_launcher.gate.gate.Scene", lambda *_arguments: 1 / 0)
    with gated(SLEEPING, gate_config()) as (watched, _):
        wait_for(lambda: watched.failures, "the failure")
        assert watched.failures[0].code is ExitCode.UNEXPECTED


def test_psutil_is_found_beside_the_launcher(tmp_path: Path) -> None:
    """An isolated interpreter without packages imports psutil, but only from the lib folder next to the zipapp."""
    bundle = tmp_path / "bundle"
    (bundle / "lib").mkdir(parents=True)
    (bundle / "lib" / "psutil").symlink_to(Path(psutil.__file__).parent)
    with zipfile.ZipFile(bundle / "mooring-launcher.pyz", "w") as zipped:
        package = Path(mooring_launcher.__file__).parent
        for source in package.rglob("*.py"):
            zipped.write(source, source.relative_to(package.parent))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom mooring_launcher.gate.psutil import load_psutil\n"
        "before = list(sys.path); print(load_psutil().__file__); assert sys.path == before"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(bundle / "mooring-launcher.pyz")]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert found.startswith(str(bundle / "lib"))
