"""A hint: where a misplaced value belongs."""

from __future__ import annotations

from typing import NamedTuple


class Hint(NamedTuple):
    """Where a misplaced value belongs: keys, and a sentence in which {0}, {1} … stand for them."""

    targets: tuple[str, ...]
    words: str = "use {0}"

    def __str__(self) -> str:
        return self.words.format(*self.targets)


def hints(words: str, *targets: str, say: str = "use {0}") -> dict[str, Hint]:
    """Return the same hint for each of the words."""
    return {word: Hint(targets, say) for word in words.split()}
