"""A workload that starts nothing in a compartment is not an error; one that does, and is not understood, is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mooring.errors import ExitCode

from tests.generator.importing import run, told, values
from tests.generator.manifests import CPLAUNCHER, EXE, Object, anchor, command, config, launcher


def host_process(kind: str, words: list[str], name: str = "collect", **pod: Any) -> Object:
    """Return a HostProcess workload of any kind with a command."""
    made = launcher(name, words, pod=pod)
    made["kind"] = kind
    if kind == "Pod":
        return {**made, "apiVersion": "v1", "spec": made["spec"]["template"]["spec"]}
    if kind == "CronJob":
        made["spec"] = {"schedule": "@daily", "jobTemplate": {"spec": {"template": made["spec"]["template"]}}}
    return made


BYSTANDERS = {
    "a text of several commands": [
        "powershell.exe",
        "-Command",
        r"tracer stop ; tracer start; sleep 9 ; c:\k\collect.ps1",
    ],
    "a script of the image": ["powershell.exe", "$env:CONTAINER_SANDBOX_MOUNT_POINT/proxy/start.ps1"],
    "a batch file with a pipe": ["cmd", "/c", r"C:\k\run.bat | findstr x"],
    "a script that is given by -File": ["pwsh", "-File", r"C:\k\collect.ps1", "-Verbose"],
    "no script": [r"C:\k\agent.exe", "--all"],
    "a log of cplauncher's": [r"C:\k\agent.exe", "--logs", r"C:\var\log\cplauncher"],
}


@pytest.mark.parametrize("words", BYSTANDERS.values(), ids=BYSTANDERS)
@pytest.mark.parametrize("kind", ["DaemonSet", "Job", "CronJob", "Deployment", "Pod", "StatefulSet"])
def test_a_bystander_is_not_an_error(tmp_path: Path, kind: str, words: list[str]) -> None:
    """A HostProcess workload without cplauncher or COMPARTMENT_ID_ATTACH is reported as unrelated."""
    result = run(tmp_path, anchor(), launcher(), host_process(kind, words))
    values(result)
    assert result.exit_code == ExitCode.DONE
    line = next(each for each in told(result).splitlines() if f"{kind} collect" in each)
    assert "is not related to an imported program" in line
    assert "which is replaced" not in told(result)


def test_a_bystander_with_the_labels_of_a_program_selects_its_own_pods(tmp_path: Path) -> None:
    """A DaemonSet with the launcher's labels selects its own pods with them, so no advice is given."""
    other = host_process("DaemonSet", ["powershell", "-Command", "a; b.ps1"])
    labels = {"app": "orders-hostprocess"}
    other["spec"]["selector"] = {"matchLabels": labels}
    other["spec"]["template"]["metadata"]["labels"] = labels
    report = told(run(tmp_path, anchor(), launcher(), other))
    assert "DaemonSet collect is not related to an imported program" in report


def test_a_script_that_was_not_given_is_a_note(tmp_path: Path) -> None:
    """If a program was found, another workload's unread script is reported, but not an error."""
    mounts = [{"name": "s", "mountPath": "C:/s"}]
    other = launcher("agent", ["powershell", "-File", r"C:\s\x.ps1"], pod={"volumes": [
        {"name": "s", "configMap": {"name": "agent"}}]}, volumeMounts=mounts)  # fmt: skip
    result = run(tmp_path, anchor(), launcher(), other)
    assert result.exit_code == ExitCode.DONE
    line = next(each for each in told(result).splitlines() if "Deployment agent" in each)
    assert "is not related to an imported program as far as known" in line
    assert "it runs x.ps1, probably from ConfigMap agent, which was not read" in line


def mounted(words: list[str], data: dict[str, str], **more: Any) -> list[Object]:
    """Return a launcher that has a ConfigMap of scripts, and the ConfigMap."""
    volumes = [{"name": "s", "configMap": {"name": "scripts"}}]
    mounts = [{"name": "s", "mountPath": "C:/scripts"}]
    made = launcher("hidden", words, pod={"volumes": volumes, **more}, volumeMounts=mounts)
    return [made, config("scripts", data)]


ATTACHES = "$env:COMPARTMENT_ID_ATTACH = 7\n& 'C:\\x.exe'\n"
USERS: dict[str, list[Object]] = {
    "the variable set by hand": [launcher("hidden", [EXE], env=[{"name": "COMPARTMENT_ID_ATTACH", "value": "7"}])],
    "cplauncher behind other commands": [launcher("hidden", ["powershell", "-Command", f"sleep 1; {CPLAUNCHER} -v 1"])],
    "a script with it, behind others": mounted(
        ["powershell", "-Command", r"sleep 5; & C:\scripts\start.ps1"], {"start.ps1": ATTACHES}
    ),
    "a script that calls one": mounted(
        ["powershell", "-File", r"C:\scripts\a.ps1"], {"a.ps1": "& C:\\scripts\\b.ps1", "b.ps1": ATTACHES}
    ),
    "a command by a variable": [
        launcher("hidden", ["cmd", "/c", "%CP% -label a=b -- x | y"], env=[{"name": "CP", "value": CPLAUNCHER}])
    ],
    "a Job": [host_process("Job", command("app=orders-anchor-1"), "hidden")],
    "a CronJob": [host_process("CronJob", command("app=orders-anchor-1"), "hidden")],
    "a DaemonSet": [host_process("DaemonSet", command("app=orders-anchor-1"), "hidden")],
    "a kind nobody knows": [host_process("Rollout", command("app=orders-anchor-1"), "hidden")],
    "an init container": [
        launcher("hidden", [r"C:\a.exe"], pod={"initContainers": [{"name": "i", "image": "i:1", "command": command()}]})
    ],
    "not a HostProcess pod": [anchor("hidden", containers=[{"name": "c", "image": "c:1", "command": command()}])],
    "a command that is not a list": [launcher("hidden", f"{CPLAUNCHER} -label a=b -- x")],  # type: ignore[arg-type]
    "a pod whose owner was not read": [
        {
            **host_process("Pod", command("app=x"), "hidden"),
            "metadata": {
                "name": "hidden-7d9-x",
                "namespace": "apps",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "hidden-7d9", "controller": True}],
            },
        }
    ],
}


@pytest.mark.parametrize("objects", USERS.values(), ids=USERS)
def test_a_user_that_is_not_understood_is_an_error(tmp_path: Path, objects: list[Object]) -> None:
    """A workload that mentions cplauncher or COMPARTMENT_ID_ATTACH, and is not understood, is never a bystander."""
    result = run(tmp_path, anchor(), launcher(), *objects)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert [each.program.name for each in result.apps] == ["orders"]
    assert len(result.problems) == 1
    assert result.problems[0].line is not None
