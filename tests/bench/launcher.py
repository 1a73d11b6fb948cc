"""Figures of the launcher: the zipapp, a real API over TLS, real namespaces."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mooring_launcher.platforms.compartment import Compartment

from tests.bench.table import Row
from tests.launcher.inside_helpers import namespace, random_ip
from tests.launcher.rig import IN_POD, Rig, anchor_pod, http_get, stateful_set, wait_for

LISTEN_LATER = (
    "import socket, time\ntime.sleep(0.3)\nserver = socket.create_server(('', 8080))\n"
    "print(time.monotonic_ns(), flush=True)\ntime.sleep(60)"
)
FULL_GATE = {
    "cpu": {"maxPercent": 50, "settleSeconds": 0.5},
    "memory": {"minMiB": 1, "maxMiB": 4096},
    "threads": {"max": 1000},
    "handles": {"max": 10000},
    "tcp": {"port": {"port": 8080}},
}
STARTS = 15
OPENINGS = 40
IDLE_S = 20


class Bench(Rig):
    """The tests' rig, starting the launcher as the chart does: `python -I mooring-launcher.pyz run`."""

    def __init__(self, folder: Path, pyz: Path) -> None:
        super().__init__(folder)
        self.pyz = pyz
        self.program = (sys.executable, "-I", str(pyz))


def measure_launcher(folder: Path, pyz: Path) -> Iterator[Row]:
    """Measure starts, memory, CPU, delays and requests."""
    ip = random_ip()
    with namespace(ip) as compartment:
        yield from _with_rig(folder / "start", pyz, ip, lambda rig: _starts(rig, compartment))
        yield from _with_rig(folder / "idle", pyz, ip, _idle)
        yield from _with_rig(folder / "open", pyz, ip, lambda rig: _openings(rig, compartment, ip))
        yield from _with_rig(folder / "requests", pyz, ip, _requests)


def _with_rig(folder: Path, pyz: Path, ip: str, measure: Callable[[Bench], list[Row]]) -> list[Row]:
    folder.mkdir()
    rig = Bench(folder, pyz)
    rig.api.put("pods", anchor_pod(ip))
    rig.api.put("statefulsets", stateful_set("orders", 1))
    rig.api.put("statefulsets", stateful_set("orders-anchor", 1))
    try:
        return measure(rig)
    finally:
        rig.close()


def _starts(rig: Bench, compartment: Compartment) -> list[Row]:
    """From the start of each command to the first instruction of `date`, which prints the time."""
    date = ["/bin/date", "+%s%N"]
    # All four start in a pod's mount namespace, as the launcher does.
    bare_ms = _until_date(lambda: _date_of(date, rig))
    nsenter_ms = _until_date(lambda: _date_of(["nsenter", f"--net={compartment.name}", *date], rig))
    netns_ms = _until_date(lambda: _date_of(["ip", "netns", "exec", Path(compartment.name).name, *date], rig))

    def launched() -> int:
        target = {"exe": date[0], "args": date[1:], "ports": {}}
        launcher = rig.launch(target=target)
        launcher.wait_exit()
        return int(launcher.lines[0])

    this_ms = _until_date(launched)
    over_ms = this_ms - bare_ms
    goal = "<= 80 ms over a bare exec"
    return [
        Row("launcher start to the target's exec", "ms", this_ms, goal, over_ms <= 80, bare_ms, "bare exec"),
        Row("the same against nsenter", "ms", this_ms, "", over_ms <= 80, nsenter_ms, "nsenter"),
        Row("the same against ip netns exec", "ms", this_ms, "", over_ms <= 80, netns_ms, "ip netns exec"),
    ]


def _until_date(run: Callable[[], int]) -> float:
    """Return the median milliseconds from just before `run` to the time it returns (nanoseconds)."""
    samples = []
    for _ in range(STARTS):
        start_ns = time.time_ns()
        samples.append((run() - start_ns) / 1e6)
    return statistics.median(samples)


def _date_of(command: Sequence[str], rig: Bench) -> int:
    in_pod = [*IN_POD, str(rig.account), *command]
    return int(subprocess.run(in_pod, check=True, capture_output=True).stdout)


def _idle(rig: Bench) -> list[Row]:
    """Memory and CPU of a launcher with every kind of condition, and the extra cost of its probes."""
    launcher = rig.launch(gate=FULL_GATE | {"periodSeconds": 1})
    launcher.wait_event("gate-holds")
    time.sleep(2)
    pid = launcher.process.pid
    before_s = _cpu_s(pid)
    time.sleep(IDLE_S)
    percent = (_cpu_s(pid) - before_s) / IDLE_S * 100
    rss_mb = int(_status(pid, "VmRSS")) / 1024
    bare_mb = _bare_python_mb()
    probes = percent + _probe_cpu_s(rig) * (1 / 10 + 1 / 30) * 100
    return [
        Row("launcher RSS, gate on", "MB", rss_mb, "<= 24 MB", rss_mb <= 24, bare_mb, "bare Python"),
        Row("idle CPU, gate on", "% of a core", percent, "<= 0.1 %", percent <= 0.1),
        Row("the same with kubelet's exec probes", "% of a core", probes, "", True, percent, "without"),
    ]


def _probe_cpu_s(rig: Bench, runs: int = 20) -> float:
    """Return the CPU seconds of one probe command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(runs):
        command = [sys.executable, "-I", "-S", str(rig.pyz), "probe", "live"]
        subprocess.run(command, env=rig.environ(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / runs


def _openings(rig: Bench, compartment: Compartment, ip: str) -> list[Row]:
    """From the target's listen() to the first 200 of /readyz."""
    samples = []
    for _ in range(OPENINGS):
        launcher = rig.launch(target={"exe": sys.executable, "args": ["-S", "-c", LISTEN_LATER]})
        launcher.wait_event("target-started")
        wait_for(lambda: http_get(compartment, ip, "/readyz")[0] == 200, "/readyz")
        ready_ns = time.monotonic_ns()
        wait_for(lambda one=launcher: one.lines, "the target's line")
        samples.append((ready_ns - int(launcher.lines[0])) / 1e6)
        launcher.close()
    p99_ms = sorted(samples)[int(len(samples) * 0.99)]
    median_ms = statistics.median(samples)
    return [
        Row("target's port open to /readyz 200, p99", "ms", p99_ms, "<= 100 ms", p99_ms <= 100, median_ms, "median")
    ]


def _requests(rig: Bench) -> list[Row]:
    """Every request of a quiet start and ten quiet seconds, at the start ordinal."""
    launcher = rig.launch(scaling={"follow": True})
    launcher.wait_event("gate-holds")
    time.sleep(10)
    pods = len(rig.verbs("pods"))
    sets = len(rig.verbs("statefulsets"))
    patches = sum(request.method == "PATCH" for request in rig.api.requests)
    return [
        Row("API requests of a replica", "", pods, "one GET, one WATCH", pods == 2),
        Row("more at the start ordinal: its set", "", sets, "one GET, one WATCH", sets == 2),
        Row("and the anchors' scale, by PATCH", "", patches, "one", patches == 1),
    ]


def _status(pid: int, key: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{key}:"))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bare_python_mb() -> float:
    bare = subprocess.Popen([sys.executable, "-I", "-c", "import time; print(flush=True); time.sleep(60)"], stdout=-1)
    assert bare.stdout
    bare.stdout.readline()
    rss = int(_status(bare.pid, "VmRSS")) / 1024
    bare.kill()
    bare.wait()
    return rss
