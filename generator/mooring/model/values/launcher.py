"""The launcher, what it may do, and the pod that tests it."""

from __future__ import annotations

from mooring.model.nodes import Bool, Int, Obj, Open, Str
from mooring.model.values.kubernetes import image
from mooring.model.values.shapes import RESOURCES, annotation_map, label_map

LAUNCHER = Obj(
    doc="The launcher: what it is, and where it is on the node.",
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
        "kind": Str(doc="Which launcher to run.", default="mooring", enum=("mooring", "cplauncher")),
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

RBAC = Obj(
    doc="What the launcher may do: by name, never by list.",
    fields={
        "create": Bool(
            doc="Whether the chart makes the Role and its binding, and those of helm test, whose account is <fullname>-test.",
            default=True,
        ),
        "maxReplicas": Int(
            doc="Ordinals named in the Role, starting at ordinals.start; replicas beyond them cannot start.",
            default=32,
            minimum=1,
            maximum=1000,
        ),
    },
)

TESTS = Obj(
    doc="`helm test`: a pod that probes every replica on its own IP, and the Service. It runs the launcher's own file with the node's Python.",
    fields={
        "enabled": Bool(doc="Whether the chart has one. With anchors that others create it never does.", default=True),
        "timeoutSeconds": Int(
            doc="Seconds after which an unhealthy replica counts as failed.", default=60, minimum=0, maximum=3600
        ),
        "image": image(
            "Image of its container: launcher.image, overridden by what is set here (registry, tag or digest, or all of it).",
            like="launcher.image",
        ),
        "resources": Open(
            doc="Requests and limits of its container.", kubernetes="ResourceRequirements", fields=RESOURCES
        ),
        "podAnnotations": annotation_map("Annotations of its pod, e.g. linkerd.io/inject: disabled."),
    },
)
