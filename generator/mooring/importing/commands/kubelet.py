"""Kubelet's variable references: $(NAME) in a command, its arguments and the values of its environment."""

from __future__ import annotations

import re
from collections.abc import Callable

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\)|\(|.)?", re.DOTALL)
_OF_SERVICES = re.compile(
    r"[A-Z_][A-Z0-9_]*_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP).*)?)"
)


def expand(text: str, find: Callable[[str], str | None]) -> str:
    """Replace $(NAME) as kubelet does: what `find` does not know is left unchanged, and $$ becomes $.

    Source: k8s.io/kubernetes third_party/forked/golang/expansion.
    """

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        value = None if match[2] is None else find(match[2])
        return match[0] if value is None else value

    return _REFERENCE.sub(one, text)


def fill_in(text: str, find: Callable[[str], str | None]) -> str:
    """Replace what `find` knows; when kubelet expands the result, it yields what expanding the whole would have."""

    def one(match: re.Match[str]) -> str:
        value = None if match[2] is None else find(match[2])
        return match[0] if value is None else value.replace("$", "$$")

    return _REFERENCE.sub(one, text)


def is_of_services(name: str) -> bool:
    """Return whether kubelet may set a variable because a Service exists, whatever the manifests say."""
    return _OF_SERVICES.fullmatch(name) is not None
