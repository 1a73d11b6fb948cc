"""Find what usually breaks in YAML that was copied by hand, say what was likely meant, and mend it on request.

Only what the parser refuses is looked at, and only the line it refuses: nothing that can be read is ever changed.
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
"""Lines mended in one file: whoever needs more has a file of another kind."""

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')"""
_SEMICOLONS = re.compile(rf"(?P<indent>\s*)-\s+(?P<items>{_QUOTED}(?:\s*;\s*{_QUOTED})+)(?P<rest>\s*(?:#.*)?)")
_BLANKS = re.compile("[ \t\u00a0]*")


@dataclass(frozen=True, slots=True)
class Mend:
    """One mended line: where, what stood there, what was likely meant."""

    file: str
    line: int
    column: int
    found: str
    meaning: str

    def __str__(self) -> str:
        """Word it for the report."""
        return f"{self.file}:{self.line}: {self.found}; read as {self.meaning}"

    def problem(self) -> Problem:
        """Word it for who asked for no mending."""
        message = f"not valid YAML: {self.found}; likely meant: {self.meaning}; correct it, or let --mend do so"
        return Problem(self.file, self.line, self.column, "", message)


def parse_manifests(data: bytes, file: str, *, mend: bool) -> tuple[list[Document], list[Mend]]:
    """Parse a file of manifests, and with `mend` what could be meant by one that is broken.

    Raises InputError with the likely meaning of every broken line, where one is known.
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
    """The lines of a file while they are mended, each with the number it had."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._file = file
        self._lines: list[tuple[int, bytes]] = []

    def parse(self) -> list[Document]:
        """Parse the lines as they are now; all places are those of the file as it was."""
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
        """Mend the line of a problem, or the one before, if a parser sees only there that something is wrong."""
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
    """Return every document of a file. Raises InputError with what is wrong in any of them."""
    if len(data) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes, the most that is read; split it, or read the cluster itself"
        raise InputError([Problem(file, None, None, "", message)])
    found = parse_yaml_stream(data, file, by_people=False)
    problems = [problem for each in found if isinstance(each, InputError) for problem in each.problems]
    if problems:
        raise InputError(problems)
    return [each for each in found if isinstance(each, Document)]


def _refuse_blank_keys(documents: list[Document]) -> None:
    """Raise InputError for keys that begin with a no-break space: to YAML it is a letter, to people an indentation."""
    for document in documents:
        for path, at in document.keys_at.items():
            if path[-1].startswith("\u00a0"):
                message = "begins with a no-break space, which YAML takes for a letter; indent with spaces"
                raise InputError([Problem(document.file, at.line, at.column, "", message)])


_Found = tuple[int, str, str, list[str]]
"""Column, what was found, what was likely meant, and the lines that say so."""


def _split_items(text: str) -> _Found | None:
    match = _SEMICOLONS.fullmatch(text)
    if match is None:
        return None
    items = re.findall(_QUOTED, match["items"])
    column = text.index(";", match.start("items") + len(items[0])) + 1
    instead = [f"{match['indent']}- {item}" for item in items]
    instead[-1] += match["rest"]
    return column, "';' stands between two texts", "one list item each: " + ", ".join(items), instead


def _plain_indent(text: str) -> _Found | None:
    blanks = _BLANKS.match(text)
    indent = blanks[0] if blanks else ""
    if not set(indent) & {"\t", "\u00a0"}:
        return None
    instead = indent.replace("\u00a0", " ").replace("\t", "  ") + text[len(indent) :]
    which = "a tab" if "\t" in indent else "a no-break space"
    return 1, f"{which} stands where YAML wants spaces", "as many spaces, two for a tab", [instead]


def _mend_metadata(document: Document) -> list[Mend]:
    """Move annotations and labels that lost their indentation, and so stand beside their own key, below it."""
    mends: list[Mend] = []
    for value, path in _metadata_of(document.value, ()):
        for holder in ("annotations", "labels"):
            stray = [key for key in value if "/" in key]
            if holder in value and value[holder] is None and stray:
                value[holder] = {key: value.pop(key) for key in stray}
                at = document.position((*path, stray[0]), of_key=True)
                what = f"{stray[0]} stands beside {holder}, which is empty"
                mends.append(Mend(document.file, at.line, at.column, what, f"below {holder}, two spaces further in"))
    return mends


def _metadata_of(value: Any, path: tuple[str, ...]) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """Return the metadata of an object, of a pod template in it and of the items of a List."""
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
