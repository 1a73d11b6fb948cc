"""The Gateway API's own CustomResourceDefinitions, to check what the chart renders against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.cluster.stack.builds import TOOLS
from tests.crds import module_folder, strict_schema

PINNED = TOOLS / "gateway-api"
PLURALS = ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants", "tcproutes")


def definitions() -> list[dict[str, Any]]:
    """Return the definitions of PLURALS, of the standard channel."""
    return [yaml.load(_file(plural).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) for plural in PLURALS]


def schema_of(route: dict[str, Any], channel: str = "standard") -> dict[str, Any]:
    """Return the schema of a route's kind in the version that it says."""
    return strict_schema(_file(f"{route['kind'].lower()}s", channel), route["apiVersion"].rpartition("/")[2])


def _file(plural: str, channel: str = "standard") -> Path:
    return module_folder(PINNED) / f"config/crd/{channel}/gateway.networking.k8s.io_{plural}.yaml"
