"""What a rule between values is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
class Rule:
    """A rule between values; ``check`` takes the complete values (defaults filled in)."""

    id: str
    check: Callable[[Values], Iterable[Violation]]
