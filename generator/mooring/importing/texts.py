"""Write an App's file: what was carried over as values, the rest as comments."""

from __future__ import annotations

import json
from typing import Any

from mooring.errors import plain
from mooring.importing.manifests import Leftover, Object
from mooring.importing.programs.make import Program
from mooring.model.app import API_VERSION
from mooring.model.values import VALUES
from mooring.text.emit import emit_yaml

VERSION = "0.1.0"


def app_text(program: Program) -> str:
    """Return a program's App as text."""
    head: Object = {"apiVersion": API_VERSION, "kind": "App", "name": program.name, "version": VERSION}
    if program.app_version:
        head["appVersion"] = program.app_version
    made_of = ", ".join(f"{each.title} ({each.place()})" for each in program.manifests)
    lines = [f"# Made by `mooring import` from {made_of}."]
    body = emit_yaml(head) + "values:\n" + "".join(f"  {line}\n" for line in _values_lines(program.values))
    if program.leftovers:
        lines.append("# The comments at the end are what was not carried over.")
        body += "".join(f"# {word_leftover(each)}\n" for each in program.leftovers)
    return "".join(f"{plain(line)}\n" for line in lines) + "".join(f"{line}\n" for line in body.splitlines())


def _values_lines(values: Object) -> list[str]:
    """Return the values in the order of values.yaml."""
    ordered = {
        key: _in_order(values[key], getattr(VALUES.fields[key], "fields", {})) for key in VALUES.fields if key in values
    }
    return emit_yaml(ordered).splitlines()


def _in_order(value: Any, fields: Any) -> Any:
    if not fields or not isinstance(value, dict):
        return value
    return {key: value[key] for key in [*fields, *value] if key in value}


def word_leftover(leftover: Leftover) -> str:
    """Return a leftover as one line."""
    text = f"{leftover.place}: {leftover.title}"
    if leftover.path:
        text += f": {leftover.path} = {json.dumps(leftover.value, default=str)}"
    if leftover.why:
        text += f" ({leftover.why})" if leftover.path else f" {leftover.why}"
    return plain(text)
