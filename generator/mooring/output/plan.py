"""Compare what a chart's directory holds with what its App generates; nothing is written here."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mooring import __version__
from mooring.errors import OutputError
from mooring.output.disk import read_or_none, reading, reason

MANIFEST = ".mooring.json"


@dataclass(slots=True)
class Plan:
    """What a chart directory holds compared with what it should hold; nothing has been written yet."""

    directory: Path
    files: Mapping[str, bytes]
    exists: bool
    changed: list[str] = field(default_factory=list)
    """Generated files that are missing or differ."""
    edited: list[str] = field(default_factory=list)
    """Those that hold what the user wrote: an edit of a generated file, or a file of the user's own in its place."""
    removed: list[str] = field(default_factory=list)
    """Files an earlier run made that are no longer generated."""

    @property
    def is_current(self) -> bool:
        """Return whether there is nothing to write."""
        return not (self.changed or self.removed)

    def diff(self, paths: list[str] | None = None) -> str:
        """Return what writing would change, as a unified diff from the disk to the generated text.

        A chart that does not exist has no diff: it would be the whole chart.
        """
        if not self.exists:
            return ""
        chosen = sorted({*self.changed, *self.removed}) if paths is None else paths
        return "".join(self._diff_file(path) for path in chosen if path != MANIFEST)

    def _diff_file(self, path: str) -> str:
        lines = difflib.unified_diff(
            _text_lines(read_or_none(self.directory / path)),
            _text_lines(self.files.get(path)),
            f"{self.directory / path} (on disk)",
            f"{self.directory / path} (generated)",
        )
        return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def plan_chart(directory: Path, texts: Mapping[str, str]) -> Plan:
    """Compare a chart's generated texts with the directory, which is only read.

    Raises OutputError if the path is a link or a file, or a directory that mooring did not make.
    """
    files = {path: text.encode() for path, text in texts.items()}
    files[MANIFEST] = _manifest(files)
    try:
        if not _is_chart_directory(directory):
            return Plan(directory, files, exists=False, changed=sorted(files))
        return _compare(directory, files)
    except OSError as error:
        raise OutputError(str(error.filename or directory), reason(error)) from error


def find_charts(out: Path) -> list[str]:
    """Return the names of the charts in `out` that mooring made, sorted."""
    if not out.is_dir():
        return []
    with reading(out), os.scandir(out) as entries:
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    made = [name for name in folders if not name.startswith(".") and os.path.lexists(out / name / MANIFEST)]
    return sorted(made)


def own_files(directory: Path) -> list[str]:
    """Return the files of a chart's directory that mooring did not write, or that were edited since, sorted."""
    recorded = _recorded_digests(directory)
    found = []
    for folder, folders, names in os.walk(directory):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            path = (Path(folder) / name).relative_to(directory).as_posix()
            data = read_or_none(directory / path)
            if path != MANIFEST and (data is None or recorded.get(path) != digest(data)):
                found.append(path)
    return sorted(found)


def _is_chart_directory(directory: Path) -> bool:
    """Return whether mooring's directory is there, False if nothing is. Raises OutputError for anything else."""
    if directory.is_symlink():
        raise OutputError(str(directory), f"is a link to {directory.readlink()}; charts are not written through links")
    if not directory.exists():
        return False
    if not directory.is_dir():
        raise OutputError(str(directory), "is a file, where the chart's directory should be")
    if not os.path.lexists(directory / MANIFEST) and any(directory.iterdir()):
        reason = f"holds files, but no {MANIFEST}: mooring did not make it and leaves it alone; choose another --out"
        raise OutputError(str(directory), reason)
    return True


def _compare(directory: Path, files: Mapping[str, bytes]) -> Plan:
    plan = Plan(directory, files, exists=True)
    recorded = _recorded_digests(directory)
    foreign = _foreign_folders(directory, {*files, *recorded})
    for path in sorted(files):
        on_disk = b"" if _folder(path) in foreign else read_or_none(f"{directory}/{path}")
        if on_disk is not None and (on_disk == files[path] or _normal(on_disk) == files[path]):
            continue
        plan.changed.append(path)
        if on_disk is not None and path != MANIFEST and recorded.get(path) != digest(on_disk):
            plan.edited.append(path)
    for path in sorted(recorded.keys() - files.keys()):
        on_disk = None if _folder(path) in foreign else read_or_none(f"{directory}/{path}")
        if on_disk is not None:
            plan.removed.append(path)
            if recorded[path] != digest(on_disk):
                plan.edited.append(path)
    return plan


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _foreign_folders(directory: Path, paths: set[str]) -> set[str]:
    """Return the files' folders that are not real directories, or are below one: a link may lead out of the chart."""
    foreign: set[str] = set()
    for folder in sorted({_folder(path) for path in paths} - {""}):
        parts = folder.split("/")
        for above in (os.path.join(directory, *parts[:n]) for n in range(1, len(parts) + 1)):  # noqa: PTH118 - speed
            if os.path.lexists(above) and (os.path.islink(above) or not os.path.isdir(above)):  # noqa: PTH112, PTH114
                foreign.add(folder)
    return foreign


def digest(data: bytes) -> str:
    """Return the SHA-256 of a generated file.

    Line ends do not count: Git for Windows turns them into CRLF at checkout, which is not an edit.
    """
    return hashlib.sha256(_normal(data)).hexdigest()


def _normal(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def _manifest(files: Mapping[str, bytes]) -> bytes:
    document = {"mooring": __version__, "files": {path: digest(files[path]) for path in sorted(files)}}
    return (json.dumps(document, indent=2) + "\n").encode()


def _recorded_digests(directory: Path) -> dict[str, str]:
    """Return the digests of the last run. An unreadable manifest records nothing: every file then counts as edited."""
    try:
        files = json.loads((directory / MANIFEST).read_bytes())["files"]
        return {path: str(value) for path, value in files.items() if _is_inside(path)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in path.split("/") and "\\" not in path


def _text_lines(data: bytes | None) -> list[str]:
    return [] if data is None else _normal(data).decode("utf-8", "replace").splitlines(keepends=True)
