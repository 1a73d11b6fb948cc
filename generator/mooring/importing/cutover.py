"""The steps that move a program to its new pairs while its Service keeps answering."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from mooring.importing.manifests import Manifest
from mooring.importing.model import complete
from mooring.importing.programs.make import Program
from mooring.importing.programs.services import Route
from mooring.model.rules.anchors import is_selector
from mooring.model.rules.volumes import launcher_directory

_INSTANCE, _NAME, _COMPONENT = (f"app.kubernetes.io/{key}" for key in ("instance", "name", "component"))
_POD = "statefulset.kubernetes.io/pod-name"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, its command ("" if a person looks or decides), and the command that undoes it."""

    what: str
    command: str = ""
    undo: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for JSON output."""
        return {"what": self.what, "command": self.command, "undo": self.undo}


def plan_cutover(program: Program, app_file: str, charts: str = "charts") -> list[Step]:
    """Return the steps for one program, in order; commands are for a POSIX shell."""
    return [
        _equip_nodes(program),
        *_bring_up(program, app_file, charts),
        *_move(program),
        *_hand_over(program, charts),
        *_clean_up(program),
    ]


def _equip_nodes(program: Program) -> Step:
    """Return the step that puts on the nodes what every launcher needs to start."""
    return Step(
        "build the launcher's bundle, and put it on every Windows node that the new pods may run on, at "
        f"{launcher_directory(complete(program.values))} (docs/bundle.md): without it no launcher starts, and the "
        "next steps wait in vain. With launcher.source: configMap a node only needs the bundle's Python",
        _line("mooring", "bundle", "--out", "bundle.zip"),
    )


def _wait(program: Program) -> list[str]:
    """Return helm's wait: as long as a launcher may wait for its anchor plus its program may take to start."""
    values = complete(program.values)
    seconds = values["anchor"]["waitSeconds"] + values["gate"]["startTimeoutSeconds"]
    return ["--wait", "--timeout", f"{math.ceil(seconds / 60)}m"]


def _bring_up(program: Program, app_file: str, charts: str) -> Iterator[Step]:
    name, where = program.name, _namespace(program)
    chart = f"{charts}/{name}"
    yield Step("generate the chart", _line("mooring", "generate", app_file, "--out", charts))
    apart = ["--set", "service.enabled=false"] if program.takes_over else []
    yield Step(
        "start the new pairs next to the old ones; they get no traffic yet. If the program may run only once "
        "(a licence dongle, a file it locks), stop the old one first; clients then wait until their traffic has moved",
        _line("helm", "install", name, chart, *where, *apart, *_wait(program)),
        _line("helm", "uninstall", name, *where),
    )
    yield Step("test every new replica on its own IP", _line("helm", "test", name, *where, "--logs"))


def _move(program: Program) -> Iterator[Step]:
    for route in program.routes:
        name = route.manifest.name
        yield Step(
            f"move the traffic of Service {name} to the new anchors",
            _replace_selector(route, new_selector(program, route), program),
            _replace_selector(route, route.old_selector, program, undo=True),
        )
    if program.routes:
        yield Step("check the program's own metrics, and wait until the last old connection has ended")


def new_selector(program: Program, route: Route) -> dict[str, str]:
    """Return the selector of the new anchors, in a release that has the App's name."""
    labels = {_NAME: program.name, _INSTANCE: program.name, _COMPONENT: "anchor"}
    return labels if route.number is None else labels | {_POD: f"{program.name}-anchor-{route.number}"}


def _replace_selector(route: Route, selector: dict[str, str], program: Program, *, undo: bool = False) -> str:
    """Return the command that replaces a Service's whole selector: Helm 3 would leave the old labels in it."""
    where = _namespace(program)
    text = ",".join(f"{key}={value}" for key, value in selector.items())
    if not route.target_ports and is_selector(text):
        # Quoted, because a comma makes a list in PowerShell.
        return f"{_line('kubectl', 'set', 'selector', 'service', route.manifest.name, *where)} '{text}'"
    operations: list[dict[str, object]] = [{"op": "replace", "path": "/spec/selector", "value": selector}]
    spec = route.manifest.value["spec"]
    for position, number in route.target_ports.items():
        value = spec["ports"][position]["targetPort"] if undo else number
        operations.append({"op": "replace", "path": f"/spec/ports/{position}/targetPort", "value": value})
    patch = f"--patch={json.dumps(operations, separators=(',', ':'))}"
    return _line("kubectl", "patch", "service", route.manifest.name, *where, "--type=json", patch)


def _hand_over(program: Program, charts: str) -> Iterator[Step]:
    main = program.main
    if main is None:
        return
    where, name = _namespace(program), main.manifest.name
    if not program.takes_over:
        yield Step(
            f"Service {name} stays your own object; write the new selector to its manifest "
            f"({main.manifest.place()}). "
            f"Clients can also use the chart's own Service, {program.name}"
        )
        return
    namespace = program.namespace or "default"
    yield Step(
        f"hand Service {name} over to the release",
        _line("kubectl", "label", "service", name, *where, "app.kubernetes.io/managed-by=Helm", "--overwrite"),
        _line("kubectl", "label", "service", name, *where, "app.kubernetes.io/managed-by-"),
    )
    yield Step(
        "record which release owns it",
        _line(
            "kubectl",
            "annotate",
            "service",
            name,
            *where,
            f"meta.helm.sh/release-name={program.name}",
            f"meta.helm.sh/release-namespace={namespace}",
            "--overwrite",
        ),
        _line(
            "kubectl",
            "annotate",
            "service",
            name,
            *where,
            "meta.helm.sh/release-name-",
            "meta.helm.sh/release-namespace-",
        ),
    )
    yield Step(
        "let the chart take over the Service: same object, address and name. If Helm 4 reports a conflict, add "
        "--force-conflicts",
        _line("helm", "upgrade", program.name, f"{charts}/{program.name}", *where, *_wait(program)),
    )
    yield Step(
        f"remove Service {name} from the manifests you apply ({main.manifest.place()}), or the old selector comes back"
    )


def _clean_up(program: Program) -> Iterator[Step]:
    """Yield the steps that delete the old pods, launchers before anchors."""
    groups: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in program.manifests:
        groups.setdefault((manifest.kind.lower(), manifest.namespace or program.namespace), []).append(manifest)
    for (kind, namespace), manifests in groups.items():
        where = ["--namespace", namespace] if namespace else []
        places = ", ".join(str(manifest.place()) for manifest in manifests)
        yield Step(
            f"delete the old objects, which get no traffic any more ({places})",
            _line("kubectl", "delete", kind, *(manifest.name for manifest in manifests), *where),
        )


def _namespace(program: Program) -> list[str]:
    return ["--namespace", program.namespace] if program.namespace else []


def _line(*words: str) -> str:
    return shlex.join(words)
