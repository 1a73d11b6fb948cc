"""The command line, and what `check` prints."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mooring_launcher import __version__
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.inside_helpers import namespace
from tests.launcher.rig import Rig, anchor_pod, make_config


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher's command line."""
    return subprocess.run(
        [sys.executable, "-m", "mooring_launcher", *words], capture_output=True, text=True, check=False
    )


def test_version_is_told() -> None:
    """`version` prints the version."""
    assert command("version").stdout == __version__ + "\n"


@pytest.mark.parametrize("words", [(), ("walk",), ("probe",), ("probe", "alive"), ("run", "x")])
def test_an_unknown_command_shows_the_usage(words: tuple[str, ...]) -> None:
    """Anything else prints the usage on stderr and exits with 201."""
    answer = command(*words)
    assert (answer.returncode, answer.stdout) == (201, "")
    assert answer.stderr.startswith("usage:")


def test_run_outside_a_pod_says_what_is_missing() -> None:
    """`run` without an ordinal fails with NO_ORDINAL and one line that says so."""
    answer = command("run")
    assert answer.returncode == 204
    assert json.loads(answer.stderr.splitlines()[-1])["by"] == "launcher"


@pytest.mark.sandbox
def test_check_tells_what_run_would_do(rig: Rig, ip: str, compartment: Compartment) -> None:
    """`check` names target, anchor and compartment, starts nothing and exits with 0."""
    (rig.tmp / "config.json").write_text(json.dumps(make_config()))
    rig.api.put("pods", anchor_pod(ip))
    answer = rig.command("check")
    assert answer.returncode == 0
    assert f"compartment: {compartment.id} ({compartment.name})" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "nothing is missing"
    assert rig.verbs() == ["get"]


@pytest.mark.sandbox
def test_check_tells_what_is_missing(rig: Rig) -> None:
    """`check` without an anchor says so and exits with the code that `run` would."""
    (rig.tmp / "config.json").write_text(json.dumps(make_config()))
    answer = rig.command("check")
    assert answer.returncode == 209
    assert "does not exist" in answer.stdout


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"target": {"exe": "/no/such/program"}}, 214, "/no/such/program"),
        ({"target": {"workingDir": "/no/such/folder"}}, 214, "/no/such/folder"),
        ({"target": {"sha256": "0" * 64}}, 216, "sha256"),
        ({"gate": {"tcp": {"open": {"port": "web"}}}}, 202, "'web'"),
    ],
)
def test_check_looks_at_the_target(
    rig: Rig, ip: str, compartment: Compartment, changes: dict[str, Any], code: int, words: str
) -> None:
    """`check` reports what prevents the program or its gate from starting, with the code that `run` would exit with."""
    (rig.tmp / "config.json").write_text(json.dumps(make_config(**changes)))
    rig.api.put("pods", anchor_pod(ip))
    answer = rig.command("check")
    assert answer.returncode == code
    assert words in answer.stdout


@pytest.mark.sandbox
def test_check_tells_an_anchor_elsewhere_and_a_doubtful_compartment(
    rig: Rig, ip: str, compartment: Compartment
) -> None:
    """An anchor on another node, and an IP that two compartments have, each have their own exit code."""
    (rig.tmp / "config.json").write_text(json.dumps(make_config()))
    rig.api.put("pods", anchor_pod(ip, node="node-b"))
    assert rig.command("check").returncode == 211
    rig.api.put("pods", anchor_pod(ip))
    with namespace(ip) as other:
        answer = rig.command("check")
    assert answer.returncode == 213
    assert other.name in answer.stdout


@pytest.mark.sandbox
def test_a_state_directory_that_cannot_be_written_is_named(rig: Rig, tmp_path: Path) -> None:
    """Without a place for the status file the launcher ends with STATE_UNWRITABLE."""
    rig.state = tmp_path / "missing"
    launcher = rig.launch()
    assert launcher.wait_exit() == 206
    assert "missing" in rig.message()["message"]
