"""A rehearsal: a rendered chart running on this machine, driven from Python.

Use it inside `sandbox.run`, since it makes a bridge, namespaces and mounts:

    with Rehearsal(chart, values=[file], replicas=3) as rehearsal:
        rehearsal.wait(all_ready(3), 60, "three ready replicas")
        fetch(rehearsal.addresses()[0], 8080, "/")
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mooring.bundle.rehearsal import build_bundle
from mooring.rehearse import kernel
from mooring.rehearse.api import ApiServer
from mooring.rehearse.launcher import LauncherWorker
from mooring.rehearse.manifest import NAMESPACE, RehearsalError, render
from mooring.rehearse.network import NODE_IP, Network
from mooring.rehearse.node import Node
from mooring.rehearse.pods import grace_s, is_ready, is_terminating, main_container, ordinal_of, why_not_ready
from mooring.rehearse.probes import http_get
from mooring.rehearse.sets import SetController
from mooring.rehearse.store import Object
from mooring.rehearse.volumes import Cluster

_FOLDER = Path("/run/rehearsal")
_STOP_MARGIN_S = 20.0


@dataclass(frozen=True)
class Happening:
    """Something that happened: when (Unix time), to which pod, what."""

    time_s: float
    pod: str
    text: str

    def __str__(self) -> str:
        """Word it as one status line."""
        clock = time.strftime("%H:%M:%S", time.localtime(self.time_s))
        return f"{clock} {self.pod:<24} {self.text}"


class Rehearsal:
    """A chart's objects, running. Entering starts everything; leaving stops it gracefully.

    `on_event` is called with every Happening, from several threads; `logs` is a directory for the launchers' standard
    error. Raises RehearsalError for a chart that cannot run.
    """

    def __init__(
        self,
        chart: Path,
        values: Sequence[Path] = (),
        sets: Sequence[str] = (),
        replicas: int | None = None,
        *,
        helm: str | None = None,
        on_event: Callable[[Happening], None] | None = None,
        logs: Path | None = None,
    ) -> None:
        wanted = [*sets, *([f"replicas={replicas}"] if replicas is not None else [])]
        self.manifest = render(chart, values, wanted, helm)
        self.api = ApiServer(host=NODE_IP)
        self.events: list[Happening] = []
        self._on_event = on_event
        self._logs = logs
        self._node: Node | None = None
        self._controller = SetController(self.api.store)

    def __enter__(self) -> "Rehearsal":
        _FOLDER.mkdir(exist_ok=True)
        kernel.mount("tmpfs", str(_FOLDER), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
        network = Network()
        self.api.start()
        build_bundle(_FOLDER / "bundle")
        self._node = Node(self.api.store, network, self._make_cluster(), _FOLDER / "pods", self._happened, self._logs)
        for stateful_set in self.manifest.stateful_sets:
            self.api.put("statefulsets", stateful_set)
        threading.Thread(target=self._report_changes, daemon=True).start()
        self._node.start()
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.kill_all()
        self.stop()

    def pods(self) -> list[Object]:
        """Return all pods as the API shows them."""
        return self.api.store.all("pods")

    def anchors(self) -> list[Object]:
        """Return the pods that own an IP, by ordinal."""
        return sorted((p for p in self.pods() if not p["spec"].get("hostNetwork")), key=ordinal_of)

    def launchers(self) -> list[Object]:
        """Return the pods that run the program, by ordinal."""
        return sorted((p for p in self.pods() if p["spec"].get("hostNetwork")), key=ordinal_of)

    def addresses(self) -> list[str]:
        """Return the IPs of the Ready anchors: the Service's endpoints."""
        return [pod["status"]["podIP"] for pod in self.anchors() if is_ready(pod) and not is_terminating(pod)]

    def wait(self, predicate: Callable[[list[Object]], bool], timeout_s: float, what: str) -> None:
        """Wait until the pods satisfy a predicate; RehearsalError says what was awaited and what is missing."""
        deadline = time.monotonic() + timeout_s
        with self.api.store.changed:
            while not predicate(self.pods()):
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or not self.api.store.changed.wait(remaining_s):
                    missing = [f"{p['metadata']['name']}: {why_not_ready(p)}" for p in self.pods() if not is_ready(p)]
                    message = f"waited {timeout_s:g} s for {what}; not ready: {'; '.join(missing) or 'none'}"
                    raise RehearsalError(message)

    def scale(self, replicas: int) -> None:
        """Scale the launchers, as `kubectl scale` does; the launcher makes their anchors follow."""
        for obj in self.api.store.all("statefulsets"):
            if obj["spec"]["template"]["spec"].get("hostNetwork"):
                metadata = obj["metadata"]
                change = {"spec": {"replicas": replicas}}
                self.api.store.update("statefulsets", metadata["namespace"], metadata["name"], change)

    def delete(self, name: str) -> None:
        """Delete a pod gracefully, as `kubectl delete pod` does."""
        pod = self.api.get("pods", NAMESPACE, name)
        if pod is None:
            message = f"there is no pod {name}"
            raise RehearsalError(message)
        self.api.store.mark_deleted(pod)

    def kill(self, name: str, number: int) -> None:
        """Send a signal to the main process of a launcher pod."""
        self._launcher(name).signal(number)

    def log(self, name: str) -> str:
        """Return a launcher pod's standard error so far."""
        return self._launcher(name).log.read_text("utf-8", errors="replace")

    def stop(self) -> None:
        """Stop everything gracefully and in parallel; returns when no pod is left. Idempotent.

        Raises RehearsalError if a pod still exists long after its grace period.
        """
        self._controller.stop()
        limit_s = _STOP_MARGIN_S + max((grace_s(pod) for pod in self.pods()), default=0)
        for pod in self.pods():
            self.api.store.mark_deleted(pod)
        with self.api.store.changed:
            gone = self.api.store.changed.wait_for(lambda: not self.pods(), limit_s)
        self.api.close()
        if not gone:
            left = ", ".join(pod["metadata"]["name"] for pod in self.pods())
            message = f"still running {limit_s:g} s after the stop: {left}"
            raise RehearsalError(message)

    def kill_all(self) -> None:
        """End all pods without a grace period."""
        self._controller.stop()
        if self._node:
            self._node.kill_all()

    def _launcher(self, name: str) -> LauncherWorker:
        worker = self._node.worker(name) if self._node else None
        if not isinstance(worker, LauncherWorker):
            message = f"there is no launcher pod {name}"
            raise RehearsalError(message)
        return worker

    def _make_cluster(self) -> Cluster:
        """Give each ServiceAccount a token with the permissions of the chart's Roles."""
        tokens = {}
        for obj in self.manifest.stateful_sets:
            namespace = obj["metadata"]["namespace"]
            account = obj["spec"]["template"]["spec"].get("serviceAccountName", "default")
            tokens[account] = secrets.token_urlsafe(24)
            rules = self.manifest.rules_of(namespace, account)
            self.api.add_token(tokens[account], rules, namespace, f"system:serviceaccount:{namespace}:{account}")
        bundle = _FOLDER / "bundle"
        data = {"ConfigMap": self.manifest.config_maps, "Secret": self.manifest.secrets}
        return Cluster(self.api.host, self.api.port, self.api.ca_pem, tokens, bundle, data)

    def _happened(self, pod: str, text: str) -> None:
        happening = Happening(time.time(), pod, text)
        self.events.append(happening)
        if self._on_event:
            self._on_event(happening)

    def _report_changes(self) -> None:
        """Report each change of a pod's address, state or reason."""
        last: dict[str, str] = {}
        version = 0
        while True:
            with self.api.store.changed:
                self.api.store.changed.wait_for(lambda seen=version: self.api.store.version > seen)  # type: ignore[misc]
                version = self.api.store.version
                current = {pod["metadata"]["name"]: describe(pod) for pod in self.pods()}
            for name in [*current, *(name for name in last if name not in current)]:
                text = current.get(name, "gone")
                if last.get(name) != text:
                    self._happened(name, text)
            last = current


def describe(pod: Object) -> str:
    """Return a pod's address, state and why it is not ready, on one line."""
    status = pod.get("status") or {}
    ports = [p["containerPort"] for p in main_container(pod).get("ports") or [] if p.get("name") != "readiness"]
    address = status.get("podIP", "-") + "".join(f":{port}" for port in ports[:1])
    if is_terminating(pod):
        return f"{address:<20} stopping"
    if is_ready(pod):
        return f"{address:<20} ready"
    return f"{address:<20} {status.get('phase', 'Pending').lower():<8} {why_not_ready(pod)}".rstrip()


def all_ready(replicas: int) -> Callable[[list[Object]], bool]:
    """Make a predicate: exactly this many launchers and anchors, all of them Ready."""

    def holds(pods: list[Object]) -> bool:
        return len(pods) == 2 * replicas and all(is_ready(p) and not is_terminating(p) for p in pods)

    return holds


def fetch(ip: str, port: int, path: str = "/", timeout_s: float = 10) -> tuple[int, str]:
    """GET http://ip:port/path; returns status and body, or 0 and the error."""
    return http_get(ip, port, path, timeout_s)
