"""Find the pairs among manifests: which pod starts which program in which anchor's compartment."""

from __future__ import annotations

import ntpath
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mooring.errors import InputError
from mooring.importing.commands.environment import ORDINAL, Environment
from mooring.importing.commands.launch import Launch, find_cplauncher, unwrap
from mooring.importing.commands.script import ATTACH, Script, read_script
from mooring.importing.commands.words import NotUnderstoodError
from mooring.importing.manifests import Fields, Manifest
from mooring.importing.model import refusal
from mooring.importing.pairs.found import POD_KINDS, Found, Pair, Workload
from mooring.importing.pairs.users import (
    TAKEN_KINDS,
    UnreadableError,
    find_unread_users,
    is_call,
    is_mark,
    kind_refusal,
    mentions_script,
    mounted_scripts,
    starts_in_compartment,
)

_POD_NAME = "statefulset.kubernetes.io/pod-name"
_POD_INDEX = "apps.kubernetes.io/pod-index"
_SELECTOR_PART = re.compile(r"([^=!,\s()]+)\s*==?\s*([^=!,\s()]*)")
_NUMBERED = re.compile(r"(.*?)([0-9]+)", re.DOTALL)


def find_pairs(manifests: Sequence[Manifest]) -> Found:
    """Sort the manifests into pairs, Services and the rest."""
    found = Found()
    made = [each for each in manifests if each.is_made_by_another]
    manifests = [each for each in manifests if not each.is_made_by_another]
    workloads = _make_workloads(manifests, found)
    configs = [each for each in manifests if each.kind == "ConfigMap"]
    anchors = [each for each in workloads if not each.is_host_process]
    used: set[int] = set()
    for workload in workloads:
        try:
            pair = _make_pair(workload, anchors, configs, found)
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
    found.problems += find_unread_users(found.others, made, [each for each in manifests if each.kind in POD_KINDS])
    return found


def _make_workloads(manifests: Iterable[Manifest], found: Found) -> list[Workload]:
    workloads = []
    for manifest in manifests:
        if manifest.kind in POD_KINDS:
            try:
                workloads.append(Workload(manifest))
            except InputError as error:
                found.problems += error.problems
    return workloads


def _make_pair(
    workload: Workload, anchors: Sequence[Workload], configs: Sequence[Manifest], found: Found
) -> Pair | None:
    """Return the pair that a workload is half of, None if it starts nothing in a compartment."""
    near = [each for each in configs if each.is_in(workload.manifest.namespace)]
    users = [each for each in workload.containers if starts_in_compartment(each, workload, near)]
    _refuse_others(workload, near, users)
    for container in workload.containers if workload.is_host_process else ():
        is_user = any(each is container for each in users)
        if not is_user and not mentions_script(container):
            continue
        environment = Environment(container, near)
        try:
            launch = _find_launch(container, workload, environment, near)
        except UnreadableError as error:
            if is_user:
                container.refuse(f"its command is not understood: {error}", "command")
            found.unreadable[id(workload.manifest)] = (error, container.problem(str(error), "command"))
            continue
        except NotUnderstoodError as error:
            if is_user:
                container.refuse(f"its command is not understood: {error}", "command")
            continue
        if launch is not None:
            _refuse_kind(workload)
            _refuse_siblings(workload, container)
            return _pair_up(Pair(workload, workload, container, environment, launch), anchors)
        if is_user:
            message = (
                f"mentions cplauncher or {ATTACH}, but how it starts a program is not understood; write the program's "
                "own command, or leave the object out if it does not start one"
            )
            container.refuse(message, "command")
    return None


def _refuse_others(workload: Workload, configs: Sequence[Manifest], users: Sequence[Fields]) -> None:
    """Refuse containers that start a program in a compartment but cannot be imported."""
    calls = [each for each in users if is_call(each.value)]
    if calls and not workload.is_host_process:
        calls[0].refuse(
            "starts a program in a compartment, which only works in a HostProcess pod; set "
            "securityContext.windowsOptions.hostProcess: true, or leave the object out",
            "command",
        )
    before = workload.pod.value.get("initContainers")
    for number, value in enumerate(before if isinstance(before, list) else ()):
        container = Fields(workload.manifest, value, (*workload.pod.path, "initContainers", f"[{number}]"))
        if starts_in_compartment(container, workload, configs):
            container.refuse(
                "an init container starts a program in a compartment; move it to a separate pod", "command"
            )


def _refuse_kind(workload: Workload) -> None:
    if workload.manifest.kind not in TAKEN_KINDS:
        workload.manifest.refuse(("kind",), kind_refusal(workload.manifest.kind))


def _refuse_siblings(workload: Workload, container: Fields) -> None:
    for other in workload.containers:
        if other is not container:
            other.refuse("is a second container next to the one that starts the program; move it to a separate pod")


def _find_launch(
    container: Fields, workload: Workload, environment: Environment, configs: Sequence[Manifest]
) -> Launch | None:
    line = unwrap([*container.texts("command"), *container.texts("args")], environment)
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
    """Read the script that a container runs from the ConfigMap it is mounted from."""
    name = ntpath.basename(file)
    scripts, missing = mounted_scripts(container, workload, configs)
    for script in scripts:
        if script.file.lower() == name.lower():
            if not is_mark(script.text):
                return None
            text = Script(script.text, name.lower().endswith(".ps1"), script.config.name)
            return _read_config(text, script.config, script.key, environment)
    if missing:
        what = f"runs {name}, probably from ConfigMap {missing}, which was not read"
        raise UnreadableError(what, "add its manifest")
    what = f"runs {name}, which is not in any ConfigMap that was read"
    raise UnreadableError(what, "write the program's own command instead")


def _read_config(script: Script, config: Manifest, key: str, environment: Environment) -> Launch:
    try:
        return read_script(script, environment)
    except NotUnderstoodError as error:
        config.refuse(("data", key), f"this script is not understood: {error}")


def parse_selector(text: str) -> dict[str, str] | None:
    """Return the labels of an equality-based selector, None for any other."""
    labels = {}
    for part in text.split(","):
        match = _SELECTOR_PART.fullmatch(part.strip())
        if match is None:
            return None
        labels[match[1]] = match[2]
    return labels


def _pair_up(pair: Pair, workloads: Sequence[Workload]) -> Pair:
    """Find a pair's anchor. Raises InputError unless there is exactly one."""
    launch, launcher = pair.launch, pair.launcher
    labels = parse_selector(launch.selector)
    if labels is None:
        pair.container.refuse(
            f"its anchor has the label selector {launch.selector!r}; only key=value pairs can be imported",
            "command",
        )
    namespace = launch.namespace or launcher.manifest.namespace
    pair.is_set = ORDINAL in launch.selector
    admits = _admits_set if pair.is_set else _admits
    anchors = [each for each in workloads if admits(labels, each) and each.manifest.is_in(namespace)]
    if len(anchors) != 1:
        listed = ", ".join(each.manifest.title for each in anchors)
        what = f"{len(anchors)} manifests have" if anchors else "no manifest has"
        where = f" in namespace {namespace}" if namespace else ""
        tail = f": {listed}; give one of them other labels" if anchors else "; add the anchor's manifest"
        pair.container.refuse(f"{what} the labels {launch.selector}{where}, which select its anchor{tail}", "command")
    pair.anchor = anchors[0]
    numbered = None if pair.is_set else _number(launch.selector)
    pair.number = numbered[1] if numbered else None
    return pair


def _number(selector: str) -> tuple[str, int] | None:
    """Split a selector into its stem and the number at its end; None if that cannot be an ordinal."""
    match = _NUMBERED.fullmatch(selector)
    if match is None or refusal(int(match[2]), "ordinals", "start"):
        return None
    return match[1], int(match[2])


def _admits(labels: dict[str, str], workload: Workload) -> bool:
    return labels.items() <= workload.labels.items()


def _admits_set(labels: dict[str, str], workload: Workload) -> bool:
    """Return whether a StatefulSet's pods have the labels, each with its own ordinal."""
    name = workload.manifest.name
    own = {**workload.labels, _POD_NAME: f"{name}-{ORDINAL}", _POD_INDEX: ORDINAL}
    return workload.manifest.kind == "StatefulSet" and labels.items() <= own.items()


def group_pairs(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Group pairs whose anchor labels differ only in a number: replicas of one program."""
    groups: defaultdict[tuple[str, ...], list[Pair]] = defaultdict(list)
    for pair in pairs:
        numbered = _number(pair.launch.selector) if pair.number is not None else None
        stem = numbered[0] if numbered else pair.launch.selector
        single = "" if numbered else pair.launcher.manifest.title
        groups[pair.namespace, pair.launch.exe.casefold(), stem, single].append(pair)
    ordered = []
    for group in groups.values():
        numbers = [pair.number for pair in group]
        if len(set(numbers)) < len(numbers):
            ordered += [[pair] for pair in group]  # several launchers on one anchor are not replicas
        else:
            ordered.append(sorted(group, key=lambda pair: pair.number or 0))
    return ordered
