r"""Find Windows paths in double quotes, where YAML reads ``C:\temp`` as ``C:``, a tab and ``emp``.

The value does not show it: it is legal text, and printed as JSON it looks like what was meant. The source does show it:
a path with an escape in it. The escapes are those of YAML 1.1, section 5.6.
"""

from __future__ import annotations

import re

# Not \u and \U with their digits: programs write those; no directory has such a name.
_ESCAPE = r"\\(?:x[0-9A-Fa-f]{2}|[0abtnvferNLP_ ])"
_NAME = r"[^\\/\s\"'<>|*?;,=+()\[\]{}^$]"
_SLASH = r"(?:\\\\|\\?/)"
# \n, \r and \t may be intended: at the end of a word, and between two paths.
_MEANT = r"(?:\\r)?\\[nrt](?:(?![\w.])|(?=[A-Za-z]:[\\/]))"
_MISREAD = rf"(?!{_MEANT})(?P<escape>{_ESCAPE})"
_FILE = (
    r"\.(?:exe|dll|com|bat|cmd|ps1|ini|cfg|conf|config|json|xml|ya?ml|toml|properties|txt|log|csv|dat|db|lic|key|pem)"
)
_PATHS = (
    # From a drive on: "C:\temp", "--config=C:\\apps\robot.xml".
    rf"(?<![A-Za-z0-9])[A-Za-z]:(?:{_SLASH}(?:{_NAME}+{_SLASH})*{_NAME}*)?{_MISREAD}",
    # From a server on, its two backslashes escaped or not: "\\server\new", "\\\\server\\share\new".
    rf"^(?:\\\\){{1,2}}{_NAME}{{2,}}(?:{_SLASH}{_NAME}+)*{_SLASH}?{_MISREAD}",
    # A relative path is known by how it ends: "conf\robot.xml".
    rf"^(?:\.\.?)?[\w-]*{_MISREAD}(?:{_NAME}|\\.)*{_FILE}$",
    # No text contains these inside a word: "data\backup".
    r"[A-Za-z]{2}(?P<escape>\\[abfv])[A-Za-z]{2}",
)
_PATTERNS = tuple(re.compile(path) for path in _PATHS)

_READS_AS = {
    "0": "NUL",
    "a": "the bell character",
    "b": "a backspace",
    "t": "a tab",
    "n": "a line break",
    "v": "a vertical tab",
    "f": "a form feed",
    "e": "the escape character",
    "r": "a carriage return",
    " ": "a space",
    "_": "a no-break space",
    "N": "a next-line character",
    "L": "a line separator",
    "P": "a paragraph separator",
}
_DIGITS = {"x": "two", "u": "four", "U": "eight"}
_QUOTES = "in single quotes a backslash is only a backslash"
_MAX_SHOWN = 100


def why_misread(raw: str) -> str | None:
    r"""Return what is wrong with a double-quoted text that holds a path, None if nothing is.

    `raw` is the text between the quotes, as written in the file. An intended line break, as in ``"a\nb"``, is
    not a mistake.
    """
    for pattern in _PATTERNS if "\\" in raw else ():
        if found := pattern.search(raw):
            escape = found["escape"]
            return f"holds {_name(escape)}, because in double quotes YAML reads {escape} as one; {_advise(raw)}"
    return None


def _name(escape: str) -> str:
    if escape[1] != "x":
        return _READS_AS[escape[1]]
    number = int(escape[2:], 16)
    letter = chr(number)
    return f'the character "{letter}"' if letter.isprintable() else f"the character U+{number:04X}"


def explain_scan_error(text: str, start: int, at: int) -> str | None:
    r"""Explain why the parser stopped at a backslash in a double-quoted text; None if it stopped for another reason.

    `text` is the file's, `start` where the quoted text begins, `at` where the parser stopped, both counted from 0.
    """
    if text[start : start + 1] != '"':
        return None
    line = text[start + 1 :].split("\n", 1)[0].rstrip()
    if at >= len(text):  # the quote that should have ended it had a backslash before it: "C:\data\"
        if not (found := re.search(r'(?<!\\)(?:\\\\)*\\"', line)):
            return None
        why = r"the text in double quotes never ends, because \" is a quotation mark in it"
        return f"{why}; {_advise(line[: found.end() - 1])}"
    backslash = text.rfind("\\", start, at + 1)
    if backslash < 0 or at - backslash > 2:
        return None
    escape = text[backslash : backslash + 2]
    ended = re.compile(r'"\s*(?:[,\]}:#]|$)').search(line, backslash - start - 1)
    digits = f" without {_DIGITS[escape[1]]} hexadecimal digits" if escape[1:] in _DIGITS else ""
    return f"in double quotes YAML has no escape {escape}{digits}; {_advise(line[: ended.start()] if ended else '')}"


def _advise(raw: str) -> str:
    """Return how to write the text safely: the text itself, as it was most likely meant, if it is short."""
    if not raw or "\n" in raw or len(raw) > _MAX_SHOWN:
        return f"write it in single quotes: {_QUOTES}"
    server = r"\\" if raw.startswith(r"\\") else ""
    path = raw.lstrip("\\") if server else raw
    meant = server + path.replace(r"\\", "\\").replace(r"\"", '"')
    return f"write '{meant.replace(chr(39), chr(39) * 2)}': {_QUOTES}"
