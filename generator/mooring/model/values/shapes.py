"""Values in Kubernetes' own shape: the fields that Kubernetes would reject if they were of another kind.

All other fields pass unchanged, including those that this version has never heard of. Limits are those of the API server's
validation (k8s.io/kubernetes pkg/apis/core/validation).
"""

from __future__ import annotations

from collections.abc import Mapping

from mooring.model.nodes import INT32, Bool, Int, ListOf, Node, Open, Pattern, Str, StringMap

Fields = Mapping[str, Node]

_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = Pattern(
    rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL_NAME}$",
    "a key of Kubernetes' labels: letters, digits, '-', '_' and '.', at most 63, after an optional prefix/",
)
LABEL_VALUE = Pattern(
    rf"^({_LABEL_NAME})?$", "a value of Kubernetes' labels: letters, digits, '-', '_' and '.', at most 63"
)
ANNOTATION_KEY = (
    rf"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?{_LABEL_NAME}$"
)
SUBDOMAIN = rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$"
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_FILLED = r"^[^\r\n]+$"
_ENV_NAME = r"^[ -<>-~]+$"
_PORT_NAME = r"^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"


def optional(pattern: str) -> str:
    """Return a pattern for the same texts and the empty one."""
    return pattern.replace("^", "^(", 1).removesuffix("$") + ")?$"


def label_map(doc: str) -> StringMap:
    """Return a map of labels."""
    return StringMap(doc=doc, key_pattern=LABEL_KEY, item_pattern=LABEL_VALUE)


def annotation_map(doc: str) -> StringMap:
    """Return a map of annotations."""
    return StringMap(doc=doc, key_pattern=ANNOTATION_KEY)


def _text(pattern: str | None = None, enum: tuple[str, ...] = ()) -> Str:
    return Str(doc="", default=None, pattern=pattern, enum=enum)


def _number(minimum: int = 0, maximum: int = INT32) -> Int:
    return Int(doc="", default=None, minimum=minimum, maximum=maximum)


def _object(kubernetes: str, fields: Fields | None = None, *required: str) -> Open:
    return Open(doc="", kubernetes=kubernetes, fields=fields or {}, required=required)


def _list(kubernetes: str, fields: Fields, *required: str) -> Open:
    return Open(doc="", kubernetes=kubernetes, is_list=True, fields=fields, required=required)


_BOOL = Bool(doc="", default=None)
_REFERENCE: Fields = {"name": _text(SUBDOMAIN)}

ENV_VAR: Fields = {"name": _text(_ENV_NAME), "value": _text(), "valueFrom": _object("EnvVarSource")}
ENV_FROM: Fields = {
    "prefix": _text(),
    "configMapRef": _object("ConfigMapEnvSource", _REFERENCE, "name"),
    "secretRef": _object("SecretEnvSource", _REFERENCE, "name"),
}
VOLUME: Fields = {"name": _text(OBJECT_NAME)}
VOLUME_MOUNT: Fields = {
    "name": _text(OBJECT_NAME),
    "mountPath": _text(_FILLED),
    "subPath": _text(),
    "readOnly": _BOOL,
    "mountPropagation": _text(enum=("None", "HostToContainer", "Bidirectional")),
}
CLAIM: Fields = {
    "metadata": _object("ObjectMeta", {"name": _text(OBJECT_NAME)}, "name"),
    "spec": _object(
        "PersistentVolumeClaimSpec",
        {
            "accessModes": ListOf(
                doc="", item=_text(enum=("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"))
            ),
            "resources": _object("VolumeResourceRequirements", {"requests": _object("ResourceList")}, "requests"),
        },
        "accessModes",
        "resources",
    ),
}
TOLERATION: Fields = {
    "key": _text(optional(LABEL_KEY)),
    "operator": _text(enum=("Exists", "Equal")),
    "value": _text(LABEL_VALUE),
    "effect": _text(enum=("", "NoSchedule", "PreferNoSchedule", "NoExecute")),
    "tolerationSeconds": Int(doc="", default=None),
}
SPREAD: Fields = {
    "maxSkew": _number(1),
    "topologyKey": _text(LABEL_KEY),
    "whenUnsatisfiable": _text(enum=("DoNotSchedule", "ScheduleAnyway")),
    "labelSelector": _object("LabelSelector"),
}
HOST_ALIAS: Fields = {"ip": _text(_FILLED), "hostnames": ListOf(doc="", item=_text(SUBDOMAIN))}
RESOURCES: Fields = {"requests": _object("ResourceList"), "limits": _object("ResourceList")}
AFFINITY: Fields = {name: _object(name) for name in ("nodeAffinity", "podAffinity", "podAntiAffinity")}
RETENTION: Fields = {name: _text(enum=("Retain", "Delete")) for name in ("whenScaled", "whenDeleted")}
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
"""The handlers that a probe can have."""
LIFECYCLE: Fields = {"postStart": _object("LifecycleHandler"), "preStop": _object("LifecycleHandler")}
METRIC: Fields = {
    "type": _text(enum=("Pods", "Object", "External", "Resource", "ContainerResource")),
}
TRIGGER: Fields = {"type": _text(_FILLED), "metadata": StringMap(doc="")}
FALLBACK: Fields = {"failureThreshold": _number(), "replicas": _number()}
HTTP_ROUTE_MATCH: Fields = {
    "path": _object("HTTPPathMatch"),
    "method": _text(_FILLED),
}
PEER: Fields = {name: _object(name) for name in ("podSelector", "namespaceSelector", "ipBlock")}
EGRESS_RULE: Fields = {"to": _list("NetworkPolicyPeer", PEER)}
PARENT_REF: Fields = {"name": _text(_FILLED)}
BACKEND_REF: Fields = {"name": _text(OBJECT_NAME), "port": _number(1, 65535), "weight": _number(0, 1_000_000)}
ROUTE_SPEC: Fields = {
    "rules": _list(
        "RouteRule",
        {
            "filters": _list("RouteFilter", {"type": _text()}, "type"),
            "http": _object("HTTPIngressRuleValue", {"paths": _list("HTTPIngressPath", {})}),
        },
    ),
}
SERVICE_SPEC: Fields = {
    "clusterIP": _text(),
    "loadBalancerIP": _text(),
    "loadBalancerClass": _text(),
    "sessionAffinity": _text(enum=("None", "ClientIP")),
    "externalTrafficPolicy": _text(enum=("Cluster", "Local")),
    "internalTrafficPolicy": _text(enum=("Cluster", "Local")),
    "ipFamilyPolicy": _text(enum=("SingleStack", "PreferDualStack", "RequireDualStack")),
}
CONTAINER: Fields = {
    "name": _text(OBJECT_NAME),
    "image": _text(r"^[!-~]+$"),
    "imagePullPolicy": _text(enum=("Always", "IfNotPresent", "Never")),
    "env": _list("EnvVar", ENV_VAR, "name"),
    "envFrom": _list("EnvFromSource", ENV_FROM),
    "ports": _list(
        "ContainerPort",
        {"containerPort": _number(1, 65535), "name": _text(_PORT_NAME), "protocol": _text(enum=("TCP", "UDP", "SCTP"))},
        "containerPort",
    ),
    "volumeMounts": _list("VolumeMount", VOLUME_MOUNT, "name", "mountPath"),
    "resources": _object("ResourceRequirements", RESOURCES),
    "securityContext": _object("SecurityContext"),
}
KUBERNETES_OBJECT: Fields = {"apiVersion": _text(_FILLED), "kind": _text(_FILLED)}


def probe(doc: str, *, most_successes: int = INT32) -> Open:
    """Return a probe; only a readiness probe may require more than one success."""
    fields: dict[str, Node] = {name: _object(name) for name in HANDLERS}
    fields |= {name: _number(1) for name in ("periodSeconds", "timeoutSeconds", "failureThreshold")}
    fields |= {"initialDelaySeconds": _number(), "successThreshold": _number(1, most_successes)}
    return Open(doc=doc, kubernetes="Probe", fields=fields)
