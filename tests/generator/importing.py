"""What the tests of `mooring import` share: run an import, and read what it wrote and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from mooring.importing.report import ImportResult, report_lines
from mooring.importing.run import import_files

from tests.generator.manifests import Object, write


def run(tmp_path: Path, *objects: Object, strict: bool = False) -> ImportResult:
    """Import objects from one file; Apps go to out/."""
    return import_files([str(write(tmp_path / "k2s.yaml", *objects))], tmp_path / "out", strict=strict)


def values(result: ImportResult, name: str = "orders") -> Any:
    """Return the values of a written App."""
    assert result.problems == []
    imported = next(each for each in result.apps if each.program.name == name)
    return yaml.safe_load(Path(imported.file).read_text(encoding="utf-8"))["values"]


def told(result: ImportResult) -> str:
    """Return everything that is reported."""
    return "\n".join([*report_lines(result), *map(str, result.problems)])


def folder(tmp_path: Path, name: str) -> Path:
    """Make a folder."""
    made = tmp_path / name
    made.mkdir()
    return made
