"""Outside programs the tests need: found, or skipped with a reason, or (in CI) a failure."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


def in_ci() -> bool:
    """Tell whether a missing tool is a failure rather than a skip."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(reason: str) -> None:
    """Skip the test for want of a tool; in CI fail it."""
    if in_ci():
        pytest.fail(f"{reason} (CI must have it)")
    pytest.skip(reason)


def require(program: str) -> str:
    """Return the path of a program, from beside this Python or from PATH."""
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        missing(f"{program} is not installed")
    return str(found)
