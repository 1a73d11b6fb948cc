"""Turn groups of pairs into programs, one App each; numbered anchors become its replicas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from mooring.errors import InputError, Problem
from mooring.importing.manifests import Change, Fields, Leftover, Manifest, Object, dig
from mooring.importing.model import complete
from mooring.importing.pairs.find import group_pairs
from mooring.importing.pairs.found import Found
from mooring.importing.programs.convert import Converted, convert_pair
from mooring.importing.programs.services import Route, convert_services, find_routes, leftover_routes
from mooring.model.app import MAX_NAME, WINDOWS_DEVICES
from mooring.model.rules.text import holds_placeholders

_SUFFIX = re.compile(r"-?(hostprocess|host-process|launcher|cplauncher|hp|app-hostprocess)\Z")
_TAKEN_SUFFIX = re.compile(r"-(anchor|launcher)(-[0-9]+)?\Z")
_VERSION = "app.kubernetes.io/version"


@dataclass(slots=True)
class Program:
    """One program: its App's name and values, what it was made from, and what to report about it."""

    name: str
    namespace: str
    members: list[Converted]
    routes: list[Route]
    values: Object
    app_version: str = ""
    changes: list[Change] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    neighbours: list[Leftover] = field(default_factory=list)
    """Other objects that are related to it."""

    @property
    def main(self) -> Route | None:
        """Return the Service over all its replicas, which the App takes over."""
        return next((route for route in self.routes if route.is_main), None)

    @property
    def takes_over(self) -> bool:
        """Return whether the chart's Service has the old one's name, and so takes it over."""
        return self.main is not None and self.main.manifest.name == self.name

    @property
    def manifests(self) -> list[Manifest]:
        """Return the manifests it was made from, launchers before anchors, each once."""
        halves = [each.pair.launcher.manifest for each in self.members]
        halves += [each.pair.anchor.manifest for each in self.members]
        return list({id(each): each for each in halves}.values())


def make_programs(found: Found, problems: list[Problem]) -> list[Program]:
    """Turn all pairs into programs; add a problem for each that cannot become one."""
    programs: list[Program] = []
    for group in group_pairs(found.pairs):
        try:
            converted = [convert_pair(pair) for pair in group]
            for members in _split_unlike(converted):
                programs.append(_make_program(members, found, programs))
        except InputError as error:
            problems += error.problems
    _report_shared(programs)
    return programs


def _split_unlike(converted: list[Converted]) -> list[list[Converted]]:
    """Keep pairs together if they differ only in arguments and environment; if not, make an App of each."""
    first = converted[0]
    unlike = next((each for each in converted if each.values != first.values or each.replicas != 1), None)
    if len(converted) == 1 or unlike is None:
        return [converted]
    place = unlike.pair.launcher.manifest.place()
    text = f"is not a replica of {first.pair.launcher.manifest.title}: {_difference(first.values, unlike.values)}"
    for each in converted:
        each.note(place, f"{unlike.pair.launcher.manifest.title} {text}; each becomes a separate App")
    return [[each] for each in converted]


def _difference(first: Object, second: Object) -> str:
    """Name the values that differ."""
    keys = sorted(key for key in {*first, *second} if first.get(key) != second.get(key))
    return f"they differ in {', '.join(keys)}" if keys else "they do not all have exactly one replica"


def _make_program(members: list[Converted], found: Found, others: Sequence[Program]) -> Program:
    first = members[0]
    counted, gaps = _count(members)
    routes = find_routes(found.services, members)
    convert_services(routes, first)
    namespace = first.pair.namespace
    name = _choose_name(members, routes, found, others)
    program = Program(name, namespace, members, routes, {**counted, **first.values}, changes=gaps)
    if not program.takes_over:
        _leave_address(program)
    _merge_arguments(members, program.values)
    _mark_literal(program)
    program.app_version = first.pair.launcher.labels.get(_VERSION, "")
    for member in members:
        program.changes += member.changes
        program.leftovers += member.leftovers
    _report_namespaces(program)
    program.leftovers += leftover_routes(routes)
    program.changes = list(dict.fromkeys(program.changes))
    return program


def _leave_address(program: Program) -> None:
    """Leave a fixed address to the old Service, because the chart creates a second one beside it."""
    service = program.values.get("service", {})
    address = service.get("spec", {}).pop("clusterIP", None)
    if address is not None and program.main is not None:
        why = f"Service {program.main.manifest.name} keeps it"
        fields = Fields(program.main.manifest, program.main.manifest.value)
        program.leftovers.append(fields.leftover(address, why, "spec", "clusterIP"))
        if not service["spec"]:
            del service["spec"]
        if not service:
            del program.values["service"]


def _count(members: Sequence[Converted]) -> tuple[Object, list[Change]]:
    """Return replicas and the first ordinal: the numbers in the anchors' labels become ordinals."""
    first, gaps = members[0], list[Change]()
    if len(members) > 1:
        first.start = first.pair.number or 0
    for position, member in enumerate(members):
        member.start = first.start + position
        if len(members) > 1 and member.pair.number != member.start:
            text = f"anchor {member.pair.number} becomes replica {member.start}: ordinals have no gaps"
            gaps.append(Change(member.pair.launcher.manifest.place(), text))
    replicas = len(members) if len(members) > 1 else first.replicas
    return {"replicas": replicas} | ({"ordinals": {"start": first.start}} if first.start else {}), gaps


def _merge_arguments(members: Sequence[Converted], values: Object) -> None:
    """Put what all replicas share into target.args and target.env, the rest into target.perOrdinal."""
    target: Object = values.setdefault("target", {})
    # An empty list in perOrdinal means target.args, so if any replica has no arguments, target.args must be empty.
    args = members[0].args if all(each.args for each in members) else []
    env = {key: value for key, value in members[0].env.items() if all(m.env.get(key) == value for m in members)}
    if args:
        target["args"] = args
    if env:
        target["env"] = env
    own: Object = {}
    for member in members:
        one: Object = {"args": member.args} if member.args != args else {}
        rest = {key: value for key, value in member.env.items() if key not in env}
        if rest:
            one["env"] = rest
        if one:
            own[str(member.start)] = one
    if own:
        target["perOrdinal"] = own


def _mark_literal(program: Program) -> None:
    """Mark what looks like a placeholder as literal text: no shell replaced it in the old pods either."""
    if holds_placeholders(complete(program.values)):
        program.values["target"]["placeholders"] = "literal"
        text = "some of its texts look like placeholders; they still reach the program unchanged"
        program.changes.append(Change(program.manifests[0].place(), text))


def _choose_name(members: Sequence[Converted], routes: Sequence[Route], found: Found, others: Sequence[Program]) -> str:
    """Choose the App's (and the release's) name: preferably that of the Service over all replicas."""
    main = next((each.manifest.name for each in routes if each.is_main), "")
    launcher = members[0].pair.launcher.manifest.name
    stem = re.sub(r"-?\d+\Z", "", launcher) if len(members) > 1 else launcher
    name = _legalise(main or _SUFFIX.sub("", stem) or launcher or "app")
    taken = {each.name.casefold() for each in others}
    old = found.names_in(members[0].pair.namespace)
    attempts = chain((name, f"{name[: MAX_NAME - 8]}-mooring"), (f"{name[: MAX_NAME - 4]}-{n}" for n in count(2)))
    return next(
        attempt
        for attempt in attempts
        if attempt.casefold() not in taken and not old & _new_names(attempt, members, attempt == main)
    )


def _legalise(text: str) -> str:
    """Return text as a valid App name."""
    name = re.sub("[^a-z0-9-]+", "-", text.lower()).strip("-")[: MAX_NAME - 8].strip("-")
    if not name or not name[0].isalpha() or name in WINDOWS_DEVICES:
        name = f"app-{name}".strip("-")
    return _TAKEN_SUFFIX.sub("", name)


def _new_names(name: str, members: Sequence[Converted], takes_service: bool) -> set[str]:
    """Return the names of the chart's objects, without the Service that is taken over."""
    first = members[0]
    replicas = len(members) if len(members) > 1 else first.replicas
    names = {f"StatefulSet {name}", f"StatefulSet {name}-anchor", f"Service {name}-anchor", f"Service {name}-launcher"}
    names |= {f"ServiceAccount {name}-{half}" for half in ("anchor", "launcher", "test")}
    for ordinal in range(first.start, first.start + max(replicas, 1)):
        names |= {f"Pod {name}-{ordinal}", f"Pod {name}-anchor-{ordinal}", f"Service {name}-anchor-{ordinal}"}
    return names if takes_service else names | {f"Service {name}"}


def _report_namespaces(program: Program) -> None:
    for member in program.members:
        launcher = member.pair.launcher.manifest
        if launcher.namespace and launcher.namespace != program.namespace:
            text = (
                f"moves to namespace {program.namespace}, where its anchors are: both halves now share a namespace. "
                "It must admit HostProcess pods (pod security level privileged)"
            )
            used = ", ".join(sorted(_used_by_name(program.values)))
            if used:
                text += f", and these objects, which the launcher uses, must exist there too: {used}"
            program.changes.append(Change(launcher.place(("metadata", "namespace")), text))


def _used_by_name(values: Object) -> set[str]:
    """Return the kind and name of each object that the launcher's pods refer to."""
    found = {f"Secret {name}" for name in values.get("imagePullSecrets", [])}
    account = dig(values, "serviceAccount", "name")
    found |= {f"ServiceAccount {account}"} if account else set()
    for place in [*values.get("envFrom", []), *(dig(each, "valueFrom") for each in values.get("extraEnv", []))]:
        for kind in ("ConfigMap", "Secret"):
            for ref in ("Ref", "KeyRef"):
                name = dig(place, kind[0].lower() + kind[1:] + ref, "name")
                found |= {f"{kind} {name}"} if name else set()
    for volume in values.get("extraVolumes", []):
        named = (
            ("ConfigMap", dig(volume, "configMap", "name")),
            ("Secret", dig(volume, "secret", "secretName")),
            ("PersistentVolumeClaim", dig(volume, "persistentVolumeClaim", "claimName")),
        )
        found |= {f"{kind} {name}" for kind, name in named if name}
    return found


def _report_shared(programs: Iterable[Program]) -> None:
    """Report programs that no longer share an anchor."""
    users: dict[int, list[Program]] = {}
    for program in programs:
        for member in program.members:
            users.setdefault(id(member.pair.anchor.manifest), []).append(program)
    for sharing in users.values():
        for program in sharing if len(sharing) > 1 else []:
            names = ", ".join(other.name for other in sharing if other is not program)
            anchor = program.members[0].pair.anchor.manifest
            text = (
                f"shared {anchor.title}, its IP and its localhost, with {names}; each now has its own anchors "
                "and reaches the others only through their Services"
            )
            program.changes.append(Change(anchor.place(), text))
