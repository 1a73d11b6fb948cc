"""Write charts to disk.

A chart directory is replaced as a whole: the new one is staged beside it and the two are exchanged in one step, so
that a run killed at any point leaves the previous chart as it was. Files the user added to the directory are kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mooring.errors import OutputError
from mooring.output.disk import NEW_SUFFIX, read_or_none, reason, remove_tree
from mooring.output.exchange import put_in_place
from mooring.output.plan import Plan


def create_file(path: Path, text: str) -> None:
    """Write a new file. Raises OutputError if it already exists."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise OutputError(str(path), "exists already, and is left as it is") from error
    except OSError as error:
        raise OutputError(str(path), reason(error)) from error


def write_new_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files below an existing folder, all of them or none. A file that already holds its text is left alone.

    Raises OutputError if one exists with other content, or cannot be written.
    """
    wanted = {folder / name: text.encode() for name, text in texts.items()}
    staged: list[tuple[Path, Path]] = []
    path = folder
    try:
        for path, data in wanted.items():
            found = read_or_none(path)
            if found is not None and found != data:
                raise OutputError(str(path), "exists already with other content, and is left as it is; move it away")
            if found is None:
                staged.append((path.with_name(f".{path.name}{NEW_SUFFIX}"), path))
                staged[-1][0].write_bytes(data)
        for temporary, path in staged:
            temporary.replace(path)
    except OSError as error:
        raise OutputError(str(path), reason(error)) from error
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Replace a file's text in one step; a file that already holds it is left alone."""
    if read_or_none(path) == text.encode():
        return
    staged = path.with_name(f".{path.name}{NEW_SUFFIX}")
    staged.write_text(text, encoding="utf-8", newline="\n")
    staged.replace(path)


def remove_chart(directory: Path) -> None:
    """Remove a chart in one step. Raises OutputError."""
    aside = directory.with_name(f".{directory.name}{NEW_SUFFIX}")  # the next run removes it if this one is killed
    try:
        directory.rename(aside)
        remove_tree(aside)
    except OSError as error:
        raise OutputError(str(error.filename or directory), reason(error)) from error


def write_chart(plan: Plan) -> None:
    """Write what was planned, in one step. Raises OutputError, and then the previous chart is intact."""
    staged = plan.directory.with_name(f".{plan.directory.name}{NEW_SUFFIX}")
    try:
        _stage(plan, staged)
        put_in_place(staged, plan.directory)
    except OSError as error:
        with suppress(OSError):
            remove_tree(staged)
        raise OutputError(str(error.filename or plan.directory), reason(error)) from error


def _stage(plan: Plan, staged: Path) -> None:
    staged.mkdir()
    kept = {path for path in plan.files if path not in plan.changed}
    for path in plan.changed:
        _write_file(staged / path, plan.files[path])
    if plan.exists:
        replaced = {*plan.changed, *plan.removed}
        _carry_over(plan.directory, staged, replaced, kept)


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _carry_over(old: Path, staged: Path, replaced: set[str], kept: set[str]) -> None:
    """Link into the staged directory what stays: unchanged files, and everything the user added."""
    shutil.copymode(old, staged)
    for folder, folders, names in os.walk(old):
        below = Path(folder).relative_to(old)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            path = (below / name).as_posix()
            if path in kept or (path not in replaced and not os.path.lexists(staged / path)):
                _link_or_copy(old / path, staged / path)
        if not folders and not names:
            (staged / below).mkdir(parents=True, exist_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    """Hard-link the file; copy it where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
