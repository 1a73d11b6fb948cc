"""What is legal and most likely wrong is reported by the generator and after an installation, and never refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mooring.model.nodes import default_of
from mooring.model.rules.table import find_violations
from mooring.model.rules.warnings import MAPPED_DRIVE, ON_A_SERVER, SHARED_IDENTITY, find_warnings
from mooring.model.values import VALUES

from tests.chart.rendering import layered, notes
from tests.generator.conftest import APP, Run, mooring  # noqa: F401 - a fixture

EXE = {"target": {"exe": r"C:\a.exe"}}
MESH: dict[str, Any] = {"mesh": {"linkerd": {"enabled": True, "nodeNetworks": ["10.0.0.0/16"]}}}
WARNED: list[tuple[dict[str, Any], str, str]] = [
    ({"target": {"mounts": {"m": {"hostPath": r"\\server\share"}}}}, "target.mounts.m.hostPath", ON_A_SERVER),
    ({"target": {"exe": r"\\server\share\a.exe"}}, "target.exe", ON_A_SERVER),
    ({"target": {"workingDir": r"\\server\share"}}, "target.workingDir", ON_A_SERVER),
    ({"launcher": {"hostPath": r"\\server\share"}}, "launcher.hostPath", ON_A_SERVER),
    ({"target": {"mounts": {"m": {"hostPath": r"Z:\data"}}}}, "target.mounts.m.hostPath", MAPPED_DRIVE),
    ({"target": {"exe": r"h:\a.exe"}}, "target.exe", MAPPED_DRIVE),
    ({"launcher": {"python": r"S:\python.exe"}}, "launcher.python", MAPPED_DRIVE),
    ({"anchor": {"serviceAccount": {"create": False}}, **MESH}, "anchor.serviceAccount.name", SHARED_IDENTITY),
    (
        {"anchor": {"serviceAccount": {"create": False, "name": "team"}}, **MESH},
        "anchor.serviceAccount.name",
        SHARED_IDENTITY,
    ),
]
"""Values, the key that is named and the sentence."""


@pytest.mark.parametrize(("values", "key", "sentence"), WARNED)
def test_generator_and_notes_say_the_same(tmp_path: Path, values: dict[str, Any], key: str, sentence: str) -> None:
    """A share, and a drive that is probably mapped for a user, are legal, and reported with the reason."""
    values = layered(EXE, values)
    complete = layered(default_of(VALUES), values)
    assert find_violations(complete) == []
    ((path, found, said),) = find_warnings(complete)
    assert (".".join(path), said) == (key, sentence)
    told = notes(tmp_path, values)
    assert f"WARNING:\n{key} ({found}) {sentence}\n" in told


@pytest.mark.parametrize(
    "values",
    [
        {"target": {"exe": r"D:\a.exe", "workingDir": r"E:\data", "args": [r"\\server\share", r"Z:\x"]}},
        {"target": {"mounts": {"m": {"hostPath": r"C:\x", "mountPath": r"Z:\x"}, "d": {"hostPath": r"\\.\pipe\x"}}}},
        {"platform": "linux", "target": {"exe": "//usr/bin/x"}},
        {"anchor": {"serviceAccount": {"create": False}}},
        {"anchor": {"serviceAccount": {"name": "own"}}, **MESH},
    ],
)
def test_other_paths_are_not_warned_of(tmp_path: Path, values: dict[str, Any]) -> None:
    """Disks of the node, devices, arguments and Linux cause no warning."""
    values = layered(EXE, values)
    assert list(find_warnings(layered(default_of(VALUES), values))) == []
    assert "WARNING" not in notes(tmp_path, values)


def test_a_warning_is_a_line_on_standard_error_and_no_exit_code(tmp_path: Path, mooring: Run) -> None:  # noqa: F811
    """The chart is written; the line has the place, and JSON output has it as data."""
    (tmp_path / "orders.yaml").write_text(APP.replace(r"'C:\apps\orders\orders.exe'", r"'Z:\orders.exe'"))
    run = mooring("generate", "orders.yaml", "--out", "out")
    assert (run.returncode, run.stdout) == (0, "written out/orders\n")
    assert run.stderr == f'warning: orders.yaml:8:10: values.target.exe: "Z:\\\\orders.exe" {MAPPED_DRIVE}\n'
    document = json.loads(mooring("generate", "orders.yaml", "--out", "out", "--output", "json").stdout)
    assert document["exitCode"] == 0
    assert document["warnings"][0]["key"] == "values.target.exe"
