"""What others do to a pair: keep /hold busy, use up its descriptors, turn its clock, plant files."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time

import psutil

from tests.cluster.driving.faults.pods import anchor_deleted_of
from tests.cluster.driving.faults.registry import fault
from tests.cluster.driving.faults.world import World
from tests.cluster.driving.release import READINESS_PORT, fetch
from tests.cluster.stack import control_plane
from tests.cluster.stack.builds import TOOLS
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.node import APPS

_CLOCK_SOURCE = TOOLS / "clock/clock.c"
_CLOCKS = "clock"
"""The folder of /opt/apps with each pod's clock offset, in seconds."""

_SLOW_S = 4
"""The length of a request that the network must outlive; less than the release's drain."""


def build_clock(cluster: Cluster) -> str:
    """Build the library that gives each launcher its own clock; returns its path on the nodes, for LD_PRELOAD."""
    (cluster.apps / _CLOCKS).mkdir(exist_ok=True)
    library = cluster.apps / "clock.so"
    compile_ = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), str(_CLOCK_SOURCE)]
    subprocess.run(compile_, check=True)
    return f"{APPS}/{library.name}"


@fault(lasts=True)
def hold_held_by_strangers(world: World) -> None:
    """Strangers request /hold or send half a request; the anchor is deleted, and its network still waits."""
    pair = world.pair()
    with contextlib.ExitStack() as held:
        for number in range(60):
            with contextlib.suppress(OSError):
                stranger = held.enter_context(socket.create_connection((pair.ip, READINESS_PORT), timeout=2))
                stranger.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n" if number % 3 else b"GET /ho")
        anchor_deleted_of(world, pair)
        # Sent after the deletion was seen: without /hold the network would end before the answer's last byte.
        said = fetch(pair.ip, f"/slow?seconds={_SLOW_S}", timeout_s=_SLOW_S + 10)
        assert f"after {_SLOW_S} s" in said, said
        world.meanwhile()


@fault(lasts=True)
def descriptors_used_up(world: World) -> None:
    """A launcher is out of file descriptors while clients connect: it does not spin, and its program keeps running."""
    pair = world.pair()
    launcher, target = world.launcher(pair), world.target(pair)
    soft, hard = launcher.rlimit(psutil.RLIMIT_NOFILE)
    with contextlib.ExitStack() as held:
        launcher.rlimit(psutil.RLIMIT_NOFILE, (launcher.num_fds() + 2, hard))
        try:
            for _ in range(40):
                with contextlib.suppress(OSError):
                    held.enter_context(socket.create_connection((pair.ip, READINESS_PORT), timeout=1))
            seconds = 4.0
            before = launcher.cpu_times()
            time.sleep(seconds)
            after = launcher.cpu_times()
            spent_s = after.user + after.system - before.user - before.system
            assert spent_s < seconds / 4, f"without a descriptor the launcher spent {spent_s:.1f} s of {seconds:g}"
            assert target.is_running(), "its program ended"
            world.meanwhile()
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                launcher.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))


@fault(lasts=True)
def clock_jumps(world: World) -> None:
    """A launcher's clock jumps up to a year either way, while its anchor is deleted and it reconnects to the API."""
    pair = world.pair()
    process = world.launcher(pair)
    jump_s = world.dice.choice((-1, 1)) * round(10 ** world.dice.uniform(1, 7.5))
    file = world.cluster.apps / _CLOCKS / world.release.pod(pair.ordinal)
    file.write_text(f"{jump_s}\n")
    try:
        world.node_of(pair).machine.run(["ss", "--kill", "dst", control_plane.SERVICE_ADDRESS])
        anchor_deleted_of(world, pair)
        world.meanwhile()
        time.sleep(world.dice.uniform(0, 5))
    finally:
        file.unlink()
    print(f"its clock jumped by {jump_s} s; launcher {process.pid}")


@fault()
def file_planted(world: World) -> None:
    """Somebody plants links where a launcher keeps its state, then the launcher restarts: it writes through none."""
    pair = world.pair()
    assert pair.launcher is not None
    machine, uid = world.node_of(pair).machine, pair.launcher["metadata"]["uid"]
    volumes = f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir"
    (volume,) = machine.run(["sh", "-c", f"ls -d {volumes}/*"]).split()
    # Relative, as the pod sees them: the links point to a file beside them.
    plant = "\n".join(
        (
            "echo untouched >victim",
            *(f"ln -sf victim {name}.planted; mv -f {name}.planted {name}" for name in ("status.json", "stop.sock")),
        )
    )
    with world.renewed(world.release.pod(pair.ordinal)):
        machine.run(["sh", "-ec", f"cd {volume}\n{plant}"])
        with contextlib.suppress(psutil.NoSuchProcess):
            world.launcher(pair).kill()
    release = world.release
    release.mirror.wait(lambda: release.pair(pair.ordinal).is_whole, 60, f"pair {pair.ordinal} is whole again")
    found = machine.run(["sh", "-ec", f"cat {volume}/victim; rm {volume}/victim"]).strip()
    assert found == "untouched", f"the launcher wrote through a planted link: {found[:100]}"
