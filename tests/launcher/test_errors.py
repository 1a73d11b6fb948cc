"""Exit codes, the termination message, and what the log keeps secret."""

import json
import os
from pathlib import Path

import pytest
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.reports.outcome import (
    MESSAGE_BYTES,
    Outcome,
    failure,
    render_termination_message,
    write_termination_message,
)

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"
_PAGE_HEAD = """\
# The launcher's exit codes

Any other code is the target's own: the launcher exits with the target's exit code (on Windows any of 32 bits), or with
128 + n when signal n ended it. It is the code of the main process or, with `target.lifetime: tree` and where that code
is 0, of the process of the tree that ended last. A requested stop exits 0 when the target ended on SIGTERM, on Windows
on a console event (0xC000013A). The termination message (`kubectl describe pod`) is one JSON line: `by` says
whose code it is, `launcher` or `target`.

This page is generated from `launcher/mooring_launcher/errors.py`.

| code | name | meaning | what to do |
|---|---|---|---|"""


def test_the_page_is_the_enum() -> None:
    """docs/exit-codes.md has a row for each code; MOORING_WRITE_DOCS=1 writes it."""
    rows = [f"| {member.value} | `{member.name}` | {member.meaning} | {member.remedy} |" for member in ExitCode]
    page = "\n".join([_PAGE_HEAD, *rows, ""])
    if os.environ.get("MOORING_WRITE_DOCS"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


@pytest.mark.parametrize("code", list(ExitCode))
def test_each_code_is_in_the_launchers_range_and_explained(code: ExitCode) -> None:
    """Every code lies in 200 to 229 and says what it means and what to do."""
    assert 200 <= code <= 229
    assert code.meaning.endswith(".")
    assert code.remedy.endswith(".")


def test_the_termination_message_is_one_json_line(tmp_path: Path) -> None:
    """The message replaces the file's content and says whose code it is."""
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
    """Outside a pod the file does not exist, and is not created."""
    path = tmp_path / "none"
    write_termination_message(Outcome("target", 0, "x"), {"MOORING_TERMINATION_LOG": str(path)})
    assert not path.exists()
