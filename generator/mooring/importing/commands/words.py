"""Windows' rules for command lines: how words are joined into a line, and how programs split it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

Lookup = Callable[[str], str]
"""Returns a variable's value; raises NotUnderstoodError with the reason if it is unknown."""


class NotUnderstoodError(Exception):
    """A command does something that is not modelled here; the message says what, and what to write."""


def refuse(message: str) -> NoReturn:
    """Raise NotUnderstoodError."""
    raise NotUnderstoodError(message)


def join_windows(words: Iterable[str]) -> str:
    """Join words as containerd's shim does before it starts a process (hcsshim's escapeArgs, Go's EscapeArg)."""
    return " ".join(_escape(word) for word in words)


def _escape(word: str) -> str:
    if not word:
        return '""'
    made, slashes = "", 0
    for letter in word:
        if letter == '"':
            made += "\\" * (slashes + 1)
        made += letter
        slashes = slashes + 1 if letter == "\\" else 0
    return '"' + made + "\\" * slashes + '"' if " " in word or "\t" in word else made


def split_windows(line: str) -> list[str]:
    """Split a command line as Windows programs do (Microsoft's rules of CommandLineToArgvW).

    Raises NotUnderstoodError where programs differ: two quotation marks in a row within quoted text, or an unbalanced
    one.
    """
    words: list[str] = []
    word, quoted, started, at = "", False, False, 0
    while at < len(line):
        slashes = len(line) - at - len(line[at:].lstrip("\\"))
        following = line[at + slashes : at + slashes + 1]
        if slashes and following == '"':
            word, at, started = word + "\\" * (slashes // 2), at + slashes, True
            if slashes % 2:
                word, at = word + '"', at + 1
        elif slashes:
            word, at, started = word + "\\" * slashes, at + slashes, True
        elif line[at] == '"':
            if quoted and line[at + 1 : at + 2] == '"':
                refuse('it contains "" within quoted text, which programs read differently; write \\"')
            quoted, started, at = not quoted, True, at + 1
        elif line[at] in " \t" and not quoted:
            if started:
                words.append(word)
            word, started, at = "", False, at + 1
        else:
            word, started, at = word + line[at], True, at + 1
    if quoted:
        refuse("unbalanced quotation mark; add the missing one")
    return [*words, word] if started else words
