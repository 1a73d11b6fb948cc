"""Shared by the launcher's tests: a real API over TLS, a real launcher process, and pods as JSON."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mooring.rehearse.api import ApiServer
from mooring_launcher.cluster.anchor import Pod
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment

SERVER_TOY = Path(__file__).parent / "toys" / "server.py"
SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
# As in a pod: its own mount namespace with the account where every pod has it; namespaces made later are visible too.
IN_POD = ["unshare", "--mount", "--propagation", "slave", "sh", "-c"]
IN_POD += ['mkdir -p "$0" && mount --bind "$1" "$0" && shift && exec "$@"', SERVICE_ACCOUNT]
NODE = "node-a"
PORT = 8080
READINESS_PORT = 8091
DEFAULT_TIMEOUT_S = 15.0


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Any:
    """Wait until the condition is true and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)
    return value


def anchor_pod(ip: str = "10.1.0.1", ordinal: int = 0, **changes: Any) -> Pod:
    """Return a running anchor on this node. `changes` set its node, uid, container, ready, name and so on."""
    name = changes.get("name", f"orders-anchor-{ordinal}")
    container = changes.get("container", "containerd://c1")
    status: dict[str, Any] = {
        "phase": changes.get("phase", "Running"),
        "podIP": ip,
        "conditions": [{"type": "Ready", "status": "True" if changes.get("ready") else "False"}],
        "containerStatuses": [{"name": "anchor", "containerID": container, "state": {"running": {}}}],
    }
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "apps",
        "uid": changes.get("uid", "uid-1"),
        "labels": {"statefulset.kubernetes.io/pod-name": f"orders-anchor-{ordinal}"},
    }
    if changes.get("deleting"):
        metadata["deletionTimestamp"] = "2025-01-01T00:00:00Z"
    spec = {"nodeName": changes.get("node", NODE), "containers": [{"name": "anchor"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def unschedulable_pod() -> Pod:
    """Return an anchor for which the scheduler found no node."""
    pod = anchor_pod(ip="")
    pod["spec"]["nodeName"] = ""
    reason = {"reason": "Unschedulable", "message": "0/1 nodes are available"}
    pod["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", **reason}]}
    return pod


def stateful_set(name: str, replicas: int) -> dict[str, Any]:
    """Return only those fields of a StatefulSet that following needs."""
    metadata = {"name": name, "namespace": "apps"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": {"replicas": replicas}}


def make_config(**changes: Any) -> dict[str, Any]:
    """Return a small configuration; changes to an object are merged into it."""
    config: dict[str, Any] = {
        "configVersion": 2,
        "app": {"name": "orders", "version": "1.4.0"},
        "platform": "linux",
        "launcherSet": "orders",
        "anchorSet": "orders-anchor",
        "anchorPod": "orders-anchor-{ordinal}",
        "anchorGraceSeconds": 30,
        "anchor": {"namespace": "apps", "waitSeconds": 30},
        "scaling": {"follow": False},
        "target": {
            "exe": sys.executable,
            "args": ["-S", str(SERVER_TOY), str(PORT)],
            "ports": {"http": {"port": PORT}},
        },
        "gate": {"periodSeconds": 0.2, "failureThreshold": 1},
        "stop": {"drainSeconds": 0, "consoleSeconds": 10},
        "readiness": {"port": READINESS_PORT},
    }
    for key, value in changes.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    return config


class Launcher:
    """A running launcher process with what it logged (`records`) and what its target printed (`lines`)."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.records: list[dict[str, Any]] = []
        self.lines: list[str] = []
        environ = environ | {"PYTHONFAULTHANDLER": "1"}
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._threads = [
            threading.Thread(target=self._read_log, daemon=True),
            threading.Thread(target=self._read_lines, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.records.append(json.loads(line) if line.startswith("{") else {"event": "raw", "text": line})

    def _read_lines(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log records of one kind so far."""
        return [record for record in list(self.records) if record["event"] == name]

    def wait_event(self, name: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait for the count-th record of a kind that has these fields."""

        def find() -> list[dict[str, Any]]:
            found = [r for r in self.events(name) if all(r.get(key) == value for key, value in fields.items())]
            return found[count - 1 :]

        try:
            return dict(wait_for(find, f"{name} {fields}")[0])
        except AssertionError as error:
            message = f"{error}; {self._tell_all()}"
            raise AssertionError(message) from None

    def wait_line(self, line: str, count: int = 1) -> None:
        """Wait until the target has printed a line that many times."""
        try:
            wait_for(lambda: self.lines.count(line) >= count, f"the target's line {line!r}, got {self.lines}")
        except AssertionError as error:
            message = f"{error}; {self._tell_all()}"
            raise AssertionError(message) from None

    def wait_exit(self) -> int:
        """Wait for the end and return the exit code; a launcher that hangs logs where each of its threads is."""
        try:
            code = self.process.wait(DEFAULT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            message = f"it does not end; {self._tell_all()}"
            raise AssertionError(message) from None
        for thread in self._threads:
            thread.join(5)
        return code

    def _tell_all(self) -> str:
        """Make it end and log where each of its threads is (PYTHONFAULTHANDLER); return that and its log."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGABRT)
        self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        return f"log: {json.dumps(self.records, indent=1)}"

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


class Rig:
    """One API, one state directory and the launchers a test starts against them."""

    program: tuple[str, ...] = (sys.executable, "-m", "mooring_launcher")
    toys = Path(__file__).parent / "toys"

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.state = tmp / "state"
        self.state.mkdir()
        self.termination_log = tmp / "termination-log"
        self.termination_log.touch()
        self.api = ApiServer()
        self.api.add_token("token-1")
        self.api.start()
        self.account = tmp / "account"
        self.account.mkdir()
        (self.account / "ca.crt").write_text(self.api.ca_pem)
        (self.account / "token").write_text("token-1")
        self._launchers: list[Launcher] = []

    def environ(self, ordinal: int = 0) -> dict[str, str]:
        """Return the environment that the chart and Kubernetes give the launcher's container."""
        state = self.state  # a test may have replaced it by one that does not exist
        if ordinal:
            state = self.tmp / f"state-{ordinal}"
            state.mkdir(exist_ok=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MOORING", "KUBERNETES"))}
        return {
            **kept,
            "KUBERNETES_SERVICE_HOST": self.api.host,
            "KUBERNETES_SERVICE_PORT": str(self.api.port),
            "POD_NAME": f"orders-{ordinal}",
            "POD_NAMESPACE": "apps",
            "POD_UID": "own-uid",
            "NODE_NAME": NODE,
            "MOORING_ORDINAL": str(ordinal),
            "MOORING_CONFIG": str(self.tmp / "config.json"),
            "MOORING_STATE_DIR": str(state),
            "MOORING_TERMINATION_LOG": str(self.termination_log),
        }

    def line(self, *words: str) -> list[str]:
        """Return the command line of a launcher command in its pod."""
        return [*IN_POD, str(self.account), *self.program, *words]

    def launch(self, command: str = "run", ordinal: int = 0, **changes: Any) -> Launcher:
        """Start the launcher of an ordinal with these changes to its configuration."""
        (self.tmp / "config.json").write_text(json.dumps(make_config(**changes)))
        launcher = Launcher(self.line(command), self.environ(ordinal))
        self._launchers.append(launcher)
        return launcher

    def command(self, *words: str, ordinal: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a short launcher command to its end."""
        return subprocess.run(
            self.line(*words),
            env=self.environ(ordinal),
            capture_output=True,
            text=True,
            timeout=DEFAULT_TIMEOUT_S,
            check=False,
        )

    def message(self) -> dict[str, Any]:
        """Return the termination message."""
        message: dict[str, Any] = json.loads(self.termination_log.read_text())
        return message

    def verbs(self, resource: str = "pods") -> list[str]:
        """Return the verbs of all requests for a resource, in order."""
        return [request.verb for request in self.api.requests if request.resource == resource]

    def close(self) -> None:
        """End every launcher, then the API."""
        for launcher in self._launchers:
            launcher.close()
        self.api.close()


def open_inside(compartment: Compartment, ip: str, port: int) -> socket.socket:
    """Connect to a server inside the compartment."""

    def connect() -> socket.socket:
        return socket.create_connection((ip, port), timeout=10)

    return backend().run_inside(compartment, connect)


def ask(compartment: Compartment, ip: str, request: bytes, port: int = PORT) -> bytes:
    """Send bytes to a server inside the compartment and return its whole answer."""
    with open_inside(compartment, ip, port) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def http_get(compartment: Compartment, ip: str, path: str, port: int = READINESS_PORT) -> tuple[int, str]:
    """GET from the launcher's own server inside the compartment: status and body."""
    answer = ask(compartment, ip, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), port)
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def new_uid() -> str:
    """Return a uid that no other pod has."""
    return str(uuid.uuid4())


def send_signal(launcher: Launcher, number: signal.Signals) -> None:
    """Send a signal to the launcher."""
    launcher.process.send_signal(number)
