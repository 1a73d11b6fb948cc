"""Shared by the tests of the launcher's parts: namespaces, toy programs, waiting for conditions."""

import ipaddress
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import Target, TargetSpec

ANY_IPV4 = "0.0.0.0"  # noqa: S104 - inside a test's own namespace
TOYS = Path(__file__).parent / "toys_inside"


def run(*command: str) -> None:
    """Run a tool that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def random_ip() -> str:
    """Return an address that no other test uses, whatever runs at the same time."""
    return str(ipaddress.IPv4Address("10.64.0.1") + uuid.uuid4().int % 0xBF0000)


@contextmanager
def namespace(ip: str) -> Iterator[Compartment]:
    """Make a network namespace that has `ip`, and remove it."""
    assert os.environ.get("MOORING_SANDBOX"), "run it by `make test`: namespaces are made only in a sandbox"
    name = f"t-{uuid.uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        # Even on lo an IPv6 address is tentative, so nothing can bind it, until the kernel's worker has looked at it.
        address = (f"{ip}/128", "nodad") if ":" in ip else (f"{ip}/32",)
        run("ip", "-n", name, "address", "add", *address, "dev", "lo")
        path = f"/run/netns/{name}"
        yield Compartment(Path(path).stat().st_ino, path)
    finally:
        run("ip", "netns", "delete", name)


@contextmanager
def target(compartment: Compartment, exe: str, *args: str, **env: str) -> Iterator[Target]:
    """Start a program in the compartment; nothing of it is left afterwards."""
    started = backend().start_target(compartment, TargetSpec(exe, list(args), "", {**os.environ, **env}))
    try:
        yield started
    finally:
        started.kill()
        assert started.wait_all(10)


def toy(compartment: Compartment, name: str, *args: str) -> Any:
    """Start a toy program in the compartment."""
    return target(compartment, sys.executable, "-S", str(TOYS / name), *args)


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 10) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Return whether a process is alive (a zombie is not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gate_config(**changes: Any) -> dict[str, Any]:
    """Return a gate's configuration with its defaults filled in."""
    return {
        "startTimeoutSeconds": 300,
        "periodSeconds": 0.1,
        "successThreshold": 1,
        "failureThreshold": 1,
        "onUnhealthy": "unready",
        "minUptimeSeconds": 0,
        "ports": {},
        "cpu": {"maxPercent": None, "settleSeconds": 5},
        "memory": {"minMiB": None, "maxMiB": None},
        "handles": {"min": None, "max": None},
        "threads": {"min": None, "max": None},
        "processes": {},
        "http": {},
        "tcp": {},
        "exec": {},
        **changes,
    }


TIMING = {"periodSeconds": None, "timeoutSeconds": 2, "successThreshold": None, "failureThreshold": None}


def http_check(**changes: Any) -> dict[str, Any]:
    """Return an HTTP check's configuration with its defaults filled in."""
    defaults = {"scheme": "http", "path": "/", "host": "", "headers": {}, "status": [], "bodyMatches": ""}
    return {**defaults, **TIMING, **changes}
