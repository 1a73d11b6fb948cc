"""The program: what is started, with what, and what it listens on."""

from __future__ import annotations

from mooring.model.nodes import Bool, Int, ListOf, MapOf, Obj, Str
from mooring.model.values.kubernetes import PORT_NAME
from mooring.model.values.shapes import LABEL_KEY, optional

ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_.()-]*$"
OF_SERVICES = ("servicePort", "nodePort", "appProtocol")
"""What a port of the program says only of its Services: the launcher does not read it."""
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
            doc="Its arguments, one item each; they reach the program unchanged.",
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
            doc="How to treat {ordinal}, $(POD_NAME), %TEMP% and the like in its texts, which nothing expands: refuse, or literal "
            "to pass them to the program unchanged.",
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
                    "nodePort": Int(
                        doc="The nodes' port, for service.type NodePort or LoadBalancer; null: the cluster chooses.",
                        default=None,
                        minimum=1,
                        maximum=65535,
                    ),
                    "appProtocol": Str(
                        doc="The application protocol, for gateways and meshes, e.g. http, kubernetes.io/h2c or tcp; empty: none.",
                        pattern=optional(LABEL_KEY),
                    ),
                },
            ),
        ),
        "mounts": MapOf(
            doc="Directories of the node that the program needs, mounted for it; nothing else of the node is. On Windows this "
            "documents and mounts but does not restrict: a HostProcess container sees the whole disk.",
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
            doc=r"Account the program runs as, on Windows: LocalService, NetworkService, DOMAIN\name$ (a group-managed service account) or DOMAIN\name (its password in RUN_AS_PASSWORD, by extraEnv from a Secret); each is a boundary. restricted is hygiene, not a boundary: fewer privileges, but still SYSTEM's SID, so it can write whatever SYSTEM can. Empty: the launcher's own account, SYSTEM."
        ),
        "sha256": Str(
            doc="SHA-256 of the program's file, in hex: a file with another hash is not started, nor, on Linux, is any script. Empty: no check.",
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
                        doc="Arguments instead of target.args; empty: target.args.",
                        item=Str(doc="One argument."),
                    ),
                    "env": env("Environment variables on top of target.env."),
                    "ports": MapOf(
                        doc="With anchor.strategy: shared, this replica's port instead of the one in target.ports, by port name: replicas on one IP need different ports.",
                        item=Int(doc="The port this replica listens on.", default=0, minimum=1, maximum=65535),
                        key_pattern=PORT_NAME,
                    ),
                },
            ),
        ),
    },
)
