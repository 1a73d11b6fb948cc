"""Values that break the rules about meshes: rule, values on top of a program's path, the key that is named, words."""

from __future__ import annotations

from typing import Any

LINKERD: dict[str, Any] = {"enabled": True, "allow": {"identities": ["*"]}, "nodeNetworks": ["10.0.0.0/16"]}
PORTS: dict[str, Any] = {"http": {"port": 8080}, "feed": {"port": 5000, "protocol": "UDP"}}


def _linkerd(**values: Any) -> dict[str, Any]:
    return {"target": {"ports": PORTS}, "mesh": {"linkerd": LINKERD | values}}


BROKEN_MESH: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "linkerd",
        _linkerd() | {"anchor": {"create": False, "selector": "app=x-{ordinal}"}},
        "mesh.linkerd.enabled",
        "others create those",
    ),
    ("linkerd", _linkerd(nodeNetworks=[]), "mesh.linkerd.nodeNetworks", "not its hook"),
    ("linkerd", _linkerd(allow={}), "mesh.linkerd.allow", "nobody could reach port http"),
    ("linkerd", _linkerd(allow={}, httpRoutes={"r": {"port": "http"}}), "mesh.linkerd.allow", "nobody could reach"),
    ("linkerd", _linkerd(opaquePorts=["http", "web"]), "mesh.linkerd.opaquePorts.1", "a TCP port named in"),
    ("linkerd", _linkerd(opaquePorts=["feed"]), "mesh.linkerd.opaquePorts.0", "a TCP port named in"),
    ("linkerd", _linkerd(httpRoutes={"r": {"port": "web"}}), "mesh.linkerd.httpRoutes.r.port", "or add the port"),
    ("linkerd", _linkerd(httpRoutes={"r": {"port": "feed"}}), "mesh.linkerd.httpRoutes.r.port", "or add the port"),
    (
        "linkerd",
        _linkerd(opaquePorts=["http"], httpRoutes={"r": {"port": "http", "identities": ["*"]}}),
        "mesh.linkerd.httpRoutes.r.port",
        "sees no HTTP requests",
    ),
    (
        "cplauncher",
        _linkerd() | {"launcher": {"kind": "cplauncher"}, "scaling": {"follow": False}},
        "mesh.linkerd.enabled",
        "leave it at false",
    ),
]
