"""Manifests that are YAML, and of which no App can be made."""

from __future__ import annotations

import copy
import json
from typing import Any

from mooring.text.emit import emit_yaml

from tests.generator.manifests import anchor, command, config, launcher, service

_RIGHT = [anchor(), launcher(), service()]
VALID = "---\n".join(emit_yaml(each) for each in _RIGHT)

# Which object, a path in it, and a value that must not be there.
_FIELDS: list[tuple[int, str, object]] = [
    (0, "metadata", []),
    (0, "metadata", None),
    (0, "metadata.name", "../up"),
    (0, "metadata.name", "a\nkind: Evil"),
    (0, "metadata.name", "$(reboot)"),
    (0, "metadata.name", "x; reboot"),
    (0, "metadata.name", "Orders"),
    (0, "metadata.name", "o" * 300),
    (0, "metadata.name", 5),
    (0, "metadata.namespace", "apps --all"),
    (0, "metadata.namespace", ["apps"]),
    (0, "metadata.labels", "app=a"),
    (0, "metadata.labels.app", 1),
    (0, "metadata.labels.app", ["orders-anchor-1"]),
    (0, "metadata.annotations", [1]),
    (0, "metadata.annotations.x", 1),
    (0, "spec", 5),
    (0, "spec", []),
    (0, "spec.containers", {}),
    (0, "spec.containers", []),
    (0, "spec.containers", ["pause"]),
    (0, "spec.containers", "pause"),
    (0, "spec.nodeSelector", ["windows"]),
    (0, "spec.tolerations", "all"),
    (0, "spec.priorityClassName", 7),
    (0, "kind", 5),
    (0, "kind", ["Pod"]),
    (0, "kind", "Pod\nx"),
    (0, "apiVersion", {}),
    (1, "metadata.name", ""),
    (1, "metadata.name", "a" * 254),
    (1, "spec", "x"),
    (1, "spec.replicas", -1),
    (1, "spec.replicas", "three"),
    (1, "spec.replicas", 10**30),
    (1, "spec.replicas", 5000),
    (1, "spec.template", []),
    (1, "spec.template.metadata", "x"),
    (1, "spec.template.metadata.labels", [1]),
    (1, "spec.template.spec", []),
    (1, "spec.template.spec.containers", "x"),
    (1, "spec.template.spec.containers", [[]]),
    (1, "spec.template.spec.securityContext", "root"),
    (1, "spec.template.spec.securityContext.windowsOptions", ["x"]),
    (1, "spec.template.spec.affinity", []),
    (1, "spec.template.spec.volumes", "C:/"),
    (1, "spec.template.spec.terminationGracePeriodSeconds", "long"),
]
_CONTAINER: list[tuple[str, object]] = [
    ("command", "cplauncher"),
    ("command", [1, 2]),
    ("command", {"a": "b"}),
    ("command", ["cplauncher.exe"]),
    ("command", ["cplauncher.exe", "-label"]),
    ("command", ["cplauncher.exe", "-label", "app=orders-anchor-1"]),
    ("command", ["cplauncher.exe", "-label", "app=orders-anchor-1", "--"]),
    ("command", ["cplauncher.exe", "-label", "app=orders-anchor-1", "--", ""]),
    ("command", ["cplauncher.exe", "-label", "", "--", "C:\\a.exe"]),
    ("command", ["cplauncher.exe", "-label", "app!=x", "--", "C:\\a.exe"]),
    ("command", ["cplauncher.exe", "-label", "app=nobody", "--", "C:\\a.exe"]),
    ("command", ["cplauncher.exe", "-compartment", "2", "--", "C:\\a.exe"]),
    ("command", ["cplauncher.exe", "-what", "--", "C:\\a.exe"]),
    ("command", ["cmd.exe", "/c", 'cplauncher.exe -label "app=orders-anchor-1 -- C:\\a.exe']),
    ("command", ["cmd.exe", "/c", "cplauncher.exe -label app=orders-anchor-1 -- C:\\a.exe & format C:"]),
    ("command", ["cmd.exe", "/c", "cplauncher.exe -label app=orders-anchor-1 -- %EXE%"]),
    ("command", ["powershell", "-Command", "& cplauncher.exe -label $(whoami) -- C:\\a.exe"]),
    ("command", ["powershell", "-Command", "& cplauncher.exe -label 'app=orders-anchor-1 -- C:\\a.exe"]),
    ("command", ["powershell", "-Command", "& cplauncher.exe -label app=a -- $env:EXE; Stop-Computer"]),
    ("command", ["powershell", "-File", "C:\\cplauncher\\start.ps1"]),
    ("command", ["powershell", "-Command", "$env:COMPARTMENT_ID_ATTACH = 1"]),
    ("command", ["powershell", "-Command", "kubectl get pods -l $label; $env:COMPARTMENT_ID_ATTACH = 1; & x.exe"]),
    ("command", command("app=orders-anchor-1", "orders.exe")),
    ("command", command("app=orders-anchor-1", "..\\orders.exe")),
    ("command", command("app=orders-anchor-1", "{{ .Values.exe }}")),
    ("command", command("app=orders-anchor-1", "<%= exe %>")),
    ("command", command("app=orders-anchor-1", "C:\\a.exe", "x" * 210_000)),
    ("env", "A=b"),
    ("env", [1]),
    ("env", [{"name": 1}]),
    ("env", [{"name": "A", "value": 5}]),
    ("env", [{"name": "A", "valueFrom": "secret"}]),
    ("envFrom", {"a": "b"}),
    ("envFrom", ["x"]),
    ("image", 5),
    ("image", ["x"]),
    ("imagePullPolicy", "Sometimes"),
    ("ports", "8080"),
    ("ports", [{"containerPort": "http"}]),
    ("ports", [{"containerPort": 0}]),
    ("ports", [{"containerPort": 70_000, "name": "x"}]),
    ("resources", "much"),
    ("volumeMounts", "C:/"),
    ("volumeMounts", ["C:/"]),
    ("volumeMounts", [{"name": 5}]),
    ("volumeMounts", [{"name": "nowhere", "mountPath": "C:/x"}]),
    ("workingDir", ["C:/"]),
    ("workingDir", "..\\up"),
    ("readinessProbe", {"httpGet": {"port": 8080, "path": 5}}),
    ("readinessProbe", {"httpGet": {"port": 8080, "path": "/a b\n"}}),
    ("readinessProbe", {"httpGet": {"port": 8080}, "periodSeconds": "often"}),
    ("startupProbe", {"httpGet": {"port": 8080, "httpHeaders": "x"}}),
    ("lifecycle", {"preStop": {"exec": {"command": ["C:\\a.exe", 5]}}}),
]
_SERVICE: list[tuple[str, object]] = [
    ("ports", "80"),
    ("ports", [80]),
    ("ports", [{"port": "http"}]),
    ("ports", [{"port": 80, "targetPort": "nowhere"}]),
    ("ports", [{"port": 80, "targetPort": 99_999}]),
    ("ports", [{"port": 80, "targetPort": 80.5}]),
    ("ports", [{"port": -1}]),
    ("ports", [{"port": 80, "name": 5}]),
    ("type", 5),
    ("type", []),
]


def cases() -> dict[str, bytes]:
    """Return every wrong file of manifests by its name."""
    found: dict[str, list[Any]] = {}
    for number, (which, path, value) in enumerate(_FIELDS):
        found[f"field {number}: {path} = {str(value)[:30]!r}"] = _with(which, path, value)
    for number, (key, value) in enumerate(_CONTAINER):
        path = f"spec.template.spec.containers.0.{key}"
        found[f"container {number}: {key} = {str(value)[:60]!r}"] = _with(1, path, value)
    for number, (key, value) in enumerate(_SERVICE):
        found[f"service {number}: {key} = {str(value)[:30]!r}"] = _with(2, f"spec.{key}", value)
    found |= {
        "nothing to import": [config("a", {})],
        "no anchor": [launcher()],
        "an object twice": [anchor(), launcher(), launcher()],
        "a List of texts": [{"apiVersion": "v1", "kind": "List", "items": ["x"]}],
        "a List that is a map": [{"apiVersion": "v1", "kind": "List", "items": {"a": "b"}}],
        "a List of nulls": [{"apiVersion": "v1", "kind": "List", "items": [None, 5]}],
        "Lists in Lists": [_nested(20)],
        "a DaemonSet": [anchor(), {**launcher(), "kind": "DaemonSet"}],
        "a kustomization with patches": [{"kind": "Kustomization", "patches": [{"path": "../../etc/passwd"}]}],
        "a ConfigMap of numbers": [anchor(), _from_config(), config("c", {"EXE": 5})],  # type: ignore[dict-item]
        "a ConfigMap that is a list": [anchor(), _from_config(), {**config("c", {}), "data": ["EXE"]}],
    }
    return {name: "\n---\n".join(json.dumps(each) for each in value).encode() for name, value in found.items()}


def _with(which: int, path: str, value: object) -> list[Any]:
    objects = copy.deepcopy(_RIGHT)
    inner: Any = objects[which]
    *above, last = path.split(".")
    for key in above:
        inner = inner[int(key)] if isinstance(inner, list) else inner.setdefault(key, {})
    inner[last] = value
    return objects


def _nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "spec": {}}
    for _ in range(depth):
        made = {"apiVersion": "v1", "kind": "List", "items": [made]}
    return made


def _from_config() -> dict[str, Any]:
    reference = {"configMapKeyRef": {"name": "c", "key": "EXE"}}
    words = ["cmd", "/c", *command()[:-1], "%EXE%"]
    return launcher(words=words, env=[{"name": "EXE", "valueFrom": reference}])
