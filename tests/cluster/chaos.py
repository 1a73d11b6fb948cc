"""Many faults in a row, drawn at random: `make e2e-chaos SEED=1 COUNT=100`."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.driving.faults import FAULTS, World
from tests.cluster.test_faults import world  # noqa: F401 - the same release that each single fault has

QUICK = sorted(name for name, each in FAULTS.items() if each.is_quick)
"""Faults that may be injected while another lasts."""


def test_everything_heals(world: World) -> None:  # noqa: F811
    """Inject COUNT faults, as often two at once as one; after each draw, and at the end, everything is whole."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    count = int(os.environ.get("COUNT") or 20)
    print(f"chaos: SEED={seed} COUNT={count}")
    world.dice = random.Random(seed)
    slowest = (0.0, "")
    done = 0
    while done < count:
        names = _draw(world.dice, count - done)
        done += len(names)
        what = " with ".join(names)
        began = time.monotonic()
        try:
            _inject(world, *names)
            slowest = max(slowest, (world.settle(180), what))
        except BaseException:
            print(f"chaos: SEED={seed}: {what}, the last of {done}, did not heal")
            raise
        print(f"chaos: {done}/{count} {what} {time.monotonic() - began:.1f} s", flush=True)
    print(f"figure: chaos, slowest healing ({slowest[1]}): {slowest[0]:.1f} s")


def _draw(dice: random.Random, left: int) -> list[str]:
    """Draw one fault, or two at once: the second comes while the first lasts, or before it has healed."""
    first = dice.choice(sorted(FAULTS))
    if left == 1 or dice.random() < 0.5:
        return [first]
    return [first, dice.choice(QUICK if FAULTS[first].lasts else sorted(FAULTS))]


def _inject(where: World, first: str, second: str = "") -> None:
    if not second:
        FAULTS[first](where)
    elif FAULTS[first].lasts:
        with _meanwhile(where, second):
            FAULTS[first](where)
    else:
        FAULTS[first](where)
        FAULTS[second](where)


@contextmanager
def _meanwhile(where: World, name: str) -> Iterator[None]:
    called = []

    def inject() -> None:
        called.append(name)
        FAULTS[name](where)

    where.meanwhile = inject
    try:
        yield
    finally:
        where.meanwhile = lambda: None
    assert called, f"{name} was not injected"
