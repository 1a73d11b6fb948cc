"""Whole charts, to the byte.

After a wanted change run `MOORING_WRITE_GOLDEN=1 pytest tests/generator/test_golden.py` and read the diff.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.errors import ExitCode

from tests.generator.conftest import tree

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLES = sorted(path.stem for path in GOLDEN.glob("*.app.yaml"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_chart_is_the_golden_one(tmp_path: Path, example: str) -> None:
    """The App's chart is the committed one, file by file and byte by byte."""
    name = example.removesuffix(".app")
    out = GOLDEN if os.environ.get("MOORING_WRITE_GOLDEN") else tmp_path
    result = generate([str(GOLDEN / f"{example}.yaml")], out, force=True)
    assert result.exit_code == ExitCode.DONE, result.problems
    assert tree(out / name) == tree(GOLDEN / name)


SURROUNDINGS = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kolkata", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "3", "LANG": "de_DE.ISO-8859-1", "TZ": "America/Lima", "COLUMNS": "20"},
]


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=["C", "UTF-8", "Latin-1"])
def test_output_does_not_depend_on_surroundings(tmp_path: Path, surroundings: dict[str, str]) -> None:
    """Hash seed, locale, time zone, umask and working directory change no byte."""
    command = [
        sys.executable,
        "-m",
        "mooring",
        "generate",
        *map(str, sorted(GOLDEN.glob("*.app.yaml"))),
        "--out",
        "out",
    ]
    environment = {**os.environ, **surroundings}
    subprocess.run(command, cwd=tmp_path, env=environment, umask=0o077, check=True, capture_output=True)
    for example in EXAMPLES:
        name = example.removesuffix(".app")
        assert tree(tmp_path / "out" / name) == tree(GOLDEN / name)
