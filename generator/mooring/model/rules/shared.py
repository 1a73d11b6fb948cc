"""Rules of the ports of single replicas, which share one IP with anchor.strategy: shared."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation


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
                yield Violation(
                    path,
                    one["ports"][name],
                    "is for anchor.strategy: shared: otherwise each replica has the port on its own IP",
                    "leave it out",
                )
            elif name not in target["ports"]:
                yield Violation(
                    path, name, "must be a port named in target.ports", "declare it there, or remove it here"
                )


def _shared_ports_unique(values: Values) -> Iterator[Violation]:
    if values["anchor"]["strategy"] != "shared":
        return
    start, first = values["ordinals"]["start"], values["readiness"]["port"]
    last = first + values["rbac"]["maxReplicas"] - 1
    if last > 65535:
        yield Violation(
            ("readiness", "port"),
            first,
            f"is too high for rbac.maxReplicas replicas at one IP, which need the ports up to {last}",
            "lower one of the two",
        )
    users: dict[tuple[int, str], str] = {}
    told: set[str] = set()
    for ordinal in range(start, start + values["replicas"]):
        for name, listened in sorted(ports_of(values, ordinal).items()):
            number, protocol = listened
            user = f"{name} of replica {ordinal}"
            if name in told:  # once for each port, however many replicas there are
                continue
            if users.setdefault(listened, user) != user:
                told.add(name)
                yield Violation(
                    ("target", "ports", name),
                    number,
                    f"is the port of {users[listened]} and {user}, which share one IP ({protocol})",
                    f"give each replica its own by target.perOrdinal.<n>.ports.{name}",
                )
            # Where target.ports itself has readiness.port, the rule about that says so.
            elif protocol == "TCP" and first <= number <= last and values["target"]["ports"][name]["port"] != first:
                told.add(name)
                yield Violation(
                    ("target", "ports", name),
                    number,
                    f"is a readiness port: {first} to {last} are, one for each of rbac.maxReplicas replicas at one IP",
                    "choose another, or another readiness.port",
                )


SHARED_RULES: tuple[Rule, ...] = (
    Rule("per-ordinal-ports", _per_ordinal_ports),
    Rule("shared-ports-unique", _shared_ports_unique),
)
