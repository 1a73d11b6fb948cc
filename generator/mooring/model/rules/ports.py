"""Rules of the ports of the program, of its Service and of readiness."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation

_READINESS = "readiness"
"""The name of mooring's own port."""


def _ports_unique(values: Values) -> Iterator[Violation]:
    listened: set[tuple[int, str]] = set()
    for name, port in sorted(values["target"]["ports"].items()):
        one = (port["port"], port.get("protocol") or "TCP")
        if one in listened:
            yield Violation(
                ("target", "ports", name, "port"),
                port["port"],
                f"is used by more than one port of target.ports ({one[1]})",
                "give each a port of its own",
            )
        listened.add(one)


def _service_ports_unique(values: Values) -> Iterator[Violation]:
    listeners: dict[tuple[int, str], int] = {}
    for name, port in sorted(values["target"]["ports"].items()):
        served = (port.get("servicePort") or port["port"], port.get("protocol") or "TCP")
        # Two of one port number have one Service port because of that: which the rule above says.
        if listeners.get(served, port["port"]) != port["port"]:
            yield Violation(
                ("target", "ports", name, "servicePort"),
                served[0],
                f"is used by more than one port of the Service ({served[1]})",
                "give each a servicePort of its own",
            )
        listeners.setdefault(served, port["port"])


def is_port_name_free(name: str) -> bool:
    """Tell whether a port of the program may have this name, as far as its pattern cannot say."""
    return "--" not in name and name != _READINESS


def _port_names_legal(values: Values) -> Iterator[Violation]:
    for name in values["target"]["ports"]:
        if "--" in name:
            yield Violation(
                ("target", "ports", name),
                name,
                "has two hyphens in a row, which Kubernetes refuses in a port's name",
                "write one",
            )


def _readiness_port_free(values: Values) -> Iterator[Violation]:
    for name, port in values["target"]["ports"].items():
        if name == _READINESS:
            yield Violation(
                ("target", "ports", name),
                name,
                "is the name of mooring's own port",
                "name the program's port otherwise",
            )
        if port["port"] == values["readiness"]["port"] and port.get("protocol", "TCP") == "TCP":
            yield Violation(
                ("readiness", "port"),
                port["port"],
                f"is the program's own port {name}",
                "choose a readiness.port that the program does not use",
            )


PORT_RULES: tuple[Rule, ...] = (
    Rule("ports-unique", _ports_unique),
    Rule("service-ports-unique", _service_ports_unique),
    Rule("port-names-legal", _port_names_legal),
    Rule("readiness-port-free", _readiness_port_free),
)
