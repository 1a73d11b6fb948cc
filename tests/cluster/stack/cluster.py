"""A real Kubernetes of one control plane and two nodes, as plain processes inside the sandbox."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster.stack import control_plane, node
from tests.cluster.stack.control_plane import ControlPlane
from tests.cluster.stack.kube import Kube
from tests.cluster.stack.machines import Machine, make_switch, show
from tests.cluster.stack.node import Node
from tests.cluster.stack.pki import Pki, make_pki

NODES = {"node-1": ("192.168.99.11", "10.244.1.0/24"), "node-2": ("192.168.99.12", "10.244.2.0/24")}
"""Name -> the machine's address, its pods' range."""


class Cluster:
    """The cluster: `up` starts it, and it ends with its sandbox."""

    def __init__(self, programs: Path, base: Path, say: Callable[[str], None]) -> None:
        """`programs`: what `builds.build_all` returned; `base`: a directory of `machines.scratch`."""
        self._say = say
        # Machines hide parts of the file tree; here they find the programs, wherever the cache is.
        (base / "cache").mkdir()
        show(programs.parent, base / "cache")
        self.programs = base / "cache" / programs.name
        self._base = base
        self.pki: Pki = make_pki(
            base / "pki",
            control_plane.URL,
            [
                control_plane.ADDRESS,
                control_plane.SERVICE_ADDRESS,
                "127.0.0.1",
                "kubernetes.default",
                "kubernetes.default.svc",
            ],
            {name: address for name, (address, _pods) in NODES.items()},
        )
        self.kubeconfig = self.pki.kubeconfig("admin")
        self.kube = Kube(self.kubeconfig, str(self.programs / "kubectl"))
        self.logs = base / "logs"
        self.apps = base / "shared/apps"
        """What every node has at /opt/apps."""
        machine = Machine("control-plane", control_plane.ADDRESS, self.programs, base)
        self.control_plane = ControlPlane(machine, self.pki, base / "control-plane")
        shared = base / "shared"
        shared.mkdir()
        self._shared = shared
        self.nodes = {
            name: Node(Machine(name, address, self.programs, base), self.pki, pods, shared)
            for name, (address, pods) in NODES.items()
        }

    def up(self) -> None:
        """Start everything and wait until both nodes are Ready."""
        began = time.monotonic()
        make_switch()
        # The tests sit on the switch and reach pods as the control plane does: through the nodes.
        routes = {pods: address for address, pods in NODES.values()}
        for pods, address in routes.items():
            subprocess.run(["ip", "route", "add", pods, "via", address], check=True)
        machine = self.control_plane.machine
        machine.boot()
        for pods, address in routes.items():
            machine.run(["ip", "route", "add", pods, "via", address])
        self.control_plane.start()
        node.furnish(self._shared, self.programs)
        self.wait(lambda: control_plane.is_up(self.pki, "/livez"), 120, "the API answers")
        self.control_plane.start_controllers()
        for name in self.nodes:
            self.start_node(name)
        # The API server uses its own certificate towards kubelets; nothing grants it that by default.
        self.kube.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "apiserver-kubelet-client"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "system:kubelet-api-admin",
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "apiserver-kubelet-client"}
                ],
            }
        )
        for each in self.nodes.values():
            self.wait(lambda each=each: self._has_images(each), 180, f"{each.name} has its images")
        self.wait(self._nodes_are_ready, 180, "both nodes are Ready")
        self.wait(self._has_default_account, 60, "the default ServiceAccount exists")
        self._say(f"cluster: two nodes Ready after {time.monotonic() - began:.1f} s")

    def start_node(self, name: str) -> None:
        """Boot a node, for the first time or after `machine.unplug`."""
        others = {each.pod_range: each.machine.address for each in self.nodes.values() if each.name != name}
        self.nodes[name].start(others)

    def _has_images(self, each: Node) -> bool:
        try:
            each.import_images()
        except RuntimeError:
            return False
        return True

    def _nodes_are_ready(self) -> bool:
        found = self.kube.get("nodes")["items"]
        ready = [
            condition["status"] == "True"
            for item in found
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        ]
        return len(ready) == len(NODES) and all(ready)

    def _has_default_account(self) -> bool:
        return bool(self.kube.get("namespaces/default/serviceaccounts")["items"])

    def wait(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until a predicate holds; after `timeout_s` raise with the end of every daemon's log."""
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                message = f"after {timeout_s:.0f} s not yet: {what}\n{self.last_words()}"
                raise RuntimeError(message)
            time.sleep(0.1)

    def last_words(self, lines: int = 5) -> str:
        """Return the end of every daemon's log."""
        logs: Sequence[Path] = sorted(self.logs.glob("*.log"))
        return "\n".join(
            f"== {log.stem}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) for log in logs
        )
