"""Render a chart by real Helm and look objects up by kind and name."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from tests.linkerd import schemas
from tests.tools import require

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "chart"
EXAMPLES = sorted((ROOT / "values-examples").glob("*.yaml"))
KUBE_VERSION = "1.34.0"

MINIMAL: Mapping[str, Any] = {"target": {"exe": r"C:\apps\orders.exe", "ports": {"http": {"port": 8080}}}}

Objects = dict[tuple[str, str], dict[str, Any]]

# It reads megabytes of definitions again for every object, which is nearly all the time these tests take.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


class RenderError(Exception):
    """Helm refused; the text is what the user sees."""


def helm(*arguments: str, stdin: str = "") -> str:
    """Run Helm and return its standard output."""
    done = subprocess.run(
        [require("helm"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HELM_CONFIG_HOME": "/nonexistent", "HELM_DATA_HOME": "/nonexistent"},
    )
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


def render_text(
    values: Mapping[str, Any] | None = None,
    *,
    files: Sequence[Path] = (),
    sets: Sequence[str] = (),
    release: str = "orders",
    namespace: str = "apps",
    chart: Path = CHART,
    kube_version: str = KUBE_VERSION,
    flags: Sequence[str] = (),
) -> str:
    """Return what ``helm template`` prints; ``values`` are layered on top of ``files``."""
    arguments = ["template", release, str(chart), "--namespace", namespace, "--kube-version", kube_version, *flags]
    for file in files:
        arguments += ["--values", str(file)]
    for one in sets:
        arguments += ["--set", one]
    if values is not None:
        arguments += ["--values", "-"]
    return helm(*arguments, stdin=as_yaml(values) if values is not None else "")


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return JSON, which YAML includes, with one exception: a character beyond U+FFFF is one escape there, not two."""

    def one(found: re.Match[str]) -> str:
        text = found[0]
        return text if text == "\\\\" else "\\U" + f"{ord(json.loads(chr(34) + text + chr(34))):08X}"

    return re.sub(r"\\\\|\\ud[89ab]..\\ud[c-f]..", one, json.dumps(values))


def render(values: Mapping[str, Any] | None = None, **options: Any) -> Objects:
    """Return the rendered objects by (kind, name)."""
    documents = yaml.load_all(render_text(values, **options), Loader=yaml.CSafeLoader)
    return {(one["kind"], one["metadata"]["name"]): one for one in documents if one}


def notes(folder: Path, values: Mapping[str, Any], source: Path = CHART) -> str:
    """Return the notes of an installation, which only a cluster shows: a copy of the chart has them in an object."""
    chart = Path(shutil.copytree(source, folder / "chart"))
    (chart / "templates" / "NOTES.txt").rename(chart / "notes")
    (chart / "templates" / "notes.yaml").write_text(
        'kind: Notes\nmetadata: {name: notes}\ntext: {{ tpl (.Files.Get "notes") . | toJson }}\n', encoding="utf-8"
    )
    text: str = render(values, chart=chart)["Notes", "notes"]["text"]
    return text


def refusal(values: Mapping[str, Any] | None = None, **options: Any) -> str:
    """Return why Helm refused; fail if it did not."""
    try:
        render_text(values, **options)
    except RenderError as error:
        return str(error)
    raise AssertionError("the chart rendered")


def layered(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return maps merged deeply, later ones winning, as Helm layers values files."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = layered(result[key], value) if both else value
    return result


def pod_spec(objects: Objects, name: str) -> dict[str, Any]:
    """Return the pod spec of a StatefulSet."""
    spec: dict[str, Any] = objects["StatefulSet", name]["spec"]["template"]["spec"]
    return spec


def container(objects: Objects, name: str) -> dict[str, Any]:
    """Return the first container of a StatefulSet's pods."""
    one: dict[str, Any] = pod_spec(objects, name)["containers"][0]
    return one


def config(objects: Objects) -> dict[str, Any]:
    """Return the launcher's configuration from the annotation, whatever the values name the sets."""
    for (kind, _), one in objects.items():
        annotations = one["spec"]["template"]["metadata"].get("annotations", {}) if kind == "StatefulSet" else {}
        if "mooring/config" in annotations:
            document: dict[str, Any] = json.loads(annotations["mooring/config"])
            return document
    raise AssertionError("no StatefulSet carries the launcher's configuration")


def assert_accepted(objects: Objects, version: str) -> None:
    """Check every object against the strict schema of a version of Kubernetes, or of its own project."""
    for one in objects.values():
        if one["apiVersion"].startswith(schemas.GROUP):
            schemas.validate(one)
        else:
            kubernetes_validate.validate(one, version, strict=True)
