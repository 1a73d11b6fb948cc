"""`mooring bundle`: the launcher's directory for Windows nodes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mooring.bundle.node import PSUTIL, PSUTIL_SHA256, access_commands, verify_bundle, write_bundle
from mooring.cli.main import main
from mooring.errors import UserError


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return a zip with the files that an embeddable Python has at its top."""
    return _zip(tmp_path / "python.zip", {"python.exe": b"MZ", "python313._pth": b"python313.zip\n.\n", "a.dll": b"MZ"})


@pytest.fixture
def psutil(tmp_path: Path) -> Path:
    """Return a wheel with the files that psutil's has."""
    files = {"psutil/__init__.py": b"", "psutil/_psutil_windows.pyd": b"MZ", "psutil/tests/x.py": b""}
    return _zip(tmp_path / "psutil.whl", {**files, "psutil-7.2.2.dist-info/METADATA": b""})


def _names(bundle: Path) -> set[str]:
    return {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}


def test_a_bundle_has_what_the_contract_says(tmp_path: Path, python: Path, psutil: Path) -> None:
    """Python, launcher and psutil are where docs/contracts.md says, each with its checksum in the manifest."""
    out = tmp_path / "bundle"
    write_bundle(out, python, psutil)
    names = _names(out)
    assert {"python/python.exe", "mooring-launcher.pyz", "lib/psutil/_psutil_windows.pyd", "bundle.json"} <= names
    assert "lib/psutil/tests/x.py" not in names
    manifest = json.loads((out / "bundle.json").read_text())
    assert set(manifest["files"]) == names - {"bundle.json"}
    assert (manifest["python"], manifest["psutil"]) == ("3.13", "7.2.2")
    printed = subprocess.run(
        [sys.executable, "-I", str(out / "mooring-launcher.pyz"), "version"], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == manifest["mooring"]


def test_a_bundle_is_the_same_bytes_again(tmp_path: Path, python: Path, psutil: Path) -> None:
    """Two zips of the same inputs are equal, and so is one that replaces an older one."""
    for name in ("a.zip", "b.zip", "b.zip"):
        write_bundle(tmp_path / name, python, psutil)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    write_bundle(tmp_path / "folder", python, psutil)
    write_bundle(tmp_path / "folder", python, psutil)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (tmp_path / "folder" / name).read_bytes() for name in _names(tmp_path / "folder")
        }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip", "folder", "psutil.whl", "python.zip"]


def test_psutil_is_the_locked_one() -> None:
    """The wheel for nodes has the version that everything here is tested with, and its checksum is in the lock."""
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text()
    assert f"{PSUTIL} \\\n" in lock
    assert f"sha256:{PSUTIL_SHA256}" in lock


def test_verify_names_each_difference(tmp_path: Path, python: Path, psutil: Path) -> None:
    """A changed, a missing and an extra file are each named; an untouched bundle passes."""
    out = tmp_path / "bundle"
    write_bundle(out, python, psutil)
    assert verify_bundle(out).files == 8
    (out / "python/a.dll").write_bytes(b"changed")
    (out / "mooring-launcher.pyz").unlink()
    (out / "python/evil.dll").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        verify_bundle(out)
    assert [line.partition(": ")[2] for line in str(caught.value).splitlines()] == [
        "mooring-launcher.pyz: missing",
        "python/evil.dll: not in the manifest",
        "python/a.dll: changed",
    ]


def test_a_wrong_python_or_psutil_is_refused(tmp_path: Path, python: Path, psutil: Path) -> None:
    """A file that is not a zip, a zip of something else and one with paths outside the bundle leave nothing behind."""
    other = _zip(tmp_path / "other.zip", {"readme": b""})
    outside = _zip(tmp_path / "outside.zip", {"python.exe": b"", "python313._pth": b"", "../evil": b""})
    cases = {
        (tmp_path / "absent.zip", psutil): "No such file",
        (Path(__file__), psutil): "is not a zip",
        (other, psutil): "is not an embeddable Python",
        (outside, psutil): "leads out of the bundle",
        (python, other): "is not a psutil wheel",
    }
    for (runtime, wheel), words in cases.items():
        with pytest.raises(UserError, match=words):
            write_bundle(tmp_path / "out", runtime, wheel)
    assert not (tmp_path / "out").exists()


def test_a_directory_of_somebody_elses_is_left_alone(tmp_path: Path, python: Path, psutil: Path) -> None:
    """Only an empty directory or an older bundle is overwritten."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").write_text("x")
    with pytest.raises(UserError, match="exists and is not a bundle"):
        write_bundle(tmp_path / "theirs", python, psutil)
    assert (tmp_path / "theirs/file").read_text() == "x"


def test_the_command_writes_and_verifies(
    tmp_path: Path, python: Path, psutil: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`mooring bundle` prints where it wrote; `bundle verify` exits with 0, or with 2 if a file differs."""
    out = str(tmp_path / "bundle.zip")
    assert main(["bundle", "--out", out, "--python", str(python), "--psutil", str(psutil)]) == 0
    assert "8 files" in capsys.readouterr().out
    assert main(["bundle", "verify", out]) == 0
    assert main(["bundle"]) == 2
    assert "--out DIR is missing" in capsys.readouterr().err
    data = io.BytesIO(Path(out).read_bytes().replace(b"python313.zip\n", b"python314.zip\n", 1)).getvalue()
    Path(out).write_bytes(data)
    assert main(["bundle", "verify", out]) == 2


def test_the_commands_that_close_the_directory_are_printed(
    tmp_path: Path, python: Path, psutil: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`mooring bundle` prints the commands of docs/bundle.md: quoted for cmd and PowerShell, with SIDs for names."""
    words = ["bundle", "--out", str(tmp_path / "bundle"), "--python", str(python), "--psutil", str(psutil)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    page = (Path(__file__).parents[2] / "docs/bundle.md").read_text()
    for command in access_commands():
        assert f"  {command}\n" in printed
        assert f"\n{command}\n" in page
    assert access_commands(r"D:\m")[1] == (
        r'icacls D:\m /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'
    )
