"""What both halves of a pair have alike: an image, ports, annotations, and fields that say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mooring.importing.manifests import Fields, Object, dig
from mooring.importing.model import choices, default, refusal
from mooring.importing.pairs.found import Workload

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted

# What says nothing: Kubernetes' own defaults, and what the API server adds to an object it gives out.
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
"""Labels by which the chart's own selectors find the pods; its own go before anybody else's."""
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
    """Drop the fields that have one of their values; those with none whatever they have."""
    for keys, values in defaults.items():
        fields.drop(keys, *values)


def drop_metadata(workload: Workload) -> None:
    """Drop what names the object, what the API server adds, and labels that are the pods' own."""
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
    """Take the annotations of the pods that somebody wrote."""
    return {k: v for k, v in workload.meta.strings("annotations").items() if k not in _SERVER_ANNOTATIONS}


def pod_labels(made: Converted, workload: Workload, own: set[str]) -> dict[str, str]:
    """Return the pods' labels less their owner's, and less those that the chart's selectors need."""
    labels = {key: value for key, value in workload.labels.items() if key not in own}
    for key in _OWN_LABELS:
        if key in labels:
            why = "the chart's own label, by which its selectors find its pods"
            made.leftovers.append(workload.meta.leftover(labels.pop(key), why, "labels", key))
    return labels


def convert_image(made: Converted, container: Fields, half: str) -> None:
    """Take an image reference apart into registry, repository, tag and digest, as containerd reads it."""
    text = container.text("image")
    policy = container.text("imagePullPolicy")
    if policy:
        wrong = refusal(policy, half, "image", "pullPolicy")
        if wrong:
            container.refuse(wrong, "imagePullPolicy")
    if not text:
        return  # the chart's own
    rest, _, digest = text.partition("@")
    if digest and refusal(digest, half, "image", "digest"):
        made.leftovers.append(container.leftover(text, "an image's digest is sha256: and 64 hex digits", "image"))
        return
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    registry, _, path = head.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        repository = f"{path}/{last}" if path else last
    else:
        registry, repository = "", f"{head}{slash}{last}"
    if not tag and not digest:
        tag = "latest"  # as container runtimes read it
    # Kubernetes' own default; the model has one of its own.
    policy = policy or ("Always" if tag == "latest" else "IfNotPresent")
    parts = {"registry": registry, "repository": repository, "tag": tag, "digest": digest, "pullPolicy": policy}
    # Empty is said too where the model has something else: no registry is not the registry of the model's own image.
    usual = {key: default(half, "image", key) for key in parts}
    image = {key: value for key, value in parts.items() if value or usual[key]}
    if policy == usual["pullPolicy"]:
        del image["pullPolicy"]
    made.values.setdefault(half, {})["image"] = image


def take_ports(made: Converted, container: Fields, names: dict[str, int], *, on_node: bool) -> None:
    """Take the ports a container declares; those with a name can be what a Service or a probe means.

    A container on the node's network has its hostPort by that alone.
    """
    for port in container.children("ports"):
        number, name, protocol = port.number("containerPort"), port.text("name"), port.text("protocol") or "TCP"
        if on_node:
            port.drop(("hostPort",), number)
        if number is None or protocol not in choices("target", "ports", "", "protocol"):
            made.leftovers.append(port.leftover(port.value, "an App's ports have a number, and are TCP or UDP"))
            continue
        made.declared.append((name, number, protocol))
        if name:
            names[name] = number


def whole(fields: Fields) -> Object:
    """Take a map with all that is in it."""
    value = dict(fields.value)
    for key in value:
        fields.take(key)
    return value


def named_ports(container: Fields) -> dict[str, int]:
    """Return the ports of a container that have a name; nothing is taken."""
    ports = container.value.get("ports")
    found = [(dig(port, "name"), dig(port, "containerPort")) for port in ports] if isinstance(ports, list) else []
    return {name: number for name, number in found if isinstance(name, str) and isinstance(number, int)}
