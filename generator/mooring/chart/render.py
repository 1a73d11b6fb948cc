"""Render an App to the files of its chart: no clock, no environment, no disk once templates and launcher are loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from mooring.bundle.archive import ARCHIVE_FILE, archive_text
from mooring.chart.docs import values_table, values_text
from mooring.chart.schemas import locked_schema_text, values_schema_text
from mooring.chart.sentences import put_sentences
from mooring.chart.shapes import shape_of
from mooring.inputs.app import App
from mooring.inputs.templates import render_template
from mooring.model.nodes import Node, Obj
from mooring.model.values import VALUES
from mooring.text.emit import emit_yaml
from mooring.text.jinja import make_environment

if TYPE_CHECKING:
    import jinja2

_SUFFIX = ".j2"
_OPENING = "<%"  # every construct of ours starts with it
_NAME = "<%= app.name %>"  # the only construct in most templates
SUITE_FILE = "tests/test_release.py"
"""The App team's suite: pytest-helm-charts, real Helm, a real cluster."""

_LOCKS_FILE = "templates/_locks.tpl"
_DOTTED = {"helmignore": ".helmignore"}  # a source by its real name would be read by tools that look into this folder


def render_chart(app: App, *, with_tests: bool = False) -> dict[str, str]:
    """Return the text of each file of the App's chart, by its path in the chart's directory, sorted.

    `with_tests` adds the suite that installs the chart in a cluster; `.helmignore` keeps it out of packages.
    """
    platform = app.platform
    left_out = platform.left_out if platform else frozenset[str]()
    if not (platform and platform.locks):
        left_out |= {_LOCKS_FILE}
    context = _context(app)
    texts = {path: template.render(context) for path, template in _templates().items() if path not in left_out}
    texts |= {path: text.replace(_NAME, app.name) for path, text in _name_texts().items() if path not in left_out}
    texts["values.yaml"] = values_text(app.values)
    texts["values.schema.json"] = locked_schema_text(platform.locks) if platform else values_schema_text()
    if app.values["launcher"]["source"] == "configMap":
        texts[ARCHIVE_FILE] = archive_text()
    if with_tests:
        texts[SUITE_FILE] = _suite_text().replace(_NAME, app.name)
    if platform:
        texts |= {f"values-{name}.yaml": _overlay_text(name, values) for name, values in platform.overlays.items()}
        texts |= {template.path: render_template(template, context) for template in platform.templates}
    return {path: texts[path] for path in sorted(texts)}


def prepare_rendering() -> None:
    """Load and compile what every chart needs. Optional: render_chart does it on first use."""
    _templates()
    _name_texts()
    values_schema_text()


def _context(app: App) -> Mapping[str, Any]:
    platform = app.platform
    return {
        "app": app,
        "values": app.values,
        "values_table": values_table(app.values),
        "defaults_json": _defaults_json(app.values),
        "platform": platform,
        "chart": platform.chart if platform else {},
        "locks": platform.locks if platform else (),
        "locks_json": platform.locks_text if platform else "[]",
    }


def _overlay_text(name: str, values: Mapping[str, Any]) -> str:
    return f"# Values of the environment {name}: helm install -f values-{name}.yaml\n{emit_yaml(values)}"


def _defaults_json(values: Mapping[str, Any]) -> str:
    """Return what each value means when it is null, and what it must be, for templates/_values.tpl.

    It contains no ``{{``, which Helm would run as a template.
    """
    text = json.dumps(_wrap_leaves(VALUES, values), separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")


def _wrap_leaves(node: Node, value: Any) -> Any:
    """Keep closed objects, which are filled key by key; put anything else in a list of two: value and shape."""
    if isinstance(node, Obj):
        return {name: _wrap_leaves(child, value[name]) for name, child in node.fields.items()}
    return [value, shape_of(node)]


@cache
def _suite_text() -> str:
    return (files("mooring.chart") / "suite" / "test_release.py.j2").read_text(encoding="utf-8")


@cache
def _sources() -> Mapping[str, str]:
    """Return the text of each template, by the path of what it makes; what the model says is filled in."""
    return {path: put_sentences(text) for path, text in _walk(files("mooring.chart") / "templates", "")}


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            found.append((prefix + _DOTTED.get(name, name), entry.read_text(encoding="utf-8")))
    return found


@cache
def _name_texts() -> Mapping[str, str]:
    """Return the templates that differ only by the App's name: nearly all, and the slowest to compile."""
    return {path: text for path, text in _sources().items() if _OPENING not in text.replace(_NAME, "")}


@cache
def _templates() -> Mapping[str, jinja2.Template]:
    from jinja2 import Environment

    environment = make_environment(Environment)
    rest = _sources().keys() - _name_texts().keys()
    return {path: environment.from_string(_sources()[path]) for path in sorted(rest)}
