"""Platforms that are valid YAML, but wrong. The App they are for is correct."""

from __future__ import annotations

import json

VALID = r"""apiVersion: mooring/v1
kind: Platform
name: hospital
owner: platform team
defaults: {service: {type: ClusterIP}, anchor: {image: {registry: registry.hospital.example}}}
locks:
  service.type: {value: ClusterIP, reason: no node ports on the ward network, owner: networking}
  replicas: {max: 10, reason: two nodes a ward}
  launcher.hostPath: {forbidden: true}
  target.env.*: {pattern: '^[ -~]*$'}
overlays:
  test: {replicas: 1}
"""

_NAMES = ["", "..", "../up", "Hospital", "h ospital", "{{ x }}", "<%= x %>", "-h", "h" * 64, "h\n", "nul\u202e"]

# A key at the top, and a value that must not be there.
_FIELDS: list[tuple[str, object]] = [
    ("defaults", []),
    ("defaults", "ClusterIP"),
    ("defaults", {"servise": {}}),
    ("defaults", {"service": {"type": "Everything"}}),
    ("defaults", {"service": "ClusterIP"}),
    ("defaults", {"replicas": 11}),
    ("defaults", {"replicas": "3"}),
    ("defaults", {"service": {"type": "NodePort"}}),
    ("defaults", {"target": {"ports": {"A": {"port": 1}}}}),
    ("locks", []),
    ("locks", {"": {"max": 1}}),
    ("locks", {"replicas": 3}),
    ("locks", {"replicas": {}}),
    ("locks", {"replicas": {"least": 1}}),
    ("locks", {"replicas": {"max": "ten"}}),
    ("locks", {"replicas": {"min": 9, "max": 1}}),
    ("locks", {"replicas": {"enum": []}}),
    ("locks", {"replicas": {"enum": ["three"]}}),
    ("locks", {"replicas": {"value": -1}}),
    ("locks", {"replicas": {"pattern": "x"}}),
    ("locks", {"replicas": {"forbidden": "yes"}}),
    ("locks", {"replica": {"max": 1}}),
    ("locks", {"replicas.x": {"max": 1}}),
    ("locks", {"target.args[0]": {"value": "x"}}),
    ("locks", {"a b": {"max": 1}}),
    ("locks", {"..": {"max": 1}}),
    ("locks", {"*": {"max": "x"}}),
    ("locks", {"__proto__.x": {"max": 1}}),
    ("locks", {"{{ .Values }}": {"max": 1}}),
    ("locks", {'anchor.podAnnotations["a': {"value": "x"}}),
    ("locks", {".".join(["a"] * 5000): {"max": 1}}),
    ("locks", {"service.type": {"value": "Everything"}}),
    ("locks", {"service.type": {"min": 1}}),
    ("locks", {"target.exe": {"pattern": "("}}),
    ("locks", {"target.exe": {"pattern": "(?=x)y"}}),
    ("locks", {"target.exe": {"pattern": "(a)\\1"}}),
    ("locks", {"target.exe": {"pattern": "[z-a]"}}),
    ("locks", {"target.exe": {"pattern": "x{2000}"}}),
    ("locks", {"target.exe": {"pattern": "*"}}),
    ("locks", {"target.exe": {"pattern": 5}}),
    ("locks", {"target.exe": {"reason": ["x"], "forbidden": True}}),
    ("extends", "absent.yaml"),
    ("extends", "case.yaml"),
    ("extends", "app.yaml"),
    ("extends", "../../../../../../etc/passwd"),
    ("extends", "/dev/null"),
    ("extends", ["a.yaml"]),
    ("extends", 5),
    ("features", ["none"]),
    ("features", {"everything": True}),
    ("overlays", []),
    ("overlays", {"Prod": {}}),
    ("overlays", {"../up": {}}),
    ("overlays", {"a/b": {}}),
    ("overlays", {"prod": {"replicas": 99}}),
    ("overlays", {"prod": {"replica": 1}}),
    ("overlays", {"prod": "x"}),
    ("templates", ["x"]),
    ("templates", {"templates/x.yaml": "absent.j2"}),
    ("templates", {"../up.yaml": "app.yaml"}),
    ("templates", {"/etc/x.yaml": "app.yaml"}),
    ("templates", {"templates/../../x": "app.yaml"}),
    ("templates", {"templates\\x": "app.yaml"}),
    ("templates", {".hidden": "app.yaml"}),
    ("templates", {"values.yaml": "app.yaml"}),
    ("templates", {"VALUES.yaml": "app.yaml"}),
    ("templates", {"templates/_locks.tpl": "app.yaml"}),
    ("templates", {"templates/x.yaml": 5}),
    ("templates", {"templates/x.yaml": ""}),
    ("chart", []),
    ("chart", {"version": "1"}),
    ("chart", {"maintainers": [{}]}),
    ("chart", {"annotations": {"a": 1}}),
    ("owner", ["x"]),
    ("description", 5),
    ("platform", "windows"),
    ("values", {}),
    ("{{ .Values }}", {}),
]


def cases() -> dict[str, bytes]:
    """Return every wrong Platform by its name."""
    found = {f"name {name[:20]!r}": {**_head(), "name": name} for name in _NAMES}
    for number, (key, value) in enumerate(_FIELDS):
        found[f"field {number}: {key} = {str(value)[:60]}"] = {**_head(), **_locks(key), key: value}
    for key in ("apiVersion", "kind", "name"):
        found[f"without {key}"] = {k: v for k, v in _head().items() if k != key}
        found[f"{key} is a map"] = {**_head(), key: {"a": "b"}}
    found["an App"] = {**_head(), "kind": "App"}
    return {name: json.dumps(value).encode() for name, value in found.items()}


def _head() -> dict[str, object]:
    return {"apiVersion": "mooring/v1", "kind": "Platform", "name": "hospital"}


def _locks(key: str) -> dict[str, object]:
    """Return locks that defaults and overlays may break."""
    locks: dict[str, object] = {
        "replicas": {"max": 10, "reason": "two nodes a ward"},
        "service.type": {"value": "ClusterIP"},
        "launcher.hostPath": {"forbidden": True},
    }
    return {"locks": locks} if key in ("defaults", "overlays") else {}
