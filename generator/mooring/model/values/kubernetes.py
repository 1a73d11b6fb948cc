"""The values that users know from other charts: Kubernetes' own fields under their own names."""

from __future__ import annotations

from mooring.model.nodes import INT32, Bool, Int, IntOrStr, ListOf, Node, Obj, Open, Pattern, Str
from mooring.model.values.shapes import (
    AFFINITY,
    CLAIM,
    CONTAINER,
    ENV_FROM,
    ENV_VAR,
    HOST_ALIAS,
    KUBERNETES_OBJECT,
    LIFECYCLE,
    RETENTION,
    SPREAD,
    SUBDOMAIN,
    TOLERATION,
    VOLUME,
    VOLUME_MOUNT,
    annotation_map,
    label_map,
    probe,
)

# What Kubernetes accepts as a port name (an IANA service name); it needs at least one letter, here the first character.
PORT_NAME = Pattern(
    r"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$",
    "lower-case letters, digits and '-', at most 15, starting and ending with a letter or digit",
)
NAME = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"


def image(doc: str, registry: str = "", repository: str = "", tag: str = "", *, like: str = "") -> Obj:
    """Return an image reference in the parts that chart users override; `like` is the key of another, from which empty parts are taken."""
    policies = ("Always", "IfNotPresent", "Never")
    return Obj(
        doc=doc,
        fields={
            "registry": Str(
                doc="Registry, without the repository.", default=registry, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:/-]*)?$"
            ),
            "repository": Str(
                doc="Repository, without the tag.", default=repository, pattern=r"^([a-z0-9][a-z0-9._/-]*)?$"
            ),
            "tag": Str(doc="Tag.", default=tag, pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"),
            "digest": Str(doc="Digest, which wins over the tag.", pattern=r"^(sha256:[0-9a-f]{64})?$"),
            "pullPolicy": Str(
                doc=f"When it is pulled{f'; empty: as {like}' if like else ''}.",
                default="" if like else "IfNotPresent",
                enum=("", *policies) if like else policies,
            ),
        },
    )


def service_account(doc: str) -> Obj:
    """Return a ServiceAccount to create or to use."""
    return Obj(
        doc=doc,
        fields={
            "create": Bool(doc="Whether the chart creates it.", default=True),
            "name": Str(doc="Its name; empty: derived from the release's.", pattern=NAME),
            "annotations": annotation_map("Its annotations."),
        },
    )


def _update_strategy(which: str) -> Obj:
    return Obj(
        doc=f"How a change rolls through the {which}.",
        fields={
            "type": Str(doc="Kind of rollout.", default="RollingUpdate", enum=("RollingUpdate", "OnDelete")),
            "partition": Int(doc="Only ordinals from this one on get a change.", default=0, minimum=0, maximum=INT32),
            "maxUnavailable": IntOrStr(
                doc="Pods down at once, if the cluster has that feature; null: the cluster's default.",
                default=None,
                minimum=1,
                maximum=INT32,
                pattern=r"^(100|[1-9][0-9]?)%$",
            ),
        },
    )


def _set_fields(which: str, grace: str) -> dict[str, Node]:
    return {
        "updateStrategy": _update_strategy(which),
        "minReadySeconds": Int(
            doc="Seconds a pod must be ready to count as available.", default=0, minimum=0, maximum=INT32
        ),
        "revisionHistoryLimit": Int(doc="Old revisions kept.", default=10, minimum=0, maximum=INT32),
        "affinity": Open(
            doc="Affinity on top of what pairs launcher and anchor; without a required podAffinity on the half that follows the other.",
            kubernetes="Affinity",
            fields=AFFINITY,
        ),
        "terminationGracePeriodSeconds": Int(doc=grace, default=None, minimum=1, maximum=INT32),
    }


_PULL_SECRETS = ListOf(doc="Names of the pull secrets, for both.", item=Str(doc="A Secret's name.", pattern=SUBDOMAIN))

LAUNCHER_KUBERNETES: dict[str, Node] = {
    "imagePullSecrets": _PULL_SECRETS,
    "nodeSelector": label_map("Node labels both halves need, on top of the operating system."),
    "tolerations": Open(doc="Taints both halves tolerate.", kubernetes="Toleration", is_list=True, fields=TOLERATION),
    "priorityClassName": Str(doc="Priority class of both halves.", pattern=NAME),
    "topologySpreadConstraints": Open(
        doc="How the launchers spread; their anchors follow. Without a labelSelector the launchers' own is added.",
        kubernetes="TopologySpreadConstraint",
        is_list=True,
        fields=SPREAD,
        required=("maxSkew", "topologyKey", "whenUnsatisfiable"),
    ),
    **_set_fields(
        "launchers",
        "Seconds a launcher has to stop its program; null: drain, all rungs, plus 10 s. A smaller number is refused.",
    ),
    "podManagementPolicy": Str(
        doc="Only Parallel works: OrderedReady stops at the first unready pod.",
        default="Parallel",
        enum=("Parallel", "OrderedReady"),
    ),
    "persistentVolumeClaimRetentionPolicy": Open(
        doc="What happens to claims on scale-in and deletion.",
        kubernetes="StatefulSetPersistentVolumeClaimRetentionPolicy",
        fields=RETENTION,
    ),
    "volumeClaimTemplates": Open(
        doc="Claims for each launcher; mount them with extraVolumeMounts.",
        kubernetes="PersistentVolumeClaim",
        is_list=True,
        fields=CLAIM,
        required=("metadata", "spec"),
    ),
    "probes": Obj(
        doc="Probes of the launcher's container. A probe with a handler (exec, httpGet, tcpSocket, grpc) replaces mooring's own; without one, each number replaces mooring's.",
        fields={
            "startup": probe("The startup probe.", most_successes=1),
            "readiness": probe("The readiness probe."),
            "liveness": probe("The liveness probe.", most_successes=1),
        },
    ),
    "lifecycle": Open(
        doc="The postStart hook of the launcher's container; preStop is mooring's own and refused here (use stop.command).",
        kubernetes="Lifecycle",
        fields=LIFECYCLE,
    ),
    "hostAliases": Open(
        doc="Entries of the launcher's hosts file; Linux only.",
        kubernetes="HostAlias",
        is_list=True,
        fields=HOST_ALIAS,
        required=("ip",),
    ),
    "extraEnv": Open(
        doc="Environment of the launcher's container, and so of the program.",
        kubernetes="EnvVar",
        is_list=True,
        fields=ENV_VAR,
        required=("name",),
    ),
    "envFrom": Open(
        doc="The same from ConfigMaps and Secrets.", kubernetes="EnvFromSource", is_list=True, fields=ENV_FROM
    ),
    "extraVolumes": Open(
        doc="Volumes of the launcher's pod.", kubernetes="Volume", is_list=True, fields=VOLUME, required=("name",)
    ),
    "extraVolumeMounts": Open(
        doc="Mounts of the launcher's container.",
        kubernetes="VolumeMount",
        is_list=True,
        fields=VOLUME_MOUNT,
        required=("name", "mountPath"),
    ),
}

ANCHOR_KUBERNETES: dict[str, Node] = {
    "serviceAccount": service_account(
        "ServiceAccount of the anchors: their identity in a mesh. No token is ever mounted."
    ),
    **_set_fields(
        "anchors",
        "Seconds an anchor waits for its program; null: the launcher's plus 10 s. A smaller number is refused.",
    ),
    "securityContext": Open(doc="Security context of the anchor's pod.", kubernetes="PodSecurityContext"),
    "extraContainers": Open(
        doc="Additional containers in the anchor's network. The anchor's pod has no volumes.",
        kubernetes="Container",
        is_list=True,
        fields=CONTAINER,
        required=("name", "image"),
    ),
}

METADATA: dict[str, Node] = {
    "nameOverride": Str(doc="Replaces the chart's name in labels.", pattern=NAME),
    "fullnameOverride": Str(doc="Replaces the release's name in all names.", pattern=NAME),
    "namespaceOverride": Str(doc="Replaces the release's namespace.", pattern=NAME),
    "commonLabels": label_map("Labels of every object; never in selectors."),
    "commonAnnotations": annotation_map("Annotations of every object."),
}

EXTRAS: dict[str, Node] = {
    "extraObjects": Open(
        doc="Additional objects, installed unchanged; template code in them is not run.",
        kubernetes="Kubernetes object",
        is_list=True,
        fields=KUBERNETES_OBJECT,
        required=("apiVersion", "kind"),
    ),
}
