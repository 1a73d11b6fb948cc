"""The environment variables that an App may not set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

NAMES = ("COMPARTMENT_ID_ATTACH", "POD_NAME", "POD_NAMESPACE", "POD_UID", "NODE_NAME")
PREFIX = re.compile("^(MOORING_|KUBERNETES_)")
TAKEN = Sentence(
    f"is set by mooring or Kubernetes, as are {', '.join(NAMES)}, MOORING_* and KUBERNETES_*", "choose another name"
)


def is_reserved_env(name: str, platform: str = "windows") -> bool:
    """Tell whether mooring or Kubernetes sets this environment variable; on Windows capitals do not count."""
    if platform == "windows":
        name = name.upper()
    return name in NAMES or PREFIX.match(name) is not None


def _env_reserved(values: Values) -> Iterator[Violation]:
    target = values["target"]
    places: list[tuple[tuple[str, ...], Values]] = [(("target", "env"), target["env"])]
    places += [(("target", "perOrdinal", n, "env"), one.get("env", {})) for n, one in target["perOrdinal"].items()]
    for number, variable in enumerate(values["extraEnv"]):
        places.append((("extraEnv", str(number)), {str(variable.get("name", "")): ""}))
    for path, variables in places:
        for name in variables:
            if is_reserved_env(name, values["platform"]):
                yield TAKEN.at((*path, name), name)


RESERVED_RULES: tuple[Rule, ...] = (Rule("env-reserved", _env_reserved),)
