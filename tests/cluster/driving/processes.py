"""The processes of a node, as the tests see them from outside its pid namespace."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.cluster.stack.machines import Machine


def of(machine: Machine) -> Iterator[psutil.Process]:
    """Yield every process of a machine except its process 1."""
    with contextlib.suppress(psutil.NoSuchProcess):
        yield from psutil.Process(machine.pid).children(recursive=True)


def launchers(machine: Machine, namespace: str, pod: str | None = None) -> list[psutil.Process]:
    """Return the launchers (`… run`) of a namespace's pods, or of one pod, without the processes they forked."""
    found = {
        process.pid: process
        for process in of(machine)
        if _command(process)[-1:] == ["run"]
        and _environment(process).get("POD_NAMESPACE") == namespace
        and (pod is None or _environment(process).get("POD_NAME") == pod)
    }
    return [process for process in found.values() if _parent(process) not in found]


def targets(machine: Machine, ip: str | None = None) -> list[psutil.Process]:
    """Return every process of test programs that launchers started: of all pairs, or the one with this anchor IP."""
    return [
        process
        for process in of(machine)
        if _command(process)[:1] == ["/opt/apps/served"]
        and (ip is None or _environment(process).get("MOORING_ANCHOR_IP") == ip)
    ]


def main_target(machine: Machine, ip: str) -> psutil.Process:
    """Return the main process of an anchor's program: the one that is not a `-wait` helper."""
    return only(
        lambda: [process for process in targets(machine, ip) if "-wait" not in _command(process)],
        f"program for {ip} on {machine.name}",
    )


def only(look: Callable[[], list[psutil.Process]], what: str, within_s: float = 5) -> psutil.Process:
    """Return the only process found; retries, because a list of processes may miss one while others start and end."""
    deadline = time.monotonic() + within_s
    while len(found := look()) != 1:
        if time.monotonic() > deadline:
            message = f"found {len(found)} processes instead of exactly one: {what}"
            raise AssertionError(message)
        time.sleep(0.1)
    return found[0]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def network_namespaces(machine: Machine) -> set[str]:
    """Return the names that the runtime gave to the network namespaces of a machine's pods."""
    shown = machine.run(["sh", "-c", "ls /run/netns"])
    return set(shown.split())


def listens(pid: int, port: int) -> bool:
    """Return whether anything listens on a TCP port in the network namespace of a process."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False
