"""One complete chart, byte by byte, and what Helm renders from each example.

After a wanted change run `MOORING_WRITE_GOLDEN=1 pytest tests/generator/test_golden.py` and read the diff.

`everything/` is the chart of the App that uses most. `rendered/` has a file for each of values-examples/, for each App
here and for each of the platform team's: legacy-exe.yaml in full, every other one only where it differs from that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from mooring.batch.generate import generate
from mooring.chart.schemas import config_schema
from mooring.errors import ExitCode
from mooring.inputs.platform import load_platform

from tests.chart.rendering import CHART, EXAMPLES, ROOT, config, layered, render, render_text
from tests.chart.review import ABSENT, as_text, difference, readable
from tests.generator.conftest import tree

GOLDEN = ROOT / "tests" / "golden"
RENDERED = GOLDEN / "rendered"
APPS = sorted(GOLDEN.glob("*.app.yaml"))
WHOLE = "everything"
TEAM = ROOT / "values-examples" / "platform-team"
BASE = ROOT / "values-examples" / "legacy-exe.yaml"
IS_WRITTEN = bool(os.environ.get("MOORING_WRITE_GOLDEN"))

Charts = Callable[[Path], Path]


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Charts:
    """Return a function that returns the chart of an example: an App's is generated, that of values is the default."""
    folder = tmp_path_factory.mktemp("charts")

    @cache
    def generate_from(directory: Path) -> Path:
        platform = load_platform(str(TEAM / "hospital.yaml")) if directory == TEAM / "apps" else None
        apps = sorted(map(str, directory.glob("*.yaml")))
        result = generate(apps, folder / directory.name, platform=platform)
        assert result.exit_code == ExitCode.DONE, result.problems
        return folder / directory.name

    def chart_of(example: Path) -> Path:
        return CHART if example in EXAMPLES else generate_from(example.parent) / example.name.partition(".")[0]

    return chart_of


def test_chart_is_the_golden_one(tmp_path: Path) -> None:
    """The App's chart is the committed one, file by file and byte by byte."""
    out = GOLDEN if IS_WRITTEN else tmp_path
    result = generate([str(GOLDEN / f"{WHOLE}.app.yaml")], out, force=True)
    assert result.exit_code == ExitCode.DONE, result.problems
    assert tree(out / WHOLE) == tree(GOLDEN / WHOLE)


CASES = {
    **{path.stem: path for path in EXAMPLES},
    **{f"app-{path.name.partition('.')[0]}": path for path in APPS},
    **{f"platform-team-{path.stem}": path for path in sorted((TEAM / "apps").glob("*.yaml"))},
}


def options_of(example: Path, chart: Path) -> dict[str, Any]:
    """Return what to render an example with; the platform team's use the values of production."""
    if example in EXAMPLES:
        return {"files": [example]}
    return {"chart": chart, "files": [chart / "values-prod.yaml"] if example.is_relative_to(TEAM) else []}


def rendering(example: Path, charts: Charts) -> dict[str, Any]:
    """Return what Helm renders from an example, for a review."""
    chart = charts(example)
    name = "mooring" if chart == CHART else chart.name
    return readable(render_text(**options_of(example, chart)), name)


@pytest.mark.parametrize("name", CASES)
def test_helm_renders_the_golden_manifests(name: str, charts: Charts) -> None:
    """What `helm template` renders from an example is committed, and the difference from the base is all of it."""
    example = CASES[name]
    found, base = rendering(example, charts), rendering(BASE, charts)
    shown = found if example == BASE else difference(base, found)
    where = "" if example == BASE else f", where it differs from {BASE.name}"
    text = f"# Rendered from {example.relative_to(ROOT)}{where}; written by test_golden.py.\n{as_text(shown)}"
    file = RENDERED / f"{name}.yaml"
    if IS_WRITTEN:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert _without_absent(layered(base, shown)) == found


def _without_absent(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_absent(item) for key, item in value.items() if item != ABSENT}


def test_nothing_else_is_golden() -> None:
    """There are no other files: those of an example that was removed are removed too."""
    assert {file.stem for file in RENDERED.iterdir()} == set(CASES)
    assert {path.name for path in GOLDEN.iterdir()} == {WHOLE, RENDERED.name, *(path.name for path in APPS)}


@pytest.mark.parametrize("name", CASES)
def test_rendered_configuration_fits_its_schema(name: str, charts: Charts) -> None:
    """The annotation of the launcher's pods, as Helm renders it, fits config.schema.json."""
    document = config(render(**options_of(CASES[name], charts(CASES[name]))))
    assert [error.message for error in Draft7Validator(config_schema()).iter_errors(document)] == []


SURROUNDINGS = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kolkata", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "3", "LANG": "de_DE.ISO-8859-1", "TZ": "America/Lima", "COLUMNS": "20"},
]


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=["C", "UTF-8", "Latin-1"])
def test_output_does_not_depend_on_surroundings(tmp_path: Path, surroundings: dict[str, str], charts: Charts) -> None:
    """Hash seed, locale, time zone, umask and working directory change no byte."""
    command = [sys.executable, "-m", "mooring", "generate", *map(str, APPS), "--out", "out"]
    environment = {**os.environ, **surroundings}
    subprocess.run(command, cwd=tmp_path, env=environment, umask=0o077, check=True, capture_output=True)
    for app in APPS:
        assert tree(tmp_path / "out" / charts(app).name) == tree(charts(app))
