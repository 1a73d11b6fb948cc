"""Objects as the API has them, for what reads them."""

from __future__ import annotations

import json
from typing import Any

CONFIG = {
    "configVersion": 2,
    "anchor": {"strategy": "ordinal"},
    "target": {
        "exe": "/x",
        "ports": {"http": {"port": 18088, "protocol": "TCP"}, "dns": {"port": 53, "protocol": "UDP"}},
        "perOrdinal": {"1": {"ports": {"http": 8081}}},
    },
    "gate": {"http": {"up": {"port": "http", "path": "/up", "timeoutSeconds": 1, "status": [204]}}},
    "readiness": {"port": 9000},
}


def pod_object(name: str, **changes: Any) -> dict[str, Any]:
    """Return a pod of release `orders`; its name says which half of a pair it is, and the ordinal."""
    component = "anchor" if "-anchor-" in name else "launcher"
    labels = {f"app.kubernetes.io/{key}": "orders" for key in ("name", "instance")}
    labels |= {"app.kubernetes.io/component": component, "apps.kubernetes.io/pod-index": name.rpartition("-")[2]}
    metadata = {"namespace": "apps", "name": name, "uid": changes.get("uid", f"uid-{name}"), "labels": labels}
    if component == "launcher":
        metadata["annotations"] = {"mooring/config": json.dumps(changes.get("config", CONFIG))}
    probe = {"periodSeconds": 1, "failureThreshold": 1}
    spec = {"nodeName": changes.get("node", "a"), "containers": [{"name": component, "readinessProbe": probe}]}
    ready = {"type": "Ready", "status": "True" if changes.get("ready", True) else "False"}
    running = {"containerID": changes.get("container", f"containerd://{name}")}
    running["lastState"] = {"terminated": {"containerID": "containerd://before"}}
    status = {"conditions": [ready], "containerStatuses": [running]}
    return {"metadata": metadata, "spec": spec, "status": status}


def slice_object(ip: str, conditions: dict[str, Any], port: int = 18088) -> dict[str, Any]:
    """Return an EndpointSlice of Service `orders` with one address: that of anchor 0."""
    endpoint = {"addresses": [ip], "conditions": conditions, "targetRef": {"uid": "uid-orders-anchor-0"}}
    labels = {"kubernetes.io/service-name": "orders"}
    ports = [{"port": port, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    metadata = {"namespace": "apps", "name": "orders-x", "labels": labels}
    return {"metadata": metadata, "endpoints": [endpoint], "ports": ports}
