"""A program runs as the same account in its App, or the import is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.errors import ExitCode

from tests.generator.importing import run, told, values
from tests.generator.manifests import Object, anchor, command, launcher

GMSA = {"gmsaCredentialSpecName": "orders-spec"}


def as_user(pod: object, container: object = None) -> Object:
    """Return a launcher whose pod, and container, run as these; None: they do not say."""

    def context(user: object) -> Object:
        options = {"hostProcess": True} if user is None else {"hostProcess": True, "runAsUserName": user}
        return {"securityContext": {"windowsOptions": options}}

    own = {} if container is None else context(container)
    return launcher(pod=context(pod), **own)


ACCOUNTS: dict[str, tuple[object, object, str | None]] = {
    "nothing": (None, None, None),
    "SYSTEM": (r"NT AUTHORITY\SYSTEM", None, None),
    "SYSTEM in German": ("NT-AUTORITÄT\\SYSTEM", None, None),
    "SYSTEM in Russian": ("NT AUTHORITY\\СИСТЕМА", None, None),
    "lower case": (r"nt authority\system", None, None),
    "LocalService": (r"NT AUTHORITY\LocalService", None, "LocalService"),
    "Local service with a space": (r"NT AUTHORITY\Local service", None, "LocalService"),
    "LOCAL SERVICE without a domain": ("LOCAL SERVICE", None, "LocalService"),
    "LocalService in German": ("NT-AUTORITÄT\\LOKALER DIENST", None, "LocalService"),
    "LocalService in Spanish": (r"NT AUTHORITY\SERVICIO LOC", None, "LocalService"),
    "NetworkService": (r"NT AUTHORITY\NETWORK SERVICE", None, "NetworkService"),
    "NetworkService in French": ("AUTORITE NT\\SERVICE RÉSEAU", None, "NetworkService"),
    "NetworkService in German": (r"NT-Autorität\Netzwerkdienst", None, "NetworkService"),
    "group-managed": (r"PLANT\orders$", None, r"PLANT\orders$"),
    "domain account": (r"plant.example\orders", None, r"plant.example\orders"),
    "local account": (r".\orders", None, r".\orders"),
    "domain account called LocalService": (r"PLANT\LocalService", None, r"PLANT\LocalService"),
    "container wins": (r"NT AUTHORITY\SYSTEM", r"NT AUTHORITY\LocalService", "LocalService"),
    "container wins with SYSTEM": (r"NT AUTHORITY\LocalService", r"NT AUTHORITY\SYSTEM", None),
    "container over a group": ("hpc-users", r"NT AUTHORITY\LocalService", "LocalService"),
    "only the container": (None, r"PLANT\orders$", r"PLANT\orders$"),
}


@pytest.mark.parametrize(("pod", "container", "expected"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_the_account_is_carried(tmp_path: Path, pod: object, container: object, expected: str | None) -> None:
    """RunAsUserName of the pod, and of the container before it, is target.runAs; SYSTEM is the launcher's own."""
    result = run(tmp_path, anchor(), as_user(pod, container))
    assert values(result)["target"].get("runAs") == expected
    assert "runAsUserName" not in (tmp_path / "out" / "orders.yaml").read_text()
    assert generate([str(tmp_path / "out")], tmp_path / "charts").problems == []


NO_ACCOUNTS = {
    "local group": "hpc-users",
    "a group called restricted": "restricted",
    "container's user": "ContainerAdministrator",
    "container's user with a domain": r"User Manager\ContainerUser",
    "group of Windows": r"BUILTIN\Users",
    "virtual account": r"NT SERVICE\orders",
    "application pool": r"IIS APPPOOL\orders",
    "another built-in": r"NT AUTHORITY\IUSR",
    "no name": "PLANT\\",
    "empty": "",
}


@pytest.mark.parametrize("user", NO_ACCOUNTS.values(), ids=NO_ACCOUNTS)
@pytest.mark.parametrize("level", ["pod", "container"])
def test_an_account_that_an_app_cannot_have_is_refused(tmp_path: Path, user: str, level: str) -> None:
    """An account that target.runAs cannot be is an error with its place and what to write, never SYSTEM instead."""
    made = as_user(user) if level == "pod" else as_user(r"NT AUTHORITY\SYSTEM", user)
    result = run(tmp_path, anchor(), made)
    assert (result.exit_code, result.apps, len(result.problems)) == (ExitCode.BAD_INPUT, [], 1)
    problem = result.problems[0]
    path = "spec.template.spec" if level == "pod" else "spec.template.spec.containers[0]"
    assert (problem.line, problem.key) == (3, f"{path}.securityContext.windowsOptions.runAsUserName")
    assert problem.message.startswith(f"found {user!r}, ")
    assert r"DOMAIN\name$ (a group-managed service account)" in problem.message


def test_a_missing_password_is_reported(tmp_path: Path) -> None:
    """An account with a password needs it in a variable; that is reported unless the container has it already."""
    made = as_user(r"PLANT\orders")
    assert "needs its password in RUN_AS_PASSWORD" in told(run(tmp_path, anchor(), made))
    secret = {"name": "RUN_AS_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "orders", "key": "password"}}}
    made["spec"]["template"]["spec"]["containers"][0]["env"] = [secret]
    again = run(tmp_path, anchor(), made, strict=True)
    assert "needs its password" not in told(again)


def test_replicas_of_two_accounts_are_two_apps(tmp_path: Path) -> None:
    """Numbered pairs that run as different accounts are not replicas of one program."""
    objects: list[Object] = [anchor("a-1"), anchor("a-2")]
    for number, user in ((1, r"NT AUTHORITY\SYSTEM"), (2, r"NT AUTHORITY\LocalService")):
        made = as_user(user)
        made["metadata"]["name"] = f"orders-{number}"
        made["spec"]["template"]["spec"]["containers"][0]["command"] = command(f"app=a-{number}")
        objects.append(made)
    result = run(tmp_path, *objects)
    assert [values(result, f"orders-{n}")["target"].get("runAs") for n in (1, 2)] == [None, "LocalService"]


@pytest.mark.parametrize("level", ["pod", "container"])
def test_a_credential_spec_is_reported(tmp_path: Path, level: str) -> None:
    """A GMSA credential spec is for process-isolated containers; it is reported with what an App has instead."""
    made = as_user(r"NT AUTHORITY\SYSTEM", r"NT AUTHORITY\SYSTEM")
    pod = made["spec"]["template"]["spec"]
    (pod if level == "pod" else pod["containers"][0])["securityContext"]["windowsOptions"] |= GMSA
    report = told(run(tmp_path, anchor(), made))
    assert (
        r'gmsaCredentialSpecName = "orders-spec" (to run as a group-managed service account, set target.runAs' in report
    )
