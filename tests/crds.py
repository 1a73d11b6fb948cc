"""CustomResourceDefinitions of other projects, to check what mooring renders and its examples against.

Each is read from a module in Go's module cache, where first use downloads it. A folder with a `go.mod` of one
Each is read from a module in Go's module cache, where first use downloads it. A folder with a `go.mod` of one
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.tools import require

MODULES = Path(__file__).parent / "modules"
"""Modules pinned for tests that need no cluster: one folder each."""


@functools.cache
def module_folder(pinned: Path) -> Path:
    """Return the folder of the one module that a go.mod requires."""
    line = re.search(r"^require (\S+) (\S+)$", (pinned / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert line, "go.mod requires one module on one line"
    done = subprocess.run(
        [require("go"), "mod", "download", "-json", f"{line[1]}@{line[2]}"],
        cwd=pinned,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])


@functools.cache
def strict_schema(file: Path, version: str) -> dict[str, Any]:
    """Return the schema of one version of a kind; it refuses unknown fields, as strict decoding does."""
    return strict_schema_of(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader), version)


def strict_schema_of(crd: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the same of a CustomResourceDefinition, whose schemas it closes."""
    (found,) = [one for one in crd["spec"]["versions"] if one["name"] == version]
    whole: dict[str, Any] = found["schema"]["openAPIV3Schema"]
    _close(whole)
    # What every object has, and a CustomResourceDefinition may leave out.
    own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    whole["properties"] |= own
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
