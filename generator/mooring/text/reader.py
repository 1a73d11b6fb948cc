"""Read YAML files, and explain why one cannot be read.

An App is read as Helm reads a values file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from yaml._yaml import Mark as CMark
from yaml.error import Mark

from mooring.errors import InputError, Problem
from mooring.text.builder import MAX_BYTES, Builder, explain_misread
from mooring.text.document import Document, Position
from mooring.text.escapes import explain_scan_error

MAX_STREAM_BYTES = 16 * MAX_BYTES
_CANNOT_START = "found character that cannot start any token"


def load_yaml(file: str) -> Document:
    """Read the one YAML document in `file`.

    Raises InputError if it cannot be read, is not UTF-8, not YAML, empty, or holds several documents, a key twice or a
    tag.
    """
    return parse_yaml(read_file(file), file)


def read_file(file: str) -> bytes:
    """Return a file's content, cut off just above what is ever parsed: nothing fills the memory, not even /dev/zero.

    Raises InputError if it cannot be read.
    """
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_STREAM_BYTES + 1)
    except (OSError, ValueError) as error:  # a ValueError is a NUL in the path
        raise InputError([Problem(file, None, None, "", getattr(error, "strerror", None) or str(error))]) from error


def resolve_file(file: str | Path) -> Path:
    """Resolve a file's path; a loop of links, or an impossible name, is left unchanged, and reading it reports why."""
    try:
        return Path(file).resolve()
    except (OSError, RuntimeError, ValueError):
        return Path(file)


def parse_yaml(data: bytes, file: str) -> Document:
    """Parse the bytes of a YAML file; `file` is for messages. Raises InputError like load_yaml."""
    _check_size(data, MAX_BYTES, file)
    text = _decode(data, file)
    builder = Builder(file, text)
    for event in _events(text, file):
        builder.take(event)
    return builder.finish()


def find_misread_paths(data: bytes, file: str) -> list[Problem]:
    r"""Return each Windows path in double quotes that YAML reads as something else; nothing else is checked.

    For files that another program reads, and checks in every other respect (Helm's values).
    """
    problems: list[Problem] = []
    try:
        text = _decode(data, file)
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and (message := explain_misread(event, text)):
                at = Position.of(event.start_mark)
                problems.append(Problem(file, at.line, at.column, "", message))
    except yaml.MarkedYAMLError as error:
        if _why_escape_stops(error, text):
            problems.append(_syntax_problem(error, text, file))
    except (yaml.reader.ReaderError, InputError):
        pass  # the program that reads the file reports it
    return problems


def parse_yaml_stream(data: bytes, file: str, *, by_people: bool = True) -> list[Document | InputError]:
    """Parse a file of several documents: return each, or the error in it; empty ones are left out.

    Programs (not `by_people`) double the backslashes they print, so an escape after a path is intended there.
    Raises InputError like load_yaml for what concerns the whole file.
    """
    _check_size(data, MAX_STREAM_BYTES, file)
    text = _decode(data, file)
    found: list[Document | InputError] = []
    builder = Builder(file, text, by_people)
    for event in _events(text, file):
        if isinstance(event, yaml.DocumentStartEvent):
            builder = Builder(file, text, by_people)
        builder.take(event)
        if isinstance(event, yaml.DocumentEndEvent):
            found += _finish_or_error(builder)
    return found or [builder.finish()]


def _finish_or_error(builder: Builder) -> list[Document | InputError]:
    try:
        document = builder.finish()
    except InputError as error:
        return [error]
    return [] if document.value is None else [document]


def _check_size(data: bytes, most: int, file: str) -> None:
    if len(data) > most:
        message = f"is larger than {most} bytes, which is the limit; split it, or keep large data elsewhere"
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


def _why_cannot_start(text: str, mark: Mark | CMark | None) -> str:
    line = text.splitlines()[mark.line] if mark is not None else ""
    if mark is not None and line[mark.column : mark.column + 1] == "\t":
        return "a tab where YAML requires spaces; indent with spaces"
    return "this character cannot start a value; quote the text"


def _bad_character(error: yaml.reader.ReaderError, text: str, file: str) -> InputError:
    at = _position_of_byte(text.encode(), error.position)
    message = f"not valid YAML: character 0x{int(error.character):02x} is not allowed; use an escape in double quotes"
    return InputError([Problem(file, at.line, at.column, "", message)])
