"""The contents of random Apps: objects for open nodes, and text that is hard to carry."""

from __future__ import annotations

from typing import Any

STRING_MAP = {"example.com/team": "orders", "tier": "back"}
# Content that Kubernetes accepts for open nodes, by type; all others stay empty.
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_EXEC = {"exec": {"command": ["x"]}}
OPEN_SAMPLES: dict[str, list[Any]] = {
    "map of string": [STRING_MAP],
    "ResourceRequirements": [
        {"requests": {"cpu": "100m"}, "limits": {"memory": "256Mi"}},
        {"limits": {"cpu": 0.5}},
        {"requests": {"memory": "1e9"}, "limits": {"memory": "1Gi"}},
    ],
    "Toleration": [
        {"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"},
        {"operator": "Exists"},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
    ],
    "EnvVar": [
        {"name": "COLOUR", "value": "blue"},
        {"name": "WHERE", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "ProgramFiles(x86)", "value": ""},
    ],
    "EnvFromSource": [{"configMapRef": {"name": "c"}}, {"prefix": "P_", "secretRef": {"name": "s", "optional": True}}],
    "HostAlias": [{"ip": "10.0.0.1", "hostnames": ["db.local"]}, {"ip": "::1"}],
    "Volume": [{"name": "scratch", "emptyDir": {}}, {"name": "shared", "configMap": {"name": "c"}}, {"name": "bare"}],
    "VolumeMount": [
        {"name": "scratch", "mountPath": "C:\\scratch"},
        {"name": "data", "mountPath": "/data", "subPath": "x"},
        {"name": "state", "mountPath": "D:\\state", "readOnly": True},
        {"name": "config", "mountPath": "/run/mooring"},
    ],
    "PersistentVolumeClaim": [
        {"metadata": {"name": "data"}, "spec": _CLAIM},
        {"metadata": {"name": "shared"}, "spec": _CLAIM},
    ],
    "TopologySpreadConstraint": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"},
        {
            "maxSkew": 2,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {}},
        },
    ],
    "Affinity": [
        {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {}}}
                ]
            }
        }
    ],
    "StatefulSetPersistentVolumeClaimRetentionPolicy": [{"whenScaled": "Delete"}, {"whenDeleted": "Retain"}],
    "Probe": [
        {"periodSeconds": 60},
        {"initialDelaySeconds": 0, "failureThreshold": 9, "successThreshold": 1},
        _EXEC | {"timeoutSeconds": 3},
        {"tcpSocket": {"port": 80}},
        {"httpGet": {"port": "http", "path": "/"}, "periodSeconds": 1},
    ],
    "Lifecycle": [{"postStart": _EXEC}, {"postStart": {"sleep": {"seconds": 1}}}, {"postStart": {}}],
    "PodSecurityContext": [
        {"windowsOptions": {"runAsUserName": "ContainerUser"}},
        {"fsGroup": 5, "seccompProfile": {"type": "RuntimeDefault"}},
        {"runAsNonRoot": True},
    ],
    "Container": [
        {"name": "tap", "image": "example.org/tap:1"},
        {
            "name": "tap",
            "image": "x",
            "env": [{"name": "A", "value": "1"}],
            "ports": [{"containerPort": 80, "name": "http"}],
        },
        {"name": "log", "image": "x", "volumeMounts": [{"name": "scratch", "mountPath": "/x"}]},
        {"name": "proxy", "image": "x", "securityContext": {"readOnlyRootFilesystem": True}},
    ],
    "ServiceSpec": [
        {"sessionAffinity": "ClientIP"},
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 9}}},
        {"clusterIP": "None"},
        {"clusterIP": "10.96.0.77"},
        {"loadBalancerIP": "192.0.2.1"},
        {"loadBalancerClass": "example.org/lb"},
        {"loadBalancerSourceRanges": ["192.0.2.0/24"]},
        {"allocateLoadBalancerNodePorts": False},
        {"externalTrafficPolicy": "Local"},
        {"externalTrafficPolicy": "Local", "healthCheckNodePort": 30111},
        {"internalTrafficPolicy": "Local", "publishNotReadyAddresses": True},
        {"externalIPs": ["192.0.2.9"]},
        {"externalName": "example.org"},
        {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]},
    ],
    "ParentReference": [{"name": "gateway"}, {"name": "gateway", "namespace": "infra", "sectionName": "https"}],
    "BackendRef": [{"name": "orders-green", "port": 80, "weight": 1}],
    "RouteSpec": [
        {"hostnames": ["orders.example.org"], "rules": [{"matches": [{"path": {"value": "/"}}]}]},
        {"rules": [{"filters": [{"type": "RequestRedirect"}]}, {"backendRefs": []}]},
        {"ingressClassName": "nginx", "rules": [{"host": "orders.example.org"}]},
        {"parentRefs": [{"name": "gateway"}]},
    ],
    "NetworkPolicyPeer": [
        {"podSelector": {"matchLabels": {"app": "shop"}}, "namespaceSelector": {}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}},
        {},
    ],
    "NetworkPolicyEgressRule": [
        {},
        {"to": [{"podSelector": {}}], "ports": [{"port": 5432, "protocol": "TCP"}]},
        {"to": [{}]},
    ],
    "MetricSpec": [
        {
            "type": "Pods",
            "pods": {"metric": {"name": "rate"}, "target": {"type": "AverageValue", "averageValue": "5"}},
        },
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
        },
        {
            "type": "External",
            "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "5"}},
        },
    ],
    "HTTPRouteMatch": [
        {"path": {"type": "Exact", "value": "/health"}, "method": "GET"},
        {"path": {"value": "/"}},
        {"headers": [{"name": "x-team", "value": "orders"}]},
    ],
    "HorizontalPodAutoscalerBehavior": [{"scaleDown": {"stabilizationWindowSeconds": 30}}],
    "ScaleTriggers": [{"type": "prometheus", "metadata": {"query": "x"}}, {"type": "cpu", "metadata": {"value": "60"}}],
    "Kubernetes object": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "{{ .x }}"}},
    ],
    "object": [{"shared": {"colour": "blue"}}],
}
# Text that has broken YAML, JSON, Go templates or shells before.
AWKWARD_TEXT = [
    "",
    " ",
    "yes",
    "null",
    "0",
    "1e3",
    "0x1F",
    "~",
    "a: b",
    "- x",
    "#",
    "{{ .Values }}",
    "<%= app %>",
    "`",
    "'",
    '"',
]
AWKWARD_TEXT += [
    "\\",
    "C:\\Program Files\\x.exe",
    "%PATH%",
    "$(HOME)",
    "a\nb",
    "\t",
    "ü",
    "日本",
    "😀",
    "\u2028",
    "|",
    "&",
    "*",
]
