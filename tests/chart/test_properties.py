"""Random Apps: the generator's model and the chart agree on what may be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from mooring.chart.render import render_chart
from mooring.chart.schemas import config_schema, values_schema
from mooring.errors import UserError
from mooring.inputs.app import parse_app
from mooring.model.nodes import default_of
from mooring.model.rules.table import find_violations
from mooring.model.values import VALUES
from mooring.text.emit import emit_yaml

from tests.chart.rendering import RenderError, assert_accepted, config, layered, render
from tests.strategies import apps, mutated_apps

# Each example starts Helm once; the same ones every time, so that a red run can be repeated.
quick = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def model_accepts(app: dict[str, Any]) -> bool:
    """Return whether the generator accepts an App."""
    try:
        parse_app(emit_yaml(app).encode())
    except UserError:
        return False
    return True


def chart_renders(app: dict[str, Any]) -> bool:
    """Return whether real Helm installs chart/ with the App's values."""
    try:
        render(app["values"])
    except RenderError:
        return False
    return True


def schema_accepts(values: dict[str, Any]) -> bool:
    """Return whether the schema accepts values as Helm passes them: without nulls of known keys."""
    return bool(jsonschema.Draft7Validator(values_schema()).is_valid(values))


@quick
@given(apps())
def test_what_the_model_accepts_renders(app: dict[str, Any]) -> None:
    """Every valid App passes the schema, renders with Helm, and gives the launcher a configuration of its schema."""
    assert model_accepts(app)
    assert schema_accepts(app["values"])
    objects = render(app["values"])
    jsonschema.validate(config(objects), config_schema())


@quick
@given(mutated_apps())
def test_model_and_chart_refuse_the_same(app: dict[str, Any]) -> None:
    """An App with a change somewhere is accepted by both or by neither."""
    assert model_accepts(app) == chart_renders(app)


@settings(quick, max_examples=200)
@given(mutated_apps())
def test_rules_are_the_whole_difference(app: dict[str, Any]) -> None:
    """What the schema accepts and the model does not, breaks a rule of the one table."""
    values = app["values"]
    if schema_accepts(values) and not model_accepts(app):
        assert find_violations(layered(default_of(VALUES), values))


@settings(quick, max_examples=12)
@given(app=apps())
def test_a_generated_chart_renders_its_own_values(
    app: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A chart made from an App installs with no values at all and renders what chart/ does with the App's."""
    chart = tmp_path_factory.mktemp("charts") / app["name"]
    write(chart, render_chart(parse_app(emit_yaml(app).encode())))
    own = render(chart=chart)
    assert_accepted({key: one for key, one in own.items() if key[0] == "StatefulSet"}, "1.34")
    common = config(render(app["values"]))
    assert {key: value for key, value in config(own).items() if key != "app"} == {
        key: value for key, value in common.items() if key != "app"
    }


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write a rendered chart where Helm can read it."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def test_a_null_hides_no_illegal_key() -> None:
    """A key that no entry may have is refused with null too, by the generator and by Helm's schema check."""
    values = {"target": {"exe": r"C:\app\app.exe", "perOrdinal": {"replicas": None}}}
    app = {"apiVersion": "mooring/v1", "kind": "App", "name": "a", "version": "1.4.0", "values": values}
    assert not model_accepts(app)
    assert not chart_renders(app)
