"""Where manifests come from: files, directories, kustomize bases and standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mooring.errors import InputError, Problem
from mooring.importing.manifests import Manifest, make_manifest
from mooring.importing.reading.mending import Mend, parse_manifests
from mooring.model.check import show
from mooring.text.builder import MAX_BYTES
from mooring.text.document import Document, KeyPath
from mooring.text.reader import load_yaml, read_file, resolve_file

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FOLLOWED = frozenset(["apiVersion", "kind", "metadata", "namespace", "resources", "bases"])
"""The keys of a kustomization that are followed here; the rest is kustomize's own job."""
_STDIN = "-"
_DEPTH = 20


@dataclass(slots=True)
class Reading:
    """What was read: the sources, the objects, mended lines, problems, and what was left unread."""

    sources: Sequence[str] = ()

    manifests: list[Manifest] = field(default_factory=list)
    mends: list[Mend] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_sources(sources: Sequence[str], *, mend: bool) -> Reading:
    """Read every source: a file, a directory of files, a kustomize base, or - for standard input.

    Problems are returned, not raised, so that all files are reported at once.
    """
    reader = _Reader(mend)
    reader.reading.sources = sources
    for source in sources:
        try:
            reader.read(source, "", 0)
        except InputError as error:
            reader.reading.problems += error.problems
    _refuse_doubles(reader.reading)
    return reader.reading


class _Reader:
    def __init__(self, mend: bool) -> None:
        self.reading = Reading()
        self._mend = mend
        self._seen: set[Path] = set()

    def read(self, source: str, namespace: str, depth: int) -> None:
        """Read one source; `namespace` comes from the kustomization that includes it."""
        if source == _STDIN:
            self._read_text(_read_stdin(), "<stdin>", namespace)
            return
        path, resolved = Path(source), resolve_file(source)
        if resolved in self._seen:
            return
        self._seen.add(resolved)
        if os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises if the name is too long
            self._read_folder(path, namespace, depth)
        elif path.name in _KUSTOMIZATIONS:
            self._read_kustomization(path, namespace, depth)
        else:
            self._read_text(read_file(source), source, namespace)

    def _read_folder(self, folder: Path, namespace: str, depth: int) -> None:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise InputError([Problem(str(folder), None, None, "", error.strerror or str(error))]) from error
        for entry in entries:
            if entry.name in _KUSTOMIZATIONS:
                self._read_kustomization(entry, namespace, depth)
                return
        files = [entry for entry in entries if entry.suffix in (".yaml", ".yml") and not entry.is_dir()]
        for entry in entries:
            if entry.is_dir() and any(entry.glob("*.y*ml")):
                self.reading.unread.append(
                    f"{entry}: subdirectories are not read; name it on the command line to read it"
                )
        if not files:
            raise InputError([Problem(str(folder), None, None, "", "contains no .yaml file")])
        for file in files:
            try:
                self.read(str(file), namespace, depth)
            except InputError as error:
                self.reading.problems += error.problems

    def _read_kustomization(self, file: Path, namespace: str, depth: int) -> None:
        document = load_yaml(str(file))
        value = document.value
        if not isinstance(value, dict):
            raise InputError([document.problem((), f"found {show(value)}; must be a kustomization, a map")])
        problems = [_unfollowed(document, key, file) for key in value if key not in _FOLLOWED]
        if depth > _DEPTH:
            problems.append(document.problem((), "includes itself, or is nested too deeply"))
        if problems:
            raise InputError(problems)
        own = value.get("namespace") or ""
        for key in ("resources", "bases"):
            for path, source in _texts(document, value.get(key) or [], (key,)):
                if "://" in source or source.startswith("github.com/"):
                    raise InputError([document.problem(path, "is not on this machine; download it and name the file")])
                try:
                    self.read(str(file.parent / source), namespace or str(own), depth + 1)
                except InputError as error:
                    self.reading.problems += error.problems

    def _read_text(self, data: bytes, file: str, namespace: str) -> None:
        documents, mends = parse_manifests(data, file, mend=self._mend)
        self.reading.mends += mends
        for document in documents:
            for value, at in _objects(document, document.value, ()):
                try:
                    made = make_manifest(document, value, at, namespace)
                except InputError as error:
                    self.reading.problems += error.problems
                    continue
                self.reading.manifests.append(made)


def _read_stdin() -> bytes:
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _texts(document: Document, items: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(items, list):
        raise InputError([document.problem(path, f"found {show(items)}; must be a list")])
    for number, item in enumerate(items):
        here = (*path, f"[{number}]")
        if not isinstance(item, str) or "\0" in item:
            raise InputError([document.problem(here, f"found {show(item)}; must be a path")])
        yield here, item


def _unfollowed(document: Document, key: str, file: Path) -> Problem:
    message = f"is not supported here; run  kubectl kustomize {file.parent} | mooring import - --out DIR"
    return document.problem((key,), message, of_key=True)


def _objects(document: Document, value: Any, at: KeyPath) -> Iterator[tuple[Any, KeyPath]]:
    """Yield a document's objects: one, or those in a List (`kubectl get -o yaml` prints Lists)."""
    if value is None:
        return
    kind = value.get("kind") if isinstance(value, dict) else None
    if not (isinstance(kind, str) and kind.endswith("List") and "items" in value):
        yield value, at
        return
    items = value["items"]
    if not isinstance(items, list):
        raise InputError([document.problem((*at, "items"), f"found {show(items)}; must be a list")])
    for number, item in enumerate(items):
        yield from _objects(document, item, (*at, "items", f"[{number}]"))


def _refuse_doubles(reading: Reading) -> None:
    """Add a problem for each object that is given twice: nobody can know which one is meant."""
    first: dict[tuple[str, str, str], Manifest] = {}
    for manifest in reading.manifests:
        if not manifest.name:
            continue
        key = (manifest.kind, manifest.namespace, manifest.name)
        if key in first:
            message = f"{manifest.title} is defined twice, first at {first[key].place()}; remove one of them"
            reading.problems.append(manifest.problem(("metadata", "name"), message))
        first.setdefault(key, manifest)
