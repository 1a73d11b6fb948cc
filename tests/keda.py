"""KEDA's own definition of a ScaledObject, to check what the chart renders against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cluster.stack.builds import TOOLS
from tests.crds import module_folder, strict_schema

PINNED = TOOLS / "keda"
_CRD = "config/crd/bases/keda.sh_scaledobjects.yaml"


def crd_file() -> Path:
    """Return the path of the ScaledObjects' CustomResourceDefinition, ready for `kubectl apply`."""
    return module_folder(PINNED) / _CRD


def schema() -> dict[str, Any]:
    """Return the schema of keda.sh/v1alpha1 ScaledObject."""
    return strict_schema(crd_file(), "v1alpha1")
