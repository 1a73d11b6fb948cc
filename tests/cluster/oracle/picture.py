"""What the oracle knows at one moment: the API's objects, reduced to what the rules need, and what the nodes show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Port = tuple[int, str]
"""Number and protocol, TCP or UDP."""

_NAME, _INSTANCE, _COMPONENT = (f"app.kubernetes.io/{part}" for part in ("name", "instance", "component"))
_POD_INDEX = "apps.kubernetes.io/pod-index"
_CONFIG = "mooring/config"
_PROBE_PERIOD_S, _PROBE_FAILURES = 10, 3
"""Kubernetes' defaults for a probe (core/v1)."""


@dataclass(frozen=True)
class HttpCheck:
    """The gate's HTTP request to one port. For https only a connection is made."""

    path: str
    host: str
    headers: tuple[tuple[str, str], ...]
    statuses: frozenset[int]
    timeout_s: float

    def accepts(self, status: int) -> bool:
        """Return whether a status is a good answer, by the gate's `status`."""
        return status in self.statuses if self.statuses else 200 <= status < 400


@dataclass(frozen=True)
class Config:
    """What the rules need of a launcher's configuration."""

    strategy: str = "ordinal"
    selector: str = ""
    anchor_namespace: str = ""
    ports: frozenset[Port] = frozenset()
    checks: Mapping[int, HttpCheck] = field(default_factory=dict)


@dataclass(frozen=True)
class Pod:
    """A launcher, an anchor, or any other pod (`component` is then something else).

    `patience_s` is how long kubelet may need to find it unready: its probes' longest periodSeconds x failureThreshold.
    """

    namespace: str
    name: str
    uid: str
    release: tuple[str, str] = ("", "")
    component: str = ""
    ordinal: int | None = None
    node: str = ""
    ready: bool = False
    containers: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    patience_s: float = float(_PROBE_PERIOD_S * _PROBE_FAILURES)
    config: Config | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Endpoint:
    """An address that a Service sends traffic to, with the pod behind it."""

    ip: str
    port: int
    pod_uid: str
    service: str


@dataclass(frozen=True)
class Silence:
    """An endpoint that does not answer: since when (on `judge`'s clock) and what came instead."""

    endpoint: Endpoint
    since_s: float
    heard: str


@dataclass(frozen=True)
class Program:
    """A process in a network namespace (its inode), with its container (may be unknown) and pod."""

    pid: int
    netns: int
    container: str
    pod_uid: str


@dataclass(frozen=True)
class HostListener:
    """A port open in a node's own network namespace, by a process of a pod."""

    node: str
    port: Port
    pid: int
    pod_uid: str


@dataclass
class Picture:
    """Everything the rules look at. `pods` holds the living pods by uid, `known` also the past ones."""

    pods: dict[str, Pod] = field(default_factory=dict)
    known: dict[str, Pod] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    host_namespaces: frozenset[int] = frozenset()
    host_listeners: list[HostListener] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    def put(self, pod: Pod) -> None:
        """Add or replace a pod."""
        self.pods[pod.uid] = self.known[pod.uid] = pod

    def remove(self, uid: str) -> None:
        """Remove a pod; `known` keeps it, because processes of it may remain."""
        self.pods.pop(uid, None)


def belong_together(launcher: Pod, anchor: Pod) -> bool:
    """Return whether an anchor is this launcher's, by labels and strategy."""
    config = launcher.config or Config()
    if config.selector:
        wanted = dict(part.split("=", 1) for part in config.selector.replace("==", "=").split(",") if "=" in part)
        namespace = config.anchor_namespace or launcher.namespace
        return anchor.namespace == namespace and all(
            anchor.labels.get(key.strip()) == value.strip().replace("{ordinal}", str(launcher.ordinal))
            for key, value in wanted.items()
        )
    if (anchor.component, anchor.namespace, anchor.release) != ("anchor", launcher.namespace, launcher.release):
        return False
    return config.strategy == "shared" or anchor.ordinal == launcher.ordinal


def read_pod(obj: Object) -> Pod:
    """Reduce a pod to what the rules need."""
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    labels = metadata.get("labels") or {}
    index = labels.get(_POD_INDEX) or metadata["name"].rpartition("-")[2]
    launcher = labels.get(_COMPONENT) == "launcher"
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        release=(labels.get(_NAME, ""), labels.get(_INSTANCE, "")),
        component=labels.get(_COMPONENT, ""),
        ordinal=int(index) if index.isdecimal() else None,
        node=spec.get("nodeName", ""),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()),
        containers=frozenset(_container_ids(status)),
        labels=labels,
        patience_s=_patience_s(spec),
        config=read_config((metadata.get("annotations") or {}).get(_CONFIG)) if launcher else None,
    )


def read_config(text: str | None) -> Config | None:
    """Read the launcher's annotation; None if it is missing or not a configuration."""
    try:
        config = json.loads(text or "")
        anchor, target = config.get("anchor") or {}, config["target"]
        ports = dict(target.get("ports") or {})
        # A replica's own port is only a number; its protocol is that of the port with its name.
        numbers = {_port(port) for port in ports.values()}
        for own in (target.get("perOrdinal") or {}).values():
            numbers |= {_port(ports[name] | {"port": port}) for name, port in (own.get("ports") or {}).items()}
        readiness = int((config.get("readiness") or {}).get("port", 8091))
        return Config(
            strategy=anchor.get("strategy", "ordinal"),
            selector=anchor.get("selector") or "",
            anchor_namespace=anchor.get("namespace") or "",
            ports=frozenset(numbers | {(readiness, "TCP")}),
            checks=dict(_checks((config.get("gate") or {}).get("http") or {}, ports)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_endpoints(obj: Object) -> list[Endpoint]:
    """Return the TCP addresses of an EndpointSlice that get traffic: ready, or terminating and still serving."""
    service = (obj["metadata"].get("labels") or {}).get("kubernetes.io/service-name", obj["metadata"]["name"])
    ports = [p["port"] for p in obj.get("ports") or () if p.get("protocol", "TCP") == "TCP" and p.get("port")]
    found = []
    for endpoint in obj.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        # A missing condition counts as true: discovery/v1 EndpointConditions.
        ready = conditions.get("ready") is not False or bool(conditions.get("serving"))
        uid = (endpoint.get("targetRef") or {}).get("uid", "")
        if ready and uid:
            found += [Endpoint(ip, port, uid, service) for ip in endpoint["addresses"] for port in ports]
    return found


def _container_ids(status: Object) -> Iterable[str]:
    """Yield the ids of a pod's containers, including those before the last restart."""
    for container in status.get("containerStatuses") or ():
        last = (container.get("lastState") or {}).get("terminated") or {}
        for full in (container.get("containerID"), last.get("containerID")):
            if full:
                yield full.rpartition("/")[2]


def _patience_s(spec: Object) -> float:
    probes = [c["readinessProbe"] for c in spec.get("containers") or () if c.get("readinessProbe")]
    periods = [
        (p.get("periodSeconds") or _PROBE_PERIOD_S) * (p.get("failureThreshold") or _PROBE_FAILURES) for p in probes
    ]
    return float(max(periods, default=_PROBE_PERIOD_S * _PROBE_FAILURES))


def _port(port: Object) -> Port:
    return int(port["port"]), port.get("protocol", "TCP")


def _checks(gate: Object, ports: Object) -> Iterable[tuple[int, HttpCheck]]:
    for check in gate.values():
        number = check["port"] if isinstance(check["port"], int) else int(ports[check["port"]]["port"])
        if check.get("scheme", "http") == "http":
            headers = tuple(sorted((check.get("headers") or {}).items()))
            statuses = frozenset(check.get("status") or ())
            timeout_s = float(check.get("timeoutSeconds", 2))
            yield number, HttpCheck(check.get("path", "/"), check.get("host") or "", headers, statuses, timeout_s)
