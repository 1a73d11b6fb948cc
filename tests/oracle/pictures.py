"""Pictures of a cluster, drawn by hand for the rules."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.cluster.oracle.picture import Config, Picture, Pod
from tests.cluster.oracle.rules import judge

HOST = 1
PORTS = frozenset({(18088, "TCP"), (5353, "UDP")})


def launcher(ordinal: int = 0, **changes: Any) -> Pod:
    """Return a Ready launcher of release `orders`, on node a."""
    config = Config(ports=PORTS)
    pod = Pod("apps", f"orders-{ordinal}", f"l{ordinal}", ("orders", "orders"), "launcher", ordinal, "a", True)
    return dataclasses.replace(pod, **{"config": config, **changes})


def anchor(ordinal: int = 0, **changes: Any) -> Pod:
    """Return its Ready anchor, on node a; kubelet notices in 15 s that it does not answer."""
    pod = Pod("apps", f"orders-anchor-{ordinal}", f"a{ordinal}", ("orders", "orders"), "anchor", ordinal, "a", True)
    return dataclasses.replace(pod, **{"patience_s": 15.0, **changes})


def picture(*pods: Pod, **seen: Any) -> Picture:
    """Return a picture with these pods and what was `seen` on nodes."""
    made = Picture(host_namespaces=frozenset({HOST}), **seen)
    for pod in pods:
        made.put(pod)
    return made


def rules(seen: Picture, now_s: float = 0.0) -> list[tuple[str, tuple[str, ...]]]:
    """Return which rules are broken in a picture, each with the pods that break it."""
    return sorted((violation.rule, violation.pods) for violation in judge(seen, now_s))
