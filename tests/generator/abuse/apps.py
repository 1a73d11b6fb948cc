"""Apps that are valid YAML, but wrong."""

from __future__ import annotations

import json

VALID = r"""apiVersion: mooring/v1
kind: App
name: orders
version: 1.4.0
values:
  replicas: 3
  target:
    exe: 'C:\apps\orders\orders.exe'
    args: ['--config', 'C:\apps\orders\prod.json']
    ports: {http: {port: 8080, servicePort: 80}}
"""

_NAMES = ["", " ", ".", "..", "../up", "..\\up", "/etc/passwd", "a/b", "a\\b", "C:", "orders.", "orders ", "-orders"]
_NAMES += ["con", "nul", "aux", "prn", "com1", "lpt9", "CON", "Nul", "Orders", "ORDERS", "órders", "1st", "orders\n"]
_NAMES += ["ord\u202eers", "o\u200bo", "{{ fail }}", "<%= 1/0 %>", "${HOME}", "$(id)", "`id`", "orders\r\n", "a\tb"]
_NAMES += ["o" * 46, "o" * 200_000]
_VERSIONS = ["", "1", "1.0", "v1.0.0", "1.0.0\n", "01.0.0", "1.0.0-", "{{ .Chart }}", "1.0.0+é", "latest"]

# A key path below values, and a value that must not be there.
_VALUES: list[tuple[str, object]] = [
    ("replicas", -1),
    ("replicas", 1001),
    ("replicas", 10**400),
    ("replicas", "3"),
    ("replicas", 1.5),
    ("replicas", [3]),
    ("platform", "Windows"),
    ("platform", "{{ .Values }}"),
    ("target", []),
    ("target", "C:\\a.exe"),
    ("target.exe", ""),
    ("target.exe", 5),
    ("target.exe", "orders.exe"),
    ("target.exe", "..\\..\\windows\\system32\\cmd.exe"),
    ("target.exe", "C:orders.exe"),
    ("target.exe", "{{ .Values.exe }}"),
    ("target.args", "--all in one"),
    ("target.args", [1]),
    ("target.args", ["x" * 210_000]),
    ("target.args", [["a"]]),
    ("target.workingDir", "..\\data"),
    ("target.env", {"A=B": "c"}),
    ("target.env", {"A": 1}),
    ("target.env", {"KUBERNETES_SERVICE_HOST": "evil"}),
    ("target.env", {"MOORING_CONFIG": "evil"}),
    ("target.env", {"A\nB": "c"}),
    ("target.ports", {"http": 8080}),
    ("target.ports", {"http": {}}),
    ("target.ports", {"HTTP": {"port": 1}}),
    ("target.ports", {"a": {"port": 0}}),
    ("target.ports", {"a": {"port": 65536}}),
    ("target.ports", {"a": {"port": 1}, "b": {"port": 1}}),
    ("target.ports", {"a--b": {"port": 1}}),
    ("target.ports", {"readiness": {"port": 1}}),
    ("target.ports", {"x" * 16: {"port": 1}}),
    ("target.mounts", {"..": {"hostPath": "C:\\a"}}),
    ("target.mounts", {"a": {"hostPath": "relative"}}),
    ("target.mounts", {"a": {"hostPath": "C:\\mooring"}}),
    ("target.sha256", "abc"),
    ("target.perOrdinal", {"-1": {}}),
    ("target.perOrdinal", {"first": {}}),
    ("gate.http", {"x": {"port": "nowhere"}}),
    ("gate.http", {"x": {"port": 1, "path": "no slash"}}),
    ("gate.memory", {"minMiB": 9, "maxMiB": 1}),
    ("gate.exec", {"x": {"command": []}}),
    ("stop.drainSeconds", 1),
    ("readiness.port", 8080),
    ("anchor.strategy", "many"),
    ("anchor.selector", "app=x-{ordinal}"),
    ("anchor.create", False),
    ("launcher.hostPath", "C:\\my dir\\& calc"),
    ("launcher.python", "%TEMP%\\python.exe"),
    ("launcher.kind", "cplauncher"),
    ("extraEnv", [{"name": "POD_NAME", "value": "x"}]),
    ("extraVolumes", [{"name": "config"}]),
    ("extraObjects", {"kind": "Pod"}),
    ("tolerations", ["all"]),
    ("nodeSelector", {"a": 1}),
    ("fullnameOverride", "../up"),
    ("namespaceOverride", "Kube System"),
    ("podManagementPolicy", "OrderedReady"),
    ("autoscaling.enabled", True),
    ("__proto__", {"x": 1}),
    ("constructor", {"x": 1}),
    ("replica", 3),
    ("target.exec", "C:\\a.exe"),
]


def cases() -> dict[str, bytes]:
    """Return every wrong App by its name."""
    found: dict[str, object] = {}
    for name in _NAMES:
        found[f"name {name[:20]!r}"] = _app(name=name)
    for version in _VERSIONS:
        found[f"version {version!r}"] = _app(version=version)
    for number, (path, value) in enumerate(_VALUES):
        found[f"values {number}: {path} = {str(value)[:30]}"] = _with(path, value)
    for key in ("apiVersion", "kind", "name", "version", "values"):
        found[f"without {key}"] = {k: v for k, v in _app().items() if k != key}
        found[f"{key} is a list"] = _app(**{key: ["x"]})
        found[f"{key} is null"] = _app(**{key: None})
    found |= {
        "another kind": _app(kind="Pod"),
        "another version of the format": _app(apiVersion="mooring/v2"),
        "template code as a key": _app(**{"{{ .Values }}": "x"}),
        "description is a map": _app(description={"a": "b"}),
        "keywords are a text": _app(keywords="a, b"),
        "maintainer without a name": _app(maintainers=[{"email": "x@example.com"}]),
    }
    texts = {name: json.dumps(value).encode() for name, value in found.items()}
    return texts | {"two documents": f"{VALID}---\n{VALID}".encode()}


def _app(**changes: object) -> dict[str, object]:
    values = {"target": {"exe": "C:\\apps\\orders\\orders.exe", "ports": {"http": {"port": 8080}}}}
    app: dict[str, object] = {"apiVersion": "mooring/v1", "kind": "App", "name": "orders", "version": "1.4.0"}
    return {**app, "values": values, **changes}


def _with(path: str, value: object) -> dict[str, object]:
    app = _app()
    inner = app["values"]
    *above, last = path.split(".")
    for key in above:
        assert isinstance(inner, dict)
        inner = inner.setdefault(key, {})
    assert isinstance(inner, dict)
    inner[last] = value
    return app
