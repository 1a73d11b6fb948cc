"""What Helm renders for a chart, split into what a rehearsal runs."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mooring.errors import InputError, UserError
from mooring.text.reader import find_misread_paths, read_file

Object = dict[str, Any]
NAMESPACE = "default"


class RehearsalError(UserError):
    """A problem with the chart, Helm or this machine, which the message explains."""


@dataclass(frozen=True)
class Manifest:
    """The rendered objects of one release."""

    objects: list[Object]

    def of_kind(self, kind: str) -> list[Object]:
        """Return the objects of a kind, in the order rendered."""
        return [obj for obj in self.objects if obj.get("kind") == kind]

    @property
    def stateful_sets(self) -> list[Object]:
        """Return the StatefulSets, each with its namespace filled in."""
        sets = self.of_kind("StatefulSet")
        for obj in sets:
            obj["metadata"].setdefault("namespace", NAMESPACE)
        return sets

    @property
    def config_maps(self) -> dict[tuple[str, str], dict[str, bytes]]:
        """Return the files of each ConfigMap, by namespace and name."""
        return {
            (obj["metadata"].get("namespace", NAMESPACE), obj["metadata"]["name"]): {
                **{key: str(text).encode() for key, text in (obj.get("data") or {}).items()},
                **{key: base64.b64decode(text) for key, text in (obj.get("binaryData") or {}).items()},
            }
            for obj in self.of_kind("ConfigMap")
        }

    @property
    def secrets(self) -> dict[tuple[str, str], dict[str, bytes]]:
        """Return the values of each Secret, by namespace and name; stringData overrides data."""
        return {
            (obj["metadata"].get("namespace", NAMESPACE), obj["metadata"]["name"]): {
                **{key: base64.b64decode(text) for key, text in (obj.get("data") or {}).items()},
                **{key: str(text).encode() for key, text in (obj.get("stringData") or {}).items()},
            }
            for obj in self.of_kind("Secret")
        }

    def rules_of(self, namespace: str, account: str) -> list[Object]:
        """Return the PolicyRules that the manifest's RoleBindings grant to a ServiceAccount."""
        roles = {role["metadata"]["name"]: role.get("rules") or [] for role in self.of_kind("Role")}
        bound = [
            binding["roleRef"]["name"]
            for binding in self.of_kind("RoleBinding")
            for subject in binding.get("subjects") or []
            if (subject["name"], subject.get("namespace", namespace)) == (account, namespace)
        ]
        return [rule for name in bound for rule in roles.get(name, [])]


def find_helm(helm: str | None = None) -> str:
    """Return the helm to use: the given one, the one on PATH, or the one next to this Python."""
    if helm:
        return helm
    beside = Path(sys.executable).parent / "helm"
    found = shutil.which("helm") or (str(beside) if beside.exists() else None)
    if found is None:
        raise RehearsalError("helm is neither on PATH nor next to this Python; install Helm 3, or give --helm PATH")
    return found


def render(chart: Path, values: Sequence[Path], sets: Sequence[str], helm: str | None = None) -> Manifest:
    """Run `helm template` on a chart; raises RehearsalError with Helm's own message.

    Raises InputError for values files with paths that YAML misreads, which Helm would not notice.
    """
    misread = [problem for file in values for problem in find_misread_paths(read_file(str(file)), str(file))]
    if misread:
        raise InputError(misread)
    command = [find_helm(helm), "template", _release_name(chart), str(chart), "--namespace", NAMESPACE]
    command += [part for file in values for part in ("-f", str(file))]
    command += [part for pair in sets for part in ("--set", pair)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"{command[0]}: {error.strerror}"
        raise RehearsalError(message) from error
    if result.returncode:
        message = f"helm template {chart}: {result.stderr.strip()}"
        raise RehearsalError(message)
    return parse(result.stdout)


def parse(text: str) -> Manifest:
    """Read rendered YAML; raises RehearsalError if it is for Windows or has nothing to run."""
    manifest = Manifest([obj for obj in yaml.load_all(text, yaml.CSafeLoader) if obj])
    if not manifest.stateful_sets:
        raise RehearsalError(
            "the chart renders no StatefulSet, so there is nothing to rehearse; give a chart that mooring generated"
        )
    if any(_is_windows(obj) for obj in manifest.stateful_sets):
        raise RehearsalError("the chart renders pods for Windows; rehearse it with --set platform=linux")
    return manifest


def _is_windows(stateful_set: Object) -> bool:
    spec: Object = stateful_set["spec"]["template"]["spec"]
    selector = spec.get("nodeSelector") or {}
    return "windows" in ((spec.get("os") or {}).get("name"), selector.get("kubernetes.io/os"))


def _release_name(chart: Path) -> str:
    """Name the release after the chart."""
    file = chart / "Chart.yaml"
    if not file.is_file():
        message = f"{chart} is not a chart, because it has no Chart.yaml; give a chart's directory"
        raise RehearsalError(message)
    return str(yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["name"])
