"""Rules about the ports of single replicas, which share one IP with anchor.strategy: shared."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.gate import PORT_UNKNOWN
from mooring.model.rules.rule import Rule, Sentence, Values, Violation

MOST_PORT = 65535
NOT_SHARED = Sentence(
    "is only for anchor.strategy: shared; with any other, each replica has the port on its own IP", "leave it out"
)
READINESS_TOO_HIGH = Sentence(
    "is too high: rbac.maxReplicas replicas on one IP need the ports up to {last:d}", "lower one of the two"
)
PORT_SHARED = Sentence(
    "is the port of {first:s} and {second:s}, which share one IP ({protocol:s})",
    "give each replica its own by target.perOrdinal.<n>.ports.{name:s}",
)
READINESS_PORT = Sentence(
    "is a readiness port: {first:d} to {last:d} are reserved, one for each of rbac.maxReplicas replicas on one IP",
    "choose another port, or another readiness.port",
)


def ports_of(values: Values, ordinal: int) -> dict[str, tuple[int, str]]:
    """Return one replica's ports by name, each with its protocol."""
    target = values["target"]
    own = (target["perOrdinal"].get(str(ordinal)) or {}).get("ports") or {}
    return {
        name: (own.get(name, port["port"]), port.get("protocol") or "TCP") for name, port in target["ports"].items()
    }


def _per_ordinal_ports(values: Values) -> Iterator[Violation]:
    target = values["target"]
    for ordinal, one in target["perOrdinal"].items():
        for name in (one or {}).get("ports") or {}:
            path = ("target", "perOrdinal", ordinal, "ports", name)
            if values["anchor"]["strategy"] != "shared":
                yield NOT_SHARED.at(path, one["ports"][name])
            elif name not in target["ports"]:
                yield PORT_UNKNOWN.at(path, name)


def _shared_ports_unique(values: Values) -> Iterator[Violation]:
    if values["anchor"]["strategy"] != "shared":
        return
    start, first = values["ordinals"]["start"], values["readiness"]["port"]
    last = first + values["rbac"]["maxReplicas"] - 1
    if last > MOST_PORT:
        yield READINESS_TOO_HIGH.at(("readiness", "port"), first, last=last)
    users: dict[tuple[int, str], str] = {}
    reported: set[str] = set()
    for ordinal in range(start, start + values["replicas"]):
        for name, listened in sorted(ports_of(values, ordinal).items()):
            number, protocol = listened
            user = f"{name} of replica {ordinal}"
            if name in reported:  # once for each port, however many replicas there are
                continue
            if users.setdefault(listened, user) != user:
                reported.add(name)
                facts = {"first": users[listened], "second": user, "protocol": protocol, "name": name}
                yield PORT_SHARED.at(("target", "ports", name), number, **facts)
            # Where target.ports itself has readiness.port, the rule about that reports it.
            elif protocol == "TCP" and first <= number <= last and values["target"]["ports"][name]["port"] != first:
                reported.add(name)
                yield READINESS_PORT.at(("target", "ports", name), number, first=first, last=last)


SHARED_RULES: tuple[Rule, ...] = (
    Rule("per-ordinal-ports", _per_ordinal_ports),
    Rule("shared-ports-unique", _shared_ports_unique),
)
