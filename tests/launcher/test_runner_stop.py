"""How a replica ends: stop requests, signals, the target's own end, failures."""

import hashlib
import json
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from mooring.rehearse.wire import Request
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.rig import (
    PORT,
    READINESS_PORT,
    SERVER_TOY,
    Rig,
    anchor_pod,
    ask,
    http_get,
    open_inside,
    send_signal,
    stateful_set,
    wait_for,
)

pytestmark = pytest.mark.sandbox


@pytest.fixture(autouse=True)
def _anchor(rig: Rig, ip: str, compartment: Compartment) -> None:
    rig.api.put("pods", anchor_pod(ip, ready=True))


def toy(*args: str) -> dict[str, list[str]]:
    """Return the arguments of the toy server."""
    return {"args": ["-S", str(SERVER_TOY), str(PORT), *args]}


def test_the_stop_command_returns_when_the_target_has_gone(rig: Rig) -> None:
    """`stop` prints each step, returns when the target has ended on SIGTERM, and the launcher exits with 0."""
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    stop = rig.command("stop")
    assert stop.returncode == 0
    assert stop.stdout.splitlines() == ["stop requested", "SIGTERM; waiting up to 10 s", "stopped"]
    assert launcher.wait_exit() == 0
    assert "SIGTERM" in launcher.lines
    assert rig.message()["by"] == "target"
    assert "ended on SIGTERM" in rig.message()["message"]


def test_stop_without_a_launcher_is_harmless(rig: Rig) -> None:
    """`stop` without a launcher says so and exits with 0."""
    stop = rig.command("stop")
    assert (stop.returncode, stop.stdout) == (0, "no launcher to stop: No such file or directory\n")


def test_stop_after_a_killed_launcher_is_harmless(rig: Rig) -> None:
    """A killed launcher's socket refuses connections, which counts as stopped; the next launcher replaces it."""
    launcher = rig.launch()
    launcher.wait_line("ready")
    launcher.close()
    assert rig.command("stop").stdout == "no launcher to stop: Connection refused\n"
    successor = rig.launch()
    successor.wait_event("gate-holds")
    assert rig.command("stop").stdout.splitlines()[-1] == "stopped"


def test_a_stop_drains_first(rig: Rig, ip: str, compartment: Compartment) -> None:
    """While it drains the replica is not ready, and still answers."""
    launcher = rig.launch(stop={"drainSeconds": 2})
    launcher.wait_event("gate-holds")
    send_signal(launcher, signal.SIGTERM)
    launcher.wait_event("stopping", step="not ready; draining for 2 s")
    assert http_get(compartment, ip, "/readyz")[0] == 503
    assert "stopping (SIGTERM)" in rig.command("probe", "ready").stdout
    assert ask(compartment, ip, b"hi\n") == b"hello\n"
    assert "SIGTERM" not in launcher.lines
    assert launcher.wait_exit() == 0


def test_a_second_signal_and_stop_change_nothing(rig: Rig) -> None:
    """Signals and stop commands during a stop neither shorten nor disturb it."""
    launcher = rig.launch(stop={"drainSeconds": 2})
    launcher.wait_event("gate-holds")
    began_s = time.monotonic()
    send_signal(launcher, signal.SIGTERM)
    launcher.wait_event("stop-requested", by="SIGTERM", again=False)
    send_signal(launcher, signal.SIGTERM)
    send_signal(launcher, signal.SIGINT)
    stop = rig.command("stop")
    assert launcher.wait_exit() == 0
    assert time.monotonic() - began_s >= 2
    assert stop.stdout.splitlines()[-1] == "stopped"
    assert launcher.lines.count("SIGTERM") == 1
    assert len(launcher.events("stop-requested")) == 4


def test_a_stop_before_the_anchor_ends_at_once(rig: Rig) -> None:
    """A launcher that still waits for its anchor stops with 0 and starts nothing."""
    rig.api.delete("pods", "apps", "orders-anchor-0")
    launcher = rig.launch()
    launcher.wait_event("waiting", reason="the anchor orders-anchor-0 does not exist in namespace apps")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 0
    assert launcher.lines == []


def test_a_stop_before_the_gate_ever_held_names_the_target(rig: Rig) -> None:
    """A program that was never ready was still started, and the message does not deny it."""
    launcher = rig.launch(gate={"tcp": {"never": {"port": 1}}})
    launcher.wait_line("ready")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 0
    assert rig.message()["message"] == "stopped by SIGTERM: the target ended on SIGTERM"


def test_a_stop_between_two_targets_does_not_deny_the_first(rig: Rig, ip: str) -> None:
    """While the launcher waits for the next anchor no target runs, but one was started before."""
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    rig.api.delete("pods", "apps", "orders-anchor-0")
    launcher.wait_event("detaching")
    wait_for(lambda: "waiting:" in rig.command("probe", "ready").stdout, "the next wait")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 0
    assert rig.message()["message"] == "stopped by SIGTERM while no target ran"


def test_the_log_says_what_the_gate_waits_for(rig: Rig, ip: str, compartment: Compartment, tmp_path: Path) -> None:
    """Before the gate first holds the log names the condition and its last value, then each loss and each recovery."""
    flag = tmp_path / "flag"
    script = f"test -e {flag} || {{ echo no flag, password=hunter2; exit 1; }}"
    check = {"command": ["/bin/sh", "-c", script], "periodSeconds": 0.1, "timeoutSeconds": 5}
    launcher = rig.launch(gate={"exec": {"flag": check}})
    waiting = launcher.wait_event("gate-waiting")
    assert (waiting["condition"], waiting["level"]) == ("exec flag", "info")
    assert waiting["value"] == "command /bin/sh exited with code 1: no flag, password=***"
    assert waiting["seconds"] >= 1
    flag.touch()
    assert "seconds" in launcher.wait_event("gate-holds")
    flag.unlink()
    lost = launcher.wait_event("gate-lost")
    assert (lost["condition"], lost["level"]) == ("exec flag", "warning")
    flag.touch()
    assert "lostForSeconds" in launcher.wait_event("gate-holds", count=2)
    assert len(launcher.events("gate-waiting")) <= 3, "rate-limited"
    assert "hunter2" not in json.dumps(launcher.records)


def test_the_stop_command_rung_comes_first(rig: Rig, compartment: Compartment) -> None:
    """stop.command runs inside the compartment; if it ends the target, no SIGTERM follows."""
    code = "import socket, os; s = socket.create_connection((os.environ['MOORING_ANCHOR_IP'], 8080)); s.send(b'exit 0')"
    launcher = rig.launch(stop={"command": [sys.executable, "-S", "-c", code]})
    launcher.wait_event("gate-holds")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 0
    assert "SIGTERM" not in launcher.lines


def test_a_target_that_ignores_sigterm_is_killed(rig: Rig) -> None:
    """After consoleSeconds comes SIGKILL, and the exit code says so."""
    launcher = rig.launch(target=toy("ignore"), stop={"consoleSeconds": 1})
    launcher.wait_event("gate-holds")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 137
    assert launcher.events("stopping")[-1]["step"] == "SIGKILL"
    assert rig.message()["message"].startswith("stopped by SIGTERM (SIGKILL): the target ")


@pytest.mark.parametrize("code", [0, 7])
def test_the_targets_exit_code_is_passed_through(rig: Rig, ip: str, compartment: Compartment, code: int) -> None:
    """A target that ends by itself ends the launcher with its own code, and the message comes from the target."""
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    ask(compartment, ip, f"exit {code}".encode())
    assert launcher.wait_exit() == code
    assert (rig.message()["by"], rig.message()["code"]) == ("target", code)


def test_a_code_of_its_own_on_sigterm_is_passed_through(rig: Rig) -> None:
    """If a target ends on SIGTERM with an exit code, the launcher exits with that code."""
    launcher = rig.launch(target=toy("exit=3"))
    launcher.wait_event("gate-holds")
    assert rig.command("stop").returncode == 0
    assert launcher.wait_exit() == 3
    assert rig.message()["message"] == "stopped by the stop command (SIGTERM): the target exited with code 3"


def test_an_unhealthy_target_is_restarted_when_asked(rig: Rig, ip: str, compartment: Compartment) -> None:
    """With onUnhealthy restart the launcher ends the target by the ladder, and itself with UNHEALTHY_RESTART."""
    launcher = rig.launch(gate={"onUnhealthy": "restart"})
    launcher.wait_event("gate-holds")
    ask(compartment, ip, b"close")
    assert launcher.wait_exit() == 219
    assert "8080" in rig.message()["message"]
    assert "SIGTERM" in launcher.lines


def test_an_unhealthy_target_is_only_unready_by_default(rig: Rig, ip: str, compartment: Compartment) -> None:
    """With onUnhealthy unready the gate leaves the target running."""
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    wait_for(lambda: rig.command("probe", "ready").returncode == 0, "ready")
    ask(compartment, ip, b"close")
    wait_for(lambda: rig.command("probe", "ready").returncode == 1, "unready")
    assert launcher.process.poll() is None


def test_the_gates_start_budget_names_the_condition(rig: Rig) -> None:
    """A gate that never holds ends with GATE_TIMEOUT, the condition and its last value."""
    launcher = rig.launch(
        target={"ports": {"http": {"port": PORT}, "admin": {"port": 9}}}, gate={"startTimeoutSeconds": 1}
    )
    assert launcher.wait_exit() == 218
    assert "admin" in rig.message()["message"]
    assert "SIGTERM" in launcher.lines


def test_a_program_that_is_missing_is_named(rig: Rig) -> None:
    """If the target does not exist, the result is TARGET_NOT_FOUND with its path."""
    launcher = rig.launch(target={"exe": "/no/such/program"})
    assert launcher.wait_exit() == 214
    assert "/no/such/program" in rig.message()["message"]


def test_a_gate_that_cannot_be_made_starts_nothing(rig: Rig) -> None:
    """A check on a port that target.ports does not name ends the launcher before the program is started."""
    launcher = rig.launch(gate={"tcp": {"open": {"port": "web"}}})
    assert launcher.wait_exit() == 202
    assert "'web'" in rig.message()["message"]
    assert launcher.lines == []


def test_a_program_starts_in_its_own_directory(rig: Rig, tmp_path: Path) -> None:
    """Without target.workingDir it is the program's directory; with it, it is that one."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)
    for working_dir, expected in (("", tmp_path), (str(rig.state), rig.state)):
        launcher = rig.launch(target={"exe": str(program), "args": [], "ports": {}, "workingDir": working_dir})
        launcher.wait_line(str(expected))
        assert launcher.wait_exit() == 0
        assert launcher.events("bootstrap")[0]["workingDir"] == str(expected)


@pytest.mark.parametrize("right", [True, False])
def test_only_the_program_with_the_checksum_is_started(rig: Rig, tmp_path: Path, right: bool) -> None:
    """target.sha256 lets only the program with that content start."""
    digest = hashlib.sha256(Path(sys.executable).read_bytes()).hexdigest()
    launcher = rig.launch(target={"sha256": digest if right else "0" * 64})
    if right:
        launcher.wait_line("ready")
        return
    assert launcher.wait_exit() == 216
    assert launcher.lines == []


def test_the_last_act_mirrors_the_scale(rig: Rig) -> None:
    """The launcher of the start ordinal mirrors the number of replicas at its start, on every change and at its end."""
    rig.api.put("statefulsets", stateful_set("orders", 3))
    rig.api.put("statefulsets", stateful_set("orders-anchor", 1))
    launcher = rig.launch(scaling={"follow": True})
    launcher.wait_event("scale-followed", replicas=3)
    rig.api.put("statefulsets", stateful_set("orders", 5))
    launcher.wait_event("scale-followed", replicas=5)
    assert rig.verbs("statefulsets") == ["get", "watch"]
    launcher.wait_event("gate-holds")
    send_signal(launcher, signal.SIGTERM)
    assert launcher.wait_exit() == 0
    assert rig.verbs("statefulsets") == ["get", "watch", "get"]
    assert rig.verbs("statefulsets/scale") == ["patch", "patch"]
    anchors = rig.api.get("statefulsets", "apps", "orders-anchor")
    assert anchors
    assert anchors["spec"]["replicas"] == 5


def test_a_last_act_that_hangs_delays_nobody(rig: Rig) -> None:
    """If the API does not answer, the message is still written, `stop` returns and the launcher ends."""
    rig.api.put("statefulsets", stateful_set("orders", 3))
    rig.api.put("statefulsets", stateful_set("orders-anchor", 1))
    launcher = rig.launch(scaling={"follow": True})
    launcher.wait_event("scale-followed", replicas=3)
    launcher.wait_event("gate-holds")
    answer = threading.Event()

    def hang(_request: Request) -> None:
        answer.wait(30)

    rig.api.intercept = hang
    try:
        assert rig.command("stop").stdout.splitlines()[-1] == "stopped"
        launcher.wait_event("exit")
        assert rig.message()["code"] == 0
        assert launcher.process.poll() is None
        assert launcher.wait_exit() == 0
        assert "longer than 3 s" in launcher.events("scale-problem")[-1]["problem"]
    finally:
        answer.set()


def test_a_request_in_flight_is_answered(rig: Rig, ip: str, compartment: Compartment) -> None:
    """A /hold requested before the stop is answered after the target has ended."""
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    with open_inside(compartment, ip, READINESS_PORT) as holder:
        holder.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert http_get(compartment, ip, "/livez")[0] == 200  # one thread answers, so it has read what came before
        send_signal(launcher, signal.SIGTERM)
        assert launcher.wait_exit() == 0
        answer = b"".join(iter(lambda: holder.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"the target has stopped\n")
