"""Exit codes, the termination message, and the log's discretion."""

import json
from pathlib import Path

import pytest
from mooring_launcher.errors import ExitCode, LauncherError, render_exit_codes
from mooring_launcher.reports.outcome import (
    MESSAGE_BYTES,
    Outcome,
    failure,
    render_termination_message,
    write_termination_message,
)

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"


def test_the_page_is_the_enum() -> None:
    """docs/exit-codes.md is what the enum renders."""
    assert PAGE.read_text() == render_exit_codes()


@pytest.mark.parametrize("code", list(ExitCode))
def test_each_code_is_in_the_launchers_range_and_explained(code: ExitCode) -> None:
    """Every code lies in 200 to 229 and says what it means and what to do."""
    assert 200 <= code <= 229
    assert code.meaning.endswith(".")
    assert code.remedy.endswith(".")


def test_the_termination_message_is_one_json_line(tmp_path: Path) -> None:
    """The message replaces what was in the file and says whose code it is."""
    path = tmp_path / "log"
    path.write_text("x" * 500)
    error = LauncherError(ExitCode.GATE_TIMEOUT, "port http 8080: not listening")
    write_termination_message(failure(error), {"MOORING_TERMINATION_LOG": str(path)})
    assert json.loads(path.read_text()) == {"by": "launcher", "code": 218, "message": "port http 8080: not listening"}
    assert path.read_text().count("\n") == 1


@pytest.mark.parametrize("message", ["", "a" * 10_000, "ü" * 10_000, '"\\' * 5_000])
def test_a_long_message_stays_whole_json(message: str) -> None:
    """Whatever the sentence, the line is JSON within kubelet's limit."""
    line = render_termination_message(Outcome("target", 1, message))
    assert len(line) <= MESSAGE_BYTES
    assert json.loads(line)["code"] == 1


def test_without_a_termination_log_nothing_happens(tmp_path: Path) -> None:
    """Outside a pod there is no such file, and none is made."""
    path = tmp_path / "none"
    write_termination_message(Outcome("target", 0, "x"), {"MOORING_TERMINATION_LOG": str(path)})
    assert not path.exists()
