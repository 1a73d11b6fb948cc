"""What a rule between values is. The rules themselves are in this package by topic; table.py lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """One broken rule: where, what was found, what the rule is, what to do."""

    path: tuple[str, ...]
    found: Any
    rule: str
    fix: str


@dataclass(frozen=True)
class Sentence:
    """What a broken rule says: what is allowed, and what to do.

    ``{name}`` stands for a fact that each violation brings, ``{name:d}`` for a whole number, ``{{`` for a brace. The
    chart says the same: its templates are generated with these sentences (chart/sentences.py).
    """

    rule: str
    fix: str

    def at(self, path: tuple[str, ...], found: Any, **facts: Any) -> Violation:
        """Return the violation at a key path."""
        return Violation(path, found, self.rule.format(**facts), self.fix.format(**facts))


@dataclass(frozen=True)
class Rule:
    """A rule between values; ``check`` takes the complete values (defaults filled in)."""

    id: str
    check: Callable[[Values], Iterable[Violation]]


TWICE = Sentence("appears twice", "keep one")
TWICE_FOLDED = Sentence("appears twice (Windows ignores case)", "keep one")


def find_repeats(path: tuple[str, ...], items: Sequence[Any], key: str, *, fold: bool = False) -> Iterator[Violation]:
    """Yield the items of a list that have the same `key` as an earlier one; with `fold`, case does not count."""
    seen: set[str] = set()
    for number, item in enumerate(items):
        name = str(item.get(key) if key else item)
        if (name.lower() if fold else name) in seen:
            place = tuple(part for part in (*path, str(number), key) if part)
            yield (TWICE_FOLDED if fold else TWICE).at(place, name)
        seen.add(name.lower() if fold else name)
