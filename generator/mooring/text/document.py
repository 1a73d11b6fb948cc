"""The content of one YAML file, and the position of each value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml._yaml import Mark as CMark
from yaml.error import Mark

from mooring.errors import Problem

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; both counted from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: Mark | CMark | None) -> Position:
        """Convert the parser's mark, which counts from 0; without one it is the file's start."""
        return cls(mark.line + 1, mark.column + 1) if mark else cls(1, 1)


@dataclass(slots=True)
class Document:
    """The value of one YAML file, with the position of every value and key in it."""

    file: str
    value: Any = None
    values_at: dict[KeyPath, Position] = field(default_factory=dict)
    keys_at: dict[KeyPath, Position] = field(default_factory=dict)

    def position(self, path: KeyPath, *, of_key: bool = False) -> Position:
        """Return the position of the value (or its key), or of the nearest parent that is in the file."""
        if of_key and path in self.keys_at:
            return self.keys_at[path]
        while path and path not in self.values_at:
            path = path[:-1]
        return self.values_at.get(path, Position(1, 1))

    def path_of(self, path: KeyPath) -> KeyPath:
        """Return the path with list indexes in brackets: `3` becomes `[3]` where the value is a list."""
        value, found = self.value, []
        for part in path:
            if isinstance(value, list):
                found.append(f"[{part}]")
                value = value[int(part)]
            else:
                found.append(part)
                value = value.get(part) if isinstance(value, dict) else None
        return tuple(found)

    def problem(self, path: KeyPath, message: str, *, of_key: bool = False) -> Problem:
        """Return a problem with the value (or key) at this path."""
        at = self.position(path, of_key=of_key)
        return Problem(self.file, at.line, at.column, format_path(path), message)


def format_path(path: KeyPath) -> str:
    """Write a key path the way `helm --set` takes it."""
    text = ""
    for part in path:
        if part.startswith("["):
            text += part
        else:
            text += ("." if text else "") + part.replace(".", "\\.")
    return text
