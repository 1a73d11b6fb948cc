"""Command lines: Windows programs split what the launcher quotes into the same arguments."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.windows.machine import Machine

_COUNT = 500
_ALPHABET = 'ab \t\n"\\\\\\""  \'^%&|<>!*?$`~;,=()[]{}/-äß€漢字😀\u200b'


def _argument(chance: random.Random) -> str:
    return "".join(chance.choice(_ALPHABET) for _ in range(chance.choice((0, 1, 2, 3, 5, 8, 20))))


def test_random_arguments_arrive_as_they_were_given(machine: Machine) -> None:
    """Five hundred random lists come back equal from CommandLineToArgvW and from a C program's own main."""
    chance = random.Random(7)
    lists = [[_argument(chance) for _ in range(chance.randint(1, 6))] for _ in range(_COUNT)]
    (machine.drive / "lists.json").write_text(json.dumps(lists))
    found = machine.run_python(Path(__file__).parent / "inside/quoting.py")
    assert found["argv"] == lists
    assert found["main"] == lists
