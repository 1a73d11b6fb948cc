"""Rules of paths: the program's is given, and each is absolute on its platform."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation
from mooring.model.rules.text import has_control


def _exe_set(values: Values) -> Iterator[Violation]:
    if not values["target"]["exe"]:
        yield Violation(
            ("target", "exe"),
            "",
            "must be set",
            r"give the program's full path on the node, e.g. C:\apps\orders\orders.exe",
        )


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
            example = r"such as C:\apps\orders" if platform == "windows" else "such as /opt/orders"
            yield Violation(path, value, f"must be an absolute path on {platform}", f"write the full path, {example}")


PATH_RULES: tuple[Rule, ...] = (
    Rule("exe-set", _exe_set),
    Rule("paths-absolute", _paths_absolute),
)
