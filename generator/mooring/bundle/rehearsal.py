"""The launcher's directory, as a platform team would put it on a node: built from the launcher at hand."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

from mooring.errors import MooringError

_MAIN = "import runpy\nrunpy.run_module('mooring_launcher', run_name='__main__')\n"


def build_bundle(directory: Path) -> None:
    """Fill a directory with mooring-launcher.pyz, lib/psutil and python/bin/python3 (docs/contracts.md)."""
    (directory / "lib").mkdir(parents=True)
    (directory / "lib/psutil").symlink_to(_package_folder("psutil"))
    (directory / "python/bin").mkdir(parents=True)
    (directory / "python/bin/python3").symlink_to(Path(sys.executable).resolve())
    _build_launcher(_package_folder("mooring_launcher"), directory / "mooring-launcher.pyz")


def _package_folder(name: str) -> Path:
    """Find a package without importing it: the launcher's code never runs in this process."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"the Python package {name} is not installed beside mooring"
        raise MooringError(message)
    return Path(spec.origin).parent


def _build_launcher(package: Path, target: Path) -> None:
    """Use the launcher's own build script in a checkout; from an installed package, zip it."""
    script = package.parent / "build.py"
    if script.is_file() and (package.parent.parent / "pyproject.toml").is_file():
        subprocess.run([sys.executable, str(script), str(target)], check=True, stdout=subprocess.DEVNULL)
        return
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("__main__.py", _MAIN)
        for file in sorted(package.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, file.relative_to(package.parent))
