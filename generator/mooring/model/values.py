"""The values of every chart: one tree, and the only place where a value is added, changed or removed.

Order is the order of values.yaml: what an app team writes first, what a platform team sets next, Kubernetes' own last.
"""

from __future__ import annotations

from mooring.model.gate import GATE
from mooring.model.kubernetes import (
    ANCHOR_KUBERNETES,
    EXTRAS,
    LAUNCHER_KUBERNETES,
    METADATA,
    NAME,
    PORT_NAME,
    image,
    service_account,
)
from mooring.model.nodes import INT32, Bool, Int, IntOrStr, ListOf, MapOf, Node, Obj, Open, Str
from mooring.model.shapes import FALLBACK, METRIC, RESOURCES, SERVICE_SPEC, TRIGGER, annotation_map, label_map

ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_.()-]*$"
ORDINAL = r"^(0|[1-9][0-9]{0,4})$"


def env(doc: str) -> MapOf:
    """Return a map of environment variables."""
    return MapOf(doc=doc, item=Str(doc="The variable's value."), key_pattern=ENV_NAME, key_name="NAME")


TARGET = Obj(
    doc="The native program, unmodified.",
    fields={
        "exe": Str(
            doc=r"Full path of the program on the node, e.g. C:\apps\orders\orders.exe. It must be set.",
        ),
        "args": ListOf(
            doc="Its arguments, one item each; they reach the program as they are.",
            item=Str(doc="One argument."),
        ),
        "workingDir": Str(doc="Its working directory; empty: the directory of the program."),
        "lifetime": Str(
            doc="When the program has ended: with its main process, which ends what it left behind too (process), or with the last "
            "process of its tree (tree), for a start program that starts the real one and exits. With tree the exit code is the main "
            "process's unless that is 0, then the last one's.",
            default="process",
            enum=("process", "tree"),
        ),
        "env": env("Environment variables added for the program, on top of the container's."),
        "placeholders": Str(
            doc="What becomes of {ordinal}, $(POD_NAME), %TEMP% and their like in its texts, which nothing expands: refuse, or literal, "
            "where the program is to get these characters.",
            default="refuse",
            enum=("refuse", "literal"),
        ),
        "ports": MapOf(
            doc="Ports the program listens on, by name. Each replica has the same port on its own IP.",
            key_pattern=PORT_NAME,
            item=Obj(
                doc="One port.",
                required=("port",),
                fields={
                    "port": Int(doc="The port the program listens on.", default=None, minimum=1, maximum=65535),
                    "protocol": Str(doc="Transport protocol.", default="TCP", enum=("TCP", "UDP")),
                    "servicePort": Int(
                        doc="The Service's port; null: the same as port.",
                        default=None,
                        minimum=1,
                        maximum=65535,
                    ),
                },
            ),
        ),
        "mounts": MapOf(
            doc="Directories of the node that the program needs, mounted for it; nothing else of the node is. On Windows this "
            "documents and provides, it does not restrict: a HostProcess container sees the whole disk.",
            key_pattern=r"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$",
            item=Obj(
                doc="One directory or file of the node.",
                required=("hostPath",),
                fields={
                    "hostPath": Str(doc="Path on the node."),
                    "mountPath": Str(doc="Path in the container; empty: the same as hostPath."),
                    "readOnly": Bool(doc="Mount it read-only.", default=True),
                    "type": Str(
                        doc="Kubernetes hostPath type; empty: no check.",
                        default="Directory",
                        enum=("", "Directory", "DirectoryOrCreate", "File", "FileOrCreate"),
                    ),
                },
            ),
        ),
        "runAs": Str(
            doc=r"Account the program runs as, on Windows: LocalService, NetworkService, DOMAIN\name$ (a group-managed service account) or DOMAIN\name (its password in RUN_AS_PASSWORD, by extraEnv from a Secret); each is a boundary. restricted is hygiene and no boundary: fewer privileges, but still SYSTEM's SID, so all that SYSTEM may write. Empty: the launcher's own account, SYSTEM."
        ),
        "sha256": Str(
            doc="SHA-256 of the program's file, in hex: a file with another one is not started, on Linux no script either. Empty: no check.",
            pattern=r"^([0-9a-fA-F]{64})?$",
        ),
        "signedBy": Str(
            doc="Who must have signed the program (Authenticode), on Windows: the common name of the signer's certificate, or its whole subject; empty: no check."
        ),
        "perOrdinal": MapOf(
            doc="What one replica has differently, by its ordinal.",
            key_pattern=ORDINAL,
            key_name="n",
            item=Obj(
                doc="Differences of one replica.",
                fields={
                    "args": ListOf(
                        doc="Arguments in place of target.args; empty: target.args.",
                        item=Str(doc="One argument."),
                    ),
                    "env": env("Environment variables on top of target.env."),
                    "ports": MapOf(
                        doc="With anchor.strategy: shared, this replica's port in place of the one in target.ports, by its name: replicas on one IP cannot have the same.",
                        item=Int(doc="The port this replica listens on.", default=0, minimum=1, maximum=65535),
                        key_pattern=PORT_NAME,
                    ),
                },
            ),
        ),
    },
)

STOP = Obj(
    doc="How the program is stopped: not ready, drain, then rung after rung until it has ended.",
    fields={
        "drainSeconds": Int(
            doc="Seconds between turning unready and the first rung, so that no client is sent here any more. At least "
            "readiness.periodSeconds x readiness.failureThreshold + 5.",
            default=20,
            minimum=0,
            maximum=86400,
        ),
        "command": ListOf(
            doc="First rung: a command that asks the program to stop, run inside its compartment; empty: none.",
            item=Str(doc="One word of the command."),
        ),
        "commandSeconds": Int(
            doc="Seconds the program has to end after that command.", default=30, minimum=0, maximum=86400
        ),
        "consoleEvent": Str(
            doc="Second rung on Windows: the console event sent to the program.",
            default="ctrlC",
            enum=("ctrlC", "ctrlBreak", "none"),
        ),
        "consoleSeconds": Int(
            doc="Seconds the program has to end after the console event; on Linux after SIGTERM.",
            default=30,
            minimum=0,
            maximum=86400,
        ),
        "windowSeconds": Int(
            doc="Third rung on Windows: seconds the program has to end after WM_CLOSE to its windows; 0: no such rung.",
            default=10,
            minimum=0,
            maximum=86400,
        ),
    },
)

READINESS = Obj(
    doc="The launcher's health endpoint on the anchor's IP, and how kubelet asks it.",
    fields={
        "port": Int(
            doc="Port of /readyz, /livez, /hold, /metrics and /status.",
            default=8091,
            minimum=1,
            maximum=65535,
        ),
        "periodSeconds": Int(doc="Seconds between two questions.", default=5, minimum=1, maximum=3600),
        "failureThreshold": Int(doc="Failures in a row that turn the pair unready.", default=3, minimum=1, maximum=100),
    },
)

LAUNCHER = Obj(
    doc="The launcher: what it is made of and where it is found on the node.",
    fields={
        "hostPath": Str(
            doc=r"Directory of the launcher on every node, which must exist; only administrators may write to it, as it runs as SYSTEM (docs/bundle.md). Empty: C:\mooring, on Linux /opt/mooring."
        ),
        "python": Str(
            doc=r"Python that runs it; empty: python\python.exe (on Linux python/bin/python3) below launcher.hostPath."
        ),
        "source": Str(
            doc="Where the launcher comes from: launcher.hostPath (host), or the chart (configMap), which must have been generated with it, so set this in the App. Python, and psutil in lib, come from the host either way.",
            default="host",
            enum=("host", "configMap"),
        ),
        "image": image(
            "Image of the launcher's container; empty repository: the HostProcess base image, on Linux a small Debian."
        ),
        "kind": Str(doc="Which launcher runs.", default="mooring", enum=("mooring", "cplauncher")),
        "attach": Str(
            doc="How the program enters the compartment: job (every thread and child, no change to the program) or env (only "
            "COMPARTMENT_ID_ATTACH is set, for programs that switch themselves).",
            default="job",
            enum=("job", "env"),
        ),
        "resources": Open(
            doc="Requests and limits of the launcher's container, the program included.",
            kubernetes="ResourceRequirements",
            fields=RESOURCES,
        ),
        "podAnnotations": annotation_map("Annotations of the launcher's pods."),
        "podLabels": label_map("Labels of the launcher's pods."),
    },
)

ANCHOR = Obj(
    doc="The anchors: ordinary pods that own the network compartment and the pod IP. A mesh proxy is injected here.",
    fields={
        "strategy": Str(
            doc="How anchors are provided: one StatefulSet of all (ordinal), one StatefulSet for each replica (static), one anchor "
            "for all replicas (shared). See docs/strategies.md of mooring for what each costs.",
            default="ordinal",
            enum=("ordinal", "static", "shared"),
        ),
        "create": Bool(
            doc="Whether the chart makes the anchors. If not, the launchers go where the anchors of others are: with strategy ordinal "
            "those carry the label apps.kubernetes.io/pod-index, as StatefulSets give it; with static they may be any pods, and each "
            "launcher has a StatefulSet of its own.",
            default=True,
        ),
        "selector": Str(
            doc="With create: false, the labels of anchor {ordinal}: key=value, more after commas, e.g. app=my-anchor-{ordinal}; "
            "with strategy shared without {ordinal}."
        ),
        "namespace": Str(
            doc="With create: false, the anchors' namespace; empty: the release's. In another one there are no Services.",
            pattern=NAME,
        ),
        "waitSeconds": Int(
            doc="Seconds a launcher waits for its anchor's network before it gives up and is restarted.",
            default=300,
            minimum=10,
            maximum=86400,
        ),
        "unschedulableSeconds": Int(
            doc="Seconds an anchor may be unschedulable on its launcher's node before the launcher evicts itself to look for "
            "a node where both fit.",
            default=60,
            minimum=5,
            maximum=86400,
        ),
        "image": image("Image of the anchor's container; it only has to wait.", "registry.k8s.io", "pause", "3.10.1"),
        "podAnnotations": annotation_map("Annotations of the anchors' pods, e.g. linkerd.io/inject: enabled."),
        "podLabels": label_map("Labels of the anchors' pods."),
        "resources": Open(
            doc="Requests and limits of the anchor's container.", kubernetes="ResourceRequirements", fields=RESOURCES
        ),
        **ANCHOR_KUBERNETES,
    },
)

SERVICE = Obj(
    doc="The Services. They select the anchors, which own the IPs; a program without ports has none.",
    fields={
        "enabled": Bool(doc="Whether there is a Service over all replicas.", default=True),
        "type": Str(doc="Its type.", default="ClusterIP", enum=("ClusterIP", "NodePort", "LoadBalancer")),
        "annotations": annotation_map(
            "Annotations of the Service over all replicas; with anchor.strategy: shared of those in its place."
        ),
        "perReplica": Bool(
            doc="One more Service for each replica, <fullname>-anchor-<n>, for clients that must reach one replica: for replicas, or autoscaling.maxReplicas, at installation; kubectl scale adds none. With anchor.strategy: shared these take the place of the one over all.",
            default=False,
        ),
        "spec": Open(
            doc="Other fields of its spec, e.g. sessionAffinity or loadBalancerClass; not type, which is service.type, and not selector or ports, which are made of target.ports.",
            kubernetes="ServiceSpec",
            fields=SERVICE_SPEC,
        ),
    },
)

RBAC = Obj(
    doc="What the launcher may do: by name, never by list.",
    fields={
        "create": Bool(
            doc="Whether the chart makes the Role and its binding, and those of helm test, whose account is <fullname>-test.",
            default=True,
        ),
        "maxReplicas": Int(
            doc="Ordinals named in the Role, from ordinals.start on; no replica beyond them can start.",
            default=32,
            minimum=1,
            maximum=1000,
        ),
    },
)

PDB = Obj(
    doc="One budget over both halves of all pairs.",
    fields={
        "enabled": Bool(doc="Whether there is one.", default=True),
        "maxUnavailable": IntOrStr(
            doc="Pods that may be down at once by eviction; a pair goes together. With anchor.strategy: shared all replicas go together, so all but 0 means 100%.",
            default=1,
            minimum=0,
            maximum=INT32,
            pattern=r"^(100|[0-9]{1,2})%$",
        ),
        "unhealthyPodEvictionPolicy": Str(
            doc="With AlwaysAllow the other half of a broken pair can follow.",
            default="AlwaysAllow",
            enum=("AlwaysAllow", "IfHealthyBudget"),
        ),
    },
)

KEDA = Obj(
    doc="A KEDA ScaledObject (keda.sh/v1alpha1) on the launcher set in place of the HorizontalPodAutoscaler, under KEDA's own names.",
    fields={
        "enabled": Bool(
            doc="Whether there is one; then replicas is not rendered. KEDA must be in the cluster.", default=False
        ),
        "annotations": annotation_map("Its annotations, e.g. autoscaling.keda.sh/paused-replicas."),
        "minReplicaCount": Int(doc="Fewest replicas while a trigger is active.", default=1, minimum=0, maximum=1000),
        "maxReplicaCount": Int(doc="Most replicas; at most rbac.maxReplicas.", default=10, minimum=1, maximum=1000),
        "idleReplicaCount": Int(
            doc="Replicas while no trigger is active; null: minReplicaCount. Only 0 works: with any other number KEDA goes back and forth between it and minReplicaCount (kedacore/keda#2314).",
            default=None,
            minimum=0,
            maximum=0,
        ),
        "pollingInterval": Int(
            doc="Seconds between two looks at the triggers; null: KEDA's own.", default=None, minimum=1, maximum=INT32
        ),
        "cooldownPeriod": Int(
            doc="Seconds without an active trigger before it scales to idle or 0; null: KEDA's own.",
            default=None,
            minimum=0,
            maximum=INT32,
        ),
        "initialCooldownPeriod": Int(
            doc="Seconds after its creation before cooldownPeriod counts; null: KEDA's own.",
            default=None,
            minimum=0,
            maximum=INT32,
        ),
        "triggers": Open(
            doc="What it scales by, e.g. prometheus with the launcher's own metrics. On Windows not cpu or memory: metrics-server reports nothing for HostProcess pods.",
            kubernetes="ScaleTriggers",
            is_list=True,
            fields=TRIGGER,
            required=("type", "metadata"),
        ),
        "advanced": Open(
            doc="Behaviour of KEDA's own HorizontalPodAutoscaler, scalingModifiers, restoreToOriginalReplicaCount.",
            kubernetes="AdvancedConfig",
        ),
        "fallback": Open(
            doc="Replicas while a trigger cannot be read.",
            kubernetes="Fallback",
            fields=FALLBACK,
        ),
    },
)

AUTOSCALING = Obj(
    doc="A HorizontalPodAutoscaler on the launcher set; the anchors follow.",
    fields={
        "enabled": Bool(
            doc="Whether there is one; then replicas is not rendered. It excludes autoscaling.keda.", default=False
        ),
        "minReplicas": Int(doc="Fewest replicas.", default=1, minimum=0, maximum=1000),
        "maxReplicas": Int(doc="Most replicas; at most rbac.maxReplicas.", default=10, minimum=1, maximum=1000),
        "metrics": Open(
            doc="What it scales by; empty, on Linux: 80 % of the CPU that launcher.resources requests. metrics-server reports nothing for HostProcess pods, so on Windows these must be given and be of type Pods, Object or External.",
            kubernetes="MetricSpec",
            is_list=True,
            fields=METRIC,
            required=("type",),
        ),
        "behavior": Open(doc="How fast it scales.", kubernetes="HorizontalPodAutoscalerBehavior"),
        "keda": KEDA,
    },
)

TESTS = Obj(
    doc="`helm test`: a pod that asks every replica on its own IP, and the Service. It runs the launcher's own file, by the node's Python.",
    fields={
        "enabled": Bool(doc="Whether there is one. There is none for anchors that others made.", default=True),
        "timeoutSeconds": Int(
            doc="Seconds until what is not well counts as failed.", default=60, minimum=0, maximum=3600
        ),
        "image": image(
            "Image of its container: launcher.image, less what is given here (registry, tag or digest, all of it).",
            like="launcher.image",
        ),
        "resources": Open(
            doc="Requests and limits of its container.", kubernetes="ResourceRequirements", fields=RESOURCES
        ),
        "podAnnotations": annotation_map("Annotations of its pod, e.g. linkerd.io/inject: disabled."),
    },
)

_FIELDS: dict[str, Node] = {
    "replicas": Int(
        doc="Pairs of launcher and anchor. Scale later with kubectl scale statefulset <fullname>.",
        default=1,
        minimum=0,
        maximum=1000,
    ),
    "platform": Str(
        doc="Operating system of the nodes: windows is the product; linux rehearses the same chart with network namespaces.",
        default="windows",
        enum=("windows", "linux"),
    ),
    "colocation": Str(
        doc="perReplica: anchor n follows launcher n to any node (Kubernetes 1.31 or later). singleNode: all pairs on one node.",
        default="perReplica",
        enum=("perReplica", "singleNode"),
    ),
    "target": TARGET,
    "gate": GATE,
    "stop": STOP,
    "readiness": READINESS,
    "launcher": LAUNCHER,
    "anchor": ANCHOR,
    "ordinals": Obj(
        doc="Numbering of the replicas.",
        fields={"start": Int(doc="The first ordinal.", default=0, minimum=0, maximum=9999)},
    ),
    "scaling": Obj(
        doc="How the anchors' number follows the launchers'.",
        fields={
            "follow": Bool(
                doc="With anchor.strategy: ordinal, the launcher of the first ordinal mirrors the replicas of its set to the anchors' "
                "set. Without it both sets are scaled by hand. Other strategies have nothing to mirror.",
                default=True,
            )
        },
    ),
    "service": SERVICE,
    "serviceAccount": service_account("ServiceAccount of the launchers, the only ones with a token."),
    "rbac": RBAC,
    "podDisruptionBudget": PDB,
    "autoscaling": AUTOSCALING,
    "tests": TESTS,
    **LAUNCHER_KUBERNETES,
    **METADATA,
    **EXTRAS,
    "enabled": Bool(doc="For an umbrella chart's condition; the chart itself does not read it.", default=True),
    "global": Open(
        doc="What an umbrella chart shares with its charts; this chart does not read it.", kubernetes="object"
    ),
}

VALUES = Obj(doc="The values of the chart.", fields=_FIELDS)
