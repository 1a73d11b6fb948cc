"""Find the usual mistakes in YAML copied by hand, say what was likely meant, and fix them on request.

Only lines that the parser rejects are considered: whatever can be read is never changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mooring.errors import InputError, Problem
from mooring.text.builder import MAX_BYTES
from mooring.text.document import Document, Position
from mooring.text.reader import parse_yaml_stream

_MOST = 50
"""The most lines mended in one file: one that needs more is not a list of manifests."""

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')"""
_SEMICOLONS = re.compile(rf"(?P<indent>\s*)-\s+(?P<items>{_QUOTED}(?:\s*;\s*{_QUOTED})+)(?P<rest>\s*(?:#.*)?)")
_BLANKS = re.compile("[ \t\u00a0]*")


@dataclass(frozen=True, slots=True)
class Mend:
    """One mended line: where, what was found, what was likely meant."""

    file: str
    line: int
    column: int
    found: str
    meaning: str

    def __str__(self) -> str:
        """Word it for the report."""
        return f"{self.file}:{self.line}: {self.found}; read as {self.meaning}"

    def problem(self) -> Problem:
        """Word it as a problem, for an import without --mend."""
        message = f"not valid YAML: {self.found}; likely meant: {self.meaning}; correct it, or use --mend"
        return Problem(self.file, self.line, self.column, "", message)


def parse_manifests(data: bytes, file: str, *, mend: bool) -> tuple[list[Document], list[Mend]]:
    """Parse a file of manifests; with `mend`, read broken lines as they were likely meant.

    Raises InputError with the likely meaning of each broken line, if it has one.
    """
    lines = _Lines(data, file)
    mends: list[Mend] = []
    while True:
        try:
            documents = lines.parse()
            break
        except InputError as error:
            found = lines.mend(error.problems[0]) if len(mends) < _MOST else None
            if found is None:
                raise InputError([*(each.problem() for each in mends), *error.problems]) from error
            mends.append(found)
    mends = sorted([*mends, *(each for document in documents for each in _mend_metadata(document))], key=_line_of)
    if mends and not mend:
        raise InputError([each.problem() for each in mends])
    return documents, mends


def _line_of(mend: Mend) -> int:
    return mend.line


class _Lines:
    """The lines of a file while they are mended, each with its original number."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._file = file
        self._lines: list[tuple[int, bytes]] = []

    def parse(self) -> list[Document]:
        """Parse the current lines; all places refer to the original file."""
        data = b"\n".join(text for _, text in self._lines) if self._lines else self._data
        try:
            documents = _parse(data, self._file)
            _refuse_blank_keys(documents)
        except InputError as error:
            raise InputError([each._replace(line=self._number(each.line)) for each in error.problems]) from error
        for document in documents if self._lines else []:
            for places in (document.values_at, document.keys_at):
                places.update({path: Position(self._number(at.line) or 1, at.column) for path, at in places.items()})
        return documents

    def _number(self, line: int | None) -> int | None:
        return self._lines[line - 1][0] if line and self._lines and line <= len(self._lines) else line

    def mend(self, problem: Problem) -> Mend | None:
        """Mend the line of a problem, or the one before it, because a parser may notice a mistake one line late."""
        if problem.line is None:
            return None
        if not self._lines:
            self._lines = [*enumerate(self._data.split(b"\n"), start=1)]
        for index, (number, line) in enumerate(self._lines):
            if number not in (problem.line, problem.line - 1):
                continue
            text = line.decode("utf-8", "replace").rstrip("\r")
            for way in (_split_items, _plain_indent):
                found = way(text)
                if found is not None:
                    column, what, meaning, instead = found
                    self._lines[index : index + 1] = [(number, each.encode()) for each in instead]
                    return Mend(self._file, number, column, what, meaning)
        return None


def _parse(data: bytes, file: str) -> list[Document]:
    """Return every document of a file. Raises InputError with the problems of all of them."""
    if len(data) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes, the limit; split it, or use --from-cluster"
        raise InputError([Problem(file, None, None, "", message)])
    found = parse_yaml_stream(data, file, by_people=False)
    problems = [problem for each in found if isinstance(each, InputError) for problem in each.problems]
    if problems:
        raise InputError(problems)
    return [each for each in found if isinstance(each, Document)]


def _refuse_blank_keys(documents: list[Document]) -> None:
    """Raise InputError for keys that begin with a no-break space: YAML reads a letter, people indentation."""
    for document in documents:
        for path, at in document.keys_at.items():
            if path[-1].startswith("\u00a0"):
                message = "begins with a no-break space, which YAML takes for a letter; indent with spaces"
                raise InputError([Problem(document.file, at.line, at.column, "", message)])


_Found = tuple[int, str, str, list[str]]
"""Column, what was found, what was likely meant, and the corrected lines."""


def _split_items(text: str) -> _Found | None:
    match = _SEMICOLONS.fullmatch(text)
    if match is None:
        return None
    items = re.findall(_QUOTED, match["items"])
    column = text.index(";", match.start("items") + len(items[0])) + 1
    instead = [f"{match['indent']}- {item}" for item in items]
    instead[-1] += match["rest"]
    return column, "';' separates two list items", "one item per line: " + ", ".join(items), instead


def _plain_indent(text: str) -> _Found | None:
    blanks = _BLANKS.match(text)
    indent = blanks[0] if blanks else ""
    if not set(indent) & {"\t", "\u00a0"}:
        return None
    instead = indent.replace("\u00a0", " ").replace("\t", "  ") + text[len(indent) :]
    which = "a tab" if "\t" in indent else "a no-break space"
    return 1, f"{which} is used for indentation, where YAML requires spaces", "spaces (two for each tab)", [instead]


def _mend_metadata(document: Document) -> list[Mend]:
    """Move annotations and labels that lost their indentation back below their key."""
    mends: list[Mend] = []
    for value, path in _metadata_of(document.value, ()):
        for holder in ("annotations", "labels"):
            stray = [key for key in value if "/" in key]
            if holder in value and value[holder] is None and stray:
                value[holder] = {key: value.pop(key) for key in stray}
                at = document.position((*path, stray[0]), of_key=True)
                what = f"{stray[0]} is next to {holder}, which is empty"
                mends.append(
                    Mend(document.file, at.line, at.column, what, f"below {holder}, indented by two more spaces")
                )
    return mends


def _metadata_of(value: Any, path: tuple[str, ...]) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """Return the metadata of an object, of its pod template and of the items of a List."""
    found = []
    for keys in (("metadata",), ("spec", "template", "metadata")):
        here = value
        for key in keys:
            here = here.get(key) if isinstance(here, dict) else None
        if isinstance(here, dict):
            found.append((here, (*path, *keys)))
    items = value.get("items") if isinstance(value, dict) else None
    for number, item in enumerate(items if isinstance(items, list) else []):
        found += _metadata_of(item, (*path, "items", f"[{number}]"))
    return found
