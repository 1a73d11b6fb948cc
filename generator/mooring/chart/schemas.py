"""JSON schemas (draft-07, which is what Helm enforces) of the values, of an App and of the launcher's configuration."""

from __future__ import annotations

import copy
import importlib.util
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mooring.errors import MooringError
from mooring.inputs.locks import Lock
from mooring.model.app import APP, make_config
from mooring.model.keys import ANY_KEY, find_nodes, items_at
from mooring.model.nodes import Anything, ListOf, MapOf, Node, Obj, Open, StringMap, default_of
from mooring.model.platform import PLATFORM
from mooring.model.values import VALUES
from mooring.text.document import KeyPath

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
CONFIG_FILE = "config.schema.json"


def schema_text(of: Literal["app", "platform", "values", "config"]) -> str:
    """Return a schema as printed. The launcher's is read from its package, whose code is not run."""
    if of == "config":
        return installed_config_file().read_text(encoding="utf-8")
    if of == "values":
        return values_schema_text()
    return dump(platform_schema() if of == "platform" else app_schema())


@cache
def values_schema() -> Schema:
    """Return the schema of a chart's values."""
    return {"$schema": _DRAFT, "title": "Values", **node_schema(VALUES)}


@cache
def values_schema_text() -> str:
    """Return values.schema.json, the same for every chart."""
    return dump(values_schema())


def locked_schema_text(locks: Sequence[Lock]) -> str:
    """Return values.schema.json of a chart with locks: it describes them but does not enforce them.

    Helm's schema errors give no reason; the chart's own `fail` does, and it runs after the schema check.
    """
    return _locked_text(tuple((lock.path, f"Must {lock.must}: {lock.rest}.") for lock in locks))


@cache
def _locked_text(notes: tuple[tuple[KeyPath, str], ...]) -> str:
    schema = copy.deepcopy(values_schema())
    for path, note in notes:
        _place(schema, path, {"description": note})
    return dump(schema)


@cache
def app_schema() -> Schema:
    """Return the schema of an App."""
    return {"$schema": _DRAFT, "title": "App", **node_schema(APP)}


def locked_app_schema_text(locks: Sequence[Lock], defaults: Mapping[str, Any]) -> str:
    """Return the schema of the Apps of a Platform as printed."""
    return dump(locked_app_schema(locks, defaults))


def locked_app_schema(locks: Sequence[Lock], defaults: Mapping[str, Any]) -> Schema:
    """Return the schema of the Apps of a Platform, for editors: it enforces the locks too."""
    schema = copy.deepcopy(app_schema())
    for lock in locks:
        note = f"Must {lock.must}: {lock.rest}."
        limits = {_KEYWORDS[rule]: value for rule, value in lock.rules.items() if rule in _KEYWORDS}
        nodes = find_nodes(VALUES, lock.path)
        if lock.is_forbidden and ANY_KEY not in lock.path and not any(isinstance(node, Obj) for node in nodes):
            ((_, limits["const"]),) = items_at(defaults, lock.path)
        _place(schema["properties"]["values"], lock.path, {"description": note, **limits})
    return schema


_KEYWORDS = {"value": "const", "enum": "enum", "min": "minimum", "max": "maximum", "pattern": "pattern"}


def _place(schema: Schema, path: KeyPath, more: Schema) -> None:
    """Add to what a schema says about a key path; notes of two locks are joined."""
    found = [schema]
    for part in path:
        found = [child for one in found for child in _step(one, part)]
    for one in found:
        limits = {keyword: limit for keyword, limit in more.items() if keyword != "description"}
        if limits:
            one.setdefault("allOf", []).append(limits)
        one["description"] = f"{one.get('description', '')} {more['description']}".strip()


def _step(schema: Schema, part: str) -> list[Schema]:
    """Return the schemas of a key, created if missing; where users choose the keys, of any key."""
    properties: Schema = schema.setdefault("properties", {})
    more = schema.get("additionalProperties")
    if part != ANY_KEY:
        return [properties.setdefault(part, copy.deepcopy(more) if isinstance(more, dict) else {})]
    if "patternProperties" not in schema and more is not False and not isinstance(more, dict):
        schema["additionalProperties"] = more = {}
    others = [more] if isinstance(more, dict) else []
    return [*properties.values(), *schema.get("patternProperties", {}).values(), *others]


def platform_schema() -> Schema:
    """Return the schema of a Platform."""
    return {"$schema": _DRAFT, "title": "Platform", **node_schema(PLATFORM)}


def config_schema() -> Schema:
    """Return the schema of the launcher's configuration. Every optional field carries its default."""
    return {"$schema": _DRAFT, "title": "Launcher configuration", **node_schema(make_config(), every_default=True)}


def dump(schema: Schema) -> str:
    """Return a schema as the text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def installed_config_file() -> Path:
    """Return where the launcher's config.schema.json is installed. Raises MooringError if the launcher is not."""
    spec = importlib.util.find_spec("mooring_launcher")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / CONFIG_FILE).is_file():
            return Path(folder) / CONFIG_FILE
    message = f"the package mooring_launcher is not installed, or without its {CONFIG_FILE}"
    raise MooringError(message)


def node_schema(node: Node, *, every_default: bool = False) -> Schema:
    """Return the schema of one node and all below it.

    With `every_default` objects and maps carry their defaults too; without, only values without fields do.
    """
    if isinstance(node, Obj):
        schema = _object_schema(node, every_default=every_default)
    elif isinstance(node, MapOf):
        entry = node_schema(node.item, every_default=every_default)
        schema = {
            "type": "object",
            "patternProperties": {node.key_pattern: entry if every_default else _nullable(entry)},
            "additionalProperties": False,
        }
    elif isinstance(node, ListOf):
        schema = {"type": "array", "items": node_schema(node.item, every_default=every_default)}
    elif isinstance(node, Open):
        schema = _open_schema(node, nullable=not every_default)
    elif isinstance(node, Anything):
        schema = {}
    else:
        schema = _scalar_schema(node)
    return {"description": node.doc, **schema} if node.doc else schema


def _nullable(schema: Schema) -> Schema:
    """Allow null for a map's entry and everything optional in it: Helm leaves such nulls in; the chart drops them."""
    if "type" not in schema:
        return schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    properties = {
        name: child if name in schema.get("required", ()) else _nullable(child)
        for name, child in schema.get("properties", {}).items()
    }
    nullable = schema | {"type": [*types, "null"] if "null" not in types else types}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None] if None not in schema["enum"] else schema["enum"]
    return nullable | ({"properties": properties} if properties else {})


def _object_schema(node: Obj, *, every_default: bool) -> Schema:
    properties = {}
    for name, child in node.fields.items():
        properties[name] = node_schema(child, every_default=every_default)
        if name not in node.required and (every_default or not isinstance(child, (Obj, MapOf))):
            properties[name]["default"] = default_of(child)
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if node.required:
        schema["required"] = list(node.required)
    return schema


def _open_schema(node: Open, *, nullable: bool) -> Schema:
    schema: Schema = {"type": "object"}
    if isinstance(node, StringMap):
        item: Schema = {"type": ["string", "null"] if nullable else "string"}
        schema["additionalProperties"] = item | ({"pattern": node.item_pattern} if node.item_pattern else {})
        if node.key_pattern:
            schema["propertyNames"] = {"pattern": node.key_pattern}
    if node.fields:
        # Kubernetes takes a null for an absent field.
        schema["properties"] = {
            name: node_schema(child) if name in node.required else _nullable(node_schema(child))
            for name, child in node.fields.items()
        }
    if node.required:
        schema["required"] = [*node.required]
    return {"type": "array", "items": schema} if node.is_list else schema


def _scalar_schema(node: Node) -> Schema:
    types = [*node.kind.json]
    enum = list(getattr(node, "enum", ()))
    if default_of(node) is None:
        types.append("null")
        enum += [None] if enum else []
    limits = {
        "enum": enum or None,
        "pattern": getattr(node, "pattern", None),
        "not": {"enum": [*reserved]} if (reserved := getattr(node, "reserved", ())) else None,
        "maxLength": getattr(node, "max_length", None),
        "minimum": getattr(node, "minimum", None),
        "maximum": getattr(node, "maximum", None),
    }
    schema: Schema = {"type": types[0] if len(types) == 1 else types}
    return schema | {keyword: limit for keyword, limit in limits.items() if limit is not None}
