"""What the real chart renders for a release on Windows, and its pods in the API."""

from __future__ import annotations

from typing import Any

from tests.chart.rendering import config, container, layered, render
from tests.windows.machine import NODE, Machine

PORT = 8080
SERVER = r"C:\toys\server.exe"
TOY = r"C:\toys\toy.exe"
WINDOW = r"C:\toys\window.exe"


def values(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return a release's values, with layers on top. Wine's listeners have no owner, so any owner is allowed."""
    own = {
        "target": {"exe": SERVER, "args": [str(PORT)], "ports": {"http": {"port": PORT}}},
        "gate": {"ports": {"http": {"owner": "any"}}, "periodSeconds": 0.5, "failureThreshold": 1},
        "readiness": {"periodSeconds": 1, "failureThreshold": 1},
        "stop": {"drainSeconds": 6, "consoleSeconds": 15, "windowSeconds": 0},
        "scaling": {"follow": False},
    }
    return layered(own, *layers)


def config_of(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return the launcher's configuration as Helm renders it."""
    return config(render(values(*layers)))


def run_command() -> list[str]:
    """Return the command of the launcher's container as Helm renders it."""
    command: list[str] = container(render(values()), "orders")["command"]
    return command


def toy(*args: str, **target: Any) -> dict[str, Any]:
    """Return a values layer with a program without ports: toy.exe with these arguments."""
    return portless({"exe": TOY, "args": list(args), **target})


def portless(target: dict[str, Any]) -> dict[str, Any]:
    """Return a values layer with a program without ports."""
    return {"target": {"ports": None, **target}, "gate": {"ports": None}}


def anchor_pod(machine: Machine, ordinal: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a running anchor whose network is the machine's."""
    name = f"orders-anchor-{ordinal}"
    metadata: dict[str, Any] = {"name": name, "namespace": "apps", "uid": f"uid-{ordinal}"}
    metadata["labels"] = {"statefulset.kubernetes.io/pod-name": name}
    if changes.get("deleting"):
        metadata["deletionTimestamp"] = "2025-01-01T00:00:00Z"
    status = {
        "phase": "Running",
        "podIP": machine.ip,
        "conditions": [{"type": "Ready", "status": "True" if changes.get("ready") else "False"}],
        "containerStatuses": [{"name": "anchor", "containerID": "containerd://c1", "state": {"running": {}}}],
    }
    spec = {"nodeName": NODE, "containers": [{"name": "anchor"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
