"""The fields of an App, and of the launcher's configuration document: trees of the same nodes as the values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mooring.model.nodes import Int, ListOf, MapOf, Node, Obj, Str
from mooring.model.values import VALUES

API_VERSION = "mooring/v1"
STRING_MAP = "map of string"
"""The open nodes of this Kubernetes type hold strings alone: labels and annotations."""

CONFIG_VERSIONS = (1, 2)
"""What a launcher of this version takes: N-1 and N, which charts write."""

# A label must fit 63 characters: <fullname>-anchor-<ordinal> and, for the revision, <fullname>-anchor-<10 characters>
# (kubernetes#64023). Names of Services must start with a letter (RFC 1035).
MAX_NAME = 45
APP_NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
WINDOWS_DEVICES = (
    *("con", "prn", "aux", "nul"),
    *(f"{device}{number}" for device in ("com", "lpt") for number in range(10)),
)
"""What no file or directory can be called on Windows (Microsoft, "Naming Files, Paths, and Namespaces")."""
# https://semver.org, "Is there a suggested regular expression": what Helm asks of a chart's version.
SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$"
)

APP = Obj(
    doc="What an app team writes: one program, from which mooring makes a Helm chart.",
    required=("apiVersion", "kind", "name", "version", "values"),
    fields={
        "apiVersion": Str(doc="Version of this format.", enum=(API_VERSION,)),
        "kind": Str(doc="What this file describes.", enum=("App",)),
        "name": Str(
            doc="Name of the App and of its chart.", pattern=APP_NAME, max_length=MAX_NAME, reserved=WINDOWS_DEVICES
        ),
        "version": Str(doc="Version of the chart (semantic versioning).", pattern=SEMVER),
        "appVersion": Str(doc="Version of the program; empty: the same as version."),
        "description": Str(doc="What the program does, in a sentence."),
        "keywords": ListOf(doc="Words the chart is found by.", item=Str(doc="One word.")),
        "maintainers": ListOf(
            doc="Who looks after it.",
            item=Obj(
                doc="A person or team.",
                required=("name",),
                fields={
                    "name": Str(doc="Name."),
                    "email": Str(doc="Mail address."),
                    "url": Str(doc="Web page."),
                },
            ),
        ),
        "values": VALUES,
    },
)


def _object(node: Node) -> Obj:
    if not isinstance(node, Obj):
        raise TypeError(node)
    return node


def _pick(node: Node, *names: str) -> Obj:
    """Return the object with these fields alone."""
    parent = _object(node)
    return replace(parent, fields={name: parent.fields[name] for name in names})


def _config_target() -> Obj:
    """Return the values' target less what concerns the pod or the chart alone: mounts, the Service's ports, a rule."""
    target = _object(VALUES.fields["target"]).without("mounts", "placeholders")
    ports = target.fields["ports"]
    if not isinstance(ports, MapOf):
        raise TypeError(ports)
    port = _object(ports.item).without("servicePort")
    exe = replace(target.fields["exe"], pattern=".")  # type: ignore[call-arg]  # a Str, which has a pattern
    return replace(target, required=("exe",), fields={**target.fields, "exe": exe, "ports": replace(ports, item=port)})


def make_config() -> Obj:
    """Return the launcher's configuration document: a head of its own, the rest as in the values."""
    values: dict[str, Any] = dict(VALUES.fields)
    return Obj(
        doc="What the launcher is told, as one JSON document in an annotation of its pod.",
        required=(
            "configVersion",
            "app",
            "platform",
            "launcherSet",
            "anchorSet",
            "anchorPod",
            "anchorGraceSeconds",
            "target",
        ),
        fields={
            "configVersion": Int(
                doc="Version of this format.",
                default=None,
                minimum=min(CONFIG_VERSIONS),
                maximum=max(CONFIG_VERSIONS),
            ),
            "app": Obj(
                doc="Whose launcher this is.",
                required=("name", "version"),
                fields={"name": Str(doc="The App's name."), "version": Str(doc="The App's version.")},
            ),
            "platform": values["platform"],
            "launcherSet": Str(doc="Name of the launchers' StatefulSet.", pattern="."),
            "anchorSet": Str(doc="Name of the anchors' StatefulSet.", pattern="."),
            "anchorPod": Str(
                doc="Name of the anchor of the replica with ordinal {ordinal}, unless anchor.selector finds it.",
                pattern=".",
            ),
            "anchorGraceSeconds": Int(
                doc="The least grace period of an anchor, in seconds: the program stops before its network goes.",
                default=None,
                minimum=1,
            ),
            "anchor": _pick(
                values["anchor"],
                "strategy",
                "create",
                "selector",
                "namespace",
                "waitSeconds",
                "unschedulableSeconds",
            ),
            "ordinals": values["ordinals"],
            "maxReplicas": replace(
                _object(values["rbac"]).fields["maxReplicas"],
                doc="How many ordinals there can be, from ordinals.start on.",
            ),
            "scaling": values["scaling"],
            "attach": _object(values["launcher"]).fields["attach"],
            "target": _config_target(),
            "gate": values["gate"],
            "stop": values["stop"],
            "readiness": values["readiness"],
        },
    )
