"""Machines on one switch, each with its own network, pid, mount and UTS namespace and with daemons to start and kill.

Everything is inside the sandbox (`mooring.rehearse.sandbox`), so it ends with it, whatever happens. Process 1 of a
machine is the `pause` program: killing it pulls the plug, because the kernel then kills everything that runs there. Its
disk survives that, /run does not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mooring.rehearse import kernel
from mooring.rehearse.network import ip

SWITCH = "cluster0"
SWITCH_IP = "192.168.99.1"
"""The tests' address, as the machines see it."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Mount an empty file system; it goes away in one piece, with everything mounted in it.

    Never delete it file by file: that would delete what is mounted in it (the host's own Python, the cache).
    """
    base = Path(tempfile.mkdtemp(prefix="mooring-cluster-"))
    kernel.mount("tmpfs", str(base), "tmpfs", data="mode=755")
    try:
        yield base
    finally:
        kernel.unmount(str(base))
        base.rmdir()


def show(source: Path, target: Path) -> None:
    """Mount a directory of the host a second time, read-only."""
    kernel.mount(str(source), str(target), flags=kernel.MS_BIND)
    kernel.mount("none", str(target), flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)


def make_switch() -> None:
    """Make the bridge that connects all machines, in the caller's network namespace."""
    ip("link", "add", "name", SWITCH, "type", "bridge", "forward_delay", "0")
    ip("address", "add", f"{SWITCH_IP}/24", "dev", SWITCH)
    ip("link", "set", SWITCH, "up")


class Machine:
    """One machine: `boot`, `start` daemons on it, `run` commands on it, `kill` a daemon, `unplug` it."""

    def __init__(self, name: str, address: str, programs: Path, base: Path) -> None:
        """`programs`: the directory of the built programs; `base`: the parent of its disk and logs."""
        self.name = name
        self.address = address
        self.disk = base / "disks" / name
        self.logs = base / "logs"
        self.on_disk: dict[str, str] = {}
        """Directories that are on the machine's disk: mount point -> folder of the disk."""
        self._programs = programs
        self._holder: subprocess.Popen[bytes] | None = None
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.pid = 0

    def boot(self) -> None:
        """Make its namespaces, network and file systems."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self._holder = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"),
                *("--propagation", "private", str(self._programs / "pause")),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pid = self._first_child(self._holder, until="pause")
        veth = self._cable
        ip("link", "add", "name", veth, "type", "veth", "peer", "name", "eth0", "netns", str(self.pid))
        ip("link", "set", veth, "master", SWITCH, "up")
        script = [
            f"hostname {self.name}",
            "ip link set lo up",
            f"ip address add {self.address}/24 dev eth0",
            "ip link set eth0 up",
            f"ip route add default via {SWITCH_IP}",
            "sysctl -qw net.ipv4.ip_forward=1",
        ]
        # Empty file systems for mount points: nothing is written to the host.
        script += [f"mount -t tmpfs -o mode=755 tmpfs {folder}" for folder in ("/run", "/opt", "/var/lib")]
        script.append("mkdir -p /run/netns /run/lock")
        for mount_point, folder in self.on_disk.items():
            (self.disk / folder).mkdir(parents=True, exist_ok=True)
            script.append(f"mkdir -p {mount_point}; mount --bind {self.disk / folder} {mount_point}")
        # Mounts that the container runtime makes later reach pods with HostToContainer propagation.
        script.append("mount --make-rshared /")
        self.run(["sh", "-ec", "\n".join(script)])

    def _first_child(self, process: subprocess.Popen[bytes], until: str = "") -> int:
        """Return the pid of a process's only child, once it exists (and is the program `until`)."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                if children and (not until or Path(f"/proc/{children[0]}/comm").read_text().strip() == until):
                    return int(children[0])
            if process.poll() is not None:
                break
            time.sleep(0.005)
        message = f"{self.name}: {process.args!r} did not start"
        raise RuntimeError(message)

    def _entered(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "--uts", "--", *command]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        path = f"{self._programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": "/root", **more}

    def run(self, command: Sequence[str], stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run a command on the machine and return its output; raises RuntimeError with that output if it fails."""
        done = subprocess.run(
            self._entered(command),
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment({}),
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            message = (
                f"{self.name}: {command[0]} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}"
            )
            raise RuntimeError(message)
        return done.stdout

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a daemon; its output goes to `<logs>/<machine>-<name>.log`."""
        with (self.logs / f"{self.name}-{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                self._entered([name, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(environment or {}),
                start_new_session=True,
            )

    def pid_of(self, name: str) -> int:
        """Return a daemon's pid as the tests see it."""
        return self._first_child(self._daemons[name])

    def is_running(self, name: str) -> bool:
        """Return whether a daemon was started and has not ended."""
        return name in self._daemons and self._daemons[name].poll() is None

    def has_ended(self, name: str) -> bool:
        """Return whether a daemon was started and has ended by itself."""
        return name in self._daemons and self._daemons[name].poll() is not None

    def send(self, name: str, number: int) -> None:
        """Send a daemon a signal."""
        os.kill(self.pid_of(name), number)

    def kill(self, *names: str, number: int = signal.SIGKILL) -> None:
        """Kill daemons and wait until they have ended."""
        for name in names:
            with contextlib.suppress(RuntimeError, ProcessLookupError):
                self.send(name, number)
        for name in names:
            self._daemons.pop(name).wait(30)

    def wait(self, name: str, timeout_s: float) -> None:
        """Wait until a daemon has ended by itself."""
        self._daemons.pop(name).wait(timeout_s)

    def unplug(self) -> None:
        """Kill everything on the machine at once; its disk stays, and `boot` starts it again."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if self._holder is not None:
            self._holder.wait(30)
        for daemon in self._daemons.values():
            daemon.wait(30)
        self._daemons.clear()
        # The kernel removes it with the network namespace, some time after the last process has ended.
        with contextlib.suppress(OSError):
            ip("link", "delete", self._cable)

    @property
    def _cable(self) -> str:
        """The switch's end of its cable."""
        return f"{SWITCH[:3]}-{self.name}"[:15]

    def log(self, name: str, lines: int = 30) -> str:
        """Return the end of a daemon's log."""
        path = self.logs / f"{self.name}-{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
