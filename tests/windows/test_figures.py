"""The launcher's cost under Wine, against the same program started directly. Figures of Wine, not of Windows."""

from __future__ import annotations

import time
from pathlib import Path

from tests.windows.machine import COMPARTMENT, Machine
from tests.windows.release import SERVER, anchor_pod, config_of

_IDLE_S = 20.0
_TICKS = 100


def test_what_the_launcher_costs(machine: Machine) -> None:
    """The start's overhead, resident memory and CPU when idle are printed, and stay within reason."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    machine.site.api.put("pods", anchor_pod(machine))
    began = time.monotonic()
    bare = machine.start(SERVER, "8099")
    bare.wait_line("ready")
    bare_s = time.monotonic() - began
    bare.close()
    began = time.monotonic()
    launcher = machine.launch(config_of())
    launcher.program.wait_line("ready")
    launched_s = time.monotonic() - began
    launcher.wait_ready()
    (pid,) = machine.processes("mooring-launcher.pyz")
    before = _cpu_seconds(pid)
    time.sleep(_IDLE_S)
    share = 100 * (_cpu_seconds(pid) - before) / _IDLE_S
    rss_mib = _rss_mib(pid)
    launcher.program.close()
    attach_s = launcher.events("target-started")[0]["seconds"]
    print(f"figure: program started bare until it says ready: {bare_s:.2f} s")
    print(f"figure: the same by the launcher, its Python's start included: {launched_s:.2f} s")
    print(f"figure: of that from the launcher's first question to the program's start: {attach_s:.2f} s")
    print(f"figure: launcher, resident memory (Wine's own of each process included): {rss_mib:.0f} MiB")
    print(f"figure: launcher, CPU while nothing happens: {share:.2f} % of a core")
    assert rss_mib < 200
    assert share < 10


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
