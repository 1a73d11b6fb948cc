"""The launcher's directory for Windows nodes (`launcher.hostPath`): Python, launcher, psutil and a manifest.

Python is the publisher's embeddable zip and psutil the wheel from PyPI; both are given, or downloaded and checked
against the digests here. The same inputs give the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mooring import __version__
from mooring.bundle.archive import portable_archive
from mooring.bundle.zip import pack
from mooring.errors import MooringError, OutputError, UserError

MANIFEST = "bundle.json"
_FORMAT = 1

PYTHON_URL = "https://www.python.org/ftp/python/3.13.5/python-3.13.5-embed-amd64.zip"
PYTHON_SHA256 = "7d2650fd9d1b9d002d4a315d5f354247fd6a44f30517c7ef577b08f57a0fb6d9"
PSUTIL = "psutil==7.2.2"
PSUTIL_SHA256 = "eb7e81434c8d223ec4a219b5fc1c47d0417b12be7ea866e24fb5ad6e84b3d988"
_FETCH_TIMEOUT_S = 120


HOST_PATH = r"C:\mooring"
"""Where a node has the bundle if `launcher.hostPath` is not set."""


def access_commands(host_path: str = HOST_PATH) -> list[str]:
    """Return the commands that let only SYSTEM (S-1-5-18) and Administrators (S-1-5-32-544) into the directory.

    A directory made below C: inherits write access for Users: to add files, on a client also to change them. The last
    command makes everything below inherit from the directory. Quoted for cmd and PowerShell; SIDs, as names are
    translated.
    """
    grants = " ".join(f'"*{sid}:(OI)(CI)F"' for sid in ("S-1-5-18", "S-1-5-32-544"))
    return [
        f'icacls {host_path} /setowner "*S-1-5-32-544" /t /q',
        f"icacls {host_path} /inheritance:r /grant:r {grants}",
        f"icacls {host_path}\\* /reset /t /q",
    ]


class Bundle(NamedTuple):
    """A bundle that was written or verified: where it is and how many files it holds."""

    path: Path
    files: int


def write_bundle(out: Path, python: Path | None = None, psutil: Path | None = None) -> Bundle:
    """Write the bundle to a directory, or to a zip if `out` ends in .zip; an older bundle there is replaced.

    Raises UserError for a wrong zip or wheel, OutputError if `out` holds something else or cannot be written. Nothing
    half written stays.
    """
    if out.exists() and not _is_bundle(out):
        raise OutputError(str(out), "exists and is not a bundle; choose another path, or remove it")
    files = collect_files(python, psutil)
    files[MANIFEST] = render_manifest(files)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".bundle-") as folder:
            made = Path(folder) / "made"
            write = _write_zip if out.suffix == ".zip" else _write_directory
            write(made, files)
            _replace(made, out)
    except OSError as error:
        raise OutputError(str(out), error.strerror or str(error)) from error
    return Bundle(out, len(files))


def verify_bundle(path: Path) -> Bundle:
    """Check every file of a bundle against its manifest. Raises UserError with what is missing, changed or unknown."""
    files = _read_bundle(path)
    try:
        manifest = json.loads(files.pop(MANIFEST))
        wanted: Mapping[str, str] = manifest["files"]
    except (KeyError, ValueError, TypeError) as error:
        message = f"{path}: has no readable manifest {MANIFEST}, so it is not a bundle; make one with `mooring bundle`"
        raise UserError(message) from error
    problems = [f"{name}: missing" for name in sorted(wanted.keys() - files.keys())]
    problems += [f"{name}: not in the manifest" for name in sorted(files.keys() - wanted.keys())]
    both = sorted(wanted.keys() & files.keys())
    problems += [f"{name}: changed" for name in both if _sum(files[name]) != wanted[name]]
    if problems:
        raise UserError("\n".join(f"{path}: {problem}" for problem in problems))
    return Bundle(path, len(files) + 1)


def collect_files(python: Path | None, psutil: Path | None) -> dict[str, bytes]:
    """Return every file of the bundle except the manifest, by path."""
    runtime = _read_python(python)
    wheel = _read_psutil(psutil)
    return {
        **{f"python/{name}": data for name, data in runtime.items()},
        "mooring-launcher.pyz": portable_archive(),
        **{f"lib/{name}": data for name, data in wheel.items() if not _is_test(name)},
    }


def render_manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the manifest: version stamp, and the SHA-256 of every other file."""
    document: dict[str, Any] = {
        "format": _FORMAT,
        "mooring": __version__,
        "python": _python_version(files),
        "psutil": _psutil_version(files),
        "files": {name: _sum(data) for name, data in sorted(files.items())},
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _read_python(given: Path | None) -> dict[str, bytes]:
    data = _fetch(PYTHON_URL, PYTHON_SHA256) if given is None else _read(given)
    name = PYTHON_URL if given is None else str(given)
    files = _unzip(data, name)
    if "python.exe" not in files or not any(file.endswith("._pth") for file in files):
        message = f"{name}: is not an embeddable Python for Windows: python.exe and python3xx._pth must be at its top"
        raise UserError(message)
    return files


def _read_psutil(given: Path | None) -> dict[str, bytes]:
    if given is None:
        return _unzip(_download_psutil(), PSUTIL)
    files = _unzip(_read(given), str(given))
    if not any(file.startswith("psutil/") and file.endswith(".pyd") for file in files):
        message = f"{given}: is not a psutil wheel for Windows: it has no psutil/*.pyd"
        raise UserError(message)
    return files


def _fetch(url: str, wanted: str) -> bytes:
    """Download the publisher's file and check its digest."""
    try:
        with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_S) as answer:  # noqa: S310 - the https URL above
            data: bytes = answer.read()
    except OSError as error:
        message = f"{url}: {error}; download it elsewhere and pass it with --python"
        raise MooringError(message) from error
    if _sum(data) != wanted:
        message = f"{url}: has sha256 {_sum(data)}, expected {wanted}"
        raise MooringError(message)
    return data


def _download_psutil() -> bytes:
    """Have pip download the wheel from the index it is configured for, and check its digest."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.13"]
        done = subprocess.run([*command, "--dest", folder, PSUTIL], capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            said = done.stderr.strip().splitlines()[-1:] or ["it downloaded no wheel"]
            message = f"pip download {PSUTIL} for win_amd64: {said[0]}; download it elsewhere and pass it with --psutil"
            raise MooringError(message)
        data = wheels[0].read_bytes()
    if _sum(data) != PSUTIL_SHA256:
        message = f"{PSUTIL} for win_amd64 has sha256 {_sum(data)}, expected {PSUTIL_SHA256}"
        raise MooringError(message)
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error


def _unzip(data: bytes, name: str) -> dict[str, bytes]:
    """Return a zip's files by path; one that would lead out of the bundle is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    except zipfile.BadZipFile as error:
        message = f"{name}: is not a zip file: {error}"
        raise UserError(message) from error
    bad = next((file for file in files if file.startswith("/") or ".." in file.split("/") or ":" in file), None)
    if bad is not None:
        message = f"{name}: contains {bad!r}, which leads out of the bundle"
        raise UserError(message)
    return files


def _is_test(name: str) -> bool:
    return name.startswith("psutil/tests/")


def _python_version(files: Mapping[str, bytes]) -> str:
    """Return 3.13 of python313._pth."""
    digits = next(name for name in files if name.endswith("._pth")).rpartition("/")[2]
    digits = digits.removeprefix("python").removesuffix("._pth")
    return f"{digits[:1]}.{digits[1:]}"


def _psutil_version(files: Mapping[str, bytes]) -> str:
    """Return 7.2.2 of psutil-7.2.2.dist-info."""
    folders = (name.split("/")[1] for name in files if name.startswith("lib/psutil-"))
    return next(folders, "psutil-unknown.dist-info").removeprefix("psutil-").removesuffix(".dist-info")


def _write_directory(made: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (315532800, 315532800))  # 1980, as in the zip: copies of a bundle are the same everywhere
    made.chmod(0o755)


def _write_zip(made: Path, files: Mapping[str, bytes]) -> None:
    made.write_bytes(pack(files, deflated=False))  # our own deflate would take half a minute for Python


def _replace(made: Path, out: Path) -> None:
    """Replace the old bundle with the new one; a directory is moved aside first, because it cannot be replaced."""
    if out.is_dir():
        old = made.parent / "old"
        out.rename(old)
        made.rename(out)
        shutil.rmtree(old)
    else:
        made.replace(out)


def _is_bundle(path: Path) -> bool:
    if path.is_dir():
        return (path / MANIFEST).is_file() or not any(path.iterdir())
    return zipfile.is_zipfile(path) and MANIFEST in dict(_zip_names(path))


def _zip_names(path: Path) -> Iterator[tuple[str, int]]:
    with zipfile.ZipFile(path) as archive:
        yield from ((entry.filename, entry.file_size) for entry in archive.infolist())


def _read_bundle(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        files = (file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): _read(file) for file in files}
    return _unzip(_read(path), str(path))


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
