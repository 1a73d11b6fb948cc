"""What other charts have below a key that exists here too, and the whole table."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.model.hints.hint import Hint, hints
from mooring.model.hints.top import PROBES, SECURITY, TOP

_TARGET = {
    **PROBES,
    **SECURITY,
    **hints("command entrypoint cmd program executable binary path file image", "target.exe"),
    **hints("arguments arg argv parameters params cmdline commandLine", "target.args"),
    **hints("workingDirectory cwd workdir dir directory", "target.workingDir"),
    **hints("environment envs vars envVars variables", "target.env"),
    **hints("port containerPorts containerPort", "target.ports"),
    **hints("volumes volumeMounts volume persistence hostPath hostPaths", "target.mounts"),
    **hints("sha checksum hash digest sha256sum", "target.sha256"),
    **hints("user username runAsUser runAsUserName account", "target.runAs"),
    **hints("valueFrom extraEnv", "extraEnv"),
    **hints("resources limits requests", "launcher.resources"),
    **hints("restartPolicy", "gate.onUnhealthy", say="the program is started again whenever it ends; see also {0}"),
}
_HALF = {
    **hints("nodeSelector nodeselector", "nodeSelector", say="use {0}, which is for both halves"),
    **hints("tolerations", "tolerations", say="use {0}, which is for both halves"),
    **hints("priorityClassName", "priorityClassName", say="use {0}, which is for both halves"),
    **hints("imagePullSecrets", "imagePullSecrets", say="use {0}, which is for both halves"),
    **hints("replicas replicaCount", "replicas", say="use {0}, which counts the pairs"),
}
TABLE: Mapping[str, Mapping[str, Hint]] = {
    "": TOP,
    "target": _TARGET,
    "target.ports.*": {
        **hints("containerPort targetPort number hostPort", "target.ports.*.port", say="use port"),
        **hints("name", "target.ports", say="the port's name is its key in {0}"),
        **hints("exposedPort published external", "target.ports.*.servicePort", say="use servicePort"),
    },
    "target.mounts.*": {
        **hints("path source host", "target.mounts.*.hostPath", say="use hostPath"),
        **hints("target containerPath destination", "target.mounts.*.mountPath", say="use mountPath"),
        **hints("name", "target.mounts", say="the mount's name is its key in {0}"),
        **hints(
            "persistentVolumeClaim claimName emptyDir configMap secret",
            "extraVolumes",
            "extraVolumeMounts",
            say="use {0} and {1}",
        ),
    },
    "gate": {
        **hints("httpGet", "gate.http", say="use {0}, each check under a name"),
        **hints("tcpSocket", "gate.tcp", say="use {0}, each check under a name"),
        **hints("command", "gate.exec", say="use {0}, each check under a name"),
        **hints("initialDelaySeconds", "gate.startTimeoutSeconds", "gate.minUptimeSeconds", say="use {0} or {1}"),
        **hints("timeoutSeconds", "gate.http.*.timeoutSeconds", say="each check has its own"),
        **hints("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    },
    "gate.http.*": {
        **hints("httpHeaders header", "gate.http.*.headers", say="use headers"),
        **hints("url uri endpoint", "gate.http.*.path", "gate.http.*.port", say="use path, with port and scheme"),
        **hints("body regex match expect", "gate.http.*.bodyMatches", say="use bodyMatches"),
        **hints("initialDelaySeconds", "gate.startTimeoutSeconds"),
    },
    "gate.tcp.*": hints("initialDelaySeconds", "gate.startTimeoutSeconds"),
    "gate.exec.*": hints("initialDelaySeconds", "gate.startTimeoutSeconds"),
    "stop": {
        **hints("preStop", "stop.command"),
        **hints(
            "timeout timeoutSeconds gracePeriodSeconds",
            "stop.consoleSeconds",
            "stop.windowSeconds",
            say="each rung has its own: {0}, {1} …",
        ),
        **hints("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
        **hints("signal stopSignal", "stop.consoleEvent"),
    },
    "readiness": {
        **hints("path httpGet", "gate.http", say="this is mooring's own endpoint; the program's own is checked by {0}"),
        **hints(
            "initialDelaySeconds timeoutSeconds successThreshold",
            "gate",
            say="this is how kubelet probes mooring; how mooring checks the program is {0}",
        ),
    },
    "launcher": {
        **_HALF,
        **hints("annotations", "launcher.podAnnotations"),
        **hints("labels", "launcher.podLabels"),
        **hints("env", "extraEnv"),
        **hints("args command exe", "target", say="the program is {0}"),
        **hints("serviceAccount serviceAccountName", "serviceAccount"),
        **hints(
            "securityContext", "target.runAs", say="mooring sets what the launcher needs; the program's account is {0}"
        ),
        **hints("path directory", "launcher.hostPath"),
        **hints("affinity", "affinity"),
        **hints("volumes extraVolumes", "extraVolumes"),
        **hints("volumeMounts extraVolumeMounts", "extraVolumeMounts"),
        **hints("updateStrategy strategy", "updateStrategy"),
        **hints("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    },
    "anchor": {
        **_HALF,
        **hints("annotations", "anchor.podAnnotations"),
        **hints("labels", "anchor.podLabels"),
        **hints("containers sidecars", "anchor.extraContainers"),
        **hints("serviceAccountName", "anchor.serviceAccount.name"),
        **hints("podSecurityContext", "anchor.securityContext"),
        **hints("service", "service"),
        **hints("ports", "target.ports", say="the anchor has the ports of {0}"),
        **hints("name", "anchor.selector", say="anchors that others create are found by {0}"),
    },
    "service": {
        **hints(
            "port ports targetPort",
            "target.ports",
            "target.ports.*.servicePort",
            say="ports are in {0}; the Service's own port number is servicePort there",
        ),
        **hints("nodePort nodePorts", "target.ports.*.nodePort"),
        **hints(
            "clusterIP loadBalancerIP loadBalancerClass loadBalancerSourceRanges externalIPs "
            "externalTrafficPolicy internalTrafficPolicy sessionAffinity sessionAffinityConfig ipFamilies "
            "ipFamilyPolicy publishNotReadyAddresses healthCheckNodePort "
            "allocateLoadBalancerNodePorts trafficDistribution",
            "service.spec",
        ),
        **hints("create", "service.enabled"),
        **hints("name", "fullnameOverride"),
    },
    "serviceAccount": {
        **hints(
            "automount automountServiceAccountToken",
            "serviceAccount.create",
            say="mooring sets this itself: the launcher needs its token, an anchor does not",
        ),
        **hints("labels", "commonLabels"),
    },
    "rbac": hints("rules extraRules", "extraObjects", say="put a Role and its binding into {0}"),
    "autoscaling": {
        **hints(
            "targetCPUUtilizationPercentage targetMemoryUtilizationPercentage targetCPU targetMemory",
            "autoscaling.metrics",
        ),
        **hints("triggers minReplicaCount maxReplicaCount", "autoscaling.keda"),
    },
    "updateStrategy": hints(
        "rollingUpdate", "updateStrategy.partition", "updateStrategy.maxUnavailable", say="use {0} and {1}"
    ),
    "anchor.updateStrategy": hints(
        "rollingUpdate",
        "anchor.updateStrategy.partition",
        "anchor.updateStrategy.maxUnavailable",
        say="use {0} and {1}",
    ),
    "podDisruptionBudget": hints(
        "minAvailable", "podDisruptionBudget.maxUnavailable", say="use {0}: one budget covers both halves"
    ),
    **{
        key: {
            **hints("name", f"{key}.repository"),
            **hints("version", f"{key}.tag"),
            **hints("pullSecrets imagePullSecrets", "imagePullSecrets"),
        }
        for key in ("launcher.image", "anchor.image", "tests.image")
    },
}
