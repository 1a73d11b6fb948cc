"""Launchers and programs that end, hang or are suspended."""

from __future__ import annotations

import contextlib
import signal
import time

import psutil

from tests.cluster.driving.faults.registry import fault
from tests.cluster.driving.faults.world import World
from tests.cluster.driving.release import PORT, fetch


@fault(is_quick=True)
def launcher_killed(world: World) -> None:
    """A launcher is killed, and its program with it."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.launcher(pair).kill()


@fault(is_quick=True)
def target_killed(world: World) -> None:
    """A program is killed."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).kill()


@fault(is_quick=True)
def target_crashed(world: World) -> None:
    """A program crashes."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).send_signal(signal.SIGSEGV)


@fault(is_quick=True)
def both_killed(world: World) -> None:
    """A launcher and its program are killed at once."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        both = (world.target(pair), world.launcher(pair))
        for process in both:
            process.kill()


@fault(is_quick=True)
def target_ends_well(world: World) -> None:
    """A program ends with exit code 0, which for a server is as bad as any other."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(OSError):
        fetch(pair.ip, "/exit?code=0")


@fault(is_quick=True)
def target_fails(world: World) -> None:
    """A program ends with exit code 3."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(OSError):
        fetch(pair.ip, "/exit?code=3")


@fault()
def target_hangs(world: World) -> None:
    """A program stops answering; only the gate's HTTP check notices."""
    pair = world.pair()
    fetch(pair.ip, "/hang")
    began = time.monotonic()
    took = world.wait_not_ready(pair)
    print(f"{pair.ip} hangs: its anchor was not Ready after {took:.2f} s")
    world.print_time_in_service(pair, began)


@fault(lasts=True)
def launcher_stopped_for_a_while(world: World) -> None:
    """A launcher is suspended (SIGSTOP): its heartbeat goes stale, its pair unready; then it resumes."""
    pair = world.pair()
    process = world.launcher(pair)
    process.suspend()
    try:
        world.wait_not_ready(pair)
        world.meanwhile()
        time.sleep(world.dice.uniform(0, 5))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):  # kubelet may have killed it
            process.resume()


@fault()
def port_stolen(world: World) -> None:
    """While a program is down something else listens on its port, in its compartment, for a few seconds."""
    pair = world.pair()
    machine = world.node_of(pair).machine
    assert pair.anchor is not None
    container = pair.anchor["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    shown = machine.run(["ctr", "--namespace", "k8s.io", "tasks", "list"])
    pid = next(line.split()[1] for line in shown.splitlines() if line.startswith(container))
    thief = (
        "import socket, time\n"
        "end = time.monotonic() + 15\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        f"        s = socket.create_server(('', {PORT}))\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(0.001)\n"
        "time.sleep(5)\n"
    )
    machine.start("nsenter", ["--target", pid, "--net", "--", "python3", "-c", thief])
    with contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).kill()
    world.wait_not_ready(pair)
    machine.wait("nsenter", 40)
