"""The schemas made from the model agree with the model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import regenerate
import yaml
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft7Validator
from mooring.chart.docs import values_text
from mooring.chart.schemas import app_schema, config_schema, values_schema
from mooring.errors import InputError
from mooring.inputs.app import parse_app
from mooring.model.app import APP
from mooring.model.check import check, drop_nulls
from mooring.model.nodes import MapOf, Obj, Open, default_of, walk
from mooring.model.values import VALUES
from mooring.text.emit import emit_yaml

from tests.strategies import apps, mutated_apps

RELAXED = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and all schemas below it."""
    below = [*schema.get("properties", {}).values(), *schema.get("patternProperties", {}).values()]
    below += [schema["items"]] if "items" in schema else []
    return [schema, *(one for child in below for one in _schemas(child))]


def test_schemas_are_draft_07() -> None:
    """All three schemas are valid draft-07 and say that they are."""
    for schema in (values_schema(), app_schema(), config_schema()):
        Draft7Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_values_schema_is_closed_and_described() -> None:
    """Every object except Kubernetes' own admits no unknown key, and every value has a description."""
    open_docs = {node.doc for _, node in walk(VALUES) if isinstance(node, Open)}
    for schema in _schemas(values_schema()):
        if "description" not in schema:
            assert schema.get("additionalProperties") is not False  # inside a value in Kubernetes' own format
            continue
        if schema["type"] == "object" and schema["description"] not in open_docs:
            assert schema["additionalProperties"] is False


def test_umbrella_keys_are_admitted() -> None:
    """`global` and `enabled`, which an umbrella chart hands down, pass the closed schema."""
    assert Draft7Validator(values_schema()).is_valid({"global": {"any": 1}, "enabled": True})


def test_default_values_fit_their_schema() -> None:
    """The defaults, as in values.yaml, are valid; and values.yaml reads back as the defaults."""
    values = yaml.safe_load(values_text(default_of(VALUES)))
    assert values == default_of(VALUES)
    assert [*Draft7Validator(values_schema()).iter_errors(values)] == []


def test_config_schema_gives_every_optional_field_a_default() -> None:
    """Everything that the configuration leaves out has a default in the schema, including nulls."""
    for schema in _schemas(config_schema()):
        for name, field in schema.get("properties", {}).items():
            assert name in schema.get("required", []) or "default" in field, name


def test_config_schema_uses_only_what_the_launcher_checks() -> None:
    """The launcher's validator supports a few keywords; no other is used."""
    known = {"type", "properties", "patternProperties", "additionalProperties", "required", "enum", "const", "minimum"}
    known |= {
        "maximum",
        "pattern",
        "minLength",
        "maxLength",
        "items",
        "anyOf",
        "$schema",
        "title",
        "description",
        "default",
    }
    for schema in _schemas(config_schema()):
        assert {*schema} <= known


def test_example_of_the_contract_fits_the_config_schema() -> None:
    """The document in docs/contracts.md is valid, and the parts it abbreviates get their defaults."""
    text = (regenerate.ROOT / "docs" / "contracts.md").read_text().split("```json\n")[1].split("```")[0]
    document = json.loads(text)
    document["target"]["exe"] = "/opt/app"
    for part in ("gate", "stop"):
        del document[part]
    assert [*Draft7Validator(config_schema()).iter_errors(document)] == []


def test_committed_config_schema_is_current() -> None:
    """launcher/mooring_launcher/config.schema.json is what the model generates (`make chart`)."""
    assert regenerate.CONFIG.read_text() == regenerate.config_text()


def test_committed_chart_is_current() -> None:
    """chart/ is the chart of the default App, byte by byte (`make chart`)."""
    plan = regenerate.plan()
    assert plan.is_current, plan.diff()


@RELAXED
@given(apps())
def test_valid_apps_are_accepted(app: dict[str, Any]) -> None:
    """Apps of valid values are accepted by the model and by the schema."""
    assert parse_app(emit_yaml(app).encode()).name == app["name"]
    assert Draft7Validator(app_schema()).is_valid(app)


@RELAXED
@given(mutated_apps())
def test_model_and_schema_accept_the_same(app: dict[str, Any]) -> None:
    """What the model's own checks accept is exactly what jsonschema accepts by the schema."""
    data = drop_nulls(APP, app)
    findings = [*check(APP, data)]
    assert (not findings) == Draft7Validator(app_schema()).is_valid(data), findings


@RELAXED
@given(mutated_apps())
def test_bad_values_never_crash(app: dict[str, Any]) -> None:
    """Whatever the values, the result is an App, or problems each of which names a place."""
    try:
        parse_app(emit_yaml(app).encode())
    except InputError as error:
        assert all(problem.line and problem.column and problem.message for problem in error.problems)


ONE_EDIT = """
import json, sys
from mooring.model import values as _values
from mooring.model.nodes import Int
gate = _values.VALUES.fields["gate"]
gate.fields["sparks"] = Int(doc="Sparks per second.", default=7, minimum=1, maximum=9)
from mooring.inputs.app import parse_app
from mooring.chart.render import render_chart
from mooring.chart.schemas import config_schema
files = render_chart(parse_app(sys.stdin.buffer.read()))
files["config"] = json.dumps(config_schema())
print(json.dumps(files))
"""


def test_adding_a_value_is_one_edit(app_file: Path) -> None:
    """A node added to the tree is in values.yaml, the schemas and the README, and is validated."""
    run = subprocess.run([sys.executable, "-c", ONE_EDIT], input=app_file.read_bytes(), capture_output=True, check=True)
    files = json.loads(run.stdout)
    assert "  # -- (int) Sparks per second. From 1 to 9.\n  sparks: 7\n" in files["values.yaml"]
    assert json.loads(files["values.schema.json"])["properties"]["gate"]["properties"]["sparks"]["maximum"] == 9
    assert "| `gate.sparks` | int | `7` | Sparks per second. From 1 to 9. |" in files["README.md"]
    assert json.loads(files["config"])["properties"]["gate"]["properties"]["sparks"]["default"] == 7
    bad = app_file.read_bytes() + b"  gate: {sparks: 10}\n"
    run = subprocess.run([sys.executable, "-c", ONE_EDIT], input=bad, capture_output=True, check=False)
    assert b"values.gate.sparks: found 10; must be between 1 and 9" in run.stderr


def test_maps_and_objects_are_walked() -> None:
    """The table of the README has every key path of the issue's stable interface."""
    paths = {".".join(path) for path, node in walk(VALUES) if not isinstance(node, (Obj, MapOf))}
    assert {"replicas", "target.exe", "target.ports.<name>.servicePort", "gate.http.<name>.port"} <= paths
