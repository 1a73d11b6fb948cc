"""The Gateway API's own CustomResourceDefinitions, to check what the chart renders against."""

from __future__ import annotations

from typing import Any

import yaml

from tests.cluster.stack.builds import TOOLS
from tests.crds import module_folder

PINNED = TOOLS / "gateway-api"
PLURALS = ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants", "tcproutes")


def definitions() -> list[dict[str, Any]]:
    """Return the definitions of PLURALS, of the standard channel."""
    folder = module_folder(PINNED) / "config/crd/standard"
    files = [folder / f"gateway.networking.k8s.io_{plural}.yaml" for plural in PLURALS]
    return [yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) for file in files]
