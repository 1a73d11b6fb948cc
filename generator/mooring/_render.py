"""Render an App to the files of its chart: no clock, no environment, no disk once templates and launcher are loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from mooring._app import App
from mooring._docs import emit_scalar, emit_yaml, values_table, values_text
from mooring._launcher_archive import ARCHIVE_FILE, archive_text
from mooring._model import Node, Obj
from mooring._schema import values_schema_text
from mooring._values import VALUES

if TYPE_CHECKING:
    import jinja2

_SUFFIX = ".j2"
_OPENING = "<%"  # every construct of ours starts with it
_NAME = "<%= app.name %>"  # the only construct in most templates
SUITE_FILE = "tests/test_release.py"
"""The App team's suite: pytest-helm-charts, real Helm, a real cluster."""

_DOTTED = {"helmignore": ".helmignore"}  # a source by its real name would be read by tools that look into this folder


def render_chart(app: App, *, with_tests: bool = False) -> dict[str, str]:
    """Return the text of each file of the App's chart, by its path in the chart's directory, sorted.

    `with_tests` adds the suite that installs the chart in a cluster; `.helmignore` keeps it out of packages.
    """
    context = _context(app)
    texts = {path: template.render(context) for path, template in _templates().items()}
    texts |= {path: text.replace(_NAME, app.name) for path, text in _name_texts().items()}
    texts["values.yaml"] = values_text(app.values)
    texts["values.schema.json"] = values_schema_text()
    if app.values["launcher"]["source"] == "configMap":
        texts[ARCHIVE_FILE] = archive_text()
    if with_tests:
        texts[SUITE_FILE] = _suite_text().replace(_NAME, app.name)
    return {path: texts[path] for path in sorted(texts)}


def _context(app: App) -> Mapping[str, Any]:
    return {
        "app": app,
        "values": app.values,
        "values_table": values_table(app.values),
        "defaults_json": _defaults_json(app.values),
    }


def _defaults_json(values: Mapping[str, Any]) -> str:
    """Return what a null means again, for templates/_values.tpl, with no ``{{`` that Helm would run as a template."""
    text = json.dumps(_wrap_leaves(VALUES, values), separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")


def _wrap_leaves(node: Node, value: Any) -> Any:
    """Keep closed objects, which are filled key by key; put all else, which is taken whole, in a list of one."""
    if isinstance(node, Obj):
        return {name: _wrap_leaves(child, value[name]) for name, child in node.fields.items()}
    return [value]


@cache
def _suite_text() -> str:
    return (files("mooring") / "suite" / "test_release.py.j2").read_text(encoding="utf-8")


@cache
def _sources() -> Mapping[str, str]:
    """Return the text of each template, by the path of what it makes."""
    return dict(_walk(files("mooring") / "templates", ""))


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
    """Return the templates that differ by the App's name alone: nearly all, and compiling them would cost the most."""
    return {path: text for path, text in _sources().items() if _OPENING not in text.replace(_NAME, "")}


@cache
def _templates() -> Mapping[str, jinja2.Template]:
    environment = _environment()
    rest = _sources().keys() - _name_texts().keys()
    return {path: environment.from_string(_sources()[path]) for path in sorted(rest)}


def _environment() -> jinja2.Environment:
    """Return Jinja2 with delimiters that Helm's own templates do not use. Values are data: they are never compiled."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - makes YAML and Markdown, not HTML
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<%=",
        variable_end_string="%>",
        comment_start_string="<%#",
        comment_end_string="%>",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["to_yaml"] = emit_scalar
    environment.filters["to_yaml_block"] = emit_yaml
    environment.filters["one_line"] = _one_line
    return environment


def _one_line(text: str) -> str:
    """Return text on one line, for places where a line end would end what it stands in."""
    return " ".join(text.split())
