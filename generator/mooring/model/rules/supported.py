"""Rules about what a platform, or K2s' own launcher, does not support."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

Path = tuple[str, ...]


WINDOWS_LACKS: Mapping[Path, Any] = {("hostAliases",): []}
LINUX_LACKS: Mapping[Path, Any] = {
    ("launcher", "kind"): "mooring",
    ("launcher", "attach"): "job",
    ("target", "runAs"): "",
    ("target", "signedBy"): "",
}
CPLAUNCHER_LACKS: Mapping[Path, Any] = {
    ("launcher", "source"): "host",
    ("target", "workingDir"): "",
    ("target", "env"): {},
    ("target", "runAs"): "",
    ("target", "sha256"): "",
    ("target", "signedBy"): "",
    ("target", "perOrdinal"): {},
    ("gate", "http"): {},
    ("gate", "tcp"): {},
    ("gate", "exec"): {},
    ("gate", "processes"): {},
    ("gate", "cpu", "maxPercent"): None,
    ("gate", "memory", "minMiB"): None,
    ("gate", "memory", "maxMiB"): None,
    ("gate", "handles", "min"): None,
    ("gate", "handles", "max"): None,
    ("gate", "threads", "min"): None,
    ("gate", "threads", "max"): None,
    ("stop", "command"): [],
    ("mesh", "linkerd", "enabled"): False,
}
"""The only value that each supports."""

NOT_ON_PLATFORM = Sentence("is not supported on platform {platform:s}", "leave it at {value:s}")
NOT_BY_CPLAUNCHER = Sentence("is not supported by cplauncher", "leave it at {value:s}, or use launcher.kind: mooring")
NOT_FOLLOWED = Sentence(
    "is not supported by cplauncher: nothing mirrors the number of launchers to the anchors",
    "set scaling.follow: false and scale both sets with helm upgrade",
)
READ_BY_CMD = re.compile(r"""[&|^%<>"]""")
WORD_READ_BY_CMD = Sentence(
    "must not contain & | ^ % < > or quotes: with cplauncher it goes through cmd /c, which interprets them",
    "move it into a file, or use launcher.kind: mooring",
)


def _other_than(values: Values, table: Mapping[Path, Any]) -> Iterator[tuple[Path, Any, str]]:
    """Yield path and value of what is not as the table has it, and the table's value as JSON."""
    for path, only in table.items():
        found: Any = values
        for key in path:
            found = found[key]
        if found != only:
            yield path, found, json.dumps(only)


def _supported(values: Values) -> Iterator[Violation]:
    platform = values["platform"]
    for path, found, only in _other_than(values, WINDOWS_LACKS if platform == "windows" else LINUX_LACKS):
        yield NOT_ON_PLATFORM.at(path, found, platform=platform, value=only)


def _cplauncher(values: Values) -> Iterator[Violation]:
    """Refuse what K2s' own launcher does not support, rather than drop it silently."""
    if values["launcher"]["kind"] != "cplauncher" or values["platform"] != "windows":
        return
    for path, found, only in _other_than(values, CPLAUNCHER_LACKS):
        yield NOT_BY_CPLAUNCHER.at(path, found, value=only)
    anchor = values["anchor"]
    if values["scaling"]["follow"] and anchor["create"] and anchor["strategy"] == "ordinal":
        yield NOT_FOLLOWED.at(("scaling", "follow"), True)
    target = values["target"]
    words: list[tuple[Path, str]] = [(("target", "exe"), target["exe"])]
    words += [(("target", "args", str(number)), word) for number, word in enumerate(target["args"])]
    for path, word in words:
        if READ_BY_CMD.search(word):
            yield WORD_READ_BY_CMD.at(path, word)


SUPPORTED_RULES: tuple[Rule, ...] = (
    Rule("supported", _supported),
    Rule("cplauncher", _cplauncher),
)
