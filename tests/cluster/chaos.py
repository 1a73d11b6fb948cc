"""Many faults, drawn at random from all there are: `make e2e-chaos SEED=1 COUNT=100`."""

from __future__ import annotations

import os
import random
import time

from tests.cluster.faults import FAULTS, World
from tests.cluster.test_faults import world  # noqa: F401 - the same release as each fault alone has


def test_everything_heals(world: World) -> None:  # noqa: F811
    """Bring about COUNT faults, sometimes a second one before the first has healed; at the end everything is whole."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    count = int(os.environ.get("COUNT") or 20)
    print(f"chaos: SEED={seed} COUNT={count}")
    world.dice = random.Random(seed)
    slowest = (0.0, "")
    for number in range(1, count + 1):
        name = world.dice.choice(sorted(FAULTS))
        began = time.monotonic()
        try:
            FAULTS[name](world)
            # One time in four the next fault finds this one not yet healed.
            if number == count or world.dice.random() < 0.75:
                slowest = max(slowest, (world.settle(180), name))
        except BaseException:
            print(f"chaos: SEED={seed}: fault {number}, {name}, did not heal")
            raise
        print(f"chaos: {number}/{count} {name} {time.monotonic() - began:.1f} s", flush=True)
    world.settle(180)
    print(f"figure: chaos, slowest healing after a fault ({slowest[1]}): {slowest[0]:.1f} s")
