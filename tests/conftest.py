"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.tools import missing

# How long an example may take depends on what else runs on the machine; what it finds must not.
settings.register_profile("mooring", deadline=None)
settings.load_profile("mooring")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run tests that create namespaces only in the sandbox, which removes everything they leave behind."""
    if item.get_closest_marker("sandbox") and not os.environ.get("MOORING_SANDBOX"):
        missing("needs its own namespaces: `make test` runs it in the sandbox")
