"""The command line: exit codes, output, and no traceback."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import regenerate
from jsonschema import Draft7Validator
from mooring import __version__
from mooring.batch import generate as _generate
from mooring.cli import main as _cli
from mooring.errors import ExitCode

from tests.generator.conftest import Run


def test_version_is_that_of_the_package(mooring: Run) -> None:
    """`mooring --version` prints the version of pyproject.toml."""
    project = tomllib.loads((regenerate.ROOT / "pyproject.toml").read_text())["project"]
    assert mooring("--version").stdout == f"mooring {project['version']}\n" == f"mooring {__version__}\n"


def test_version_imports_next_to_nothing(mooring: Run) -> None:
    """`mooring --version` imports no module of the generator except the command line."""
    run = mooring("--version", PYTHONPROFILEIMPORTTIME="1", COVERAGE_PROCESS_START="", COVERAGE_PROCESS_CONFIG="")
    imported = {line.rsplit("|", 1)[1].strip() for line in run.stderr.splitlines() if "|" in line}
    assert {name for name in imported if name.startswith("mooring.")} == {
        "mooring.cli",
        "mooring.cli.main",
        "mooring.cli.console",
    }
    assert not imported & {"argparse", "jinja2", "yaml", "typing"}


def test_new_app_becomes_a_chart(tmp_path: Path, mooring: Run) -> None:
    """The file that `mooring new` writes has ten lines with comments, and can be generated immediately."""
    assert mooring("new", "orders").returncode == 0
    text = (tmp_path / "orders.yaml").read_text()
    assert (len(text.splitlines()), text.count(" # ")) == (10, 5)
    assert mooring("generate", "orders.yaml", "--out", "charts").returncode == 0
    assert (tmp_path / "charts" / "orders" / "Chart.yaml").exists()


@pytest.mark.parametrize("name", ["true", "null", "yes", "n"])
def test_new_quotes_names_that_yaml_takes_for_something_else(tmp_path: Path, mooring: Run, name: str) -> None:
    """What `mooring new` writes, `mooring generate` accepts, even for an App named true."""
    assert mooring("new", name).returncode == 0
    assert mooring("generate", f"{name}.yaml", "--out", "charts").returncode == 0


def test_new_refuses_to_overwrite(tmp_path: Path, mooring: Run) -> None:
    """`mooring new` does not change a file that exists."""
    (tmp_path / "orders.yaml").write_text("mine")
    run = mooring("new", "orders")
    assert (run.returncode, run.stderr) == (2, "mooring: orders.yaml: exists already, and is left as it is\n")
    assert (tmp_path / "orders.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["Orders", "../orders", "-x" * 3, "o" * 46, ""])
def test_new_refuses_bad_names(tmp_path: Path, mooring: Run, name: str) -> None:
    """A name that no App may have is refused, and nothing is written."""
    assert mooring("new", "--", name).returncode == 2
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("of", ["app", "values", "config"])
def test_schema_prints_a_schema(mooring: Run, of: str) -> None:
    """`mooring schema` prints draft-07 schemas that other tools can use."""
    Draft7Validator.check_schema(json.loads(mooring("schema", of).stdout))


def test_schema_of_an_app_accepts_apps(mooring: Run) -> None:
    """The schema printed by default is the App's."""
    assert json.loads(mooring("schema").stdout)["title"] == "App"


def test_no_command_is_bad_input(mooring: Run) -> None:
    """A wrong command line exits with 2 and prints the usage."""
    for arguments in ([], ["generat"], ["generate", "x.yaml"], ["generate", "x", "--out", "o", "--check", "--force"]):
        run = mooring(*arguments)
        assert (run.returncode, run.stderr.startswith("usage: mooring")) == (2, True)


def test_exit_codes_are_the_documented_ones() -> None:
    """The exit codes are an interface."""
    assert {code.name: code.value for code in ExitCode} == {"DONE": 0, "UNEXPECTED": 1, "BAD_INPUT": 2, "DRIFT": 3}


def test_unexpected_error_is_one_line(
    app_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected error is one line and exit code 1; MOORING_DEBUG=1 shows its traceback."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(_generate, "plan_chart", fail)
    words = ["generate", str(app_file), "--out", str(app_file.parent / "out")]
    assert _cli.main(words) == 1
    assert capsys.readouterr().err == "mooring: unexpected ZeroDivisionError: by zero (MOORING_DEBUG=1 shows where)\n"
    monkeypatch.setenv("MOORING_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        _cli.main(words)


def test_every_bad_app_ends_without_a_traceback(tmp_path: Path, mooring: Run) -> None:
    """A file with problems leads to exit code 2, nothing on standard output, and no traceback."""
    (tmp_path / "bad.yaml").write_bytes(b"\x00\xff[{")
    run = mooring("generate", "bad.yaml", "--out", "out")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("bad.yaml:1:")
    assert "Traceback" not in run.stderr
