"""What both halves of a pair have in common: an image, ports, annotations, and fields that hold only defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mooring.importing.manifests import Fields, Object, dig
from mooring.importing.model import choices, default, refusal
from mooring.importing.pairs.found import Workload

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted

# Fields that were not written by hand: Kubernetes' own defaults, and those that the API server adds.
_SERVER_METADATA = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "generateName",
]
_SERVER_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
_OWN_LABELS = tuple(f"app.kubernetes.io/{key}" for key in ("name", "instance", "component"))
"""Labels that the chart's own selectors use, so the chart's values win over all others."""
Defaults = dict[tuple[str, ...], tuple[Any, ...]]
CONTAINER_DEFAULTS: Defaults = {
    ("terminationMessagePath",): ("/dev/termination-log",),
    ("terminationMessagePolicy",): ("File",),
}
OWNER_DEFAULTS: Defaults = {
    ("selector",): (),
    ("progressDeadlineSeconds",): (600,),
    ("revisionHistoryLimit",): (10,),
    ("minReadySeconds",): (0,),
    ("podManagementPolicy",): ("Parallel",),
    ("persistentVolumeClaimRetentionPolicy", "whenDeleted"): ("Retain",),
    ("persistentVolumeClaimRetentionPolicy", "whenScaled"): ("Retain",),
    ("updateStrategy", "type"): ("RollingUpdate",),
    ("updateStrategy", "rollingUpdate", "partition"): (0,),
    ("strategy", "type"): ("RollingUpdate",),
    ("strategy", "rollingUpdate", "maxSurge"): ("25%",),
    ("strategy", "rollingUpdate", "maxUnavailable"): ("25%",),
}


def drop_defaults(fields: Fields, defaults: Defaults) -> None:
    """Drop each field that has one of the listed values; with an empty list, drop it whatever its value."""
    for keys, values in defaults.items():
        fields.drop(keys, *values)


def drop_metadata(workload: Workload) -> None:
    """Drop what names the object, what the API server adds, and labels that the pods have too."""
    workload.fields.drop(("apiVersion",))
    workload.fields.drop(("kind",))
    workload.fields.drop(("status",))
    for meta in {id(meta): meta for meta in (workload.object_meta, workload.meta)}.values():
        for key in ("name", "namespace", *_SERVER_METADATA):
            meta.drop((key,))
        for key in _SERVER_ANNOTATIONS:
            meta.drop(("annotations", key))
    if workload.meta is not workload.object_meta:
        for key, value in workload.labels.items():
            workload.object_meta.drop(("labels", key), value)


def pod_annotations(workload: Workload) -> dict[str, str]:
    """Take the pods' annotations, without those that the API server adds."""
    return {k: v for k, v in workload.meta.strings("annotations").items() if k not in _SERVER_ANNOTATIONS}


def pod_labels(made: Converted, workload: Workload, own: set[str]) -> dict[str, str]:
    """Return the pods' labels without their owner's and those that the chart's selectors need."""
    labels = {key: value for key, value in workload.labels.items() if key not in own}
    for key in _OWN_LABELS:
        if key in labels:
            why = "the chart sets this label itself, for its selectors"
            made.leftovers.append(workload.meta.leftover(labels.pop(key), why, "labels", key))
    return labels


def convert_image(made: Converted, container: Fields, half: str) -> None:
    """Split an image reference into registry, repository, tag and digest, as containerd does."""
    text = container.text("image")
    policy = container.text("imagePullPolicy")
    if policy:
        wrong = refusal(policy, half, "image", "pullPolicy")
        if wrong:
            container.refuse(wrong, "imagePullPolicy")
    if not text:
        return  # keep the chart's image
    rest, _, digest = text.partition("@")
    if digest and refusal(digest, half, "image", "digest"):
        made.leftovers.append(container.leftover(text, "an image's digest must be sha256: and 64 hex digits", "image"))
        return
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    registry, _, path = head.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        repository = f"{path}/{last}" if path else last
    else:
        registry, repository = "", f"{head}{slash}{last}"
    if not tag and not digest:
        tag = "latest"  # as container runtimes do
    # Kubernetes' default, because the model's is different.
    policy = policy or ("Always" if tag == "latest" else "IfNotPresent")
    parts = {"registry": registry, "repository": repository, "tag": tag, "digest": digest, "pullPolicy": policy}
    # An empty part is written where the model's default is not empty: no registry does not mean the default registry.
    usual = {key: default(half, "image", key) for key in parts}
    image = {key: value for key, value in parts.items() if value or usual[key]}
    if policy == usual["pullPolicy"]:
        del image["pullPolicy"]
    made.values.setdefault(half, {})["image"] = image


def take_ports(made: Converted, container: Fields, names: dict[str, int], *, on_node: bool) -> None:
    """Take the ports a container declares, and record the named ones for Services and probes.

    On the node's network a container port is a host port anyway, so hostPort adds nothing.
    """
    for port in container.children("ports"):
        number, name, protocol = port.number("containerPort"), port.text("name"), port.text("protocol") or "TCP"
        if on_node:
            port.drop(("hostPort",), number)
        if number is None or protocol not in choices("target", "ports", "", "protocol"):
            made.leftovers.append(port.leftover(port.value, "an App's ports need a number, and must be TCP or UDP"))
            continue
        made.declared.append((name, number, protocol))
        if name:
            names[name] = number


def whole(fields: Fields) -> Object:
    """Take a map with everything in it."""
    value = dict(fields.value)
    for key in value:
        fields.take(key)
    return value


def named_ports(container: Fields) -> dict[str, int]:
    """Return a container's named ports, without taking them."""
    ports = container.value.get("ports")
    found = [(dig(port, "name"), dig(port, "containerPort")) for port in ports] if isinstance(ports, list) else []
    return {name: number for name, number in found if isinstance(name, str) and isinstance(number, int)}
