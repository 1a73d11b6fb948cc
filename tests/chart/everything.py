"""Values in which every value of the model is given; each text has its own word (`tok1`, `tok2` …)."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mooring.model.nodes import Bool, Int, IntOrStr, ListOf, MapOf, Node, Num, Obj, Open, Str, default_of
from mooring.model.values import VALUES

from tests.chart.rendering import layered

TOKEN = re.compile(r"tok\d+")
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

# What Kubernetes accepts, by type; "tok" becomes a new word each time.
_SAMPLES: Mapping[str, Any] = {
    "ResourceRequirements": {"limits": {"tok.example/x": "1"}},
    "Toleration": {"key": "tok", "operator": "Equal", "value": "tok", "effect": "NoExecute", "tolerationSeconds": 7},
    "EnvVar": {"name": "tok", "value": "tok"},
    "EnvFromSource": {"prefix": "tok", "configMapRef": {"name": "tok"}},
    "HostAlias": {"ip": "10.0.0.1", "hostnames": ["tok"]},
    "Volume": {"name": "volume", "configMap": {"name": "tok"}},
    "VolumeMount": {"name": "volume", "mountPath": "C:\\tok", "subPath": "tok"},
    "PersistentVolumeClaim": {"metadata": {"name": "tok"}, "spec": {**CLAIM, "storageClassName": "tok"}},
    "TopologySpreadConstraint": {"maxSkew": 2, "topologyKey": "tok", "whenUnsatisfiable": "ScheduleAnyway"},
    "Affinity": {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 3, "preference": {"matchExpressions": [{"key": "tok", "operator": "Exists"}]}}
            ]
        }
    },
    "StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
    "Probe": {"httpGet": {"path": "/tok", "port": 1}, "periodSeconds": 9},
    "Lifecycle": {"postStart": {"exec": {"command": ["tok"]}}},
    "PodSecurityContext": {"windowsOptions": {"runAsUserName": "tok"}},
    "Container": {
        "name": "tok",
        "image": "tok",
        "env": [{"name": "tok", "value": "tok"}],
        "ports": [{"containerPort": 99, "name": "tok"}],
        "securityContext": {"windowsOptions": {"runAsUserName": "tok"}},
    },
    "ServiceSpec": {"sessionAffinity": "ClientIP", "loadBalancerClass": "example.org/tok"},
    "ParentReference": {"name": "tok", "namespace": "tok", "sectionName": "tok"},
    "BackendRef": {"name": "tok", "port": 80, "weight": 3},
    "RouteSpec": {"hostnames": ["tok.example"], "rules": [{"matches": [{"path": {"value": "/tok"}}]}]},
    "NetworkPolicyPeer": {"podSelector": {"matchLabels": {"tok": "tok"}}},
    "NetworkPolicyEgressRule": {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": "tok"}]},
    "MetricSpec": {
        "type": "Pods",
        "pods": {"metric": {"name": "tok"}, "target": {"type": "AverageValue", "averageValue": "5"}},
    },
    "HorizontalPodAutoscalerBehavior": {"scaleDown": {"stabilizationWindowSeconds": 31}},
    "ScaleTriggers": {"type": "tok", "metadata": {"query": "tok"}},
    "AdvancedConfig": {"scalingModifiers": {"formula": "tok"}},
    "Fallback": {"failureThreshold": 4, "replicas": 3},
    "Kubernetes object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tok"}, "data": {"tok": "tok"}},
    "HTTPRouteMatch": {"path": {"type": "Exact", "value": "/tok"}, "method": "GET"},
    "map of string": {"tok": "tok"},
    "object": {},
}

_NO_SPEC = dict.fromkeys(_SAMPLES["ServiceSpec"])

# What rules require in addition, in the first of the releases below.
_OVER: dict[str, Any] = {
    "replicas": 2,
    "target": {
        "exe": "C:\\tok.exe",
        "workingDir": "C:\\tok",
        "perOrdinal": {"1": {"ports": None}},
        "mounts": {"tok": {"hostPath": "C:\\tok", "mountPath": "D:\\tok"}},
        "ports": {
            "tok": None,
            "http": {"port": 8080, "protocol": "TCP", "servicePort": 80, "nodePort": 30080, "appProtocol": "tok"},
        },
        "sha256": "a" * 64,
    },
    "gate": {
        "http": {"tok": {"path": "/tok"}},
        "ports": {"tok": None, "http": {"owner": "any"}},
        "exec": {"tok": {"command": ["C:\\tok"]}},
    },
    "stop": {"drainSeconds": 40},
    "launcher": {"hostPath": "C:\\tok", "python": "C:\\tok", "image": {"digest": "sha256:" + "0" * 64}},
    "anchor": {
        "selector": "",
        "namespace": "",
        "terminationGracePeriodSeconds": 310,
        "image": {"digest": "sha256:" + "1" * 64},
    },
    "service": {"type": "LoadBalancer", "replica": {"enabled": True, "type": "LoadBalancer"}},
    "routes": {"tok": {"port": "http"}},
    "networkPolicy": {
        "enabled": True,
        "from": {"tok": None, "http": [{"podSelector": {"matchLabels": {"tok": "tok"}}}]},
    },
    "mesh": {
        "linkerd": {
            "enabled": True,
            "allow": {"networks": ["10.1.0.0/16"]},
            "metricsFrom": {"networks": ["10.2.0.0/16"]},
            "nodeNetworks": ["10.3.0.0/16"],
            "opaquePorts": [],
            "httpRoutes": {"tok": {"port": "http", "networks": ["10.4.0.0/16"]}},
        }
    },
    "autoscaling": {"enabled": False, "keda": {"enabled": True, "minReplicaCount": 1, "idleReplicaCount": 0}},
    "tests": {"image": {"digest": "sha256:" + "2" * 64}},
    "terminationGracePeriodSeconds": 300,
    "hostAliases": [],
    "namespaceOverride": "",
}


def _texts(node: Str) -> Any:
    if node.enum:
        return node.default or node.enum[0]
    return "tok" if node.pattern is None or re.search(node.pattern, "tok1") else node.default


_OTHERS: dict[type[Node], Callable[[Any], Any]] = {
    Str: _texts,
    Bool: lambda node: node.default,
    Int: lambda node: node.default if node.default is not None else max(node.minimum or 0, 5),
    Num: lambda node: node.default if node.default is not None else 5.5,
    IntOrStr: lambda node: node.default if node.default is not None else 7,
}


def _sample(node: Node) -> Any:
    if isinstance(node, Obj):
        return {name: _sample(child) for name, child in node.fields.items()}
    if isinstance(node, MapOf):
        return {"tok" if re.search(node.key_pattern, "tok1") else "1": _sample(node.item)}
    if isinstance(node, ListOf):
        return [_sample(node.item)]
    if isinstance(node, Open):
        one = copy.deepcopy(_SAMPLES[node.kubernetes])
        return [one] if node.is_list else one
    return _OTHERS[type(node)](node)


def _number_tokens(value: Any, counter: Iterator[int]) -> Any:
    if isinstance(value, dict):
        return {_number_tokens(key, counter): _number_tokens(item, counter) for key, item in value.items()}
    if isinstance(value, list):
        return [_number_tokens(item, counter) for item in value]
    return re.sub(r"tok(?!\d)", lambda _: f"tok{next(counter)}", value) if isinstance(value, str) else value


def _without(values: Any, none: Any) -> Any:
    """Leave out what is None in `none`."""
    if not isinstance(values, dict) or not isinstance(none, dict):
        return values
    return {
        key: _without(item, none.get(key, {}))
        for key, item in values.items()
        if key not in none or none[key] is not None
    }


def everything(more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return values in which every value is given; `more` is merged over them, and None removes a key."""
    over = layered(_OVER, more or {})
    return dict(_number_tokens(_without(layered(_sample(VALUES), over), over), itertools.count(1)))


RELEASES: Mapping[str, dict[str, Any]] = {
    "ordinal": everything(),
    "shared": everything(
        {
            "replicas": 1,
            "anchor": {"strategy": "shared", "podLabels": {"tok": "tok"}},
            "target": {
                "ports": {"http": {"nodePort": None}},
                "perOrdinal": {"1": {"args": ["tok"], "env": {"tok": "tok"}, "ports": {"tok": None, "http": 8081}}},
            },
            "service": {"replica": {"type": "ClusterIP", "annotations": None, "spec": _NO_SPEC}},
            "routes": None,
            "autoscaling": {"keda": {"enabled": False}},
        }
    ),
    "foreign": everything(
        {
            "platform": "linux",
            "mesh": {"linkerd": {"enabled": False}},
            "anchor": {
                "create": False,
                "strategy": "static",
                "selector": "app=tok-{ordinal}",
                "namespace": "tok",
                "securityContext": {"windowsOptions": None},
                "extraContainers": [],
            },
            "target": {
                "exe": "/tok",
                "workingDir": "/tok",
                "mounts": {"tok": {"hostPath": "/tok", "mountPath": "/tok"}},
                "runAs": "",
                "signedBy": "",
            },
            "gate": {"exec": {"tok": {"command": ["/tok"]}}},
            "extraVolumeMounts": [{"name": "volume", "mountPath": "/tok", "subPath": "tok"}],
            "launcher": {"hostPath": "/tok", "python": "/tok"},
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["tok"]}],
            "routes": None,
            "networkPolicy": {"enabled": False},
            "autoscaling": {"keda": {"enabled": False}},
            "namespaceOverride": "tok",
        }
    ),
    "hpa": everything(
        {
            "autoscaling": {"enabled": True, "keda": {"enabled": False}},
            "service": {"perReplica": True, "replica": {"enabled": False}},
            "mesh": {"linkerd": {"opaquePorts": ["http"], "httpRoutes": {"tok": None}}},
            "launcher": {"image": {"digest": ""}},
            "anchor": {"image": {"digest": ""}},
            "tests": {"image": {"digest": ""}},
        }
    ),
}
"""Releases that between them use every value."""

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path, value


def changed(values: Any, path: Path, new: Any) -> Any:
    """Return the same values with a different value at a path."""
    if not path:
        return new
    copied: Any = [*values] if isinstance(values, list) else {**values}
    copied[path[0]] = changed(values[path[0]], path[1:], new)
    return copied


def missing_leaves() -> set[tuple[str, ...]]:
    """Return the scalars of the model that no release gives."""
    given = {tuple(str(part) for part in path) for values in RELEASES.values() for path, _ in leaves(values)}
    wanted = set(_scalar_paths(VALUES))
    return {path for path in wanted if not any(_fits(path, one) for one in given)}


def _fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(path) >= len(pattern) and all(one in ("*", other) for one, other in zip(pattern, path, strict=False))


def _scalar_paths(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Obj):
        for name, child in node.fields.items():
            yield from _scalar_paths(child, (*path, name))
    elif isinstance(node, (MapOf, ListOf)):
        yield from _scalar_paths(node.item, (*path, "*"))
    elif not isinstance(node, Open) or default_of(node) is None:
        yield path
