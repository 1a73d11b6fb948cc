"""The launcher as one file."""

import subprocess
import sys
import zipfile
from pathlib import Path

BUILD = Path(__file__).parents[2] / "launcher" / "build.py"


def build(out: Path) -> Path:
    """Build the archive in a separate process, with only the standard library."""
    subprocess.run([sys.executable, "-I", "-S", str(BUILD), str(out)], check=True)
    return out


def test_two_builds_are_equal(tmp_path: Path) -> None:
    """The same sources give the same bytes."""
    assert build(tmp_path / "a.pyz").read_bytes() == build(tmp_path / "sub" / "b.pyz").read_bytes()


def test_it_runs_alone(tmp_path: Path) -> None:
    """The archive needs only Python: no site packages, no checkout."""
    archive = build(tmp_path / "a.pyz")
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(archive), "version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "0.1.0\n"


def test_it_starts_from_compiled_modules(tmp_path: Path) -> None:
    """The compiled modules are valid without their sources, so a start compiles nothing."""
    stripped = tmp_path / "stripped.pyz"
    with zipfile.ZipFile(build(tmp_path / "a.pyz")) as archive, zipfile.ZipFile(stripped, "w") as copy:
        for name in archive.namelist():
            if not name.endswith(".py"):
                copy.writestr(name, archive.read(name))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import mooring_launcher.commands.run, mooring_launcher.config\n"
        "mooring_launcher.config.load_schema()"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(stripped)], check=True)
