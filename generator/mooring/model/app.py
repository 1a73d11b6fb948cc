"""The fields of an App, and of the launcher's configuration document: trees of the same nodes as the values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mooring.model.nodes import Int, ListOf, MapOf, Node, Obj, Pattern, Str
from mooring.model.values import VALUES
from mooring.model.values.target import OF_SERVICES

API_VERSION = "mooring/v1"
CONFIG_VERSIONS = (1, 2)
"""What a launcher of this version accepts: N-1, and N, which charts write."""

# A label must fit 63 characters: <fullname>-anchor-<ordinal> and, for the revision, <fullname>-anchor-<10 characters>
# (kubernetes#64023). Names of Services must start with a letter (RFC 1035).
MAX_NAME = 45
APP_NAME = Pattern(
    r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "a DNS label: lower-case letters, digits and '-', starting with a letter, ending with a letter or digit",
)
WINDOWS_DEVICES = (
    *("con", "prn", "aux", "nul"),
    *(f"{device}{number}" for device in ("com", "lpt") for number in range(10)),
)
"""Reserved on Windows as names of files and directories (Microsoft, "Naming Files, Paths, and Namespaces")."""
# https://semver.org, "Is there a suggested regular expression": what Helm requires of a chart version.
SEMVER = Pattern(
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$",
    "a semantic version such as 1.4.0 or 2.0.0-rc.1",
)

APP = Obj(
    doc="What an app team writes: one program, from which mooring makes a Helm chart.",
    required=("apiVersion", "kind", "name", "version", "values"),
    fields={
        "apiVersion": Str(doc="Version of this format.", enum=(API_VERSION,)),
        "kind": Str(doc="What this file describes.", enum=("App",)),
        "name": Str(
            doc="Name of the App and of its chart.",
            pattern=APP_NAME,
            max_length=MAX_NAME,
            max_length_reason="so that <name>-anchor-<ordinal> fits a label",
            reserved=WINDOWS_DEVICES,
            reserved_reason="is a reserved device name on Windows",
        ),
        "version": Str(doc="Version of the chart (semantic versioning).", pattern=SEMVER),
        "appVersion": Str(doc="Version of the program; empty: the same as version."),
        "description": Str(doc="What the program does, in a sentence."),
        "keywords": ListOf(doc="Keywords to find the chart by.", item=Str(doc="One keyword.")),
        "maintainers": ListOf(
            doc="Who maintains it.",
            item=Obj(
                doc="A person or team.",
                required=("name",),
                fields={
                    "name": Str(doc="Name."),
                    "email": Str(doc="Email address."),
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
    """Return the object with only these fields."""
    parent = _object(node)
    return replace(parent, fields={name: parent.fields[name] for name in names})


def _config_target() -> Obj:
    """Return the values' target without what only concerns pod or chart: mounts, what Services say of ports, a rule."""
    target = _object(VALUES.fields["target"]).without("mounts", "placeholders")
    ports = target.fields["ports"]
    if not isinstance(ports, MapOf):
        raise TypeError(ports)
    port = _object(ports.item).without(*OF_SERVICES)
    exe = replace(target.fields["exe"], pattern=".")  # type: ignore[call-arg]  # a Str, which has a pattern
    return replace(target, required=("exe",), fields={**target.fields, "exe": exe, "ports": replace(ports, item=port)})


def make_config() -> Obj:
    """Return the launcher's configuration document: its own header, the rest as in the values."""
    values: dict[str, Any] = dict(VALUES.fields)
    return Obj(
        doc="The launcher's configuration: one JSON document in an annotation of its pod.",
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
                doc="The least grace period of an anchor, in seconds: the program stops before its network is removed.",
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
