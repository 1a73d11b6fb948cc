"""Turn the anchor's half of a pair into values: the pod that owns the network, and its sidecars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mooring.importing.manifests import Fields, dig
from mooring.importing.pairs.found import Workload
from mooring.importing.programs.halves import (
    CONTAINER_DEFAULTS,
    OWNER_DEFAULTS,
    convert_image,
    drop_defaults,
    named_ports,
    pod_annotations,
    pod_labels,
    take_ports,
    whole,
)
from mooring.importing.programs.probes import convert_anchor_probe
from mooring.importing.programs.volumes import TOKEN, drop_token

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted


def convert_anchor(made: Converted, anchor: Workload) -> None:
    """Take the fields that the chart's anchors have; the rest is left over. Raises InputError."""
    pair, pod = made.pair, anchor.pod
    replicas = anchor.own.number("replicas")
    if not pair.is_set and replicas not in (None, 1):
        made.leftovers.append(
            anchor.own.leftover(replicas, "the launcher's label must match exactly one anchor", "replicas")
        )
    anchor.own.drop(("ordinals", "start"))
    drop_defaults(anchor.own, OWNER_DEFAULTS)
    pod.drop(("hostNetwork",), False)
    pod.drop(("automountServiceAccountToken",), False)  # mooring's anchors never have a token
    grace = pod.number("terminationGracePeriodSeconds")
    if grace not in (None, 30):
        why = "an anchor waits for its program: for the launcher's grace period plus 10 s"
        made.leftovers.append(pod.leftover(grace, why, "terminationGracePeriodSeconds"))
    account = pod.text("serviceAccountName") or pod.text("serviceAccount")
    pod.drop(("serviceAccount",), account)
    if account not in ("", "default"):
        made.put({"create": False, "name": account}, "anchor", "serviceAccount")
    labels = {key for part in pair.launch.selector.split(",") for key in [part.partition("=")[0].strip()]}
    made.put(pod_labels(made, anchor, labels), "anchor", "podLabels")
    made.put(pod_annotations(anchor), "anchor", "podAnnotations")
    made.put(pod.mapping("securityContext"), "anchor", "securityContext")
    if not anchor.containers:
        pod.refuse("is missing; a pod needs at least one container", "containers")
    first, *others = anchor.containers
    drop_token(pod, first)
    _convert_first(made, first)
    for other in others:
        _convert_sidecar(made, other)


def _convert_first(made: Converted, container: Fields) -> None:
    container.drop(("name",))
    container.drop(("securityContext", "windowsOptions", "hostProcess"), False)
    convert_image(made, container, "anchor")
    made.put(container.mapping("resources"), "anchor", "resources")
    take_ports(made, container, made.anchor_ports, on_node=False)
    convert_anchor_probe(made, container)
    drop_defaults(container, CONTAINER_DEFAULTS)


def _convert_sidecar(made: Converted, container: Fields) -> None:
    """Take a sidecar unchanged; it cannot mount anything, because an App's anchors have no volumes."""
    mounts = container.value.get("volumeMounts")
    for number, mount in enumerate(mounts if isinstance(mounts, list) else []):
        name = str(dig(mount, "name"))
        if not name.startswith(TOKEN):
            container.refuse(
                f"mounts the volume {name}, but an App's anchors have no volumes; move this container to a separate "
                "pod, or put the files into its image",
                "volumeMounts",
                f"[{number}]",
            )
    names = named_ports(container)
    ports = container.value.get("ports")
    for port in ports if isinstance(ports, list) else []:
        number = dig(port, "containerPort")
        if isinstance(number, int):
            made.foreign_ports.add(number)
    made.anchor_ports.update(names)
    value = whole(container)
    value.pop("volumeMounts", None)
    made.values.setdefault("anchor", {}).setdefault("extraContainers", []).append(value)
