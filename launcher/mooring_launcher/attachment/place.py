"""Where a target runs, and what it is started with there."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from mooring_launcher.cluster.anchor import Attached as Anchor
from mooring_launcher.config import Config
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import TargetSpec

COMPARTMENT_ENV = "MOORING_COMPARTMENT_ENV"
"""Names an additional variable that carries the compartment's id to the program, as cplauncher's -env-name does."""


class Place(NamedTuple):
    """Where to attach: the anchor, its compartment, and since when (time.monotonic()) the launcher has tried to."""

    anchor: Anchor
    compartment: Compartment
    since_s: float


def target_spec(config: Config, environ: Mapping[str, str], place: Place, ordinal: int) -> TargetSpec:
    """Return what to start in that place."""
    target = config["target"]
    return TargetSpec(
        target["exe"],
        target["args"],
        working_dir(target),
        target_environment(environ, target["env"], place, ordinal),
        config["stop"]["consoleEvent"],
        config["attach"],
        target["runAs"],
        target["sha256"],
        target["signedBy"],
        target["lifetime"],
    )


def target_environment(
    environ: Mapping[str, str], own: Mapping[str, str], place: Place, ordinal: int
) -> dict[str, str]:
    """Return the container's environment without KUBERNETES_*, then the target's own variables, then its place."""
    inherited = {key: value for key, value in environ.items() if not key.startswith("KUBERNETES_")}
    additional = inherited.pop(COMPARTMENT_ENV, "")
    return {
        **inherited,
        **own,
        **({additional: str(place.compartment.id)} if additional else {}),
        "COMPARTMENT_ID_ATTACH": str(place.compartment.id),
        "MOORING_ORDINAL": str(ordinal),
        "MOORING_ANCHOR_IP": place.anchor.ip,
    }


def working_dir(target: Mapping[str, Any]) -> str:
    """Return target.workingDir or, if that is empty, the program's directory (os.path is ntpath on Windows)."""
    return str(target["workingDir"] or os.path.dirname(target["exe"]))
