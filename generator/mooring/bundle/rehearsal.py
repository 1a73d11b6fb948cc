"""The launcher's directory, as a platform team would put it on a node, for the rehearsal on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from mooring.bundle.archive import compiled_archive, package_folder


def build_bundle(directory: Path) -> None:
    """Fill a directory with mooring-launcher.pyz, lib/psutil and python/bin/python3 (docs/contracts.md)."""
    (directory / "lib").mkdir(parents=True)
    (directory / "lib/psutil").symlink_to(package_folder("psutil"))
    (directory / "python/bin").mkdir(parents=True)
    (directory / "python/bin/python3").symlink_to(Path(sys.executable).resolve())
    (directory / "mooring-launcher.pyz").write_bytes(compiled_archive())
