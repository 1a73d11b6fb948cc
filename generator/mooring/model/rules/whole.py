"""Rules about all values together, and about each text in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

CONFIG_LIMIT_BYTES = 200 * 1024
"""All annotations of a pod together hold 256 KiB at most."""
CONFIG_TOO_LARGE = Sentence(
    f"must stay below {CONFIG_LIMIT_BYTES} bytes together with gate and stop: all three go into one annotation",
    "move large arguments into a file on the node",
)
NEXT_LINE = Sentence("must not contain U+0085, which YAML turns into a space", "correct it")


def _texts_survive(values: Values) -> Iterator[Violation]:
    """Refuse U+0085: Helm writes it unescaped, and YAML reads it as a line break inside the text."""

    def find(value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
        if isinstance(value, str) and "\x85" in value:
            yield NEXT_LINE.at(path, value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from find(key, (*path, key))
                yield from find(item, (*path, key))
        elif isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                yield from find(item, (*path, str(number)))

    yield from find(values, ())


def _config_fits(values: Values) -> Iterator[Violation]:
    parts = [values["target"], values["gate"], values["stop"]]
    # Go's JSON escapes these three, so its text is longer.
    text = "".join(json.dumps(part, separators=(",", ":"), ensure_ascii=False) for part in parts)
    size = len(text.encode()) + 5 * sum(text.count(letter) for letter in "<>&")
    if size > CONFIG_LIMIT_BYTES:
        yield CONFIG_TOO_LARGE.at(("target",), f"{size} bytes")


WHOLE_RULES: tuple[Rule, ...] = (
    Rule("config-fits", _config_fits),
    Rule("texts-survive", _texts_survive),
)
