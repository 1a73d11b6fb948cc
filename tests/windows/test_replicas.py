"""One unmodified Windows program as three replicas: one port, three IPs, real sockets."""

from __future__ import annotations

import re
import time

from tests.windows.machine import LAUNCHER, PYTHON, Launcher, Site
from tests.windows.release import PORT, anchor_pod, config_of, run_command


def test_three_replicas_of_one_program_on_one_port_with_three_addresses(site: Site) -> None:
    """Each launcher finds anchor and compartment; its program answers on the anchor's IP, and stops on request."""
    assert run_command() == [PYTHON, "-I", LAUNCHER, "run"]
    machines = [site.machine(name) for name in ("one", "two", "three")]
    for ordinal, machine in enumerate(machines):
        site.api.put("pods", anchor_pod(machine, ordinal))
    launchers = [machine.launch(config_of(), ordinal=ordinal) for ordinal, machine in enumerate(machines)]
    for launcher in launchers:
        launcher.wait_ready()
    answers = [launcher.get("/", PORT) for launcher in launchers]
    assert [status for status, _ in answers] == [200, 200, 200]
    served_on = [re.findall(r" on (\S+)", body) for _, body in answers]
    assert served_on == [[machine.ip] for machine in machines]
    assert len({machine.ip for machine in machines}) == 3
    for ordinal, machine in enumerate(machines):
        site.api.put("pods", anchor_pod(machine, ordinal, ready=True))
    _probe_and_stop(launchers)


def _ask_until_so(launcher: Launcher, question: str, ordinal: int) -> None:
    """Probe as kubelet does, and retry: a launcher may not have seen yet that its anchor is ready."""
    answers = []
    for _ in range(5):
        answer = launcher.machine.command("probe", question, ordinal=ordinal)
        if answer.code == 0:
            return
        answers.append((answer.code, answer.text))
        time.sleep(1)
    raise AssertionError(f"{question}, replica {ordinal}: {answers}; the launcher: {launcher.program.text}")


def _probe_and_stop(launchers: list[Launcher]) -> None:
    for ordinal, launcher in enumerate(launchers):
        for question in ("started", "live", "ready"):
            _ask_until_so(launcher, question, ordinal)
        stopped = launcher.machine.command("stop", ordinal=ordinal)
        assert stopped.code == 0
        assert "stop requested" in stopped.text
        assert "CTRL_C; waiting up to 15 s" in stopped.text
        end = launcher.wait_exit()
        assert (end["by"], end["code"]) == ("target", 0), end
        assert launcher.message()["code"] == 0
        assert "stopped" in [line.rstrip("\r") for line in launcher.program.lines]
