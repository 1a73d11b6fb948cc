r"""A simulated Windows node: its own Wine prefix in its own network namespace.

Sockets of Windows programs belong to the prefix's wineserver, which starts inside the namespace: three machines are
three real networks. The launcher's bundle is at C:\mooring, where a node has it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mooring.rehearse.api import ApiServer
from mooring.rehearse.network import NODE_IP, Network

from tests.windows.parts import make_bundle, wine_environment
from tests.windows.program import TIMEOUT_S, Program, wait_until

COMPARTMENT = 7
"""The compartment that each machine's own IP is in, as its shim says."""
NODE = "win-1"
_TOKEN = "token-1"
_ACCOUNT = "drive_c/var/run/secrets/kubernetes.io/serviceaccount"
PYTHON = r"C:\mooring\python\python.exe"
LAUNCHER = r"C:\mooring\mooring-launcher.pyz"


class Site:
    """What all machines share: the network, the API on the node's IP, the bundle."""

    def __init__(self, parts: Path, folder: Path) -> None:
        self.parts = parts
        self.folder = folder
        self.network = Network()
        self.api = ApiServer(host=NODE_IP)
        self.api.add_token(_TOKEN)
        self.api.start()
        self.bundle = folder / "bundle"
        make_bundle(parts, self.bundle)
        self._machines: list[Machine] = []

    def machine(self, name: str) -> Machine:
        """Make a machine or return the one of that name, which is also its network namespace's."""
        found = next((one for one in self._machines if one.name == name), None)
        if found is None:
            found = Machine(self, name)
            self._machines.append(found)
        return found

    def close(self) -> None:
        """End every machine, then the API."""
        for machine in self._machines:
            machine.close()
        self.api.close()


class Machine:
    """One prefix in one namespace; `start` and `run` run Windows programs."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.ip = site.network.add_namespace(name)
        self.prefix = site.folder / name
        self._processes: list[Program] = []
        _clone(site.parts / "prefix", self.prefix)
        # Not a link: the launcher trusts no directory below /tmp, where Wine knows nothing of the sticky bit.
        shutil.copytree(site.bundle, self.drive / "mooring", copy_function=os.link)
        (self.drive / "toys").mkdir()
        for toy in site.parts.glob("*.exe"):
            shutil.copy(toy, self.drive / "toys" / toy.name)
        self._write_account()
        self.set_node(f"{COMPARTMENT} {self.ip}")

    @property
    def drive(self) -> Path:
        """The path of its C: on this system."""
        return self.prefix / "drive_c"

    def path(self, windows: str) -> Path:
        """Return the path on this system of a path of C:."""
        return self.drive / windows.removeprefix("C:").lstrip("\\").replace("\\", "/")

    def set_node(self, *lines: str) -> None:
        """Set what the shims know of the node (shims/compartments.h), and clear the recorded calls."""
        folder = self.drive / "shim"
        folder.mkdir(exist_ok=True)
        (folder / "node.txt").write_text("".join(f"{line}\n" for line in lines))
        (folder / "calls.txt").unlink(missing_ok=True)

    def calls(self) -> list[tuple[int, int, str]]:
        """Return the calls of the shims: (process, thread, call)."""
        try:
            text = (self.drive / "shim/calls.txt").read_text()
        except FileNotFoundError:
            return []
        lines = (line.split(" ", 2) for line in text.splitlines())
        return [(int(pid), int(tid), call) for pid, tid, call in lines]

    def start(self, *command: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a Windows program in the namespace."""
        line = ["nsenter", f"--net=/run/netns/{self.name}", "wine", *command]
        program = Program(line, wine_environment(self.prefix) | dict(env or {}), self.drive)
        self._processes.append(program)
        return program

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> Program:
        """Run a Windows program to its end."""
        program = self.start(*command, env=env)
        program.wait()
        return program

    def run_python(self, script: Path, *arguments: str) -> Any:
        """Run a script with Windows Python, the launcher being importable; return the JSON of its last line."""
        shutil.copy(script, self.drive / script.name)
        program = self.run(PYTHON, "-I", f"C:\\{script.name}", *arguments)
        assert program.code == 0, program.text
        return json.loads(program.output.decode().splitlines()[-1])

    def launch(self, config: Mapping[str, Any], *, ordinal: int = 0, env: Mapping[str, str] | None = None) -> Launcher:
        """Start the launcher as its container does, with this configuration."""
        self.write("C:\\etc\\mooring\\config.json", json.dumps(config))
        self.write("C:\\dev\\termination-log", "")
        state = self.path("C:\\run\\mooring")
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        environment = self.environ(ordinal) | dict(env or {})
        return Launcher(self, self.start(PYTHON, "-I", LAUNCHER, "run", env=environment))

    def command(self, *words: str, ordinal: int = 0, env: Mapping[str, str] | None = None) -> Program:
        """Run a short launcher command, as a probe or a hook does."""
        environment = self.environ(ordinal) | dict(env or {})
        return self.run(PYTHON, "-I", "-S", LAUNCHER, *words, env=environment)

    def environ(self, ordinal: int) -> dict[str, str]:
        """Return what the chart and Kubernetes put into the launcher's environment."""
        return {
            "KUBERNETES_SERVICE_HOST": NODE_IP,
            "KUBERNETES_SERVICE_PORT": str(self.site.api.port),
            "POD_NAME": f"orders-{ordinal}",
            "POD_NAMESPACE": "apps",
            "POD_UID": "own-uid",
            "NODE_NAME": NODE,
            "MOORING_ORDINAL": str(ordinal),
            "MOORING_CONFIG": r"C:\etc\mooring\config.json",
            "MOORING_STATE_DIR": r"C:\run\mooring",
        }

    def write(self, windows: str, text: str) -> None:
        """Write a file of C:."""
        path = self.path(windows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def processes(self, name: str) -> list[int]:
        """Return the pids (this system's) of Windows programs of that file name in this prefix."""
        entries = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [int(entry.name) for entry in entries if _runs(entry, name, self.prefix)]

    def close(self) -> None:
        """End every program and the prefix's server."""
        for program in self._processes:
            program.close()
        line = ["nsenter", f"--net=/run/netns/{self.name}", "wineserver", "--kill"]
        subprocess.run(line, env=wine_environment(self.prefix), check=False, timeout=30)

    def _write_account(self) -> None:
        folder = self.prefix / _ACCOUNT
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_text(self.site.api.ca_pem)
        (folder / "token").write_text(_TOKEN)


class Launcher:
    """A launcher that runs on a machine."""

    def __init__(self, machine: Machine, program: Program) -> None:
        self.machine = machine
        self.program = program

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log records of one kind so far."""
        records = (json.loads(line) for line in list(self.program.errors) if line.startswith("{"))
        return [record for record in records if record["event"] == name]

    def wait_event(self, name: str, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """Wait for the first record of a kind."""
        wait_until(lambda: self.events(name) or self.program.code is not None, f"the event {name}", timeout_s)
        assert self.events(name), f"no event {name}: {self.program.text}"
        return self.events(name)[0]

    def wait_exit(self, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """Wait for its end; return its record: by whom, code, message."""
        self.program.wait(timeout_s)
        assert self.events("exit"), self.program.text
        return self.events("exit")[0]

    def wait_ready(self) -> None:
        """Wait until /readyz answers 200 on the machine's IP."""
        try:
            wait_until(lambda: self.get("/readyz")[0] == 200 or self.program.code is not None, "ready")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.get('/readyz')}: {self.program.text}") from None
        assert self.program.code is None, self.program.text

    def get(self, path: str, port: int = 8091, timeout_s: float = 10) -> tuple[int, str]:
        """GET from the machine's IP, as kubelet and clients do: from outside, over the bridge."""
        from mooring.rehearse.rehearsal import fetch

        return fetch(self.machine.ip, port, path, timeout_s)

    def message(self) -> dict[str, Any]:
        """Return the termination message."""
        message: dict[str, Any] = json.loads(self.machine.path("C:\\dev\\termination-log").read_text())
        return message


def _clone(template: Path, prefix: Path) -> None:
    """Copy a prefix: the registry as files, the 600 MiB of C: only as links."""
    prefix.mkdir(parents=True)
    for name in ("system.reg", "user.reg", "userdef.reg", ".update-timestamp"):
        shutil.copy(template / name, prefix / name)
    shutil.copytree(template / "drive_c", prefix / "drive_c", copy_function=os.symlink, symlinks=True)
    (prefix / "dosdevices").mkdir()
    (prefix / "dosdevices/c:").symlink_to("../drive_c")
    (prefix / "dosdevices/z:").symlink_to("/")


def _runs(process: Path, name: str, prefix: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes()
        if name.encode() not in words:
            return False
        return f"WINEPREFIX={prefix}\0".encode() in (process / "environ").read_bytes()
    except OSError:
        return False
