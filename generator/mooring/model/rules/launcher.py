"""Rules of where the launcher is and how its node finds it."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation


def _launcher_paths_plain(values: Values) -> Iterator[Violation]:
    for key in ("hostPath", "python") if values["platform"] == "windows" else ():
        if set("&|^%<>()!\"' ") & set(values["launcher"][key]):
            yield Violation(
                ("launcher", key),
                values["launcher"][key],
                "must be free of spaces, quotes and & | ^ % < > ( ) !: HostProcess commands pass cmd /c",
                "install the launcher in a plainly named directory",
            )


def _launcher_found(values: Values) -> Iterator[Violation]:
    """Refuse Windows Server 2019 for a launcher out of a ConfigMap: no bindflt (hcsshim internal/jobcontainers)."""
    build = "node.kubernetes.io/windows-build"
    from_chart = values["platform"] == "windows" and values["launcher"]["source"] == "configMap"
    if from_chart and values["nodeSelector"].get(build) == "10.0.17763":
        yield Violation(
            ("nodeSelector", build),
            "10.0.17763",
            "is Windows Server 2019, where a launcher out of a ConfigMap cannot be found: nothing shows volumes at"
            " their paths there (no bindflt)",
            "use launcher.source: host, or nodes of Windows Server 2022 or later",
        )


LAUNCHER_RULES: tuple[Rule, ...] = (
    Rule("launcher-paths-plain", _launcher_paths_plain),
    Rule("launcher-found", _launcher_found),
)
