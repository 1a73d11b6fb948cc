"""values.yaml and the README's table: every value with its comment, and every value reads back unchanged."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mooring.chart.docs import values_table
from mooring.chart.render import render_chart
from mooring.inputs.app import make_app
from mooring.model.nodes import Obj, default_of, walk
from mooring.model.values import VALUES
from mooring.text.emit import emit_scalar, emit_yaml
from mooring.text.reader import parse_yaml

from tests.samples import AWKWARD_TEXT
from tests.strategies import texts, valid_values
from tests.tools import require

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | texts(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
    max_leaves=8,
)


def make(values: dict[str, Any], **head: Any) -> dict[str, str]:
    """Return the files of a chart with these values."""
    return render_chart(make_app({"name": "orders", "version": "1.4.0", **head, "values": values}))


def test_every_key_has_a_typed_comment_directly_above() -> None:
    """Each key of values.yaml has its comment lines above it, and the first of them names its type."""
    lines = make({})["values.yaml"].splitlines()
    keys = [path for path, _ in walk(VALUES) if path and not any(part.startswith("<") for part in path)]
    found = []
    for number, line in enumerate(lines):
        if line and not line.lstrip().startswith(("#", "-")) and ":" in line:
            above = number - 1
            while lines[above].lstrip().startswith("#") and not lines[above].lstrip().startswith("# -- ("):
                above -= 1
            found.append((line.split(":")[0].strip(), lines[above].lstrip().startswith("# -- (")))
    assert found == [(path[-1], True) for path in keys]


def test_lines_stay_readable() -> None:
    """Comments of values.yaml are wrapped at 100 characters."""
    assert max(len(line) for line in make({})["values.yaml"].splitlines() if "#" in line) <= 100


@given(DATA)
def test_data_reads_back_the_same(value: Any) -> None:
    """What is written as YAML reads back unchanged, by our own reader and by PyYAML (YAML 1.1)."""
    text = emit_yaml({"key": value})
    assert parse_yaml(text.encode(), "x").value == {"key": value}
    assert yaml.safe_load(text) == {"key": value}


def test_awkward_text_reaches_helm_unchanged(tmp_path: Path) -> None:
    """Helm reads every awkward text in values.yaml as that text, and runs none of it as a template."""
    more = [
        "2020-01-01",
        "1:30",
        "0o14",
        "017",
        "1_000",
        ".5",
        "+1",
        "=",
        "<<",
        "!x",
        "&x",
        "@",
        "%",
        "y",
        "N",
        "On",
        "-",
        "?",
    ]
    awkward = [*AWKWARD_TEXT, *more, "a #b", "a: ", " x ", "x\n", "\n", "end:", "\ufeff", "\x85", "\r\n"]
    chart = tmp_path / "probe"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: probe, version: 1.0.0}")
    (chart / "values.yaml").write_text(emit_yaml({"list": awkward, "map": {text: text for text in awkward}}))
    (chart / "templates" / "out.yaml").write_text("out: {{ toJson .Values | b64enc }}")
    command = [require("helm"), "template", str(chart)]
    out = yaml.safe_load(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["out"]
    values = json.loads(base64.b64decode(out))
    assert values["list"] == awkward
    assert values["map"] == {text: text for text in awkward}


def test_windows_paths_stay_readable() -> None:
    """A path with backslashes is written in single quotes, as people write it."""
    assert emit_scalar(r"C:\apps\orders.exe") == r"'C:\apps\orders.exe'"


@settings(max_examples=20)
@given(valid_values())
def test_values_yaml_is_the_defaults_with_the_apps_values(values: dict[str, Any]) -> None:
    """values.yaml of a chart has every default, overridden by what the App says."""
    app = make_app({"name": "orders", "version": "1.4.0", "values": values})
    assert yaml.safe_load(render_chart(app)["values.yaml"]) == app.values


def test_table_has_a_row_for_each_value() -> None:
    """The README's table has one row for each value, including those of a map's entries."""
    rows = values_table(default_of(VALUES)).splitlines()[2:]
    keys = [row.split("`")[1] for row in rows]
    assert keys == [".".join(path) for path, node in walk(VALUES) if not isinstance(node, Obj)]


def test_table_cannot_be_broken_by_values() -> None:
    """Pipes, backticks and line ends in a default stay inside their cell."""
    row = next(
        row
        for row in values_table(default_of(VALUES) | {"nameOverride": "a|b`c\nd"}).splitlines()
        if row.startswith("| `nameOverride` ")
    )
    assert r"| `` " + '"a\\|b`c\\nd"' + " `` |" in row


def test_templates_in_an_app_are_inert(tmp_path: Path) -> None:
    """Template code of either kind in an App's texts is text in the chart, which Helm renders unchanged."""
    evil = '{{ fail "ran" }} <% raise %> <%= 1/0 %> "#: \n- x'
    values = {"target": {"exe": r"C:\a.exe", "args": [evil], "env": {"EVIL": evil}}}
    files = make(values, description=evil, keywords=[evil], maintainers=[{"name": evil}], appVersion="{{ 1 }}")
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert yaml.safe_load(files["Chart.yaml"])["description"] == evil
    assert yaml.safe_load(files["values.yaml"])["target"]["args"] == [evil]
    run = subprocess.run([require("helm"), "template", "x", str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
