"""Rules about the health gate: what it names exists, and its ranges are not empty."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

_KNOWN = "must be a port named in target.ports"
PORT_UNKNOWN = Sentence(_KNOWN, "declare it there, or remove it here")
CHECK_PORT_UNKNOWN = Sentence(_KNOWN, "declare it there, or use the port's number")
RANGE_REVERSED = Sentence("is above gate.{key:s}.{high:s} ({limit:d})", "swap or correct them")
RANGES = {"memory": ("minMiB", "maxMiB"), "handles": ("min", "max"), "threads": ("min", "max")}
COMMAND_MISSING = Sentence("must name a program", "write its full path and arguments")


def _gate_ports_known(values: Values) -> Iterator[Violation]:
    known = values["target"]["ports"]
    for name in values["gate"]["ports"]:
        if name not in known:
            yield PORT_UNKNOWN.at(("gate", "ports", name), name)
    for kind in ("http", "tcp"):
        for name, check in values["gate"][kind].items():
            if isinstance(check["port"], str) and check["port"] not in known:
                yield CHECK_PORT_UNKNOWN.at(("gate", kind, name, "port"), check["port"])


def _ranges_ordered(values: Values) -> Iterator[Violation]:
    for key, (low, high) in RANGES.items():
        limits = values["gate"][key]
        if limits[low] is not None and limits[high] is not None and limits[low] > limits[high]:
            yield RANGE_REVERSED.at(("gate", key, low), limits[low], key=key, high=high, limit=limits[high])


def _commands_set(values: Values) -> Iterator[Violation]:
    for name, check in values["gate"]["exec"].items():
        if not check["command"]:
            yield COMMAND_MISSING.at(("gate", "exec", name, "command"), [])


GATE_RULES: tuple[Rule, ...] = (
    Rule("gate-ports-known", _gate_ports_known),
    Rule("ranges-ordered", _ranges_ordered),
    Rule("commands-set", _commands_set),
)
