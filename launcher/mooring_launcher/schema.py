"""Validates JSON against a JSON Schema and fills in its defaults.

The standard library has no validator, so the part of draft-07 that config.schema.json uses is here; a keyword that it
does not know is an error, never silently passed over.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Schema = dict[str, Any]
Problem = tuple[str, str]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_ANNOTATIONS = {"$schema", "$id", "title", "description", "default", "examples", "definitions", "format"}


def find_problems(value: object, schema: Schema, path: str = "", root: Schema | None = None) -> Iterator[Problem]:
    """Yield (path, problem) for each rule of a draft-07 schema that a value breaks."""
    root = schema if root is None else root
    if "$ref" in schema:
        yield from find_problems(value, _resolve(schema["$ref"], root), path, root)
        return
    if "type" in schema and not _has_type(value, schema["type"]):
        yield path, f"found {_show(value)}, wanted {_type_names(schema['type'])}"
        return
    for keyword, rule in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _KEYWORDS:
            yield path, f"the schema has the keyword {keyword!r}, which the launcher does not know"
            continue
        yield from _KEYWORDS[keyword](value, rule, path, schema, root)


def find_unusable_texts(value: object, path: str = "") -> Iterator[Problem]:
    """Yield (path, problem) for each text that no program can be given: arguments and variables end at a zero."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find_unusable_texts(key, f"the name {_show(key)} in {path or 'the document'}")
            yield from find_unusable_texts(item, _join(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_unusable_texts(item, f"{path}[{index}]")
    elif isinstance(value, str):
        if "\0" in value:
            yield path, f"found {_show(value)}, which contains a null character (\\0), which ends a string; remove it"
        elif not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            yield path, f"found {json.dumps(value)[:60]}, which contains half a character (a lone surrogate); remove it"


def fill_defaults(value: Any, schema: Schema, root: Schema | None = None) -> Any:
    """Return a valid value with the default of every absent property, at every depth."""
    root = schema if root is None else root
    if "$ref" in schema:
        return fill_defaults(value, _resolve(schema["$ref"], root), root)
    if isinstance(value, list) and "items" in schema:
        return [fill_defaults(item, schema["items"], root) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    absent = {key: rule["default"] for key, rule in properties.items() if "default" in rule and key not in value}
    return {
        key: fill_defaults(item, rule, root) if (rule := _rule_of(key, schema)) is not None else item
        for key, item in {**value, **absent}.items()
    }


def _rule_of(key: str, schema: Schema) -> Schema | None:
    if key in schema.get("properties", {}):
        rule: Schema = schema["properties"][key]
        return rule
    for pattern, rule in schema.get("patternProperties", {}).items():
        if _matches(pattern, key):
            return rule
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, dict) else None


def _resolve(reference: str, root: Schema) -> Schema:
    schema = root
    for step in reference.removeprefix("#/").split("/"):
        schema = schema[step]
    return schema


def _has_type(value: object, names: str | list[str]) -> bool:
    names = [names] if isinstance(names, str) else names
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and value.is_integer() and "integer" in names:
        return True  # draft-07: 1.0 is an integer, and Helm turns large ones into floats
    return any(isinstance(value, _TYPES[name]) for name in names)


def _type_names(names: str | list[str]) -> str:
    return names if isinstance(names, str) else " or ".join(names)


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: object, scalar: object) -> bool:
    """Compare as JSON does: 1 is 1.0, but true is not 1."""
    return value == scalar and isinstance(value, bool) == isinstance(scalar, bool)


def _matches(pattern: str, text: str) -> bool:
    """Search as JSON Schema means it: $ is the end of the text, while Python's also matches before a last line end."""
    return re.search(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern, text) is not None


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check_members(value: Any, _rule: Any, path: str, schema: Schema, root: Schema) -> Iterator[Problem]:
    """Check what `properties` and `patternProperties` say of each member."""
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        rule = _rule_of(key, schema)
        if rule is not None:
            yield from find_problems(item, rule, _join(path, key), root)


def _check_pattern_members(value: Any, rule: Any, path: str, schema: Schema, root: Schema) -> Iterator[Problem]:
    if "properties" not in schema:  # else `properties` has looked at every member already
        yield from _check_members(value, rule, path, schema, root)


def _check_extra(value: Any, rule: Any, path: str, schema: Schema, root: Schema) -> Iterator[Problem]:
    if isinstance(rule, dict) and "properties" not in schema and "patternProperties" not in schema:
        yield from _check_members(value, rule, path, schema, root)
    if rule is not False or not isinstance(value, dict):
        return
    for key in value:
        if _rule_of(key, schema) is None:
            known = ", ".join(schema.get("properties", {})) or "names like " + ", ".join(schema["patternProperties"])
            yield _join(path, key), f"not known here; known: {known}"


def _check_required(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key in rule:
            if key not in value:
                yield _join(path, key), "is missing"


def _check_enum(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if not any(_same(value, option) for option in rule):
        yield path, f"found {_show(value)}, wanted one of {', '.join(map(_show, rule))}"


def _check_const(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if not _same(value, rule):
        yield path, f"found {_show(value)}, wanted {_show(rule)}"


def _check_minimum(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if _is_number(value) and value < rule:
        yield path, f"found {value}, wanted at least {rule}"


def _check_maximum(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if _is_number(value) and value > rule:
        yield path, f"found {value}, wanted at most {rule}"


def _check_pattern(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if isinstance(value, str) and not _matches(rule, value):
        yield path, f"found {_show(value)}, wanted text like {rule}"


def _check_min_length(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if isinstance(value, str) and len(value) < rule:
        yield path, f"found {len(value)} characters, wanted at least {rule}"


def _check_max_length(value: Any, rule: Any, path: str, _schema: Schema, _root: Schema) -> Iterator[Problem]:
    if isinstance(value, str) and len(value) > rule:
        yield path, f"found {len(value)} characters, wanted at most {rule}"


def _check_items(value: Any, rule: Any, path: str, _schema: Schema, root: Schema) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_problems(item, rule, f"{path}[{index}]", root)


def _check_any_of(value: Any, rule: Any, path: str, _schema: Schema, root: Schema) -> Iterator[Problem]:
    if not any(next(find_problems(value, option, path, root), None) is None for option in rule):
        yield path, f"found {_show(value)}, which matches none of the {len(rule)} forms"


_KEYWORDS: dict[str, Callable[[Any, Any, str, Schema, Schema], Iterable[Problem]]] = {
    "type": lambda *_: (),
    "properties": _check_members,
    "patternProperties": _check_pattern_members,
    "additionalProperties": _check_extra,
    "required": _check_required,
    "enum": _check_enum,
    "const": _check_const,
    "minimum": _check_minimum,
    "maximum": _check_maximum,
    "pattern": _check_pattern,
    "minLength": _check_min_length,
    "maxLength": _check_max_length,
    "items": _check_items,
    "anyOf": _check_any_of,
}
