"""KEDA's own definition of a ScaledObject, as the judge of what the chart renders.

It is read from the module `github.com/kedacore/keda/v2` in Go's module cache, fetched there on first use. The version
and its checksum stand in `cluster/tools/keda`; Go refuses a module whose checksum is another.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from tools import require

PINNED = Path(__file__).parent / "cluster" / "tools" / "keda"
_CRD = "config/crd/bases/keda.sh_scaledobjects.yaml"


@functools.cache
def crd_file() -> Path:
    """Return where the CustomResourceDefinition of ScaledObjects lies, ready for `kubectl apply`."""
    line = re.search(r"^require (\S+) (\S+)$", (PINNED / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert line, "go.mod requires one module on one line"
    done = subprocess.run(
        [require("go"), "mod", "download", "-json", f"{line[1]}@{line[2]}"],
        cwd=PINNED,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"]) / _CRD


@functools.cache
def schema() -> dict[str, Any]:
    """Return the schema of keda.sh/v1alpha1 ScaledObject with unknown fields refused, as strict decoding does."""
    crd = yaml.load(crd_file().read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    (version,) = [one for one in crd["spec"]["versions"] if one["name"] == "v1alpha1"]
    whole: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    _close(whole)
    # Every kind's own metadata, which a CustomResourceDefinition leaves out.
    whole["properties"]["metadata"] = {"type": "object"}
    return whole


def _close(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _close(item)
    elif isinstance(node, dict):
        if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        for item in node.values():
            _close(item)
