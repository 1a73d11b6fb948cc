r"""Regular expressions that mean the same to Python and to Helm, whose RE2 is the smaller language.

A pattern is parsed once: what only one of the two knows is refused by name; what means something different to each
(``$``, ``\s``) is translated for Python. Source: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from functools import cache

_REPEAT = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{0,4}))?\}")
_MOST_REPEATS = 1000  # RE2's own limit
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[dwntrfvasDWSAbB]|[!-/:-@\[-`{-~])")
_OUTSIDE = {"s": r"[\t\n\f\r ]", "S": r"[^\t\n\f\r ]"}
_INSIDE = {"s": r"\t\n\f\r "}
_NOT_INSIDE = frozenset("DWSAbB")
_DOUBLED = ("&&", "--", "||", "~~")


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with Helm's meaning. Raises ValueError with a message if the two would not agree on it."""
    try:
        return re.compile(_translate(pattern), re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        message = f"is not a regular expression: {error}"
        raise ValueError(message) from error


def _translate(pattern: str) -> str:
    if not pattern.isprintable():
        raise ValueError(r"holds a control character; write an escape such as \n")
    out, at, repeated = "", 0, False
    while at < len(pattern):
        piece, end = _take(pattern, at)
        is_repeat = pattern[at] in "*+?{"
        if repeated and piece == "+":
            raise ValueError(_refusal("a possessive repeat", pattern[at - 1 : end]))
        repeated = is_repeat and not (repeated and piece == "?")
        out, at = out + piece, end
    return out


def _take(pattern: str, at: int) -> tuple[str, int]:
    """Return the next piece for Python, and where it ends."""
    letter = pattern[at]
    if letter == "\\":
        return _take_escape(pattern, at, _OUTSIDE)
    if letter == "[":
        return _take_class(pattern, at)
    if letter == "(" and pattern.startswith("(?", at) and not pattern.startswith("(?:", at):
        raise ValueError(_refusal("a group of this kind", pattern[at : at + 4]))
    if letter in "*+?{":
        return _take_repeat(pattern, at)
    if letter == "$":
        return r"\Z", at + 1  # Python's own also matches before a last line end
    return (f"\\{letter}" if letter in "}]" else letter), at + 1


def _take_repeat(pattern: str, at: int) -> tuple[str, int]:
    found = _REPEAT.match(pattern, at)
    if found is None:
        raise ValueError(
            _refusal("a { that does not start a repeat like {2,5}", pattern[at : at + 6]) + r"; for the letter write \{"
        )
    if any(int(number) > _MOST_REPEATS for number in (found[1], found[3]) if number):
        raise ValueError(_refusal(f"more than {_MOST_REPEATS} repeats", found[0]))
    return found[0], found.end()


def _take_escape(pattern: str, at: int, translations: dict[str, str]) -> tuple[str, int]:
    found = _ESCAPE.match(pattern, at)
    if found is None:
        raise ValueError(_refusal("this escape", pattern[at : at + 2]))
    return translations.get(found[1], found[0]), found.end()


def _take_class(pattern: str, start: int) -> tuple[str, int]:
    at = start + 1
    out = "["
    if pattern.startswith("^", at):
        out, at = out + "^", at + 1
    if pattern.startswith("]", at):
        out, at = out + r"\]", at + 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "[" or pattern.startswith(_DOUBLED, at):
            raise ValueError(_refusal("this inside [ ]", pattern[at : at + 2]) + "; put a backslash before it")
        if pattern[at] != "\\":
            out, at = out + pattern[at], at + 1
            continue
        if pattern[at + 1 : at + 2] in _NOT_INSIDE:
            raise ValueError(_refusal("this escape inside [ ]", pattern[at : at + 2]))
        piece, at = _take_escape(pattern, at, _INSIDE)
        out += piece
    if at >= len(pattern):
        raise ValueError(_refusal("a [ without its ]", pattern[start : start + 10]))
    return out + "]", at + 1


def _refusal(what: str, text: str) -> str:
    return f"has {what}, which Helm (RE2) and Python do not share: {text}"
