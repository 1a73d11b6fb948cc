"""On Windows nothing is run, imported or read that ordinary users could change.

Wine derives owner and access control list from a file's owner and mode, so both can be set from outside; Everyone is
its only other account. Lists with the accounts of a real node come from SDDL, which Wine's own parser reads.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.windows.machine import COMPARTMENT, Machine
from tests.windows.release import anchor_pod, config_of, toy

_SCRIPT = Path(__file__).parent / "inside/trust.py"
_FINE = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"
_USERS_ADD = "(A;CI;0x4;;;BU)(A;CI;0x2;;;BU)(A;OICIIO;GA;;;CO)"


def ask(machine: Machine, case: str, *words: str) -> Any:
    """Run one case of inside/trust.py."""
    return machine.run_python(_SCRIPT, case, *words)


@pytest.mark.parametrize(
    ("sddl", "replace", "add"),
    [
        (_FINE, "", ""),
        ("O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", "", ""),  # a token of kubelet's, recorded
        # What a directory below C: of a server inherits: Users may create, and own what they create.
        (_FINE + _USERS_ADD, "", "can be changed by Users (S-1-5-32-545) (0x4)"),
        # The same on a client.
        (_FINE + "(A;OICIID;0x1301bf;;;AU)", *["can be changed by Authenticated Users (S-1-5-11) (0x1301BF)"] * 2),
        (_FINE + "(A;OICIIO;0x1301bf;;;AU)", "", ""),  # inherit-only: means nothing here
        (_FINE + "(A;;FA;;;WD)", *["can be changed by Everyone (S-1-1-0) (0x1F01FF)"] * 2),
        (_FINE + "(A;;GA;;;BU)", *["can be changed by Users (S-1-5-32-545) (0x10000000)"] * 2),
        (_FINE + "(A;;GW;;;BU)", "", "can be changed by Users (S-1-5-32-545) (0x40000000)"),
        (_FINE + "(A;;WD;;;BU)", *["can be changed by Users (S-1-5-32-545) (0x40000)"] * 2),
        (_FINE + "(A;;0x40;;;BU)", *["can be changed by Users (S-1-5-32-545) (0x40)"] * 2),
        (_FINE + "(A;;FA;;;S-1-5-21-1-2-3-1002)", *["can be changed by S-1-5-21-1-2-3-1002 (0x1F01FF)"] * 2),
        (_FINE + "(A;;FA;;;S-1-5-21-1-2-3-500)(A;;FA;;;S-1-5-21-1-2-3-512)", "", ""),  # administrators
        (_FINE + "(A;;FA;;;S-1-5-21-1-2-3-1001)", "", ""),  # the launcher's own account
        (_FINE + "(D;;FA;;;WD)(A;;FA;;;OW)(A;;FA;;;CO)", "", ""),
        (_FINE.replace("O:BA", "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"), "", ""),
        (_FINE.replace("O:BA", "O:BU"), *["belongs to Users (S-1-5-32-545)"] * 2),
        (_FINE.replace("O:BA", "O:S-1-5-21-1-2-3-1002"), *["belongs to S-1-5-21-1-2-3-1002"] * 2),
        (_FINE.replace("O:BA", ""), *["belongs to nobody"] * 2),
        ("O:BAG:SY", *["has no access control list, so everybody may change it"] * 2),
        ("O:BAG:SYD:", "", ""),  # an empty list: nobody may do anything
    ],
)
def test_access_control_lists_are_judged(machine: Machine, sddl: str, replace: str, add: str) -> None:
    """Who could take over or replace a directory, and who could add to it."""
    assert ask(machine, "sddl", sddl) == [[replace, add]]


@pytest.fixture
def folder(machine: Machine) -> Any:
    """Return a directory of C: that is gone after the test."""
    made = machine.drive / "trust/one"
    made.mkdir(parents=True)
    (made / "file").write_text("x")
    yield made
    shutil.rmtree(machine.drive / "trust")


def test_files_and_directories_are_looked_at(machine: Machine, folder: Path) -> None:
    """The path and each directory above it are checked; the first that somebody else could change is named."""
    file = r"C:\trust\one\file"
    assert ask(machine, "find", file, r"C:\trust\one", r"C:\trust\absent") == ["", "", ""]
    (folder / "file").chmod(0o646)
    assert ask(machine, "find", file)[0].startswith(rf"{file} can be changed by Everyone")
    (folder / "file").chmod(0o644)
    folder.parent.chmod(0o777)
    assert ask(machine, "find", file)[0].startswith(r"C:\trust can be changed by Everyone")
    folder.parent.chmod(0o755)
    (folder.parent / "link").symlink_to("one")
    assert ask(machine, "find", r"C:\trust\link\file") == [""]


def test_a_state_directory_becomes_the_launchers_own(machine: Machine, folder: Path) -> None:
    """Everybody's write access is removed, and existing content is checked."""
    folder.chmod(0o777)
    assert ask(machine, "own", r"C:\trust\one") == ["nothing", "", ""], oct(folder.stat().st_mode)
    assert folder.stat().st_mode & 0o002 == 0  # Wine shows Administrators' access as the group's bits
    assert folder.stat().st_mode & 0o700 == 0o700
    (folder / "file").chmod(0o666)
    name, sentence, _ = ask(machine, "own", r"C:\trust\one")
    assert name == "UNTRUSTED_PATH"
    assert sentence.startswith(r"the state directory is not safe to use: C:\trust\one\file can be changed by Everyone")


def test_a_planted_psutil_is_never_run(launch: Any, machine: Machine) -> None:
    """If others may write beside the launcher, it exits at the start, before importing anything from there."""
    lib = machine.path(r"C:\mooring\lib")
    lib.chmod(0o777)
    try:
        end = launch(toy("wait")).wait_exit()
    finally:
        lib.chmod(0o755)
    assert (end["by"], end["code"]) == ("launcher", 224)
    assert end["message"].startswith(r"psutil's folder is not safe to use: C:\mooring\lib can be changed by Everyone")


def test_a_configuration_that_others_may_write_is_refused(machine: Machine) -> None:
    """The launcher reads nothing of it."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    machine.site.api.put("pods", anchor_pod(machine))
    folder = machine.path("C:\\etc\\mooring")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    try:
        end = machine.launch(config_of(toy("wait"))).wait_exit()
    finally:
        folder.chmod(0o755)
    assert end["code"] == 224
    assert end["message"].startswith(r"the configuration is not safe to use: C:\etc\mooring can be changed by Everyone")
