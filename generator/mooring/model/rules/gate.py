"""Rules of the health gate: what it names is there, and its limits leave something between them."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation


def _gate_ports_known(values: Values) -> Iterator[Violation]:
    known = values["target"]["ports"]
    allowed = "must be a port named in target.ports"
    for name in values["gate"]["ports"]:
        if name not in known:
            yield Violation(("gate", "ports", name), name, allowed, "declare it there, or remove it here")
    for kind in ("http", "tcp"):
        for name, check in values["gate"][kind].items():
            if isinstance(check["port"], str) and check["port"] not in known:
                yield Violation(
                    ("gate", kind, name, "port"), check["port"], allowed, "declare it there, or give the port's number"
                )


def _ranges_ordered(values: Values) -> Iterator[Violation]:
    for key, low, high in (("memory", "minMiB", "maxMiB"), ("handles", "min", "max"), ("threads", "min", "max")):
        limits = values["gate"][key]
        if limits[low] is not None and limits[high] is not None and limits[low] > limits[high]:
            yield Violation(
                ("gate", key, low), limits[low], f"is above gate.{key}.{high} ({limits[high]})", "swap or correct them"
            )


def _commands_set(values: Values) -> Iterator[Violation]:
    for name, check in values["gate"]["exec"].items():
        if not check["command"]:
            yield Violation(
                ("gate", "exec", name, "command"), [], "must name a program", "give its full path and arguments"
            )


GATE_RULES: tuple[Rule, ...] = (
    Rule("gate-ports-known", _gate_ports_known),
    Rule("ranges-ordered", _ranges_ordered),
    Rule("commands-set", _commands_set),
)
