"""Shared by the generator's tests: a correct App, and the command line run as a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

APP = r"""apiVersion: mooring/v1
kind: App
name: orders
version: 1.4.0
values:
  replicas: 3
  target:
    exe: 'C:\apps\orders\orders.exe'
    args: ['--config', 'C:\apps\orders\prod.json']
    ports: {http: {port: 8080, servicePort: 80}}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def app_file(tmp_path: Path) -> Path:
    """Return the file of a correct App."""
    path = tmp_path / "orders.yaml"
    path.write_text(APP)
    return path


@pytest.fixture
def mooring(tmp_path: Path) -> Run:
    """Return a function that runs `mooring ARGS…` in the test's own directory."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mooring", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def tree(directory: Path) -> dict[str, bytes]:
    """Return every file below a directory with its content."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
