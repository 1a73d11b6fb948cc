"""Put what the model says into the chart's templates, as Helm's own template code.

Helm knows only what is in the chart, so the logic of a rule is repeated there. Its sentences, names and limits do
not: ``<%= rules.ports.PORT_TWICE | say(protocol="$protocol") %>`` is ``PORT_TWICE`` of ``mooring.model.rules.ports``,
with the template code that yields each fact of the sentence. These constructs read as Jinja2's and are a small part of
its language: Jinja2 itself takes 40 ms to compile them, as long as everything else in a chart takes together.
"""

from __future__ import annotations

import importlib
import json
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mooring.model.rules.rule import Sentence

_FACT = re.compile(
    r"<%= (?P<module>(?:rules|values)\.\w+|nodes)\.(?P<name>\w+)(?: \| (?P<filter>\w+)(?:\((?P<code>[^%]*)\))?)? %>"
)
_CODE = re.compile(r"""(?P<fact>\w+)=(?P<quote>["'])(?P<code>.*?)(?P=quote)""")


def put_sentences(template: str) -> str:
    """Return a template with everything in it that it takes from the model."""
    return _FACT.sub(_put, template)


def _put(found: re.Match[str]) -> str:
    value = getattr(importlib.import_module(f"mooring.model.{found['module']}"), found["name"])
    if found["filter"] is None:
        return str(value)
    code = {one["fact"]: one["code"] for one in _CODE.finditer(found["code"] or "")}
    return _FILTERS[found["filter"]](value, **code)


def _say(sentence: Sentence, **code: str) -> str:
    """Return the two texts of a sentence, as arguments; `code` yields each fact in it."""
    return f"{_text(sentence.rule, code)} {_text(sentence.fix, code)}"


def _text(text: str, code: Mapping[str, str]) -> str:
    """Return a text as a string of Go's templates, or as a call of printf where it has facts in it."""
    pattern, plain, arguments = "", "", []
    for piece, fact, verb, _ in string.Formatter().parse(text):
        plain += piece
        pattern += piece.replace("%", "%%")
        if fact is not None:
            pattern += f"%{verb or 'v'}"
            arguments.append(code[fact])
    return f"(printf {_literal(pattern)} {' '.join(arguments)})" if arguments else _literal(plain)


def _literal(value: Any) -> str:
    """Return a value as Go's templates write it: text, null, false, or an empty map or list."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    empty = {type(None): "nil", bool: "false", dict: "dict", list: "list"}
    if value:
        raise ValueError(value)
    return empty[type(value)]


def _words(texts: Iterable[str]) -> str:
    """Return texts as arguments."""
    return " ".join(_literal(text) for text in texts)


def _entries(table: Mapping[str, str | Sentence | tuple[str, ...]]) -> str:
    """Return the arguments of a dict, an entry on a line: each a text, or a list of texts."""
    lines = []
    for key, value in table.items():
        texts = _say(value) if isinstance(value, Sentence) else _words(value)
        lines.append(f"\n  {_literal(key)} {_literal(value) if isinstance(value, str) else f'(list {texts})'}")
    return "".join(lines)


def _only(table: Mapping[tuple[str, ...], Any]) -> str:
    """Return what values must be, as arguments, one on a line: a list of key path, value and the only one allowed."""
    return "".join(
        f'\n  (list "{".".join(path)}" .Values.{".".join(path)} {_literal(one)})' for path, one in table.items()
    )


_FILTERS: Mapping[str, Callable[..., str]] = {
    "say": _say,
    "literal": _literal,
    "words": _words,
    "entries": _entries,
    "only": _only,
    "pattern": lambda pattern: f"`{pattern.pattern}`",
}
