"""What people write who know other charts, and where it is here: one table, whose targets a test holds to the values.

Sources of the words: plain Deployments and pods, `helm create`, Bitnami's charts, bjw-s' common library, Compose files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from mooring.model.nodes import MapOf, Node, Obj, walk
from mooring.model.values import VALUES

KeyPath = tuple[str, ...]
_MAX_PLACES = 3


class Hint(NamedTuple):
    """Where to write what somebody wrote elsewhere: keys of values, and a sentence in which {0}, {1} … are those."""

    targets: tuple[str, ...]
    words: str = "use {0}"

    def __str__(self) -> str:
        return self.words.format(*self.targets)


def _of(words: str, *targets: str, say: str = "use {0}") -> dict[str, Hint]:
    return {word: Hint(targets, say) for word in words.split()}


_PROBES = _of(
    "livenessProbe livenessprobe readinessProbe startupProbe healthcheck healthCheck health probe",
    "gate",
    "probes",
    say="what must hold before a replica is ready is {0}; Kubernetes' own probes are in {1}",
)
_SECURITY = _of(
    "securityContext podSecurityContext containerSecurityContext windowsOptions privileged hostProcess",
    "target.runAs",
    "anchor.securityContext",
    say="the program's account is {0}, the anchor's pod has {1}; mooring sets what the launcher needs",
)
_FIXED = _of(
    "hostNetwork hostPID hostIPC dnsPolicy dnsConfig restartPolicy runtimeClassName schedulerName os "
    "shareProcessNamespace "
    "automountServiceAccountToken enableServiceLinks",
    say="mooring decides this itself, since the pairing depends on it",
)
_PROGRAM = {
    **_of("command entrypoint cmd program executable binary path", "target.exe", "target.args", say="use {0} and {1}"),
    **_of("args arguments", "target.args"),
    **_of("workingDir workingDirectory cwd workdir", "target.workingDir"),
    **_of("ports containerPorts port containerPort", "target.ports"),
    **_of(
        "env environment envs vars",
        "target.env",
        "extraEnv",
        say="use {0} for NAME: value, and {1} for valueFrom",
    ),
    **_of("sha checksum hash digest", "target.sha256"),
    **_of("user username runAsUser runAsUserName account", "target.runAs"),
}
_METADATA = {
    **_of("podAnnotations", "launcher.podAnnotations", "anchor.podAnnotations", say="use {0} or {1}"),
    **_of("podLabels", "launcher.podLabels", "anchor.podLabels", say="use {0} or {1}"),
}
_STORAGE = _of(
    "volumes volume persistence storage persistentVolumeClaim hostPath hostPaths pvc dataVolume",
    "target.mounts",
    "extraVolumes",
    "volumeClaimTemplates",
    say="directories of the node are {0}, other volumes {1}, claims {2}",
)
_OBJECTS = _of(
    "ingress httpRoute httproute route routes gateway networkPolicy networkpolicies networkPolicies serviceMonitor "
    "podMonitor prometheusRule configMaps configMap configmap configMapData secrets secret rawResources extraDeploy "
    "extraManifests "
    "extraResources manifests externalSecrets certificates certificate limitRange resourceQuota cronjob job jobs",
    "extraObjects",
    say="the chart has none; put the whole object into {0}",
)
_ROOT = {
    **_PROGRAM,
    **_PROBES,
    **_SECURITY,
    **_FIXED,
    **_METADATA,
    **_STORAGE,
    **_OBJECTS,
    **_of(
        "image images",
        "target.exe",
        "launcher.image",
        say="the program is a file on the node, {0}; the launcher's own image is {1}",
    ),
    **_of("replicaCount count instances scale", "replicas"),
    **_of(
        "containers controllers controller container main",
        "target",
        "anchor.extraContainers",
        say="the one program is {0}; containers beside it are {1}",
    ),
    **_of(
        "initContainers sidecars sidecarContainers extraContainers additionalContainers extraInitContainers",
        "anchor.extraContainers",
        say="containers in the program's network are {0}; mooring starts none before the program",
    ),
    **_of("volumeMounts additionalVolumeMounts", "extraVolumeMounts"),
    **_of("additionalVolumes", "extraVolumes"),
    **_of("resources limits requests", "launcher.resources", say="use {0}, which the program is part of"),
    **_of("resourcesPreset", "launcher.resources"),
    **_of("serviceAccountName", "serviceAccount.name"),
    **_of("nodeName node", "nodeSelector", say='use {0}, e.g. {0}: {{kubernetes.io/hostname: "…"}}'),
    **_of("annotations deploymentAnnotations statefulsetAnnotations", "commonAnnotations"),
    **_of("labels extraLabels additionalLabels", "commonLabels"),
    **_of("hpa horizontalPodAutoscaler autoscale autoscaler", "autoscaling"),
    **_of("keda scaledObject scaledobject", "autoscaling.keda"),
    **_of("pdb disruptionBudget budget", "podDisruptionBudget"),
    **_of("strategy deploymentStrategy rollingUpdate rollout", "updateStrategy"),
    **_of(
        "podAntiAffinity podAffinity nodeAffinity podAffinityPreset podAntiAffinityPreset nodeAffinityPreset",
        "affinity",
    ),
    **_of("topologySpread spread", "topologySpreadConstraints"),
    **_of("gracePeriod gracePeriodSeconds terminationGracePeriod", "terminationGracePeriodSeconds"),
    **_of("lifecycleHooks", "lifecycle"),
    **_of("preStop", "stop.command"),
    **_of("extraEnvVars environmentVariables envVars additionalEnv", "extraEnv"),
    **_of(
        "extraEnvVarsCM extraEnvVarsSecret envFromSecret envFromConfigMap existingSecret existingConfigmap", "envFrom"
    ),
    **_of("customLivenessProbe", "probes.liveness"),
    **_of("customReadinessProbe", "probes.readiness"),
    **_of("customStartupProbe", "probes.startup"),
    **_of("metrics monitoring", "readiness.port", say="the launcher serves /metrics on {0} of each anchor"),
    **_of("services", "service"),
    **_of("pullSecrets imagePullSecret", "imagePullSecrets"),
    **_of("pullPolicy imagePullPolicy", "launcher.image.pullPolicy", "anchor.image.pullPolicy", say="use {0} or {1}"),
    **_of("namespace", "namespaceOverride"),
    **_of("name fullName fullname", "fullnameOverride"),
    **_of(
        "defaultPodOptions podSpec pod template spec statefulset deployment",
        "launcher",
        say="the pod's fields are values of their own; see {0} and what stands beside it",
    ),
    **_of("test", "tests"),
}
_TARGET = {
    **_PROBES,
    **_SECURITY,
    **_of("command entrypoint cmd program executable binary path file image", "target.exe"),
    **_of("arguments arg argv parameters params cmdline commandLine", "target.args"),
    **_of("workingDirectory cwd workdir dir directory", "target.workingDir"),
    **_of("environment envs vars envVars variables", "target.env"),
    **_of("port containerPorts containerPort", "target.ports"),
    **_of("volumes volumeMounts volume persistence hostPath hostPaths", "target.mounts"),
    **_of("sha checksum hash digest sha256sum", "target.sha256"),
    **_of("user username runAsUser runAsUserName account", "target.runAs"),
    **_of("valueFrom extraEnv", "extraEnv"),
    **_of("resources limits requests", "launcher.resources"),
    **_of("restartPolicy", "gate.onUnhealthy", say="the program is started again whenever it ends; see also {0}"),
}
_HALF = {
    **_of("nodeSelector nodeselector", "nodeSelector", say="use {0}, which is for both halves"),
    **_of("tolerations", "tolerations", say="use {0}, which is for both halves"),
    **_of("priorityClassName", "priorityClassName", say="use {0}, which is for both halves"),
    **_of("imagePullSecrets", "imagePullSecrets", say="use {0}, which is for both halves"),
    **_of("replicas replicaCount", "replicas", say="use {0}, which counts the pairs"),
}
_TABLE: Mapping[str, Mapping[str, Hint]] = {
    "": _ROOT,
    "target": _TARGET,
    "target.ports.*": {
        **_of("containerPort targetPort number hostPort", "target.ports.*.port", say="use port"),
        **_of("nodePort", "service.spec", say="use {0}"),
        **_of("name", "target.ports", say="the port's name is its key in {0}"),
        **_of("exposedPort published external", "target.ports.*.servicePort", say="use servicePort"),
    },
    "target.mounts.*": {
        **_of("path source host", "target.mounts.*.hostPath", say="use hostPath"),
        **_of("target containerPath destination", "target.mounts.*.mountPath", say="use mountPath"),
        **_of("name", "target.mounts", say="the mount's name is its key in {0}"),
        **_of(
            "persistentVolumeClaim claimName emptyDir configMap secret",
            "extraVolumes",
            "extraVolumeMounts",
            say="use {0} and {1}",
        ),
    },
    "gate": {
        **_of("httpGet", "gate.http", say="use {0}, each check under a name"),
        **_of("tcpSocket", "gate.tcp", say="use {0}, each check under a name"),
        **_of("command", "gate.exec", say="use {0}, each check under a name"),
        **_of("initialDelaySeconds", "gate.startTimeoutSeconds", "gate.minUptimeSeconds", say="use {0} or {1}"),
        **_of("timeoutSeconds", "gate.http.*.timeoutSeconds", say="each check has its own"),
        **_of("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    },
    "gate.http.*": {
        **_of("httpHeaders header", "gate.http.*.headers", say="use headers"),
        **_of("url uri endpoint", "gate.http.*.path", "gate.http.*.port", say="use path, with port and scheme"),
        **_of("body regex match expect", "gate.http.*.bodyMatches", say="use bodyMatches"),
        **_of("initialDelaySeconds", "gate.startTimeoutSeconds"),
    },
    "gate.tcp.*": _of("initialDelaySeconds", "gate.startTimeoutSeconds"),
    "gate.exec.*": _of("initialDelaySeconds", "gate.startTimeoutSeconds"),
    "stop": {
        **_of("preStop", "stop.command"),
        **_of(
            "timeout timeoutSeconds gracePeriodSeconds",
            "stop.consoleSeconds",
            "stop.windowSeconds",
            say="each rung has its own: {0}, {1} …",
        ),
        **_of("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
        **_of("signal stopSignal", "stop.consoleEvent"),
    },
    "readiness": {
        **_of("path httpGet", "gate.http", say="this is mooring's own endpoint; the program's own is asked by {0}"),
        **_of(
            "initialDelaySeconds timeoutSeconds successThreshold",
            "gate",
            say="this is how kubelet asks mooring; how mooring asks the program is {0}",
        ),
    },
    "launcher": {
        **_HALF,
        **_of("annotations", "launcher.podAnnotations"),
        **_of("labels", "launcher.podLabels"),
        **_of("env", "extraEnv"),
        **_of("args command exe", "target", say="the program is {0}"),
        **_of("serviceAccount serviceAccountName", "serviceAccount"),
        **_of(
            "securityContext", "target.runAs", say="mooring sets what the launcher needs; the program's account is {0}"
        ),
        **_of("path directory", "launcher.hostPath"),
        **_of("affinity", "affinity"),
        **_of("volumes extraVolumes", "extraVolumes"),
        **_of("volumeMounts extraVolumeMounts", "extraVolumeMounts"),
        **_of("updateStrategy strategy", "updateStrategy"),
        **_of("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    },
    "anchor": {
        **_HALF,
        **_of("annotations", "anchor.podAnnotations"),
        **_of("labels", "anchor.podLabels"),
        **_of("containers sidecars", "anchor.extraContainers"),
        **_of("serviceAccountName", "anchor.serviceAccount.name"),
        **_of("podSecurityContext", "anchor.securityContext"),
        **_of("service", "service"),
        **_of("ports", "target.ports", say="the anchor has the ports of {0}"),
        **_of("name", "anchor.selector", say="anchors that others make are found by {0}"),
    },
    "service": {
        **_of(
            "port ports targetPort",
            "target.ports",
            "target.ports.*.servicePort",
            say="ports are in {0}; the Service's own number is servicePort there",
        ),
        **_of(
            "nodePort nodePorts clusterIP loadBalancerIP loadBalancerClass loadBalancerSourceRanges externalIPs "
            "externalTrafficPolicy internalTrafficPolicy sessionAffinity sessionAffinityConfig ipFamilies "
            "ipFamilyPolicy publishNotReadyAddresses healthCheckNodePort "
            "allocateLoadBalancerNodePorts trafficDistribution",
            "service.spec",
        ),
        **_of("labels", "commonLabels"),
        **_of("create", "service.enabled"),
        **_of("name", "fullnameOverride"),
    },
    "serviceAccount": {
        **_of(
            "automount automountServiceAccountToken",
            "serviceAccount.create",
            say="mooring decides this itself: the launcher needs its token, an anchor none",
        ),
        **_of("labels", "commonLabels"),
    },
    "rbac": _of("rules extraRules", "extraObjects", say="put a Role and its binding into {0}"),
    "autoscaling": {
        **_of(
            "targetCPUUtilizationPercentage targetMemoryUtilizationPercentage targetCPU targetMemory",
            "autoscaling.metrics",
        ),
        **_of("triggers minReplicaCount maxReplicaCount", "autoscaling.keda"),
    },
    "updateStrategy": _of(
        "rollingUpdate", "updateStrategy.partition", "updateStrategy.maxUnavailable", say="use {0} and {1}"
    ),
    "anchor.updateStrategy": _of(
        "rollingUpdate",
        "anchor.updateStrategy.partition",
        "anchor.updateStrategy.maxUnavailable",
        say="use {0} and {1}",
    ),
    "podDisruptionBudget": _of(
        "minAvailable", "podDisruptionBudget.maxUnavailable", say="use {0}: one budget is over both halves"
    ),
    **{
        key: {
            **_of("name", f"{key}.repository"),
            **_of("version", f"{key}.tag"),
            **_of("pullSecrets imagePullSecrets", "imagePullSecrets"),
        }
        for key in ("launcher.image", "anchor.image", "tests.image")
    },
}

_APP: Mapping[str, Hint] = {
    **_of("metadata", say="write name, description and the rest at the top level"),
    **_of("spec", say="what a spec would hold is under values"),
    **_of("chart", say="the chart has the App's name and version"),
    **_of("apiversion", say="write apiVersion"),
}


def hint_for(path: KeyPath, section: str = "values") -> Hint | None:
    """Return where to write what stands at an unknown key, None if nobody knows.

    `path` is that of an App or a Platform; `section` is where such a file has values.
    """
    below = _below_values(path)
    if below is None:
        if len(path) > 1:
            return None
        if path[0] in VALUES.fields:
            return Hint((path[0],), f"write it under {section}, as {section}.{{0}}")
        return _APP.get(path[0]) if section == "values" else None
    *above, key = below
    for where, hints in _TABLE.items():
        pattern = where.split(".") if where else []
        if len(pattern) == len(above) and all(a in ("*", b) for a, b in zip(pattern, above, strict=True)):
            return hints.get(key)
    return None


def places_of(path: KeyPath) -> str:
    """Return the keys that have the name of a key right below values, as a remark to a message; empty if none has."""
    places = _places().get(path[-1].casefold(), [])
    if not places or len(_below_values(path) or ()) != 1:
        return ""
    rest = f" and {len(places) - _MAX_PLACES} more" if len(places) > _MAX_PLACES else ""
    return f"; there is {', '.join(places[:_MAX_PLACES])}{rest}"


@cache
def _places() -> Mapping[str, list[str]]:
    places: dict[str, list[str]] = {}
    for path, _node in walk(VALUES):
        if path and not path[-1].startswith("<"):
            places.setdefault(path[-1].casefold(), []).append(".".join(path))
    return places


def _below_values(path: KeyPath) -> KeyPath | None:
    """Return the path below values; None where it is not one of them."""
    if path[:1] in (("values",), ("defaults",)):
        return path[1:] or None
    if path[:1] == ("overlays",):
        return path[2:] or None
    return None


_IN_CHECKS = ("port", "path", "scheme", "host", "command", "periodSeconds", "timeoutSeconds", "failureThreshold")


def shape_hint(node: Node, value: Any, path: KeyPath) -> str:
    """Return a remark to a value of the wrong kind in which somebody wrote what other charts take; else nothing."""
    below = _below_values(path)
    return next((f"; {words}" for fits, words in _shapes(node, value, below) if fits), "") if below else ""


def _shapes(node: Node, value: Any, below: KeyPath) -> Iterator[tuple[bool, str]]:
    is_env = below[:2] == ("target", "env") or (below[:2] == ("target", "perOrdinal") and "env" in below)
    yield (
        is_env and isinstance(value, dict) and "valueFrom" in value,
        "what comes from a Secret, a ConfigMap or the pod goes into extraEnv, a list of {name, valueFrom}",
    )
    yield is_env and isinstance(value, dict) and "value" in value, "write NAME: value"
    yield is_env and isinstance(value, list), "write NAME: value; a list of {name, value} goes into extraEnv"
    yield (
        below == ("target", "ports") and isinstance(value, list),
        "write each port under its name, e.g. http: {port: 8080}",
    )
    yield (
        below[:2] == ("target", "ports") and len(below) == 3 and isinstance(value, (int, str)),
        "write the port as {port: 8080}",
    )
    yield (
        below == ("target", "mounts") and isinstance(value, list),
        r"write each directory under a name, e.g. data: {hostPath: 'D:\data'}",
    )
    yield (
        below[:2] == ("target", "mounts") and len(below) == 3 and isinstance(value, str),
        r"write it as {hostPath: 'D:\data'}",
    )
    yield (
        below[:2] in (("gate", "http"), ("gate", "tcp"), ("gate", "exec"))
        and len(below) == 3
        and below[2] in _IN_CHECKS,
        f"each check has a name: {'.'.join(below[:2])}.<name>.{below[-1]}",
    )
    yield (
        len(below) == 2 and below[0] == "imagePullSecrets" and isinstance(value, dict),
        "write the Secret's name alone",
    )
    yield (
        isinstance(value, str) and bool(below) and below[-1] in ("args", "command"),
        "write each argument as an item of its own: [--port, '8080']",
    )
    yield below == ("extraEnv",) and isinstance(value, dict), "a map of NAME: value goes into target.env"
    yield isinstance(node, MapOf) and isinstance(value, list), "write each entry under a name of its own"
    yield isinstance(node, Obj) and below == ("service",) and isinstance(value, bool), "write service.enabled"
