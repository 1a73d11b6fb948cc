"""Read one YAML document and remember where each value stands.

The parser's events are turned into values here, without recursion (composing deep nesting overflows PyYAML's C stack),
and plain scalars mean what they mean to Helm (gopkg.in/yaml.v2: YAML 1.1 without dates and sexagesimals), so that an
App reads the same here as in a values file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml._yaml import Mark as CMark
from yaml.error import Mark

from mooring.errors import InputError, Problem
from mooring.text.escapes import explain_scan_error, why_misread

KeyPath = tuple[str, ...]

MAX_BYTES = 1024 * 1024  # a Helm release, which an App becomes part of, must stay below 1 MiB
MAX_STREAM_BYTES = 16 * MAX_BYTES
MAX_DEPTH = 64
MAX_NODES = 50_000  # aliases count as what they stand for, so a few lines cannot grow into gigabytes

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_BOOLS = {
    text: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for text in (word, word.title(), word.upper())
}
_INT = re.compile(r"[-+]?(0|0b[01][01_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|0o?[0-7][0-7_]*|[1-9][0-9_]{0,40})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FOR_HELM = re.compile("[\0\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""NUL, and what Helm's YAML writer leaves as it is and its reader, behind the schema check, refuses (3.17)."""
_NOT_A_NUMBER = re.compile(r"([-+]?\.(inf|Inf|INF))|\.(nan|NaN|NAN)")

_CANNOT_START = "found character that cannot start any token"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; both counted from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: Mark | CMark | None) -> Position:
        """Convert the parser's mark, which counts from 0; without one it is the file's start."""
        return cls(mark.line + 1, mark.column + 1) if mark else cls(1, 1)


@dataclass(slots=True)
class Document:
    """The value of one YAML file, with the position of every value and key in it."""

    file: str
    value: Any = None
    values_at: dict[KeyPath, Position] = field(default_factory=dict)
    keys_at: dict[KeyPath, Position] = field(default_factory=dict)

    def position(self, path: KeyPath, *, of_key: bool = False) -> Position:
        """Return where the value (or its key) stands, or the nearest thing around it that is in the file."""
        if of_key and path in self.keys_at:
            return self.keys_at[path]
        while path and path not in self.values_at:
            path = path[:-1]
        return self.values_at.get(path, Position(1, 1))

    def path_of(self, path: KeyPath) -> KeyPath:
        """Return the path with list positions written as they are here: `3` as `[3]` where a list stands."""
        value, found = self.value, []
        for part in path:
            if isinstance(value, list):
                found.append(f"[{part}]")
                value = value[int(part)]
            else:
                found.append(part)
                value = value.get(part) if isinstance(value, dict) else None
        return tuple(found)

    def problem(self, path: KeyPath, message: str, *, of_key: bool = False) -> Problem:
        """Word a problem with the value (or key) at this path."""
        at = self.position(path, of_key=of_key)
        return Problem(self.file, at.line, at.column, format_path(path), message)


def format_path(path: KeyPath) -> str:
    """Write a key path the way `helm --set` takes it."""
    text = ""
    for part in path:
        if part.startswith("["):
            text += part
        else:
            text += ("." if text else "") + part.replace(".", "\\.")
    return text


def load_yaml(file: str) -> Document:
    """Read the one YAML document in `file`.

    Raises InputError if it cannot be read, is not UTF-8, not YAML, empty, or holds several documents, a key twice or a
    tag.
    """
    return parse_yaml(read_file(file), file)


def read_file(file: str) -> bytes:
    """Return what a file holds, or just more than is ever parsed: nothing fills the memory, not even /dev/zero.

    Raises InputError if it cannot be read.
    """
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_STREAM_BYTES + 1)
    except (OSError, ValueError) as error:  # a ValueError is a NUL in the path
        raise InputError([Problem(file, None, None, "", getattr(error, "strerror", None) or str(error))]) from error


def resolve_file(file: str | Path) -> Path:
    """Return where a file really is; a loop of links, or a name no file can have, as it is: reading it tells."""
    try:
        return Path(file).resolve()
    except (OSError, RuntimeError, ValueError):
        return Path(file)


def parse_yaml(data: bytes, file: str) -> Document:
    """Parse the bytes of a YAML file; `file` is for messages. Raises InputError like load_yaml."""
    _check_size(data, MAX_BYTES, file)
    text = _decode(data, file)
    builder = _Builder(file, text)
    for event in _events(text, file):
        builder.take(event)
    return builder.finish()


def find_misread_paths(data: bytes, file: str) -> list[Problem]:
    r"""Return each Windows path in double quotes that YAML reads as something else; nothing else is checked.

    It is for files that another program reads (Helm's values) and judges in all else.
    """
    problems: list[Problem] = []
    try:
        text = _decode(data, file)
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and (message := _why_misread(event, text)):
                at = Position.of(event.start_mark)
                problems.append(Problem(file, at.line, at.column, "", message))
    except yaml.MarkedYAMLError as error:
        if _why_escape_stops(error, text):
            problems.append(_syntax_problem(error, text, file))
    except (yaml.reader.ReaderError, InputError):
        pass  # whoever reads the file says so
    return problems


def parse_yaml_stream(data: bytes, file: str, *, by_people: bool = True) -> list[Document | InputError]:
    """Parse a file of several documents: each, or what is wrong with it; empty ones are left out.

    What programs print, not `by_people`, has its backslashes doubled: an escape behind a path is meant there.
    Raises InputError like load_yaml for what concerns the whole file.
    """
    _check_size(data, MAX_STREAM_BYTES, file)
    text = _decode(data, file)
    found: list[Document | InputError] = []
    builder = _Builder(file, text, by_people)
    for event in _events(text, file):
        if isinstance(event, yaml.DocumentStartEvent):
            builder = _Builder(file, text, by_people)
        builder.take(event)
        if isinstance(event, yaml.DocumentEndEvent):
            found += _finish_or_error(builder)
    return found or [builder.finish()]


def _finish_or_error(builder: _Builder) -> list[Document | InputError]:
    try:
        document = builder.finish()
    except InputError as error:
        return [error]
    return [] if document.value is None else [document]


def _check_size(data: bytes, most: int, file: str) -> None:
    if len(data) > most:
        message = f"is larger than {most} bytes, the most that is read; split it, or keep large data elsewhere"
        raise InputError([Problem(file, None, None, "", message)])


def _events(text: str, file: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise InputError([_syntax_problem(error, text, file)]) from error
    except yaml.reader.ReaderError as error:
        raise _bad_character(error, text, file) from error


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = _position_of_byte(data, error.start)
        message = f"is not UTF-8: byte 0x{data[error.start]:02x} here; save the file as UTF-8"
        raise InputError([Problem(file, at.line, at.column, "", message)]) from error


def _position_of_byte(data: bytes, offset: int) -> Position:
    before = data[:offset]
    line_start = before.rfind(b"\n") + 1
    return Position(before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = error.problem or "not YAML"
    if message == _CANNOT_START:
        message = _why_cannot_start(text, mark)
    elif why := _why_escape_stops(error, text):
        message, mark = why, error.context_mark
    elif error.context:
        message += f" ({error.context}"
        start = error.context_mark
        message += f" that starts at line {start.line + 1})" if start is not None and start.line else ")"
    at = Position.of(mark)
    return Problem(file, at.line, at.column, "", f"not valid YAML: {message}")


def _why_escape_stops(error: yaml.MarkedYAMLError, text: str) -> str | None:
    start, at = error.context_mark, error.problem_mark
    return explain_scan_error(text, start.index, at.index) if start is not None and at is not None else None


def _why_misread(event: yaml.ScalarEvent, text: str) -> str | None:
    start, end = event.start_mark, event.end_mark
    if event.style != '"' or start is None or end is None:
        return None
    return why_misread(text[start.index + 1 : end.index - 1])


def _why_cannot_start(text: str, mark: Mark | CMark | None) -> str:
    line = text.splitlines()[mark.line] if mark is not None else ""
    if mark is not None and line[mark.column : mark.column + 1] == "\t":
        return "a tab stands where YAML wants spaces; indent with spaces"
    return "this character cannot start a value; quote the text"


def _bad_character(error: yaml.reader.ReaderError, text: str, file: str) -> InputError:
    at = _position_of_byte(text.encode(), error.position)
    message = f"not valid YAML: character 0x{int(error.character):02x} is not allowed; use an escape in double quotes"
    return InputError([Problem(file, at.line, at.column, "", message)])


@dataclass(frozen=True, slots=True)
class _Size:
    """How many values, and how many characters in them."""

    nodes: int
    letters: int

    def __add__(self, other: _Size) -> _Size:
        return _Size(self.nodes + other.nodes, self.letters + other.letters)

    def __sub__(self, other: _Size) -> _Size:
        return _Size(self.nodes - other.nodes, self.letters - other.letters)


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not been read yet."""

    path: KeyPath
    value: dict[str, Any] | list[Any]
    anchor: str | None
    before: _Size
    key: str | None = None


class _Builder:
    """Builds the value from the parser's events."""

    def __init__(self, file: str, text: str, by_people: bool = True) -> None:
        self._document = Document(file)
        self._by_people = by_people
        self._text = text
        self._problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, _Size]] = {}
        self._size = _Size(0, 0)
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the parser's next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start_collection(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end_collection()

    def finish(self) -> Document:
        """Return the document, or raise InputError with everything that was wrong in it."""
        if self._documents == 0:
            self._problems.append(Problem(self._document.file, 1, 1, "", "is empty; `mooring new NAME` writes a start"))
        if self._problems:
            raise InputError(self._problems)
        return self._document

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(event, "a second document starts here; one file holds one document")

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        """Give up on the file: what follows would only repeat the same problem."""
        at = Position.of(event.start_mark)
        path = format_path(self._path_of_next()) if self._open else ""
        raise InputError([*self._problems, Problem(self._document.file, at.line, at.column, path, message)])

    def _note(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        at = Position.of(event.start_mark)
        self._problems.append(Problem(self._document.file, at.line, at.column, format_path(path), message))

    def _path_of_next(self) -> KeyPath:
        if not self._open:
            return ()
        parent = self._open[-1]
        if isinstance(parent.value, list):
            return (*parent.path, f"[{len(parent.value)}]")
        return parent.path if parent.key is None else (*parent.path, parent.key)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _count(self, event: yaml.Event, more: _Size) -> None:
        self._size += more
        if self._size.nodes > MAX_NODES:
            self._stop(event, f"holds more than {MAX_NODES} values")
        if self._size.letters > MAX_BYTES:
            self._stop(event, f"holds more than {MAX_BYTES} characters, those that aliases repeat included")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        size = _Size(1, len(event.value))
        self._count(event, size)
        path = self._open[-1].path if self._expects_key() else self._path_of_next()
        if self._by_people and (message := _why_misread(event, self._text)):
            self._note(event, path, message)
        elif found := _NOT_FOR_HELM.search(event.value):
            who = "Helm cannot read" if found[0] != "\0" else "ends a text for Windows and Linux"
            message = f"holds the character U+{ord(found[0]):X}, which {who}; leave it out"
            self._note(event, path, message)
        if self._expects_key():
            self._take_key(event)
            return
        value = self._scalar(event, path)
        self._add(event, path, value)
        if event.anchor:
            self._anchors[event.anchor] = (value, size)

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        if event.tag not in (None, "!"):
            self._note(event, path, f"tag {event.tag} is not allowed; values have the type they look like")
            return None
        if not event.implicit[0] or event.tag == "!":
            return event.value
        if _NOT_A_NUMBER.fullmatch(event.value):
            self._note(event, path, f"{event.value} is not a number JSON knows; quote it if it is text")
            return None
        return resolve_scalar(event.value)

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        parent = self._open[-1]
        key = event.value
        plain = resolve_scalar(key) if event.implicit[0] and event.tag is None else key
        if plain is None or isinstance(plain, (bool, float)):
            self._note(event, parent.path, f"key {key or 'null'} reads as {_type_name(plain)}; quote it")
        elif isinstance(plain, int):
            key = str(plain)  # as Helm does when it makes JSON of YAML
        elif key == "<<" and event.implicit[0]:
            self._note(event, parent.path, "merge keys (<<) are not allowed; write the keys out")
        self._open_key(event, parent, key)

    def _open_key(self, event: yaml.Event, parent: _Open, key: str) -> None:
        path = (*parent.path, key)
        if key in parent.value:
            first = self._document.keys_at[path]
            self._note(event, path, f"key {key} stands here twice; it was first on line {first.line}")
        else:
            self._document.keys_at[path] = Position.of(event.start_mark)
        parent.key = key

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if self._expects_key():
            self._stop(event, "an alias cannot be a key")
        anchor = event.anchor or ""
        if anchor not in self._anchors:
            self._stop(event, f"alias *{anchor} has no anchor &{anchor} before it")
        value, size = self._anchors[anchor]
        self._count(event, size)
        self._add(event, self._path_of_next(), value)

    def _start_collection(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if self._expects_key():
            self._stop(event, "a key must be text, not a map or list; is this a template placeholder without quotes?")
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, f"is nested more than {MAX_DEPTH} deep")
        if event.tag is not None:
            self._note(event, self._path_of_next(), f"tag {event.tag} is not allowed")
        path = self._path_of_next()
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(event, path, value)
        self._open.append(_Open(path, value, event.anchor, self._size))
        self._count(event, _Size(1, 0))

    def _end_collection(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.value, self._size - done.before)

    def _add(self, event: yaml.Event, path: KeyPath, value: Any) -> None:
        self._document.values_at.setdefault(path, Position.of(event.start_mark))
        if not self._open:
            self._document.value = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None


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


def _parse_int(text: str) -> int:
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = "0o" + digits[1:]
    return int(sign + digits, 0)


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"
