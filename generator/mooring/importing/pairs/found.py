"""What a set of manifests contains: workloads, pairs of them, Services and the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from mooring.errors import Problem
from mooring.importing.commands.environment import Environment
from mooring.importing.commands.launch import Launch
from mooring.importing.manifests import Fields, Manifest, dig
from mooring.importing.model import node
from mooring.importing.pairs.users import UnreadableError

POD_KINDS = (
    *("Pod", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "ReplicationController"),
    *("Job", "CronJob"),
)
_NAMED_KINDS = ("Pod", "StatefulSet", "Service", "ServiceAccount")


class Workload:
    """A pod, or an object that creates pods."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.fields = Fields(manifest, manifest.value)
        metadata = self.fields.child("metadata")
        spec = self.fields.child("spec")
        if manifest.kind == "Pod":
            self.own, self.meta, self.pod = Fields(manifest, {}), metadata, spec
        else:
            makes = spec.child("jobTemplate").child("spec") if manifest.kind == "CronJob" else spec
            template = makes.child("template")
            self.own, self.meta, self.pod = spec, template.child("metadata"), template.child("spec")
        self.object_meta = metadata
        self.labels = self.meta.strings("labels")
        self.containers = self.pod.children("containers")
        where = [self.pod, *self.containers]
        options = [dig(each.value, "securityContext", "windowsOptions") for each in where]
        self.is_host_process = any(dig(each, "hostProcess") is True for each in options)


@dataclass(slots=True)
class Pair:
    """One program, as its launcher starts it, with its anchor."""

    launcher: Workload
    anchor: Workload
    container: Fields
    environment: Environment
    launch: Launch
    number: int | None = None
    """The number in its anchor's label, or that of its first replica."""
    is_set: bool = False
    """Whether launcher and anchor are StatefulSets whose pods are paired by ordinal."""

    @property
    def namespace(self) -> str:
        """Return the namespace of its anchors, and therefore of its Services."""
        return self.anchor.manifest.namespace or self.launch.namespace or self.launcher.manifest.namespace


@dataclass(slots=True)
class Found:
    """What was found: pairs, Services, everything else, and problems."""

    pairs: list[Pair] = field(default_factory=list)
    services: list[Manifest] = field(default_factory=list)
    others: list[Manifest] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: dict[int, tuple[UnreadableError, Problem]] = field(default_factory=dict)
    """Objects that run a script which was not among the manifests, by the id of their manifest, with the problem."""
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def names_in(self, namespace: str) -> frozenset[str]:
        """Return the names that new objects in a namespace must not have, as `Pod orders-0`: old objects have them."""
        if namespace not in self._names:
            halves = [half.manifest for each in self.pairs for half in (each.launcher, each.anchor)]
            there = [each for each in (*halves, *self.services, *self.others) if each.is_in(namespace)]
            names = {each.title for each in there if each.kind in _NAMED_KINDS}
            sets = [each.name for each in there if each.kind == "StatefulSet"]
            names |= {f"Pod {name}-{ordinal}" for name in sets for ordinal in range(node("replicas").maximum)}
            self._names[namespace] = frozenset(names)
        return self._names[namespace]
