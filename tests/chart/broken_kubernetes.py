"""Values that break the rules of volumes, pods, Services and network: rule id, values, key, words of its sentence."""

from __future__ import annotations

from typing import Any

LINUX: dict[str, Any] = {"platform": "linux", "target": {"exe": "/a"}}
SHARED: dict[str, Any] = {"strategy": "shared"}
TAP = {"name": "tap", "image": "example.org/tap:1"}
CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def _mounted(path: str, name: str = "v") -> dict[str, Any]:
    return {"extraVolumes": [{"name": "v"}], "extraVolumeMounts": [{"name": name, "mountPath": path}]}


def _containers(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"anchor": {"extraContainers": [TAP | container for container in containers]}}


def _spec(service_type: str = "ClusterIP", shared: bool = False, **spec: Any) -> dict[str, Any]:
    return {"service": {"type": service_type, "spec": spec}, **({"anchor": SHARED} if shared else {})}


def _replica(**fields: Any) -> dict[str, Any]:
    return {"service": {"replica": {"enabled": True, **fields}}}


def _node_ports(service_type: str, **more: Any) -> dict[str, Any]:
    ports = {name: {"port": number, "nodePort": 30080} for name, number in (("a", 1), ("b", 2))}
    return {"service": {"type": service_type}, "target": {"ports": ports}, **more}


VOLUMES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\x"}, "b": {"hostPath": "D:\\y", "mountPath": "C:\\x"}}}},
        "target.mounts.b",
        "already a mount path",
    ),
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\mooring"}}}},
        "target.mounts.a",
        "or of mooring",
    ),
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\etc\\mooring-launcher"}}}},
        "target.mounts.a",
        "or of mooring",
    ),
    *(
        ("mount-paths-unique", _mounted(path), "extraVolumeMounts.0.mountPath", "or of mooring")
        for path in ("C:\\run\\mooring", "c:/Run/Mooring/", "C:\\MOORING")
    ),
    *(
        ("mount-paths-unique", LINUX | _mounted(path), "extraVolumeMounts.0.mountPath", "or of mooring")
        for path in ("/run/netns", "/etc/mooring/", "/opt/mooring")
    ),
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\x"}}}, **_mounted("c:\\X")},
        "extraVolumeMounts.0.mountPath",
        "already a mount path",
    ),
    ("mounts-given", {"target": {"mounts": {"a": {"hostPath": ""}}}}, "target.mounts.a.hostPath", "must be set"),
    (
        "mounts-given",
        {"target": {"mounts": {"a": {"hostPath": "C:\\a\\..\\b"}}}},
        "target.mounts.a.hostPath",
        "not contain ..",
    ),
    ("volumes-reserved", {"extraVolumes": [{"name": "state"}]}, "extraVolumes.0.name", "mooring's own"),
    ("volumes-reserved", {"extraVolumes": [{"name": "launcher-code"}]}, "extraVolumes.0.name", "mooring's own"),
    (
        "volumes-reserved",
        {"volumeClaimTemplates": [{"metadata": {"name": "state"}, "spec": CLAIM_SPEC}]},
        "volumeClaimTemplates.0.metadata.name",
        "mooring's own",
    ),
    ("volumes-unique", {"extraVolumes": [{"name": "a"}, {"name": "a"}]}, "extraVolumes.1.name", "more than one volume"),
    (
        "volumes-unique",
        {"extraVolumes": [{"name": "a"}], "volumeClaimTemplates": [{"metadata": {"name": "a"}, "spec": CLAIM_SPEC}]},
        "volumeClaimTemplates.0.metadata.name",
        "more than one volume",
    ),
    ("mounts-known", _mounted("C:\\x", "w"), "extraVolumeMounts.0.name", "is not the name of a volume"),
    ("mounts-known", _mounted("C:\\x", "netns"), "extraVolumeMounts.0.name", "is not the name of a volume"),
    *(
        (
            "anchor-mounts-nothing",
            _containers({key: mounts}),
            f"anchor.extraContainers.0.{key}",
            "the anchor's pod has no volumes",
        )
        for key, mounts in (
            ("volumeMounts", [{"name": "data", "mountPath": "C:\\data"}]),
            ("volumeDevices", [{"name": "data", "devicePath": "C:\\data"}]),
        )
    ),
]

PODS: list[tuple[str, dict[str, Any], str, str]] = [
    ("names-unique", {"extraEnv": [{"name": "A"}, {"name": "a"}]}, "extraEnv.1.name", "Windows ignores case"),
    ("names-unique", LINUX | {"extraEnv": [{"name": "A"}, {"name": "A"}]}, "extraEnv.1.name", "appears twice"),
    ("names-unique", {"target": {"env": {"PATH": "1", "Path": "2"}}}, "target.env.1", "Windows ignores case"),
    (
        "names-unique",
        {"target": {"perOrdinal": {"1": {"env": {"a": "1", "A": "2"}}}}},
        "target.perOrdinal.1.env.1",
        "appears twice",
    ),
    ("names-unique", {"imagePullSecrets": ["a", "a"]}, "imagePullSecrets.1", "appears twice"),
    ("names-unique", LINUX | {"hostAliases": [{"ip": "::1"}, {"ip": "::1"}]}, "hostAliases.1.ip", "appears twice"),
    ("names-unique", _containers({}, {}), "anchor.extraContainers.1.name", "appears twice"),
    (
        "names-unique",
        _containers({"env": [{"name": "A"}, {"name": "A"}]}),
        "anchor.extraContainers.0.env.1.name",
        "appears twice",
    ),
    (
        "names-unique",
        _containers(
            {"ports": [{"containerPort": 1}, {"containerPort": 2, "name": "a"}, {"containerPort": 3, "name": "a"}]}
        ),
        "anchor.extraContainers.0.ports.1.name",
        "appears twice",
    ),
    (
        "containers-reserved",
        _containers({"name": "anchor"}),
        "anchor.extraContainers.0.name",
        "mooring's own container",
    ),
    (
        "env-sources",
        {"extraEnv": [{"name": "A", "value": "1", "valueFrom": {"x": 1}}]},
        "extraEnv.0.valueFrom",
        "only one of",
    ),
    ("env-sources", {"envFrom": [{"prefix": "A"}]}, "envFrom.0", "must have either"),
    ("env-sources", {"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "a"}}]}, "envFrom.0", "either"),
    (
        "probes-one-handler",
        {"probes": {"liveness": {"exec": {}, "grpc": {"port": 1}}}},
        "probes.liveness",
        "one handler",
    ),
    (
        "probes-one-handler",
        {
            "launcher": {"kind": "cplauncher"},
            "scaling": {"follow": False},
            "probes": {"readiness": {"periodSeconds": 60}},
        },
        "probes.readiness",
        "cplauncher serves no probes",
    ),
    ("hooks-act-once", {"lifecycle": {"postStart": {}}}, "lifecycle.postStart", "must have one handler"),
    (
        "hooks-act-once",
        {"lifecycle": {"postStart": {"exec": {}, "sleep": {}}}},
        "lifecycle.postStart",
        "must have one handler",
    ),
    ("hooks-act-once", {"lifecycle": {"stopSignal": "SIGINT"}}, "lifecycle.stopSignal", "stop ladder"),
    ("prestop-reserved", {"lifecycle": {"preStop": {}}}, "lifecycle.preStop", "use stop.command"),
    ("tolerations", {"tolerations": [{"effect": "NoSchedule"}]}, "tolerations.0", "must have a key"),
    (
        "tolerations",
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "tolerations.0.value",
        "is only for operator: Equal",
    ),
    (
        "tolerations",
        {"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 0}]},
        "tolerations.0.tolerationSeconds",
        "needs effect: NoExecute",
    ),
    (
        "spread-unique",
        {
            "topologySpreadConstraints": [
                {"maxSkew": skew, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"} for skew in (1, 2)
            ]
        },
        "topologySpreadConstraints.1",
        "appears twice",
    ),
    *(
        ("labels-own", {"commonLabels": {key: "x"}}, f'commonLabels["{key}"]', "is set by mooring")
        for key in ("app.kubernetes.io/name", "app.kubernetes.io/version", "helm.sh/chart")
    ),
    (
        "labels-own",
        {"anchor": {"strategy": "static", "podLabels": {"app": "x"}}},
        "anchor.podLabels.app",
        "is set by mooring",
    ),
    (
        "labels-own",
        {"launcher": {"podAnnotations": {"mooring/config": "{}"}}},
        "launcher.podAnnotations.mooring/config",
        "is set by mooring",
    ),
    (
        "labels-own",
        {"tests": {"podAnnotations": {"helm.sh/hook": "test"}}},
        'tests.podAnnotations["helm.sh/hook"]',
        "is set by mooring",
    ),
    (
        "labels-own",
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
        'nodeSelector["kubernetes.io/os"]',
        "is set by platform: windows",
    ),
    (
        "security-fits",
        {"anchor": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}},
        "anchor.securityContext.seccompProfile",
        "has no effect on windows",
    ),
    (
        "security-fits",
        _containers({"securityContext": {"allowPrivilegeEscalation": False}}),
        "anchor.extraContainers.0.securityContext.allowPrivilegeEscalation",
        "has no effect on windows",
    ),
    (
        "security-fits",
        LINUX | {"anchor": {"securityContext": {"windowsOptions": {}}}},
        "anchor.securityContext.windowsOptions",
        "has no effect on linux",
    ),
    (
        "values-used",
        {"updateStrategy": {"type": "OnDelete", "partition": 1}},
        "updateStrategy.partition",
        "is only for type: RollingUpdate",
    ),
    (
        "values-used",
        {"anchor": {"updateStrategy": {"type": "OnDelete", "maxUnavailable": "50%"}}},
        "anchor.updateStrategy.maxUnavailable",
        "is only for type: RollingUpdate",
    ),
    (
        "values-used",
        {"anchor": {"serviceAccount": {"create": False, "annotations": {"a": "b"}}}},
        "anchor.serviceAccount.annotations",
        "an account that the chart creates",
    ),
    (
        "values-used",
        {"serviceAccount": {"create": False, "annotations": {"a": "b"}}},
        "serviceAccount.annotations",
        "an account that the chart creates",
    ),
]

SERVICES: list[tuple[str, dict[str, Any], str, str]] = [
    ("service-spec", _spec(type="NodePort"), "service.spec.type", "use the type beside"),
    ("service-spec", _spec(selector={"a": "b"}), "service.spec.selector", "Services select the anchors"),
    (
        "service-spec",
        _spec(ports=[{"port": 80, "nodePort": 30080}]),
        "service.spec.ports",
        "use target.ports, with servicePort, nodePort",
    ),
    *(
        ("service-spec", _spec(kind, shared=True, **{key: value}), f"service.spec.{key}", "each replica has one")
        for kind, key, value in (
            ("ClusterIP", "clusterIP", "10.96.0.7"),
            ("ClusterIP", "clusterIPs", ["10.96.0.7"]),
            ("LoadBalancer", "loadBalancerIP", "192.0.2.7"),
            ("ClusterIP", "externalIPs", ["192.0.2.7"]),
            ("LoadBalancer", "healthCheckNodePort", 30123),
        )
    ),
    (
        "service-spec",
        _spec(loadBalancerClass="a/b"),
        "service.spec.loadBalancerClass",
        "needs service.type: LoadBalancer",
    ),
    (
        "service-spec",
        _spec("NodePort", allocateLoadBalancerNodePorts=False),
        "service.spec.allocateLoadBalancerNodePorts",
        "needs service.type: LoadBalancer",
    ),
    (
        "service-spec",
        _spec(externalTrafficPolicy="Local"),
        "service.spec.externalTrafficPolicy",
        "NodePort or LoadBalancer",
    ),
    ("service-spec", _spec("NodePort", clusterIP="None"), "service.spec.clusterIP", "without an IP"),
    ("service-spec", _spec(externalName="example.org"), "service.spec.externalName", "type ExternalName"),
    (
        "service-spec",
        _spec(sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}}),
        "service.spec.sessionAffinityConfig",
        "needs service.spec.sessionAffinity: ClientIP",
    ),
    ("service-spec", _replica(spec={"clusterIP": "10.96.0.7"}), "service.replica.spec.clusterIP", "each replica has"),
    (
        "service-spec",
        _replica(spec={"loadBalancerClass": "a/b"}),
        "service.replica.spec.loadBalancerClass",
        "needs service.replica.type: LoadBalancer",
    ),
    (
        "service-spec",
        _replica(type="NodePort", spec={"clusterIP": "None"}),
        "service.replica.spec.clusterIP",
        "which service.replica.type: NodePort needs",
    ),
    *(
        ("replica-services", _replica(**{key: value}) | {"anchor": SHARED}, f"service.replica.{key}", f"service.{key}")
        for key, value in (("type", "NodePort"), ("annotations", {"a": "b"}), ("spec", {"sessionAffinity": "None"}))
    ),
    ("node-ports", _node_ports("ClusterIP"), "target.ports.a.nodePort", "needs service.type: NodePort"),
    ("node-ports", _node_ports("NodePort", anchor=SHARED), "target.ports.a.nodePort", "each replica has one"),
    ("node-ports", _node_ports("LoadBalancer"), "target.ports.b.nodePort", "more than one port of the Service (TCP)"),
    (
        "labels-own",
        {"service": {"labels": {"helm.sh/chart": "x"}}},
        'service.labels["helm.sh/chart"]',
        "set by mooring",
    ),
]

ANCHORS_OF_OTHERS: dict[str, Any] = {"create": False, "selector": "app=x-{ordinal}"}
UDP = {"ports": {"http": {"port": 1, "protocol": "UDP"}}}


def _route(kind: str = "HTTPRoute", more: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    parents = {} if kind == "Ingress" else {"parentRefs": [{"name": "gateway"}]}
    route = {"kind": kind, "port": "http", **parents, **fields}
    return {"target": {"ports": {"http": {"port": 8080}}}, "routes": {"web": route}, **(more or {})}


def _policy(more: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "target": {"ports": {"http": {"port": 8080}}},
        "networkPolicy": {"enabled": True, **fields},
        **(more or {}),
    }


NETWORK: list[tuple[str, dict[str, Any], str, str]] = [
    ("routes-possible", _route(more={"service": {"enabled": False}}), "routes.web", "set service.enabled: true"),
    ("routes-possible", _route(more={"anchor": SHARED}), "routes.web", "write one for each into extraObjects"),
    (
        "routes-possible",
        _route(more={"anchor": ANCHORS_OF_OTHERS}),
        "routes.web",
        "needs anchors that the chart creates",
    ),
    ("routes-possible", _route(port="web"), "routes.web.port", "must be a port named in target.ports"),
    (
        "routes-possible",
        _route("TCPRoute", {"target": UDP}),
        "routes.web.port",
        "is a UDP port, which TCPRoute does not carry",
    ),
    ("routes-possible", _route(parentRefs=[]), "routes.web.parentRefs", "no traffic comes to this HTTPRoute"),
    *(
        ("routes-possible", _route("Ingress", **{key: value}), f"routes.web.{key}", "is not for kind: Ingress")
        for key, value in (
            ("parentRefs", [{"name": "gateway"}]),
            ("weight", 0),
            ("backendRefs", [{"name": "green", "port": 80}]),
        )
    ),
    (
        "routes-possible",
        _route(spec={"parentRefs": [{"name": "a"}]}),
        "routes.web.spec.parentRefs",
        "use the parentRefs beside",
    ),
    (
        "routes-possible",
        _route("TCPRoute", spec={"hostnames": ["a.example"]}),
        "routes.web.spec.hostnames",
        "is only for kind: HTTPRoute or GRPCRoute",
    ),
    (
        "routes-possible",
        _route(spec={"tls": [{"secretName": "a"}]}),
        "routes.web.spec.tls",
        "is only for kind: Ingress",
    ),
    (
        "policy-possible",
        _policy({"anchor": ANCHORS_OF_OTHERS}),
        "networkPolicy.enabled",
        "needs anchors that the chart creates",
    ),
    ("policy-possible", _policy(**{"from": {"web": []}}), "networkPolicy.from.web", "a port named in target.ports"),
    *(
        (
            "peers-named",
            _policy(**values),
            f"networkPolicy.{key}",
            "must name someone (podSelector, namespaceSelector, ipBlock)",
        )
        for key, values in (
            ("from.http.1", {"from": {"http": [{"podSelector": {}}, {}]}}),
            ("metricsFrom.0", {"metricsFrom": [{"ipBlock": None}]}),
            ("egress.1.to.0", {"egress": [{}, {"to": [{}]}]}),
        )
    ),
    (
        "peers-named",
        _policy(metricsFrom=[{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]),
        "networkPolicy.metricsFrom.0.ipBlock",
        "either ipBlock or selectors",
    ),
]


def _resources(part: str, requests: Any, limits: Any) -> dict[str, Any]:
    return {part: {"resources": {"requests": requests, "limits": limits}}}


RESOURCES: list[tuple[str, dict[str, Any], str, str]] = [
    *(
        (
            "resources-fit",
            _resources("anchor", {key: asked}, {key: limit}),
            f"anchor.resources.requests.{key}",
            "its limit",
        )
        for key, asked, limit in (
            ("cpu", 2, 1),
            ("cpu", "1500m", 1),
            ("cpu", 0.5, "400m"),
            ("memory", "2Gi", "2G"),
            ("memory", "1e9", "999M"),
            ("memory", 2147483648, "1Gi"),
        )
    ),
    (
        "resources-fit",
        _resources("launcher", {"cpu": "1 core"}, {}),
        "launcher.resources.requests.cpu",
        "a Kubernetes quantity",
    ),
    (
        "resources-fit",
        _resources("tests", {}, {"memory": "64mb"}),
        "tests.resources.limits.memory",
        "a Kubernetes quantity",
    ),
    (
        "resources-fit",
        _resources("tests", {}, {"memory": True}),
        "tests.resources.limits.memory",
        "a Kubernetes quantity",
    ),
    (
        "resources-fit",
        _resources("launcher", {"example.org/dongle": 1}, {}),
        'launcher.resources.requests["example.org/dongle"]',
        "must be equal",
    ),
    (
        "resources-fit",
        _containers({"resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}),
        "anchor.extraContainers.0.resources.requests.cpu",
        "is above its limit",
    ),
]

BROKEN_KUBERNETES = [*VOLUMES, *PODS, *SERVICES, *NETWORK, *RESOURCES]
