"""Find the pairs in a heap of manifests: which pod starts which program in whose compartment, and who sends traffic."""

from __future__ import annotations

import ntpath
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mooring._errors import InputError, Problem

from .environment import ORDINAL, Environment
from .launch import Launch, find_cplauncher, mentioned, unwrap
from .manifests import Fields, Manifest, dig
from .script import ATTACH, Script, read_script
from .words import NotUnderstoodError

_POD_KINDS = ("Pod", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "ReplicationController")
_TAKEN_KINDS = ("Pod", "Deployment", "StatefulSet", "ReplicaSet")
_NAMED_KINDS = ("Pod", "StatefulSet", "Service", "ServiceAccount")
_MOST_PODS = 100
"""Pods of an old StatefulSet whose names are kept clear of."""
_POD_NAME = "statefulset.kubernetes.io/pod-name"
_POD_INDEX = "apps.kubernetes.io/pod-index"
_SELECTOR_PART = re.compile(r"([^=!,\s()]+)\s*==?\s*([^=!,\s()]*)")
_NUMBERED = re.compile(r"(.*?)(\d{1,4})", re.DOTALL)


class Workload:
    """Something that makes pods, or a pod itself."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.fields = Fields(manifest, manifest.value)
        metadata = self.fields.child("metadata")
        spec = self.fields.child("spec")
        if manifest.kind == "Pod":
            self.own, self.meta, self.pod = Fields(manifest, {}), metadata, spec
        else:
            template = spec.child("template")
            self.own, self.meta, self.pod = spec, template.child("metadata"), template.child("spec")
        self.object_meta = metadata
        self.labels = self.meta.strings("labels")
        self.containers = self.pod.children("containers")
        self.options = self.pod.mapping("securityContext", "windowsOptions")
        options = [self.options, *(dig(each.value, "securityContext", "windowsOptions") for each in self.containers)]
        self.is_host_process = any(dig(each, "hostProcess") is True for each in options)


@dataclass(slots=True)
class Pair:
    """One program, as its launcher starts it, with its anchor."""

    launcher: Workload
    anchor: Workload
    container: Fields
    environment: Environment
    launch: Launch
    number: int | None = None
    """The number in its anchor's label, or of its first replica."""
    is_set: bool = False
    """Whether launcher and anchor are sets whose pods are paired by ordinal."""

    @property
    def namespace(self) -> str:
        """Return where its anchors are, and so its Services."""
        return self.anchor.manifest.namespace or self.launch.namespace or self.launcher.manifest.namespace


@dataclass(slots=True)
class Found:
    """What was found: pairs, Services, what else there is, and problems."""

    pairs: list[Pair] = field(default_factory=list)
    services: list[Manifest] = field(default_factory=list)
    others: list[Manifest] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def names_in(self, namespace: str) -> frozenset[str]:
        """Return the names of old objects there that a new one of the same kind must not have: `Pod orders-0`."""
        if namespace not in self._names:
            halves = [half.manifest for each in self.pairs for half in (each.launcher, each.anchor)]
            there = [each for each in (*halves, *self.services, *self.others) if each.is_in(namespace)]
            names = {each.title for each in there if each.kind in _NAMED_KINDS}
            sets = [each.name for each in there if each.kind == "StatefulSet"]
            names |= {f"Pod {name}-{ordinal}" for name in sets for ordinal in range(_MOST_PODS)}
            self._names[namespace] = frozenset(names)
        return self._names[namespace]


def find_pairs(manifests: Sequence[Manifest]) -> Found:
    """Sort the manifests into pairs, Services and the rest."""
    found = Found()
    manifests = [each for each in manifests if not each.is_made_by_another]
    workloads = _make_workloads(manifests, found)
    configs = [each for each in manifests if each.kind == "ConfigMap"]
    anchors = [each for each in workloads if not each.is_host_process]
    used: set[int] = set()
    for workload in workloads:
        if not workload.is_host_process:
            continue
        try:
            pair = _make_pair(workload, anchors, configs)
        except InputError as error:
            found.problems += error.problems
            used.add(id(workload.manifest))
            continue
        if pair is not None:
            found.pairs.append(pair)
            used |= {id(pair.launcher.manifest), id(pair.anchor.manifest)}
    for manifest in manifests:
        if id(manifest) not in used:
            (found.services if manifest.kind == "Service" else found.others).append(manifest)
    return found


def _make_workloads(manifests: Iterable[Manifest], found: Found) -> list[Workload]:
    workloads = []
    for manifest in manifests:
        if manifest.kind in _POD_KINDS:
            try:
                workloads.append(Workload(manifest))
            except InputError as error:
                found.problems += error.problems
    return workloads


def _make_pair(workload: Workload, anchors: Sequence[Workload], configs: Sequence[Manifest]) -> Pair | None:
    """Return the pair that a HostProcess workload is half of, None if it starts nothing in a compartment."""
    near = [each for each in configs if each.is_in(workload.manifest.namespace)]
    for container in workload.containers:
        command = [*container.texts("command"), *container.texts("args")]
        environment = Environment(container, near)
        try:
            launch = _find_launch(command, container, workload, environment, near)
        except NotUnderstoodError as error:
            container.refuse(f"its command is not understood: {error}", "command")
        if launch is not None:
            _refuse_kind(workload)
            _refuse_siblings(workload, container)
            return _pair_up(Pair(workload, workload, container, environment, launch), anchors)
    return None


def _refuse_kind(workload: Workload) -> None:
    if workload.manifest.kind not in _TAKEN_KINDS:
        message = f"a {workload.manifest.kind} starts a program in a compartment; what can be imported is a "
        workload.manifest.refuse(("kind",), message + ", a ".join(_TAKEN_KINDS))


def _refuse_siblings(workload: Workload, container: Fields) -> None:
    for other in workload.containers:
        if other is not container:
            other.refuse("is a second container beside the one that starts the program; give it a pod of its own")


def _find_launch(
    command: Sequence[str],
    container: Fields,
    workload: Workload,
    environment: Environment,
    configs: Sequence[Manifest],
) -> Launch | None:
    text = mentioned(command)
    has_script = any(word in text.lower() for word in (".ps1", ".cmd", ".bat")) or ATTACH in text
    if "cplauncher" not in text.lower() and not has_script:
        return None
    line = unwrap(command, environment)
    if line.script_text:
        return read_script(Script(line.script_text, is_powershell=True), environment)
    if line.script_file:
        return _read_mounted(line.script_file, container, workload, environment, configs)
    launch = find_cplauncher(line)
    if launch is not None:
        environment.demand((launch.selector, launch.namespace), (launch.exe, *launch.args))
    return launch


def _read_mounted(
    file: str, container: Fields, workload: Workload, environment: Environment, configs: Sequence[Manifest]
) -> Launch | None:
    """Read the script that a container runs, from the ConfigMap mounted there."""
    name = ntpath.basename(file)
    missing = ""
    for config_name, keys in _mounted_configs(container, workload):
        config = next((each for each in configs if each.name == config_name), None)
        if config is None:
            missing = config_name
            continue
        data = Fields(config, config.value).strings("data")
        for key in data:
            if ntpath.basename(keys.get(key, key)).lower() == name.lower():
                script = Script(data[key], name.lower().endswith(".ps1"), config.name)
                if ATTACH not in script.text and "cplauncher" not in script.text.lower():
                    return None
                return _read_config(script, config, key, environment)
    if missing:
        message = f"runs {name}, likely of ConfigMap {missing}, which is not among what was read; give it too"
        raise NotUnderstoodError(message)
    message = f"runs {name}, which is in no ConfigMap that was read; write the program's own command there"
    raise NotUnderstoodError(message)


def _read_config(script: Script, config: Manifest, key: str, environment: Environment) -> Launch:
    try:
        return read_script(script, environment)
    except NotUnderstoodError as error:
        config.refuse(("data", key), f"this script is not understood: {error}")


def _mounted_configs(container: Fields, workload: Workload) -> Iterable[tuple[str, dict[str, str]]]:
    """Yield the ConfigMaps a container mounts, each with the paths of its keys."""
    mounts = container.value.get("volumeMounts")
    mounted = [dig(each, "name") for each in mounts] if isinstance(mounts, list) else []
    volumes = workload.pod.value.get("volumes")
    for volume in volumes if isinstance(volumes, list) else []:
        name = dig(volume, "configMap", "name")
        if isinstance(name, str) and dig(volume, "name") in mounted:
            items = dig(volume, "configMap", "items")
            keys = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
            yield name, {str(each.get("key")): str(each.get("path")) for each in keys}


def parse_selector(text: str) -> dict[str, str] | None:
    """Return the labels of an equality selector, None for any other one."""
    labels = {}
    for part in text.split(","):
        match = _SELECTOR_PART.fullmatch(part.strip())
        if match is None:
            return None
        labels[match[1]] = match[2]
    return labels


def _pair_up(pair: Pair, workloads: Sequence[Workload]) -> Pair:
    """Give a pair its anchor. Raises InputError if there is none, or more than one."""
    launch, launcher = pair.launch, pair.launcher
    labels = parse_selector(launch.selector)
    if labels is None:
        pair.container.refuse(
            f"its anchor is named by {launch.selector!r}; what can be imported is key=value, more after commas",
            "command",
        )
    namespace = launch.namespace or launcher.manifest.namespace
    pair.is_set = ORDINAL in launch.selector
    admits = _admits_set if pair.is_set else _admits
    anchors = [each for each in workloads if admits(labels, each) and each.manifest.is_in(namespace)]
    if len(anchors) != 1:
        listed = ", ".join(each.manifest.title for each in anchors)
        what = f"{len(anchors)} have" if anchors else "nothing that was read has"
        where = f" in namespace {namespace}" if namespace else ""
        tail = f": {listed}; give one of them its own" if anchors else "; give the anchor's manifest too"
        pair.container.refuse(
            f"{what} the labels {launch.selector}{where}, by which it finds its anchor{tail}", "command"
        )
    pair.anchor = anchors[0]
    match = _NUMBERED.fullmatch(launch.selector)
    pair.number = int(match[2]) if match and not pair.is_set else None
    return pair


def _admits(labels: dict[str, str], workload: Workload) -> bool:
    return labels.items() <= workload.labels.items()


def _admits_set(labels: dict[str, str], workload: Workload) -> bool:
    """Tell whether a StatefulSet's pods have the labels, each its own ordinal in them."""
    name = workload.manifest.name
    own = {**workload.labels, _POD_NAME: f"{name}-{ORDINAL}", _POD_INDEX: ORDINAL}
    return workload.manifest.kind == "StatefulSet" and labels.items() <= own.items()


def group_pairs(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Put pairs together that differ by the number in the anchor's label alone: replicas of one program."""
    groups: defaultdict[tuple[str, ...], list[Pair]] = defaultdict(list)
    for pair in pairs:
        match = _NUMBERED.fullmatch(pair.launch.selector) if pair.number is not None else None
        stem = match[1] if match else pair.launch.selector
        alone = "" if match else pair.launcher.manifest.title
        groups[pair.namespace, pair.launch.exe.casefold(), stem, alone].append(pair)
    ordered = []
    for group in groups.values():
        numbers = [pair.number for pair in group]
        if len(set(numbers)) < len(numbers):
            ordered += [[pair] for pair in group]  # several launchers at one anchor are no replicas
        else:
            ordered.append(sorted(group, key=lambda pair: pair.number or 0))
    return ordered
