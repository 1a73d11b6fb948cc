"""Every fault by name. Each function undoes what it did before it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.driving.faults.world import World


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. Call it with a `World`.

    `lasts`: it calls `World.meanwhile` at its height. `is_quick`: it waits for nothing that needs a healthy cluster, so
    it may be injected while another lasts.
    """

    inject: Callable[[World], None]
    lasts: bool = False
    is_quick: bool = False

    def __call__(self, world: World) -> None:
        """Inject it."""
        self.inject(world)


FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


def fault(*, lasts: bool = False, is_quick: bool = False) -> Callable[[Callable[[World], None]], Fault]:
    """Add a function to FAULTS under its name, with hyphens."""

    def add(function: Callable[[World], None]) -> Fault:
        made = FAULTS[function.__name__.replace("_", "-")] = Fault(function, lasts, is_quick)
        return made

    return add
