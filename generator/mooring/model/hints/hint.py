"""A hint: where a value belongs that somebody wrote elsewhere."""

from __future__ import annotations

from typing import NamedTuple


class Hint(NamedTuple):
    """Where a value belongs that somebody wrote elsewhere: keys, and a sentence in which {0}, {1} … stand for them."""

    targets: tuple[str, ...]
    words: str = "use {0}"

    def __str__(self) -> str:
        return self.words.format(*self.targets)


def hints(words: str, *targets: str, say: str = "use {0}") -> dict[str, Hint]:
    """Return the same hint for each of the words."""
    return {word: Hint(targets, say) for word in words.split()}
