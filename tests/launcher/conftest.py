"""Fixtures of the launcher's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.inside_helpers import namespace, random_ip
from tests.launcher.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Make a real API and launchers against it."""
    made = Rig(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ip() -> str:
    """Return the anchor's address."""
    return random_ip()


@pytest.fixture
def compartment(ip: str) -> Iterator[Compartment]:
    """Make the anchor's network namespace, with its address."""
    with namespace(ip) as made:
        yield made
