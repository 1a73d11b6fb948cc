"""Write plain data as YAML that every reader reads the same way."""

from __future__ import annotations

import json
import re
from typing import Any

from mooring.text.escapes import why_misread
from mooring.text.scalars import resolve_scalar

# Plain YAML text that no version of YAML takes for anything else; whatever does not match is quoted.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./%-]*(?: [A-Za-z0-9_./%-]+)*")
_RESERVED = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])


def emit_yaml(value: Any) -> str:
    """Return plain data as YAML in block style, which reads back the same in YAML 1.1 and 1.2."""
    return "\n".join(_emit(value)) + "\n"


def _emit(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in emit_pair(key, item)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _emit_item(item)]
    return [_flow(value)]


def emit_pair(key: str, value: Any) -> list[str]:
    """Return the lines of one key of a map and its value."""
    if isinstance(value, (dict, list)) and value:
        return [f"{emit_scalar(key)}:", *(f"  {line}" for line in _emit(value))]
    return [f"{emit_scalar(key)}: {_flow(value)}"]


def _emit_item(value: Any) -> list[str]:
    first, *rest = _emit(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _flow(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return emit_scalar(value)


def emit_scalar(value: Any) -> str:
    """Return a scalar as YAML, quoted unless it cannot be read as anything else."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED and isinstance(resolve_scalar(value), str):
        return value
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"  # Windows paths stay readable
    # JSON is YAML, but for what YAML does not count as printable; Python's idea of that is the stricter one.
    quoted = "".join(
        letter if letter.isprintable() else _escape(letter) for letter in json.dumps(value, ensure_ascii=False)
    )
    if why_misread(quoted[1:-1]):  # "C:\t…" with a real tab: written so that it is not mistaken for a directory
        return re.sub(r"\\(.)", lambda found: _LONG.get(found[1], found[0]), quoted)
    return quoted


_LONG = {"b": r"\u0008", "t": r"\u0009", "n": r"\u000a", "f": r"\u000c", "r": r"\u000d"}


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
