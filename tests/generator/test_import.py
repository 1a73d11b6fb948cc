"""Manifests in K2s' pattern become Apps that `mooring generate` accepts; the rest is reported, nothing is lost."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mooring.batch.generate import generate
from mooring.errors import ExitCode
from mooring.importing.commands.words import split_windows
from mooring.importing.report import ImportResult, report_lines
from mooring.importing.run import import_files

from tests.generator.manifests import CPLAUNCHER, EXE, Object, anchor, command, config, launcher, service, write
from tests.tools import require

ARGS = ["--config", r"C:\apps\a b\prod.json", 'say "hi"']
QUOTED = r'"C:\apps\orders\orders.exe" --config "C:\apps\a b\prod.json" "say \"hi\""'
LABEL = "-label app=orders-anchor-1 -namespace apps --"
FROM_CONFIG = {"name": "ORDERS_EXE", "valueFrom": {"configMapKeyRef": {"name": "paths", "key": "ORDERS_EXE"}}}

# Each way in which one and the same program is started.
COMMANDS: dict[str, list[str]] = {
    "plain": command("app=orders-anchor-1", EXE, *ARGS),
    "cmd, a word each": ["cmd.exe", "/c", *command("app=orders-anchor-1", EXE, *ARGS)],
    "cmd, one line": ["cmd", "/s", "/c", f"{CPLAUNCHER} {LABEL} {QUOTED}"],
    "cmd with variables": ["cmd.exe", "/c", r"%BASE%\cplauncher.exe", *command()[1:-1], "%ORDERS_EXE%", *ARGS],
    "one line without a shell": [f"{CPLAUNCHER} {LABEL} {QUOTED}"],
    "powershell": [
        "powershell.exe",
        "-NoLogo",
        "-Command",
        rf"""& "$env:BASE\cplauncher.exe" {LABEL} "$env:ORDERS_EXE" --config 'C:\apps\a b\prod.json'""",
    ],
    "flags with = and two hyphens": [
        r"c:\K2S\CPLauncher.EXE",
        "--namespace=apps",
        "-label=app=orders-anchor-1",
        "--",
        EXE,
        *ARGS,
    ],
    "no -- before the program": [CPLAUNCHER, "-label", "app=orders-anchor-1", EXE, *ARGS],
    "Kubernetes' variables": ["$(BASE)\\cplauncher.exe", *command()[1:-1], "$(ORDERS_EXE)", *ARGS],
}

SCRIPT = r"""
$ns = 'apps'
$label = "app=orders-anchor-1"  # the anchor
$kubectl = (Get-Command kubectl.exe -ErrorAction SilentlyContinue).Source
for ($i = 0; $i -lt 60 -and $null -eq $cid; $i++) {
    $podIP = (& $kubectl get pod -l $label -n $ns -o "jsonpath={.items[0].status.podIP}" 2>$null)
    if ($null -eq $cid) { Start-Sleep -Seconds 2 }
}
Write-Host "starting in $cid via COMPARTMENT_ID_ATTACH"
$env:COMPARTMENT_ID_ATTACH = "$cid"
"""
STARTS = {
    "call operator": """& "$env:ORDERS_EXE" --config 'C:\\apps\\a b\\prod.json'""",
    "Start-Process": """$p = Start-Process -FilePath $env:ORDERS_EXE -Wait -NoNewWindow """
    """-ArgumentList '--config', '"C:\\apps\\a b\\prod.json"'""",
}
RUN_SCRIPT = ["powershell.exe", "-ExecutionPolicy", "Bypass", "-File", r"C:\scripts\start.ps1"]


def run(tmp_path: Path, *objects: Object, mend: bool = False) -> ImportResult:
    """Import objects from one file; Apps go to out/."""
    return import_files([str(write(tmp_path / "k2s.yaml", *objects))], tmp_path / "out", mend=mend)


def app(result: ImportResult, name: str = "orders") -> Any:
    """Return a written App as data."""
    assert result.problems == []
    imported = next(each for each in result.apps if each.program.name == name)
    return yaml.safe_load(Path(imported.file).read_text(encoding="utf-8"))


def values(result: ImportResult, name: str = "orders") -> Any:
    """Return the values of a written App."""
    return app(result, name)["values"]


def told(result: ImportResult) -> str:
    """Return everything that is reported."""
    return "\n".join([*report_lines(result), *map(str, result.problems)])


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_program_is_found_behind_every_kind_of_command(tmp_path: Path, words: list[str]) -> None:
    """The program and its arguments are the same behind cmd, PowerShell, variables and without any of them."""
    env = [{"name": "BASE", "value": r"C:\k2s"}, FROM_CONFIG]
    result = run(tmp_path, anchor(), launcher(words=words, env=env), config("paths", {"ORDERS_EXE": EXE}))
    # PowerShell passes a quotation mark on differently by its version, so an argument with one is refused.
    args = ARGS[:2] if words[0] == "powershell.exe" else ARGS
    assert (values(result)["target"]["exe"], values(result)["target"]["args"]) == (EXE, args)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_program_is_found_in_a_mounted_script(tmp_path: Path, start: str) -> None:
    """A script that sets COMPARTMENT_ID_ATTACH names its anchor and its program; its volume is removed with it."""
    volume = {"name": "scripts", "configMap": {"name": "scripts"}}
    mounts = [{"name": "scripts", "mountPath": "C:/scripts"}]
    made = launcher(words=RUN_SCRIPT, env=[FROM_CONFIG], volumeMounts=mounts, pod={"volumes": [volume]})
    configs = [config("paths", {"ORDERS_EXE": EXE}), config("scripts", {"start.ps1": SCRIPT + start})]
    result = run(tmp_path, anchor(), made, *configs)
    assert (values(result)["target"]["exe"], values(result)["target"]["args"]) == (EXE, ARGS[:2])
    assert not {"extraVolumes", "extraVolumeMounts"} & values(result).keys()
    assert "the launcher replaces the script" in told(result)


def test_what_is_not_needed_need_not_be_known(tmp_path: Path) -> None:
    """The path of cplauncher may be known only to the node; manifests without a namespace are in its -namespace."""
    line = r"""& "$env:BASE\cplauncher.exe" -label app=orders-anchor-1 -namespace k2s -- "$env:ORDERS_EXE" """
    base = {"name": "BASE", "valueFrom": {"configMapKeyRef": {"name": "absent", "key": "BASE"}}}
    made = launcher(words=["powershell.exe", "-Command", line], env=[base, FROM_CONFIG], namespace="")
    objects = [anchor(namespace=""), made, config("paths", {"ORDERS_EXE": EXE}), service(app="orders-anchor-1")]
    for each in objects:
        del each["metadata"]["namespace"]
    result = run(tmp_path, *objects)
    assert values(result)["target"]["exe"] == EXE
    assert values(result)["target"]["ports"] == {"http": {"port": 8080, "servicePort": 80}}
    commands = [step.command for step in result.apps[0].steps if step.command.startswith(("helm", "kubectl"))]
    assert [command for command in commands if "--namespace k2s" not in command] == []


def test_numbered_anchors_become_replicas(tmp_path: Path) -> None:
    """Pairs that differ by a number are one App; their other differences are in perOrdinal."""
    objects = [service(app="orders")]
    for n in (3, 1, 2):
        words = command(f"app=orders-anchor-{n}", EXE, "--line", str(n))
        env = [{"name": "LINE", "value": str(n)}, {"name": "SITE", "value": "north"}]
        one = launcher(f"orders-hostprocess-{n}", words, env=env)
        one["spec"]["template"]["metadata"]["labels"]["app"] = "orders"
        objects += [anchor(f"orders-anchor-{n}", kind="Deployment"), one]
    result = run(tmp_path, *objects)
    made = values(result)
    assert (made["replicas"], made["ordinals"]) == (3, {"start": 1})
    assert made["target"]["args"] == ["--line", "1"]
    assert made["target"]["env"] == {"SITE": "north"}
    assert made["target"]["perOrdinal"] == {
        "1": {"env": {"LINE": "1"}},
        "2": {"args": ["--line", "2"], "env": {"LINE": "2"}},
        "3": {"args": ["--line", "3"], "env": {"LINE": "3"}},
    }


def test_a_replica_without_arguments_stays_without(tmp_path: Path) -> None:
    """A replica without arguments does not get those of the others."""
    pairs = [(1, ("--leader",)), (2, ())]
    objects = [anchor(f"a-{n}") for n, _ in pairs]
    objects += [launcher(f"orders-{n}", command(f"app=a-{n}", EXE, *args)) for n, args in pairs]
    target = values(run(tmp_path, *objects))["target"]
    assert (target.get("args", []), target["perOrdinal"]) == ([], {"1": {"args": ["--leader"]}})


def test_unlike_pairs_become_separate_apps(tmp_path: Path) -> None:
    """Numbered pairs that differ in more than arguments and environment are not one App, and the report says so."""
    second = launcher("orders-2", command("app=a-2"), resources={"limits": {"memory": "2Gi"}})
    result = run(tmp_path, anchor("a-1"), anchor("a-2"), launcher("orders-1", command("app=a-1")), second)
    assert [each.program.name for each in result.apps] == ["orders-1", "orders-2"]
    assert "they differ in launcher; each becomes a separate App" in told(result)


def test_a_set_of_launchers_keeps_its_ordinals(tmp_path: Path) -> None:
    """A StatefulSet whose label holds the ordinal, beside a StatefulSet of anchors, is one App."""
    anchors, launchers = anchor("net", kind="StatefulSet"), launcher("orders")
    pod = launchers["spec"]["template"]["spec"]["containers"][0]
    index = "metadata.labels['apps.kubernetes.io/pod-index']"
    pod["env"] = [{"name": "ORDINAL", "valueFrom": {"fieldRef": {"fieldPath": index}}}]
    pod["command"] = command("statefulset.kubernetes.io/pod-name=net-$(ORDINAL)")
    launchers["kind"] = "StatefulSet"
    launchers["spec"] |= {"replicas": 4, "ordinals": {"start": 2}}
    anchors["spec"] |= {"replicas": 4, "ordinals": {"start": 2}}
    result = run(tmp_path, anchors, launchers)
    made = values(result, "orders-mooring")  # the old set has the name, and pods, that the new one would have
    assert (made["replicas"], made["ordinals"]) == (4, {"start": 2})


def test_services_and_probes_become_ports_and_gate(tmp_path: Path) -> None:
    """A Service gives ports, also by name; probes become conditions, checked on the replica's own IP."""
    probe = {"httpGet": {"host": "10.0.0.9", "port": "web", "path": "/up", "scheme": "HTTPS"}, "periodSeconds": 7}
    container = {"name": "pause", "image": "p", "ports": [{"name": "web", "containerPort": 9000}]}
    sidecar = {"name": "exporter", "image": "e:1", "ports": [{"name": "metrics", "containerPort": 9100}]}
    port = {"name": "Web", "port": 443, "targetPort": "web", "nodePort": 30443}
    routed = service(app="orders-anchor-1", port=port, type="NodePort")
    metrics = service("orders-metrics", "orders-anchor-1", {"port": 9100, "targetPort": "metrics"})
    made = launcher(readinessProbe=probe, livenessProbe=probe, startupProbe={"tcpSocket": {"port": 9000}})
    result = run(tmp_path, anchor(containers=[container, sidecar]), made, routed, metrics)
    found = values(result)
    assert found["target"]["ports"] == {
        "http": {"port": 9000, "servicePort": 443, "nodePort": 30443},
        "port-9100": {"port": 9100},
    }
    asked = {"port": 9000, "scheme": "https", "path": "/up", "periodSeconds": 7, "timeoutSeconds": 1}
    assert found["gate"]["http"] == {"readiness": asked}
    assert found["gate"]["ports"] == {"port-9100": {"owner": "any"}}  # a sidecar's, so not the program's
    assert found["anchor"]["extraContainers"] == [sidecar]
    assert found["service"]["type"] == "NodePort"
    steps = [step.command for step in result.apps[0].steps]
    assert any('{"op":"replace","path":"/spec/ports/0/targetPort","value":9000}' in each for each in steps)


def test_volumes_and_accounts_are_kept(tmp_path: Path) -> None:
    """Host paths become mounts, other volumes stay what they are, and each half keeps its account."""
    volumes = [
        {"name": "config", "secret": {"secretName": "licence"}},
        {"name": "Host_Data", "hostPath": {"path": r"D:\data"}},
    ]
    mounts = [
        {"name": "config", "mountPath": "C:/licence"},
        {"name": "Host_Data", "mountPath": "d:/data/", "readOnly": True},
    ]
    pod = {"volumes": volumes, "serviceAccountName": "hp"}
    result = run(tmp_path, anchor(serviceAccountName="mesh"), launcher(pod=pod, volumeMounts=mounts))
    made = values(result)
    assert made["target"]["mounts"] == {"host-data": {"hostPath": r"D:\data", "readOnly": True, "type": ""}}
    assert made["extraVolumes"] == [{"name": "app-config", "secret": {"secretName": "licence"}}]
    assert made["extraVolumeMounts"] == [{"name": "app-config", "mountPath": "C:/licence"}]
    assert made["serviceAccount"] == {"create": False, "name": "hp"}
    assert made["anchor"]["serviceAccount"] == {"create": False, "name": "mesh"}


def test_nothing_is_silently_lost(tmp_path: Path) -> None:
    """Whatever field is added to any object, its value is in the App, as a value or a comment, or in the report."""
    hook = {"postStart": {"exec": {"command": ["C:\\a.exe"]}}}
    program = launcher(env=[{"name": "A", "value": "b"}], lifecycle=hook)
    objects = [anchor(), program, service(), config("other", {"k": "v"})]
    places = [
        (0, ("metadata", "annotations")),
        (0, ("spec",)),
        (0, ("spec", "initContainers", "x")),
        (0, ("spec", "containers", 0)),
        (0, ("spec", "securityContext")),
        (1, ()),
        (1, ("metadata",)),
        (1, ("metadata", "labels")),
        (1, ("spec",)),
        (1, ("spec", "strategy")),
        (1, ("spec", "template")),
        (1, ("spec", "template", "metadata", "annotations")),
        (1, ("spec", "template", "metadata", "labels")),
        (1, ("spec", "template", "spec")),
        (1, ("spec", "template", "spec", "affinity", "podAffinity")),
        (1, ("spec", "template", "spec", "securityContext")),
        (1, ("spec", "template", "spec", "securityContext", "windowsOptions")),
        (1, ("spec", "template", "spec", "containers", 0)),
        (1, ("spec", "template", "spec", "containers", 0, "lifecycle", "postStart")),
        (1, ("spec", "template", "spec", "containers", 0, "readinessProbe")),
        (2, ("metadata",)),
        (2, ("spec",)),
        (2, ("spec", "ports", 0)),
    ]
    for number, (which, path) in enumerate(places):
        changed = json.loads(json.dumps(objects))
        inner: Any = changed[which]
        for key in path:
            inner = inner[key] if isinstance(key, int) else inner.setdefault(key, {})
        inner["somethingElse"] = f"kept-{number}"
        folder = tmp_path / str(number)
        folder.mkdir()
        result = run(folder, *changed)
        assert result.problems == []
        assert f"kept-{number}" in (folder / "out" / "orders.yaml").read_text() + told(result), (which, path)


def test_what_is_not_carried_over_is_a_comment_with_its_place(tmp_path: Path) -> None:
    """A field without a counterpart becomes a comment in the App, with file and line."""
    made = launcher(pod={"dnsConfig": {"options": [{"name": "ndots\nreplicas: 9"}]}})
    run(tmp_path, anchor(), made)
    text = (tmp_path / "out" / "orders.yaml").read_text()
    assert f"# {tmp_path}/k2s.yaml:3: Deployment orders-hostprocess: spec.template.spec.dnsConfig.options = " in text
    assert yaml.safe_load(text)["values"]["replicas"] == 1  # a line end in a value does not end the comment


@pytest.mark.parametrize(
    ("flags", "lifetime"),
    [((), None), (("-wait-tree",), "tree"), (("--wait-tree=T",), "tree"), (("-wait-tree=false",), None)],
)
def test_wait_tree_is_the_lifetime_of_the_tree(tmp_path: Path, flags: tuple[str, ...], lifetime: str | None) -> None:
    """-wait-tree becomes target.lifetime: tree, which is reported; without it the App keeps the default."""
    result = run(tmp_path, anchor(), launcher(words=command(flags=flags)))
    assert values(result)["target"].get("lifetime") == lifetime
    assert ("-wait-tree is now target.lifetime: tree" in told(result)) == (lifetime is not None)


def test_changes_of_meaning_are_reported(tmp_path: Path) -> None:
    """What the flags did, programs that shared an anchor, and replicas that shared a network are reported."""
    flags = ("-self-env", "-env-name", "CID", "-label-timeout", "30s", "-wait-tree")
    result = run(
        tmp_path,
        anchor(),
        launcher(words=command(flags=flags), replicas=2),
        launcher("billing", command("app=orders-anchor-1", r"C:\apps\billing.exe")),
    )
    report = told(result)
    assert [each.program.name for each in result.apps] == ["orders-mooring", "billing"]  # a pod has the other name
    for expected in (
        "-env-name CID is not supported",
        "-label-timeout 30s is now anchor.waitSeconds",
        "its 2 replicas shared one anchor",
        "shared Pod orders-anchor-1, its IP and its localhost, with billing",
    ):
        assert expected in report


REFUSED: dict[str, tuple[list[Object], str]] = {
    "no anchor": ([launcher()], "no manifest has the labels app=orders-anchor-1 in namespace apps"),
    "anchor elsewhere": ([launcher(), anchor(namespace="other")], "no manifest has the labels"),
    "two anchors": (
        [launcher(), anchor(), {**anchor(), "metadata": {**anchor()["metadata"], "name": "b"}}],
        "2 manifests have the labels app=orders-anchor-1 in namespace apps, which select its anchor: Pod ",
    ),
    "compartment by number": (
        [launcher(words=[CPLAUNCHER, "-compartment", "7", "--", EXE])],
        "-compartment 7 is a compartment's number, which is not stable; give the anchor's labels with -label",
    ),
    "unknown flag": ([launcher(words=[CPLAUNCHER, "-lable", "app=a", "--", EXE])], "-lable is not a known flag"),
    "no program": ([launcher(words=[CPLAUNCHER, "-label", "app=a", "--"])], "there is no program after --"),
    "set-based selector": (
        [launcher(words=[CPLAUNCHER, "-label", "app in (a, b)", "--", EXE])],
        "its anchor has the label selector 'app in (a, b)'; only key=value",
    ),
    "relative program": ([anchor(), launcher(words=command("app=orders-anchor-1", "orders.exe"))], "full path"),
    "unknown ConfigMap": (
        [anchor(), launcher(words=["cmd", "/c", *command()[:-1], "%ORDERS_EXE%"], env=[FROM_CONFIG])],
        "it uses the variable ORDERS_EXE, from ConfigMap paths, which was not read; add its manifest",
    ),
    "variable of the node": (
        [anchor(), launcher(words=["cmd", "/c", *command()[:-1], r"%ProgramFiles%\a.exe"])],
        "it uses the variable ProgramFiles, which only the node knows; write its value instead",
    ),
    "two commands": ([anchor(), launcher(words=["cmd", "/c", f"{CPLAUNCHER} {LABEL} {EXE} & echo"])], "more than one"),
    "script not among the files": (
        [
            anchor(),
            launcher(
                words=RUN_SCRIPT,
                volumeMounts=[{"name": "s", "mountPath": "C:/scripts"}],
                pod={"volumes": [{"name": "s", "configMap": {"name": "scripts"}}]},
            ),
        ],
        "runs start.ps1, probably from ConfigMap scripts, which was not read; add its manifest",
    ),
    "an App": (
        [{"apiVersion": "mooring/v1", "kind": "App", "name": "orders"}],
        "kind: is already a mooring App; pass it to `mooring generate`",
    ),
    "nothing to import": ([anchor(), service()], "contains no program to import: no HostProcess pod runs cplauncher"),
    "DaemonSet": ([anchor(), {**launcher(), "kind": "DaemonSet"}], "a DaemonSet starts a program in a compartment"),
    "readiness port by an unknown name": (
        [anchor(), launcher(), service(port={"port": 1, "targetPort": "web"})],
        "targets the port named 'web', which no container of the pair has; give its number",
    ),
    "would be refused by generate": (
        [anchor(), launcher(volumeMounts=[{"name": "v", "mountPath": r"C:\mooring"}], pod={
            "volumes": [{"name": "v", "hostPath": {"path": r"C:\mooring"}}]})],
        "would become an invalid App: values.target.mounts.v: ",
    ),
    "twice": ([anchor(), launcher(), launcher()], "Deployment orders-hostprocess is defined twice, first at "),
}  # fmt: skip


@pytest.mark.parametrize(("objects", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_refused_with_its_place(tmp_path: Path, objects: list[Object], expected: str) -> None:
    """A program that is not understood is reported with file, line and what to do; nothing is written."""
    result = run(tmp_path, *objects)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert expected in "\n".join(map(str, result.problems))
    assert all(problem.file.endswith("k2s.yaml") for problem in result.problems)
    assert not (tmp_path / "out").exists()


def test_other_programs_are_still_written(tmp_path: Path) -> None:
    """A program that is not understood does not keep the others from being written; the exit code is 2."""
    result = run(tmp_path, anchor(), launcher(), launcher("bad", [CPLAUNCHER, "-label", "app=none", "--", EXE]))
    assert (result.exit_code, [each.program.name for each in result.apps]) == (ExitCode.BAD_INPUT, ["orders"])


def test_directories_bases_lists_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same objects are read from a directory, a kustomize base, a List and standard input."""
    plain = [anchor(namespace=""), launcher(namespace=""), service()]
    for each in plain:
        each["metadata"].pop("namespace")
    folder, base = tmp_path / "folder", tmp_path / "base"
    for each in (folder, base / "parts"):
        each.mkdir(parents=True)
    write(folder / "a.yaml", anchor())
    write(folder / "b.yml", launcher(), service())
    write(base / "parts" / "all.yaml", *plain)
    (base / "kustomization.yaml").write_text("namespace: apps\nresources: [parts/all.yaml]\n")
    items = [anchor(), launcher(), service()]
    listed = write(tmp_path / "list.yaml", {"apiVersion": "v1", "kind": "List", "items": items})
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(listed.read_bytes())))
    made = [app(import_files([str(each)], tmp_path / f"out-{n}")) for n, each in enumerate((folder, base, listed, "-"))]
    assert made[1:] == made[:-1]
    assert made[0]["values"]["target"]["ports"] == {"http": {"port": 8080, "servicePort": 80}}


def test_a_kustomization_is_followed_or_refused(tmp_path: Path) -> None:
    """What kustomize would change and mooring does not follow is refused with the command that does it."""
    (tmp_path / "kustomization.yaml").write_text("resources: [x.yaml]\npatches: [{path: p.yaml}]\n")
    result = import_files([str(tmp_path)], tmp_path / "out")
    assert f"run  kubectl kustomize {tmp_path} | mooring import -" in str(result.problems[0])
    assert "kustomization.yaml:2:1: patches: " in str(result.problems[0])


BROKEN = r"""apiVersion: v1
kind: Pod
metadata:
  name: orders-net
  namespace: apps
  labels:
    app: orders-anchor-1
  annotations:
  linkerd.io/inject: enabled
spec: {containers: [{name: pause, image: pause-win}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-hostprocess, namespace: apps}
spec:
  template:
    spec:
      hostNetwork: true
      securityContext: {windowsOptions: {hostProcess: true}}
      containers:
        - name: cplauncher
          command:
            - "cmd.exe"
            - "/c"
            - "K2S-INSTALLATION-FOLDER\\bin\\cni\\cplauncher.exe"  # where K2s is
            - "-label"; "app=orders-anchor-1"
            - "-namespace"; "apps"
            - "--"
            - "C:\\apps\\orders\\orders.exe"; "--config"; "C:\\apps\\a; b\\prod.json"  # the program
"""


def test_broken_listing_is_refused_with_the_likely_meaning(tmp_path: Path) -> None:
    """Broken YAML from a printed guide is refused line by line, each with what was likely meant."""
    (tmp_path / "guide.yaml").write_text(BROKEN)
    result = import_files([str(tmp_path / "guide.yaml")], tmp_path / "out")
    found = [(problem.line, problem.column) for problem in result.problems]
    assert found == [(9, 3), (26, 23), (27, 27), (29, 45)]
    assert str(result.problems[1]).endswith(
        "guide.yaml:26:23: not valid YAML: ';' separates two list items; likely meant: one item per line: "
        '"-label", "app=orders-anchor-1"; correct it, or use --mend'
    )
    assert "linkerd.io/inject is next to annotations, which is empty" in str(result.problems[0])
    assert not (tmp_path / "out").exists()


def test_broken_listing_is_mended_on_request(tmp_path: Path) -> None:
    """With --mend it is read as likely meant, every mended line is reported, and places refer to the file."""
    (tmp_path / "guide.yaml").write_text(BROKEN.replace("spec:\n  template", "spec:\n\u00a0 template"))
    result = import_files([str(tmp_path / "guide.yaml")], tmp_path / "out", mend=True)
    made = values(result)
    assert (made["target"]["exe"], made["target"]["args"]) == (EXE, ["--config", r"C:\apps\a; b\prod.json"])
    assert made["anchor"]["podAnnotations"] == {"linkerd.io/inject": "enabled"}
    assert [each.line for each in result.mends] == [9, 16, 26, 27, 29]
    assert "guide.yaml:26: ';' separates two list items; read as one item per line" in told(result)


def test_report_has_a_cutover_that_never_leaves_the_service_empty(tmp_path: Path) -> None:
    """New pairs are up and tested before the Service moves, by a replaced selector; the old ones go last."""
    result = run(tmp_path, anchor(), launcher(), service())
    verbs = [" ".join(step.command.split()[:2]) for step in result.apps[0].steps if step.command]
    assert verbs == [
        "mooring bundle",
        "mooring generate",
        "helm install",
        "helm test",
        "kubectl set",
        "kubectl label",
        "kubectl annotate",
        "helm upgrade",
        "kubectl delete",
        "kubectl delete",
    ]
    text = told(result)
    assert "k2s.yaml:5: Service orders selects app=orders-hostprocess, the HostProcess pods" in text
    assert "--set service.enabled=false" in text


def test_names_keep_clear_of_what_is_there(tmp_path: Path) -> None:
    """A name whose new pods would clash with old ones is not used; then the Service stays a separate object."""
    objects = [service(app="o"), anchor("orders-anchor-0"), launcher(words=command("app=orders-anchor-0"))]
    objects[2]["spec"]["template"]["metadata"]["labels"] = {"app": "o"}
    result = run(tmp_path, *objects)
    assert [each.program.name for each in result.apps] == ["orders-mooring"]
    assert not any(step.command.startswith("helm upgrade") for step in result.apps[0].steps)
    assert any(step.command.startswith("kubectl set selector service orders ") for step in result.apps[0].steps)


def test_a_fixed_address_stays_with_its_service(tmp_path: Path) -> None:
    """If the old Service stays, so does its fixed address: the chart's own Service cannot have it."""
    objects = [service(app="orders-anchor-0", clusterIP="10.0.0.9"), anchor("orders-anchor-0")]
    result = run(tmp_path, *objects, launcher(words=command("app=orders-anchor-0")))
    assert "service" not in values(result, "orders-mooring")
    assert 'spec.clusterIP = "10.0.0.9" (Service orders keeps it)' in told(result)


def test_a_dump_of_a_cluster_is_read_like_the_cluster(tmp_path: Path) -> None:
    """What `kubectl get -o yaml` prints has pods with owners, and fields that the API server added."""
    deployment, routed = launcher(), service(clusterIP="10.0.0.9")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders-x-y", "namespace": "apps"}}
    pod |= {"spec": deployment["spec"]["template"]["spec"] | {"nodeName": "win-1"}}
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "orders-x", "controller": True}]
    items = [anchor(nodeName="win-1"), deployment, pod, routed]
    for number, each in enumerate(items):
        each["metadata"]["uid"] = str(number)
    result = run(tmp_path, {"apiVersion": "v1", "kind": "List", "items": items})
    assert [each.program.name for each in result.apps] == ["orders"]
    assert "service" not in values(result)
    assert result.apps[0].program.leftovers == []


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=1))
def test_words_are_split_as_windows_programs_do(words: list[str]) -> None:
    """What Python's own list2cmdline joins is split into the same words."""
    assert split_windows(subprocess.list2cmdline(words)) == words


def test_related_objects_are_reported(tmp_path: Path) -> None:
    """Objects that select or refer to what is replaced are reported, and so are unrelated ones."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "only-mes", "namespace": "apps"},
        "spec": {"podSelector": {"matchLabels": {"app": "orders-anchor-1"}}},
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "grow", "namespace": "apps"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "orders-hostprocess"}},
    }
    report = told(run(tmp_path, anchor(), launcher(), policy, scaler, config("other", {})))
    assert "NetworkPolicy only-mes selects Pod orders-anchor-1, which is replaced" in report
    assert "HorizontalPodAutoscaler grow refers to orders-hostprocess, which is replaced" in report
    assert "ConfigMap other is not related to an imported program, and is not touched" in report


def test_an_app_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """A second import of the same manifests changes nothing; one that would change an App writes nothing."""
    assert run(tmp_path, anchor(), launcher()).exit_code == ExitCode.DONE
    assert run(tmp_path, anchor(), launcher()).exit_code == ExitCode.DONE
    before = (tmp_path / "out" / "orders.yaml").read_text()
    more = [anchor("a"), launcher("another", command("app=a"))]
    result = run(tmp_path, anchor(), launcher(workingDir="C:/"), *more)
    assert "orders.yaml: exists already with other content, and is left as it is" in str(result.problems[0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["orders.yaml"]
    assert (tmp_path / "out" / "orders.yaml").read_text() == before


def test_imported_apps_generate_and_lint(tmp_path: Path) -> None:
    """`mooring generate` accepts what was imported, and Helm lints and renders the charts."""
    objects: list[Object] = [service(app="orders")]
    for n in (1, 2):
        one = launcher(f"orders-{n}", command(f"app=a-{n}", EXE, f"--n={n}"), env=[{"name": "N", "value": str(n)}])
        one["spec"]["template"]["metadata"]["labels"] = {"app": "orders", "team": "mes"}
        objects += [anchor(f"a-{n}"), one]
    probe = {"httpGet": {"port": 8443, "path": "ready"}, "timeoutSeconds": 9}
    hook = {"preStop": {"exec": {"command": [r"C:\t\stop.exe", "{{ fail }}"]}}}
    volumes = [{"name": "state", "emptyDir": {}}, {"name": "d", "hostPath": {"path": "D:/d", "type": "File"}}]
    mounts = [{"name": "state", "mountPath": "C:/s"}, {"name": "d", "mountPath": "D:/d"}]
    rich = launcher(
        "press", command("app=b", r"C:\p.exe"), readinessProbe=probe, lifecycle=hook, volumeMounts=mounts,
        pod={"volumes": volumes, "terminationGracePeriodSeconds": 120, "priorityClassName": "high"},
        env=[FROM_CONFIG, {"name": "KUBERNETES_X", "value": "y"}], envFrom=[{"secretRef": {"name": "s"}}],
        resources={"requests": {"cpu": "1"}},
    )  # fmt: skip
    objects += [anchor("b", tolerations=[{"key": "os", "value": "windows"}]), rich]
    result = run(tmp_path, *objects, service("press", "b", {"port": 8091}, sessionAffinity="ClientIP"))
    assert [each.program.name for each in result.apps] == ["orders", "press"]
    assert values(result, "press")["readiness"] == {"port": 8092}  # the program has mooring's own
    charts = generate([str(tmp_path / "out")], tmp_path / "charts")
    assert (charts.problems, len(charts.charts)) == ([], 2)
    for chart in charts.charts:
        for verb in (["lint", "--strict"], ["template", "x"]):
            words = [require("helm"), *verb, chart.directory]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


def test_json_report_has_the_same(tmp_path: Path) -> None:
    """The JSON report has the Apps, what was not carried over and every step's command."""
    document = run(tmp_path, anchor(), launcher(), service()).as_dict()
    again = json.loads(json.dumps(document))
    assert (again["exitCode"], again["apps"][0]["app"], again["apps"][0]["namespace"]) == (0, "orders", "apps")
    assert again["apps"][0]["cutOver"][2]["command"].startswith("helm install orders ")
