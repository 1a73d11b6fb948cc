"""Rules about paths: the program's is set, and each is absolute on its platform."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation
from mooring.model.rules.text import has_control

EXE_MISSING = Sentence("must be set", r"write the program's full path on the node, e.g. C:\apps\orders\orders.exe")
NOT_ABSOLUTE = Sentence("must be an absolute path on {platform:s}", "write the full path, e.g. {example:s}")
EXAMPLES = (r"C:\apps\orders", "/opt/orders")
"""On Windows and on Linux."""


def _exe_set(values: Values) -> Iterator[Violation]:
    if not values["target"]["exe"]:
        yield EXE_MISSING.at(("target", "exe"), "")


def is_absolute(path: str, platform: str) -> bool:
    """Tell whether a path is absolute on the platform; a Windows drive-relative path (``C:x``) is not."""
    if platform == "linux":
        return path.startswith("/")
    return path.startswith("\\\\") or (
        len(path) > 2 and path[0].isascii() and path[0].isalpha() and path[1:3] in (":\\", ":/")
    )


def _paths_absolute(values: Values) -> Iterator[Violation]:
    platform, target = values["platform"], values["target"]
    paths: list[tuple[tuple[str, ...], str]] = [
        (("target", "exe"), target["exe"]),
        (("target", "workingDir"), target["workingDir"]),
        (("launcher", "hostPath"), values["launcher"]["hostPath"]),
        (("launcher", "python"), values["launcher"]["python"]),
    ]
    for name, mount in target["mounts"].items():
        paths += [(("target", "mounts", name, key), mount.get(key, "")) for key in ("hostPath", "mountPath")]
    for path, value in paths:
        if value and not is_absolute(value, platform) and not has_control(value):
            yield NOT_ABSOLUTE.at(path, value, platform=platform, example=EXAMPLES[platform == "linux"])


PATH_RULES: tuple[Rule, ...] = (
    Rule("exe-set", _exe_set),
    Rule("paths-absolute", _paths_absolute),
)
