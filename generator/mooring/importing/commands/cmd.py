"""Read a command line as cmd.exe does: variables, quotes, carets, several commands, and what may surround a call.

Sources: Microsoft's reference of cmd, set, cd and exit; `cmd /?` for how /s and /c treat quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mooring.importing.commands.words import Lookup, refuse
from mooring.importing.model import is_key

Assign = Callable[[str, str], None]

_NAME = re.compile(r"[^\s%\"'=:;,&|<>^{}\[\]]+")
_ERRORLEVEL = "%ERRORLEVEL%"
_EXIT = re.compile(r"exit(?:\s+/b)?(?:\s+%ERRORLEVEL%)?", re.IGNORECASE)
_SET = re.compile(r"set[\s,;=]+(.*)", re.IGNORECASE | re.DOTALL)
_CD = re.compile(r"(?:cd|chdir)(?:\s+(/d))?\s+(.*)", re.IGNORECASE | re.DOTALL)
_PROGRAM = re.compile(r'[A-Za-z]:[^:"*?<>|]*\.(?:exe|com|cmd|bat)', re.IGNORECASE)
_ENDED = re.compile(r"\.(?:exe|com|cmd|bat)\s", re.IGNORECASE)
_IGNORED = re.compile(r"echo\s+off|setlocal|endlocal", re.IGNORECASE)
_COMMENT = re.compile(r"[\s@]*(?:rem(?:\s.*)?|::.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Called:
    """The only program that a line starts: its command line, and its working directory."""

    line: str
    working_dir: str = ""
    around: tuple[str, ...] = ()
    """Commands before and after it that were understood."""


@dataclass(frozen=True, slots=True)
class _Command:
    joined: str
    """The operator between it and the previous command."""
    text: str


def read_options(tail: str) -> tuple[str, bool]:
    """Strip cmd's own options; return the command, and whether /s was given. Raises NotUnderstoodError."""
    rest, strip, delayed = tail.strip(), False, False
    while True:
        option, _, rest = rest.partition(" ")
        match option.lower():
            case "/c" | "/r":
                if delayed and "!" in rest:
                    refuse("/v:on expands !NAME!, which is not supported; write the values instead, and leave /v out")
                return rest.strip(), strip
            case "/s":
                strip = True
            case "/v" | "/v:on":
                delayed = True
            case "/d" | "/q" | "/a" | "/u" | "/e:on" | "/v:off" | "/x":
                pass
            case "":
                refuse("cmd has nothing to run; add /c and a command")
            case _:
                message = f"cmd has the option {option!r}; only /c, with /d, /s and /q before it, can be imported"
                refuse(message)


def strip_quotes(line: str, always: bool) -> str:
    """Strip the outer pair of quotation marks as `cmd /c` does; with /s `always`."""
    if not line.startswith('"'):
        return line
    inner = line[1:].partition('"')[0]
    is_name = re.search(r"\s", inner) and _PROGRAM.fullmatch(inner) and not _ENDED.search(inner)
    if is_name and not always and line.count('"') == 2 and not set("&<>()@^|") & set(inner):
        return line  # a quoted program name with spaces
    head, mark, tail = line[1:].rpartition('"')
    return head + tail if mark else line[1:]


def expand(text: str, lookup: Lookup, *, batch: bool = False) -> str:
    """Replace %NAME% as cmd does on its command line; in a `batch` file %% is one %, and unset variables are empty.

    %ERRORLEVEL% is left for `read_line`. Raises NotUnderstoodError for substrings and replacements.
    """
    made, at = "", 0
    while at < len(text):
        if text[at] != "%":
            made, at = made + text[at], at + 1
            continue
        if batch and text[at + 1 : at + 2] == "%":
            made, at = made + "%", at + 2
            continue
        end = text.find("%", at + 1)
        name, _, rest = text[at + 1 : end].partition(":") if end > 0 else ("", "", "")
        if batch and (end < 0 or re.match(r"[*~0-9]", text[at + 1 :])):
            refuse("it contains a % that a batch file reads as an argument; write the value instead, or %%")
        if not _NAME.fullmatch(name) and not batch:
            made, at = made + "%", at + 1
            continue
        if rest or text[end - 1] == ":":
            message = f"%{text[at + 1 : end]}% is a substring or a substitution of a variable; write the value instead"
            refuse(message)
        value = _ERRORLEVEL if name.upper() == "ERRORLEVEL" else lookup(name)
        if not value:
            message = f"it uses the variable {name}, which is empty, and so not set on Windows; write the value instead"
            refuse(message)
        made, at = made + value, end + 1
    return made


def read_line(line: str, lookup: Lookup, assign: Assign, *, batch: bool = False) -> Called | None:
    """Find the only program that a line starts, None if it starts none; `assign` gets what `set` sets.

    Raises NotUnderstoodError for anything else: several programs, pipes, redirections, blocks.
    """
    if _COMMENT.fullmatch(line):
        return None
    called, working_dir, around, assigned = "", "", [], {}
    for command in _split(expand(line, lookup, batch=batch)):
        text = command.text.strip(" \t,;=").removeprefix("@").lstrip(" \t,;=")
        if not text and command.joined:
            refuse(f"{command.joined!r} has no command after it; put it in quotation marks if it is an argument")
        if not text or _IGNORED.fullmatch(text):
            continue
        exits = _EXIT.fullmatch(text)
        if called and not (exits and command.joined in ("", "&", "&&")):
            _refuse_second(command, text)
        if exits and called:
            around.append(text)
        elif setting := _SET.fullmatch(command.text.lstrip(" \t,;=@")):
            name, value = _read_set(setting[1])
            assigned[name] = value
            around.append(f"set {name}={value}")
        elif place := _CD.fullmatch(text):
            working_dir = _read_cd(place[2], bool(place[1]))
            around.append(text)
        elif command.joined in ("", "&", "&&"):
            called = _check_program(command.text.lstrip(" \t,;=@"))
        else:
            _refuse_second(command, text)
    for name, value in assigned.items():
        assign(name, value)
    if called or not batch:
        return Called(called, working_dir, tuple(around))
    return Called("", working_dir, tuple(around)) if around else None


def _refuse_second(command: _Command, text: str) -> None:
    message = (
        f"{command.joined!r} before {text[:60]!r} makes it more than one command; only one program can be imported, "
        "with set and cd /d before it and exit after it"
    )
    refuse(message)


def _check_program(text: str) -> str:
    """Refuse what cmd would not read as the plain start of a program."""
    if text.startswith("("):
        refuse("it contains a block in parentheses; write only the program's command")
    first = re.match(r'"[^"]*"[^\s"]*|[^\s"]+', text)
    word = first[0] if first else text
    if not word.startswith('"') and set(",;=") & set(word):
        message = f"cmd ends the program's name {word!r} at the first of , ; =; put it in quotation marks"
        refuse(message)
    if _ERRORLEVEL in text.upper():
        refuse("it uses the variable ERRORLEVEL, which only the node knows; write its value instead")
    return text


def _read_set(text: str) -> tuple[str, str]:
    """Return what `set` sets: everything up to the command's end, with spaces, without enclosing quotation marks."""
    if text.startswith('"'):
        text, mark, behind = text[1:].rpartition('"')
        if not mark or behind.strip():
            refuse('set has text after its closing quotation mark; write set "NAME=value"')
    name, equals, value = text.partition("=")
    if not equals or not value or not is_key(name, "target", "env"):
        message = (
            f"set {text.strip()[:60]!r} does not set a variable to a plain value; write set NAME=value, or use env"
        )
        refuse(message)
    if _ERRORLEVEL in value.upper():
        refuse("it uses the variable ERRORLEVEL, which only the node knows; write its value instead")
    return name, value


def _read_cd(text: str, drive_too: bool) -> str:
    place = text.strip().strip('"')
    if not re.match(r"[A-Za-z]:[\\/]", place) or '"' in place:
        message = f"cd changes to {place!r}; target.workingDir of an App must be a full path, such as C:\\apps"
        refuse(message)
    if not drive_too and place[0].upper() != "C":
        refuse(f"cd without /d does not change to drive {place[0]}:; write cd /d {place}")
    return place


def _split(line: str) -> list[_Command]:
    """Split a line at & and &&, and resolve its carets. Raises NotUnderstoodError for pipes and redirections."""
    commands, joined, text, quoted, at = [], "", "", False, 0
    while at < len(line):
        letter = line[at]
        if letter in "\r\n":
            refuse("it contains a line break, and cmd ignores everything after it; write it as one line")
        if letter == '"':
            quoted = not quoted
        elif letter == "^" and not quoted:
            at += 1
            letter = line[at : at + 1]
            if letter in ("", "\r", "\n"):
                refuse("it ends in ^, which continues it on the next line; write it as one line")
        elif letter in "|<>" and not quoted and line[at : at + 2] != "||":
            what = "pipes its output to another program" if letter == "|" else "redirects its input or output"
            message = f"{letter!r} {what}, which an App cannot do; leave it out"
            refuse(f"{message}: the launcher logs to its container")
        elif letter in "&|" and not quoted:
            commands.append(_Command(joined, text))
            joined = letter * 2 if line[at : at + 2] == letter * 2 else letter
            text, at = "", at + len(joined)
            continue
        text, at = text + letter, at + 1
    return [*commands, _Command(joined, text)]


def unquoted(line: str, letters: str) -> str:
    """Return the first of some characters outside quotation marks, as cmd counts them; "" if there is none."""
    quoted = False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        elif letter in letters and not quoted:
            return letter
    return ""


def names(line: str) -> list[str]:
    """Return the names of the variables that a line refers to, as cmd reads it."""
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return name

    expand(line, note)
    return found
