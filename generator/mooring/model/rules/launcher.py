"""Rules about where the launcher is on its node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

READ_BY_CMD = re.compile(r"""[&|^%<>()!"' ]""")
NOT_PLAIN = Sentence(
    "must not contain spaces, quotes or & | ^ % < > ( ) !: HostProcess commands go through cmd /c",
    "install the launcher in a directory with a plain name",
)
BUILD = "node.kubernetes.io/windows-build"
SERVER_2019 = "10.0.17763"
NOT_FOUND_THERE = Sentence(
    "is Windows Server 2019, where a launcher from a ConfigMap cannot be found: volumes do not appear at"
    " their mount paths there (no bindflt)",
    "use launcher.source: host, or nodes of Windows Server 2022 or later",
)


def _launcher_paths_plain(values: Values) -> Iterator[Violation]:
    for key in ("hostPath", "python") if values["platform"] == "windows" else ():
        if READ_BY_CMD.search(values["launcher"][key]):
            yield NOT_PLAIN.at(("launcher", key), values["launcher"][key])


def _launcher_found(values: Values) -> Iterator[Violation]:
    """Refuse Windows Server 2019 for a launcher from a ConfigMap: no bindflt (hcsshim internal/jobcontainers)."""
    from_chart = values["platform"] == "windows" and values["launcher"]["source"] == "configMap"
    if from_chart and values["nodeSelector"].get(BUILD) == SERVER_2019:
        yield NOT_FOUND_THERE.at(("nodeSelector", BUILD), SERVER_2019)


LAUNCHER_RULES: tuple[Rule, ...] = (
    Rule("launcher-paths-plain", _launcher_paths_plain),
    Rule("launcher-found", _launcher_found),
)
