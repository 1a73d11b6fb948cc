"""Rules of what a platform, or K2s' own launcher, does not do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mooring.model.rules.rule import Rule, Values, Violation


def _supported(values: Values) -> Iterator[Violation]:
    launcher, target = values["launcher"], values["target"]
    wanted: list[tuple[tuple[str, ...], Any, Any]] = [
        (("launcher", "kind"), launcher["kind"], "mooring"),
        (("launcher", "attach"), launcher["attach"], "job"),
        (("target", "runAs"), target["runAs"], ""),
        (("target", "signedBy"), target["signedBy"], ""),
    ]
    if values["platform"] == "windows":
        wanted = [(("hostAliases",), values["hostAliases"], [])]
    for path, found, supported in wanted:
        if found != supported:
            problem = f"is not supported with platform {values['platform']}"
            yield Violation(path, found, problem, f"leave it at {json.dumps(supported)}")


def _cplauncher(values: Values) -> Iterator[Violation]:
    """Refuse what K2s' own launcher does not do, rather than leave it out silently."""
    if values["launcher"]["kind"] != "cplauncher" or values["platform"] != "windows":
        return
    for path, supported in _NOT_BY_CPLAUNCHER:
        found: Any = values
        for key in path:
            found = found[key]
        if found != supported:
            advice = f"leave it at {json.dumps(supported)}, or use launcher.kind: mooring"
            yield Violation(path, found, "is not done by cplauncher", advice)
    anchor = values["anchor"]
    if values["scaling"]["follow"] and anchor["create"] and anchor["strategy"] == "ordinal":
        yield Violation(
            ("scaling", "follow"),
            True,
            "is not done by cplauncher: nothing mirrors the number of launchers to the anchors",
            "set scaling.follow: false and scale both sets, by helm upgrade",
        )
    target = values["target"]
    words: list[tuple[tuple[str, ...], str]] = [(("target", "exe"), target["exe"])]
    words += [(("target", "args", str(number)), word) for number, word in enumerate(target["args"])]
    for path, word in words:
        if re.search(r'[&|^%<>"]', word):
            yield Violation(
                path,
                word,
                "must be free of & | ^ % < > and quotes: with cplauncher it passes cmd /c, which reads them",
                "move it into a file, or use launcher.kind: mooring",
            )


_NOT_BY_CPLAUNCHER: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("launcher", "source"), "host"),
    (("target", "workingDir"), ""),
    (("target", "env"), {}),
    (("target", "runAs"), ""),
    (("target", "sha256"), ""),
    (("target", "signedBy"), ""),
    (("target", "perOrdinal"), {}),
    *((("gate", kind), {}) for kind in ("http", "tcp", "exec", "processes")),
    (("gate", "cpu", "maxPercent"), None),
    *((("gate", "memory", limit), None) for limit in ("minMiB", "maxMiB")),
    *((("gate", kind, limit), None) for kind in ("handles", "threads") for limit in ("min", "max")),
    (("stop", "command"), []),
)


SUPPORTED_RULES: tuple[Rule, ...] = (
    Rule("supported", _supported),
    Rule("cplauncher", _cplauncher),
)
