"""Distinguish workloads that start a program in an anchor's compartment from bystanders: node tools, Jobs, agents.

What counts is a mark, `cplauncher` or `COMPARTMENT_ID_ATTACH`, in a container's command or variables, or in a mounted
script that they call. A workload without a mark is a bystander, whatever its command looks like.
"""

from __future__ import annotations

import json
import ntpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mooring.errors import Problem
from mooring.importing.commands.launch import mentioned
from mooring.importing.commands.script import ATTACH
from mooring.importing.commands.words import NotUnderstoodError
from mooring.importing.manifests import Fields, Manifest, dig

if TYPE_CHECKING:
    from mooring.importing.pairs.found import Workload

TAKEN_KINDS = ("Pod", "Deployment", "StatefulSet", "ReplicaSet")
# The program itself, not a folder or one of its log files (below \\var\\log\\cplauncher).
_MARK = re.compile(rf"(?<!log[\\/])\bcplauncher(\.exe)?(?![\\/.\w-])|{ATTACH}", re.IGNORECASE)
_FLAG = re.compile(rf"-(label|compartment)\b|{ATTACH}", re.IGNORECASE)
_SCRIPTS = (".ps1", ".cmd", ".bat")
_MOST_DEPTH = 64


class UnreadableError(NotUnderstoodError):
    """A script that was not among the manifests; `advice` applies if its program is to be imported."""

    def __init__(self, script: str, advice: str) -> None:
        self.script = script
        self.advice = advice
        super().__init__(f"{script}; {advice}")


class MountedScript(NamedTuple):
    """A file that a container mounts from a ConfigMap."""

    file: str
    text: str
    config: Manifest
    key: str


def is_mark(text: str) -> bool:
    """Return whether a text mentions starting something in a compartment."""
    return _MARK.search(text) is not None


def is_call(container: Any) -> bool:
    """Return whether a container's command runs cplauncher, or sets the variable itself."""
    text = mentioned([*_words(container)])
    return is_mark(text) and _FLAG.search(text) is not None


def mentions_script(container: Fields) -> bool:
    """Return whether a container's command runs a script, whatever it does."""
    text = mentioned([*_words(container.value)]).lower()
    return any(end in text for end in _SCRIPTS)


def starts_in_compartment(container: Fields, workload: Workload, configs: Sequence[Manifest]) -> bool:
    """Return whether a container has a mark, or calls a mounted script that has one, directly or through others."""
    texts = _texts([container.value.get(key) for key in ("command", "args", "env")], 0)
    text = " ".join((mentioned([*_words(container.value)]), *texts))
    if is_mark(text):
        return True
    scripts, _ = mounted_scripts(container, workload, configs)
    called = [script for script in scripts if script.file.lower() in text.lower()]
    for script in called:  # grows during the loop
        if is_mark(script.text):
            return True
        called += [each for each in scripts if each not in called and each.file.lower() in script.text.lower()]
    return False


def mounted_scripts(
    container: Fields, workload: Workload, configs: Sequence[Manifest]
) -> tuple[list[MountedScript], str]:
    """Return the files that a container mounts from ConfigMaps, and the name of a ConfigMap that was not read."""
    found, missing = [], ""
    mounts = container.value.get("volumeMounts")
    mounted = [dig(each, "name") for each in mounts] if isinstance(mounts, list) else []
    volumes = workload.pod.value.get("volumes")
    for volume in volumes if isinstance(volumes, list) else []:
        name = dig(volume, "configMap", "name")
        if not isinstance(name, str) or dig(volume, "name") not in mounted:
            continue
        config = next((each for each in configs if each.name == name), None)
        if config is None:
            missing = name
            continue
        items = dig(volume, "configMap", "items")
        files = {str(dig(each, "key")): str(dig(each, "path")) for each in items} if isinstance(items, list) else {}
        data = Fields(config, config.value).strings("data")
        found += [MountedScript(ntpath.basename(files.get(key, key)), data[key], config, key) for key in data]
    return found, missing


def kind_refusal(kind: str) -> str:
    """Return why a kind that starts a program in a compartment is not imported."""
    return f"a {kind} starts a program in a compartment; use one of {', '.join(TAKEN_KINDS)} instead"


def find_unread_users(
    others: Iterable[Manifest], made: Iterable[Manifest], workloads: Sequence[Manifest]
) -> Iterator[Problem]:
    """Yield a problem for each program that would go unreported: its kind is unknown, or its owner was not read."""
    for manifest in others:
        if manifest.kind not in ("ConfigMap", "Secret", *TAKEN_KINDS) and _calls(manifest.value.get("spec")):
            yield manifest.problem(("kind",), kind_refusal(manifest.kind))
    read = {_commands(each.value) for each in workloads}
    reported = set()
    for manifest in made:
        owner = next(each for each in manifest.value["metadata"]["ownerReferences"] if dig(each, "controller") is True)
        title = f"{dig(owner, 'kind')} {dig(owner, 'name')}"
        command = _commands(manifest.value)
        if title not in reported and command not in read and _calls(manifest.value.get("spec")):
            reported.add(title)
            message = (
                f"starts a program in a compartment, but neither its owner {title} nor anything else with this command "
                "was read; add the owner's manifest"
            )
            yield manifest.problem(("metadata", "ownerReferences"), message)


def _calls(spec: Any) -> bool:
    return any(is_call(container) for container in _containers(spec, 0))


def _commands(value: Any) -> str:
    """Return the commands of all containers in an object, as a text to compare."""
    return json.dumps([[*_words(each)] for each in _containers(value, 0)])


def _words(container: Any) -> Iterator[str]:
    for key in ("command", "args"):
        words = dig(container, key)
        yield from (word for word in words if isinstance(word, str)) if isinstance(words, list) else ()


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _texts(item, depth + 1) if depth < _MOST_DEPTH else ()


def _containers(value: Any, depth: int) -> Iterator[Any]:
    """Yield the containers of every pod, or template of one, in a value."""
    if depth > _MOST_DEPTH:
        return
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _containers(item, depth + 1)
    for key in ("containers", "initContainers"):
        items = dig(value, key)
        yield from items if isinstance(items, list) else ()
