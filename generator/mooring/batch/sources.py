"""Find the Apps of a run: files, directories, globs, standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mooring.errors import InputError, Problem
from mooring.text.document import Document
from mooring.text.reader import MAX_STREAM_BYTES, parse_yaml, parse_yaml_stream, read_file, resolve_file

STDIN = "-"
_STDIN_NAME = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """One file of Apps, or standard input."""

    file: str
    data: bytes | None = None

    def documents(self, *, many: bool) -> list[Document | InputError]:
        """Return its document, or with `many` all its documents; an error in place of each that is wrong."""
        try:
            data = read_file(self.file) if self.data is None else self.data
            return parse_yaml_stream(data, self.file) if many else [parse_yaml(data, self.file)]
        except InputError as error:
            return [error]


def find_sources(names: Sequence[str], without: frozenset[Path]) -> tuple[list[Source], list[Problem]]:
    """Return each file once, in the order of the names and sorted within each; `without` are not Apps."""
    sources: dict[Path | str, Source] = {}
    problems = []
    for name in names:
        if name == STDIN:
            # One byte above the limit, so that too much input is reported as a file that is too large.
            sources.setdefault(STDIN, Source(_STDIN_NAME, sys.stdin.buffer.read(MAX_STREAM_BYTES + 1)))
            continue
        found = list(_files_of(name))
        if not found:
            problems.append(
                Problem(name, None, None, "", "contains no .yaml file" if _is_folder(name) else "matches no file")
            )
        for file in found:
            path = resolve_file(file)
            if path not in without:
                sources.setdefault(path, Source(file))
    return list(sources.values()), problems


def is_collection(name: str, *, many: bool) -> bool:
    """Return whether a source stands for all existing Apps, so that an App it lacks is gone.

    A glob that selects files by name, and a single document on standard input, say nothing about other Apps.
    """
    if name == STDIN:
        return many
    return _is_folder(name) or (_is_glob(name) and Path(name).name in ("*", "*.yaml", "*.yml"))


def _is_glob(name: str) -> bool:
    return glob.has_magic(name) and not os.path.lexists(name)


def _is_folder(name: str) -> bool:
    return os.path.isdir(name)  # noqa: PTH112 - Path.is_dir raises where a name is too long


def _files_of(name: str) -> Iterator[str]:
    if _is_glob(name):
        matches = glob.glob(name, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        yield from sorted(file for file in matches if Path(file).is_file())
    elif _is_folder(name):
        yield from sorted(str(path) for path in Path(name).iterdir() if path.suffix in (".yaml", ".yml"))
    else:
        yield name
