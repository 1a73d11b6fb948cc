"""Take command lines apart the way the program that reads them does: a Windows program, cmd, PowerShell, Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Lookup = Callable[[str], str]
"""Returns a variable's value; raises NotUnderstoodError with the reason where it is not known."""

_CMD = re.compile(r"%([A-Za-z_][A-Za-z0-9_.()]*)%")
_KUBERNETES = re.compile(r"\$(\$?)\(([A-Za-z_][-A-Za-z0-9_.]*)\)")
_POWERSHELL = re.compile(r"\$(?:\{(?:env:)?([A-Za-z_]\w*)\}|(env:)?([A-Za-z_]\w*))", re.IGNORECASE)


class NotUnderstoodError(Exception):
    """What stands there is more than is understood here; the message says what."""


def expand_cmd(text: str, lookup: Lookup) -> str:
    """Replace %NAME% as cmd does."""
    return _CMD.sub(lambda match: lookup(match[1]), text)


def expand_kubernetes(text: str, known: Mapping[str, str]) -> str:
    """Replace $(NAME) as kubelet does: what is unknown stays, and $$(NAME) is text."""

    def one(match: re.Match[str]) -> str:
        return match[0][1:] if match[1] else known.get(match[2], match[0])

    return _KUBERNETES.sub(one, text)


def split_windows(line: str) -> list[str]:
    """Split a command line as Windows programs do (Microsoft's rules of CommandLineToArgvW)."""
    words: list[str] = []
    word, quoted, at = "", False, 0
    started = False
    while at < len(line):
        slashes = len(line) - at - len(line[at:].lstrip("\\")) if line[at] == "\\" else 0
        following = line[at + slashes : at + slashes + 1]
        if slashes and following == '"':
            word += "\\" * (slashes // 2)
            at += slashes
            started = True
            if slashes % 2:
                word += '"'
                at += 1
        elif slashes:
            word += "\\" * slashes
            at += slashes
            started = True
        elif line[at] == '"':
            quoted, started, at = not quoted, True, at + 1
        elif line[at] in " \t\r\n" and not quoted:
            if started:
                words.append(word)
            word, started, at = "", False, at + 1
        else:
            word, started, at = word + line[at], True, at + 1
    if quoted:
        raise NotUnderstoodError("a quotation mark has no other one to it")
    return [*words, word] if started else words


def split_cmd(line: str, lookup: Lookup) -> list[str]:
    """Split a line of cmd: variables first, then the words as its program reads them."""
    line = expand_cmd(line.strip().removeprefix("@").strip(), lookup)
    if set("&|<>") & set(re.sub(r'"[^"]*"', "", line)):
        raise NotUnderstoodError("it holds more than one command, or redirects one")
    if line.startswith('"') and line.endswith('"') and line.count('"') % 2 == 0 and line.startswith('""'):
        line = line[1:-1]  # cmd /c takes the outer pair of quotation marks away
    return split_windows(line)


def split_powershell(line: str, lookup: Lookup) -> list[str]:
    """Split one command of PowerShell, without a call operator in front; `lookup` also gets its own variables."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        letter = line[at]
        if letter in " \t\r\n":
            if word is not None:
                words.append(word)
            word, at = None, at + 1
        elif letter == "'":
            text, at = _single(line, at)
            word = (word or "") + text
        elif letter == '"':
            text, at = _double(line, at, lookup)
            word = (word or "") + text
        elif letter == "`" and at + 1 < len(line):
            word, at = (word or "") + line[at + 1], at + 2
        elif letter == "$":
            text, at = _variable(line, at, lookup)
            word = (word or "") + text
        elif letter == "#" and word is None:
            break
        elif letter in ";|<>(){}@" or (letter == "&" and words):
            message = f"it holds {letter!r}, more than one plain command"
            raise NotUnderstoodError(message)
        else:
            word, at = (word or "") + letter, at + 1
    if word is not None:
        words.append(word)
    return words[1:] if words[:1] in (["&"], ["."]) else words


def _single(line: str, at: int) -> tuple[str, int]:
    match = re.compile(r"'((?:[^']|'')*)'").match(line, at)
    if match is None:
        raise NotUnderstoodError("a quotation mark has no other one to it")
    return match[1].replace("''", "'"), match.end()


def _double(line: str, at: int, lookup: Lookup) -> tuple[str, int]:
    text, at = "", at + 1
    while at < len(line):
        letter = line[at]
        if letter == '"':
            if line[at + 1 : at + 2] != '"':
                return text, at + 1
            text, at = text + '"', at + 2
        elif letter == "`" and at + 1 < len(line):
            text, at = text + line[at + 1], at + 2
        elif letter == "$":
            piece, at = _variable(line, at, lookup)
            text += piece
        else:
            text, at = text + letter, at + 1
    raise NotUnderstoodError("a quotation mark has no other one to it")


def _variable(line: str, at: int, lookup: Lookup) -> tuple[str, int]:
    if line[at + 1 : at + 2] == "(":
        raise NotUnderstoodError("it holds '$(', a command within the command")
    match = _POWERSHELL.match(line, at)
    if match is None:
        return "$", at + 1
    name = match[1] or match[3]
    return lookup(name if match[1] or match[2] else f"${name}"), match.end()
