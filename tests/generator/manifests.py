"""Manifests as K2s users write them, for the tests of `mooring import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Object = dict[str, Any]

CPLAUNCHER = r"C:\k2s\bin\cni\cplauncher.exe"
EXE = r"C:\apps\orders\orders.exe"


def anchor(name: str = "orders-anchor-1", namespace: str = "apps", *, kind: str = "Pod", **pod: Any) -> Object:
    """Return an anchor with the label app=<name>, a Pod or a Deployment of one."""
    meta: Object = {"labels": {"app": name}, "annotations": {"linkerd.io/inject": "enabled"}}
    spec = {"nodeSelector": {"kubernetes.io/os": "windows"}, "containers": [{"name": "pause", "image": "pause-win:1"}]}
    spec |= pod
    head = {"name": name, "namespace": namespace}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": "Pod", "metadata": head | meta, "spec": spec}
    template = {"metadata": meta, "spec": spec}
    owner = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": head, "spec": owner}


def command(label: str = "app=orders-anchor-1", *target: str, flags: tuple[str, ...] = ()) -> list[str]:
    """Return a container's command that runs cplauncher."""
    return [CPLAUNCHER, *flags, "-label", label, "-namespace", "apps", "--", *(target or (EXE,))]


def launcher(
    name: str = "orders-hostprocess",
    words: list[str] | None = None,
    *,
    replicas: int | None = 1,
    pod: Object | None = None,
    namespace: str = "apps",
    **container: Any,
) -> Object:
    """Return a HostProcess Deployment; `container` sets fields of its container."""
    own = {"name": "cplauncher", "image": "base:1", "command": words or command(), **container}
    spec = {
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}},
        "hostNetwork": True,
        "containers": [own],
        **(pod or {}),
    }
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    owner = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": owner}


def service(name: str = "orders", app: str = "orders-hostprocess", port: Object | None = None, **spec: Any) -> Object:
    """Return a Service."""
    ports = [port or {"name": "http", "port": 80, "targetPort": 8080}]
    meta = {"name": name, "namespace": "apps"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": {"app": app}, "ports": ports, **spec},
    }


def config(name: str, data: dict[str, str]) -> Object:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "apps"},
        "data": data,
    }


def write(path: Path, *objects: Object) -> Path:
    """Write objects as documents of one file; JSON is valid YAML, and each object is one line."""
    path.write_text("\n---\n".join(json.dumps(each, ensure_ascii=False) for each in objects) + "\n", encoding="utf-8")
    return path
