"""What a plain scalar means to Helm (gopkg.in/yaml.v2: YAML 1.1 without dates and sexagesimals)."""

from __future__ import annotations

import math
import re
from typing import Any

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_BOOLS = {
    text: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for text in (word, word.title(), word.upper())
}
_INT = re.compile(r"[-+]?(0|0b[01][01_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|0o?[0-7][0-7_]*|[1-9][0-9_]{0,40})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"([-+]?\.(inf|Inf|INF))|\.(nan|NaN|NAN)")


def resolve_scalar(text: str) -> Any:
    """Return the null, bool, number or text that plain YAML `text` means to Helm."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return _parse_int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return int(number) if number.is_integer() else number
    return text


def is_not_a_number(text: str) -> bool:
    """Return whether a plain scalar is YAML's infinity or not-a-number, which JSON cannot express."""
    return _NOT_A_NUMBER.fullmatch(text) is not None


def _parse_int(text: str) -> int:
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = "0o" + digits[1:]
    return int(sign + digits, 0)


def name_type(value: object) -> str:
    """Name the type of a scalar's null, bool or number, for a message."""
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"
