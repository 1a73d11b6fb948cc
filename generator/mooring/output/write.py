"""Write charts to disk: the one module that does.

A chart directory is replaced as a whole: the new one is staged beside it and the two are exchanged in one step, so
that a run killed at any point leaves the previous chart as it was. What the user added to the directory moves along.
"""

from __future__ import annotations

import ctypes
import difflib
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mooring import __version__
from mooring.errors import OutputError

MANIFEST = ".mooring.json"
_NEW_SUFFIX, _OLD_SUFFIX = ".mooring-new", ".mooring-old"

# renameat2(2): exchange two paths atomically (Linux 3.15). AT_FDCWD resolves relative paths as open(2) does.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = frozenset([errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])


@dataclass(slots=True)
class Plan:
    """What a chart directory holds against what it should hold; nothing has been written yet."""

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
        """Say whether there is nothing to write."""
        return not (self.changed or self.removed)

    def diff(self, paths: list[str] | None = None) -> str:
        """Return what writing would change, as a unified diff from the disk to the generated text.

        A chart that does not exist has none: it would be all of its text.
        """
        if not self.exists:
            return ""
        chosen = sorted({*self.changed, *self.removed}) if paths is None else paths
        return "".join(self._diff_file(path) for path in chosen if path != MANIFEST)

    def _diff_file(self, path: str) -> str:
        lines = difflib.unified_diff(
            _text_lines(_read_or_none(self.directory / path)),
            _text_lines(self.files.get(path)),
            f"{self.directory / path} (on disk)",
            f"{self.directory / path} (generated)",
        )
        return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def create_file(path: Path, text: str) -> None:
    """Write a new file. Raises OutputError if there is one already."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise OutputError(str(path), "exists already, and is left as it is") from error
    except OSError as error:
        raise OutputError(str(path), _reason(error)) from error


def write_new_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files below a folder that is there, all of them or none. A file that holds its text already is left alone.

    Raises OutputError if one exists with anything else in it, or one cannot be written.
    """
    wanted = {folder / name: text.encode() for name, text in texts.items()}
    staged: list[tuple[Path, Path]] = []
    path = folder
    try:
        for path, data in wanted.items():
            found = _read_or_none(path)
            if found is not None and found != data:
                raise OutputError(str(path), "exists already with other content, and is left as it is; move it away")
            if found is None:
                staged.append((path.with_name(f".{path.name}{_NEW_SUFFIX}"), path))
                staged[-1][0].write_bytes(data)
        for temporary, path in staged:
            temporary.replace(path)
    except OSError as error:
        raise OutputError(str(path), _reason(error)) from error
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Make the file hold this text, in one step; a file that already does is left alone."""
    if _read_or_none(path) == text.encode():
        return
    staged = path.with_name(f".{path.name}{_NEW_SUFFIX}")
    staged.write_text(text, encoding="utf-8", newline="\n")
    staged.replace(path)


@contextmanager
def open_output(out: Path) -> Iterator[None]:
    """Make `out`, hold it for this run alone, and repair what a killed run left there.

    Raises OutputError if it is not a directory that can be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(str(out), "is not a directory (or is below a file)") from error
    except OSError as error:
        raise OutputError(str(out), _reason(error)) from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise OutputError(str(out), "cannot be written to: permission denied")
    with _locked(out):
        repair(out)
        yield


@contextmanager
def watch_output(out: Path) -> Iterator[None]:
    """Hold `out`, if it is there, so that no run writes while this one reads; several may read."""
    if not out.is_dir():
        yield
        return
    with _locked(out, shared=True):
        yield


@contextmanager
def _locked(directory: Path, *, shared: bool = False) -> Iterator[None]:
    """Let one run at a time write there: what another has staged is then always left over from a killed one."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with _reading(directory):
        descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def repair(out: Path) -> None:
    """Put back charts that a killed run had moved aside, and clear away what it had staged."""
    with os.scandir(out) as entries:
        names = [entry.name for entry in entries if entry.name.endswith((_NEW_SUFFIX, _OLD_SUFFIX))]
    for name in sorted(names):
        leftover = out / name
        chart = out / name.removeprefix(".").removesuffix(_NEW_SUFFIX).removesuffix(_OLD_SUFFIX)
        try:
            if name.endswith(_OLD_SUFFIX) and not chart.exists():
                leftover.rename(chart)
            else:
                _remove_tree(leftover)
        except OSError as error:
            raise OutputError(str(leftover), _reason(error)) from error


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
        raise OutputError(str(error.filename or directory), _reason(error)) from error


def find_charts(out: Path) -> list[str]:
    """Return the names of the charts in `out` that mooring made, sorted."""
    if not out.is_dir():
        return []
    with _reading(out), os.scandir(out) as entries:
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    made = [name for name in folders if not name.startswith(".") and os.path.lexists(out / name / MANIFEST)]
    return sorted(made)


@contextmanager
def _reading(directory: Path) -> Iterator[None]:
    """Word what keeps a directory from being read. Raises OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(str(directory), _reason(error)) from error


def own_files(directory: Path) -> list[str]:
    """Return what a chart's directory holds that mooring did not make, or that was edited since, sorted."""
    recorded = _recorded_digests(directory)
    found = []
    for folder, folders, names in os.walk(directory):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            path = (Path(folder) / name).relative_to(directory).as_posix()
            data = _read_or_none(directory / path)
            if path != MANIFEST and (data is None or recorded.get(path) != digest(data)):
                found.append(path)
    return sorted(found)


def remove_chart(directory: Path) -> None:
    """Take a chart away in one step. Raises OutputError."""
    aside = directory.with_name(f".{directory.name}{_NEW_SUFFIX}")  # the next run clears it away if this one is killed
    try:
        directory.rename(aside)
        _remove_tree(aside)
    except OSError as error:
        raise OutputError(str(error.filename or directory), _reason(error)) from error


def _is_chart_directory(directory: Path) -> bool:
    """Say whether there is a directory of ours (False: there is nothing). Raises OutputError for anything else."""
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
        on_disk = b"" if _folder(path) in foreign else _read_or_none(f"{directory}/{path}")
        if on_disk is not None and (on_disk == files[path] or _normal(on_disk) == files[path]):
            continue
        plan.changed.append(path)
        if on_disk is not None and path != MANIFEST and recorded.get(path) != digest(on_disk):
            plan.edited.append(path)
    for path in sorted(recorded.keys() - files.keys()):
        on_disk = None if _folder(path) in foreign else _read_or_none(f"{directory}/{path}")
        if on_disk is not None:
            plan.removed.append(path)
            if recorded[path] != digest(on_disk):
                plan.edited.append(path)
    return plan


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _foreign_folders(directory: Path, paths: set[str]) -> set[str]:
    """Return those folders of the files that are, or are below, no real directory: a link may lead out of the chart."""
    foreign: set[str] = set()
    for folder in sorted({_folder(path) for path in paths} - {""}):
        parts = folder.split("/")
        for above in (os.path.join(directory, *parts[:n]) for n in range(1, len(parts) + 1)):  # noqa: PTH118 - speed
            if os.path.lexists(above) and (os.path.islink(above) or not os.path.isdir(above)):  # noqa: PTH112, PTH114
                foreign.add(folder)
    return foreign


def digest(data: bytes) -> str:
    """Return the SHA-256 of a generated file.

    Line ends do not count: Git for Windows turns them into CRLF at checkout, which is no edit.
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


def _read_or_none(path: str | Path) -> bytes | None:
    """Return a file's bytes, None if there is nothing; a link or directory reads as empty, so that it differs."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            return b""
        raise


def _text_lines(data: bytes | None) -> list[str]:
    return [] if data is None else _normal(data).decode("utf-8", "replace").splitlines(keepends=True)


def write_chart(plan: Plan) -> None:
    """Make the directory hold what was planned, in one step. Raises OutputError; the previous chart is whole then."""
    staged = plan.directory.with_name(f".{plan.directory.name}{_NEW_SUFFIX}")
    try:
        _stage(plan, staged)
        _put_in_place(staged, plan.directory)
    except OSError as error:
        with suppress(OSError):
            _remove_tree(staged)
        raise OutputError(str(error.filename or plan.directory), _reason(error)) from error


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
    """Give the file a second name; copy it where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _put_in_place(staged: Path, directory: Path) -> None:
    if not os.path.lexists(directory):
        staged.rename(directory)
        return
    if not _exchange(staged, directory):
        aside = directory.with_name(f".{directory.name}{_OLD_SUFFIX}")
        directory.rename(aside)
        staged.rename(directory)
        staged = aside
    _remove_tree(staged)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two paths in one step; False where the system cannot. Source: renameat2(2)."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:  # musl before 1.2.6, glibc before 2.28
        return False
    renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    renameat2.restype = ctypes.c_int
    if renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(second))


def _remove_tree(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
