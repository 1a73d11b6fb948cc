"""What other charts have at the top of their values, and other kinds of files at the top level."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.model.hints.hint import Hint, hints

PROBES = hints(
    "livenessProbe livenessprobe readinessProbe startupProbe healthcheck healthCheck health probe",
    "gate",
    "probes",
    say="the conditions for a ready replica are in {0}; Kubernetes' own probes are in {1}",
)
SECURITY = hints(
    "securityContext podSecurityContext containerSecurityContext windowsOptions privileged hostProcess",
    "target.runAs",
    "anchor.securityContext",
    say="the program's account is {0}, the anchor's pod has {1}; mooring sets what the launcher needs",
)
_FIXED = hints(
    "hostNetwork hostPID hostIPC dnsPolicy dnsConfig restartPolicy runtimeClassName schedulerName os "
    "shareProcessNamespace "
    "automountServiceAccountToken enableServiceLinks",
    say="mooring sets this itself, because pairing depends on it",
)
_PROGRAM = {
    **hints(
        "command entrypoint cmd program executable binary path", "target.exe", "target.args", say="use {0} and {1}"
    ),
    **hints("args arguments", "target.args"),
    **hints("workingDir workingDirectory cwd workdir", "target.workingDir"),
    **hints("ports containerPorts port containerPort", "target.ports"),
    **hints(
        "env environment envs vars",
        "target.env",
        "extraEnv",
        say="use {0} for NAME: value, and {1} for valueFrom",
    ),
    **hints("sha checksum hash digest", "target.sha256"),
    **hints("user username runAsUser runAsUserName account", "target.runAs"),
}
_METADATA = {
    **hints("podAnnotations", "launcher.podAnnotations", "anchor.podAnnotations", say="use {0} or {1}"),
    **hints("podLabels", "launcher.podLabels", "anchor.podLabels", say="use {0} or {1}"),
}
_STORAGE = hints(
    "volumes volume persistence storage persistentVolumeClaim hostPath hostPaths pvc dataVolume",
    "target.mounts",
    "extraVolumes",
    "volumeClaimTemplates",
    say="directories of the node go into {0}, other volumes into {1}, claims into {2}",
)
_NETWORK = {
    **hints("ingress httpRoute httproute tcpRoute grpcRoute route", "routes"),
    **hints("networkpolicy networkpolicies networkPolicies", "networkPolicy"),
}
_OBJECTS = hints(
    "gateway serviceMonitor podMonitor prometheusRule configMaps configMap configmap configMapData secrets secret "
    "rawResources extraDeploy extraManifests extraResources manifests externalSecrets certificates certificate "
    "limitRange resourceQuota cronjob job jobs",
    "extraObjects",
    say="the chart has none; put the whole object into {0}",
)
TOP = {
    **_PROGRAM,
    **_NETWORK,
    **PROBES,
    **SECURITY,
    **_FIXED,
    **_METADATA,
    **_STORAGE,
    **_OBJECTS,
    **hints(
        "image images",
        "target.exe",
        "launcher.image",
        say="the program is a file on the node, {0}; the launcher's own image is {1}",
    ),
    **hints("replicaCount count instances scale", "replicas"),
    **hints(
        "containers controllers controller container main",
        "target",
        "anchor.extraContainers",
        say="the one program is {0}; containers beside it are {1}",
    ),
    **hints(
        "initContainers sidecars sidecarContainers extraContainers additionalContainers extraInitContainers",
        "anchor.extraContainers",
        say="containers in the program's network are {0}; none run before the program",
    ),
    **hints("volumeMounts additionalVolumeMounts", "extraVolumeMounts"),
    **hints("additionalVolumes", "extraVolumes"),
    **hints("resources limits requests", "launcher.resources", say="use {0}, which covers the program as well"),
    **hints("resourcesPreset", "launcher.resources"),
    **hints("serviceAccountName", "serviceAccount.name"),
    **hints("nodeName node", "nodeSelector", say='use {0}, e.g. {0}: {{kubernetes.io/hostname: "…"}}'),
    **hints("annotations deploymentAnnotations statefulsetAnnotations", "commonAnnotations"),
    **hints("labels extraLabels additionalLabels", "commonLabels"),
    **hints("hpa horizontalPodAutoscaler autoscale autoscaler", "autoscaling"),
    **hints("keda scaledObject scaledobject", "autoscaling.keda"),
    **hints("pdb disruptionBudget budget", "podDisruptionBudget"),
    **hints("strategy deploymentStrategy rollingUpdate rollout", "updateStrategy"),
    **hints(
        "podAntiAffinity podAffinity nodeAffinity podAffinityPreset podAntiAffinityPreset nodeAffinityPreset",
        "affinity",
    ),
    **hints("topologySpread spread", "topologySpreadConstraints"),
    **hints("gracePeriod gracePeriodSeconds terminationGracePeriod", "terminationGracePeriodSeconds"),
    **hints("lifecycleHooks", "lifecycle"),
    **hints("preStop", "stop.command"),
    **hints("extraEnvVars environmentVariables envVars additionalEnv", "extraEnv"),
    **hints(
        "extraEnvVarsCM extraEnvVarsSecret envFromSecret envFromConfigMap existingSecret existingConfigmap", "envFrom"
    ),
    **hints("customLivenessProbe", "probes.liveness"),
    **hints("customReadinessProbe", "probes.readiness"),
    **hints("customStartupProbe", "probes.startup"),
    **hints("metrics monitoring", "readiness.port", say="the launcher serves /metrics on {0} of each anchor"),
    **hints("services", "service"),
    **hints("pullSecrets imagePullSecret", "imagePullSecrets"),
    **hints("pullPolicy imagePullPolicy", "launcher.image.pullPolicy", "anchor.image.pullPolicy", say="use {0} or {1}"),
    **hints("namespace", "namespaceOverride"),
    **hints("name fullName fullname", "fullnameOverride"),
    **hints(
        "defaultPodOptions podSpec pod template spec statefulset deployment",
        "launcher",
        say="each field of the pod is a value of its own; see {0} and the values around it",
    ),
    **hints("test", "tests"),
}

APP: Mapping[str, Hint] = {
    **hints("metadata", say="write name, description and the rest at the top level"),
    **hints("spec", say="what a spec would contain goes under values"),
    **hints("chart", say="the chart has the App's name and version"),
    **hints("apiversion", say="write apiVersion"),
}
