"""Mutants of a valid file, the same ones on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable

SEED = 20260101
_BYTES = [
    b"\0",
    b"\t",
    b"\n",
    b":",
    b": ",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"'",
    b"&a ",
    b"*a",
    b"!x ",
    b"#",
    b"\xff",
]
_BYTES += [b"\xe2\x80\xae", b"{{", b"<%", b"%", b"|", b">", b"?", b"---\n", b"9" * 40, b"\x1b[31m", b"null", b"../"]


def mutants(valid: str, count: int) -> dict[str, bytes]:
    """Return that many mutants, each made by one to four changes."""
    made = {}
    for number in range(count):
        chance = random.Random(SEED + number)
        data = valid.encode()
        for _ in range(chance.randint(1, 4)):
            data = chance.choice(_WAYS)(data, chance)
        made[f"mutant {number}"] = data
    return made


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(_BYTES) + data[at:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randint(1, 12) :]


def _end(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _repeat(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b"\n"]
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], lines[at] * chance.randint(2, 50), *lines[at:]])


_WAYS: list[Callable[[bytes, random.Random], bytes]] = [_insert, _insert, _cut, _end, _flip, _swap_lines, _repeat]
