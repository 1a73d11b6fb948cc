r"""Warnings: what is legal and most likely not what was meant. Nothing is refused.

The chart prints the same after an installation (templates/NOTES.txt, by templates/_validate_text.tpl).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mooring.model.rules.rule import Values

SHARE = re.compile(r"^\\\\[^\\/?.]")
MAPPED = re.compile(r"^[F-Zf-z]:")
"""C: to E: are disks of nearly every node that has them; drives that are mapped for a user come after those."""

ON_A_SERVER = (
    "is on a file server, which the launcher and kubelet reach only as the node's own account (SYSTEM), not as a user; "
    "give that account access to the share, or copy the files to the node"
)
MAPPED_DRIVE = (
    "must be a disk of the node: a drive mapped for a user (net use) belongs to that user's logon session, and "
    "SYSTEM, which runs the launcher, does not see it"
)
SHARED_IDENTITY = (
    "is the anchors' ServiceAccount and so their identity in the mesh, and the chart does not create it: every other "
    "pod that uses it has the same identity; leave out anchor.serviceAccount unless that is meant"
)


def find_warnings(values: Values) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield path, what was found and a sentence, for each doubtful place of valid, complete values."""
    account = values["anchor"]["serviceAccount"]
    if values["mesh"]["linkerd"]["enabled"] and not account["create"]:
        yield ("anchor", "serviceAccount", "name"), account["name"] or "default", SHARED_IDENTITY
    if values["platform"] != "windows":
        return
    target, launcher = values["target"], values["launcher"]
    paths: list[tuple[tuple[str, ...], str]] = [
        (("target", "exe"), target["exe"]),
        (("target", "workingDir"), target["workingDir"]),
        *((("target", "mounts", name, "hostPath"), mount["hostPath"]) for name, mount in target["mounts"].items()),
        (("launcher", "hostPath"), launcher["hostPath"]),
        (("launcher", "python"), launcher["python"]),
    ]
    for path, text in paths:
        if SHARE.match(text):
            yield path, text, ON_A_SERVER
        elif MAPPED.match(text):
            yield path, text, MAPPED_DRIVE
