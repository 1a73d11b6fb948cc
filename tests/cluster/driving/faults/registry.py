"""Every fault by its name. What would last is taken back before its function returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.driving.faults.world import World


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong; call it with a `World`.

    `lasts`: it calls `World.meanwhile` at its height. `is_quick`: it waits for nothing that a pair can only do when all
    else is well, so it may be brought about while another lasts.
    """

    bring_about: Callable[[World], None]
    lasts: bool = False
    is_quick: bool = False

    def __call__(self, world: World) -> None:
        """Bring it about."""
        self.bring_about(world)


FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


def fault(*, lasts: bool = False, is_quick: bool = False) -> Callable[[Callable[[World], None]], Fault]:
    """Add a function to FAULTS, by its name with hyphens."""

    def add(function: Callable[[World], None]) -> Fault:
        made = FAULTS[function.__name__.replace("_", "-")] = Fault(function, lasts, is_quick)
        return made

    return add
