"""Rules of the ports of the program, of its Service and of readiness."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

READINESS = "readiness"
"""The name of mooring's own port."""
PORT_TWICE = Sentence("is used by more than one port of target.ports ({protocol:s})", "give each its own port")
SERVICE_PORT_TWICE = Sentence(
    "is used by more than one port of the Service ({protocol:s})", "give each its own servicePort"
)
TWO_HYPHENS = Sentence("has two hyphens in a row, which Kubernetes rejects in a port name", "write one")
OWN_NAME = Sentence("is the name of mooring's own port", "choose another name for the program's port")
OWN_PORT = Sentence("is the program's own port {name:s}", "choose a readiness.port that the program does not use")


def _ports_unique(values: Values) -> Iterator[Violation]:
    listened: set[tuple[int, str]] = set()
    for name, port in sorted(values["target"]["ports"].items()):
        one = (port["port"], port.get("protocol") or "TCP")
        if one in listened:
            yield PORT_TWICE.at(("target", "ports", name, "port"), port["port"], protocol=one[1])
        listened.add(one)


def _service_ports_unique(values: Values) -> Iterator[Violation]:
    listeners: dict[tuple[int, str], int] = {}
    for name, port in sorted(values["target"]["ports"].items()):
        served = (port.get("servicePort") or port["port"], port.get("protocol") or "TCP")
        # Two with one port number also have one Service port; the rule above reports that.
        if listeners.get(served, port["port"]) != port["port"]:
            yield SERVICE_PORT_TWICE.at(("target", "ports", name, "servicePort"), served[0], protocol=served[1])
        listeners.setdefault(served, port["port"])


def is_port_name_free(name: str) -> bool:
    """Tell whether a port of the program may have this name, as far as its pattern cannot say."""
    return "--" not in name and name != READINESS


def _port_names_legal(values: Values) -> Iterator[Violation]:
    for name in values["target"]["ports"]:
        if "--" in name:
            yield TWO_HYPHENS.at(("target", "ports", name), name)


def _readiness_port_free(values: Values) -> Iterator[Violation]:
    for name, port in values["target"]["ports"].items():
        if name == READINESS:
            yield OWN_NAME.at(("target", "ports", name), name)
        if port["port"] == values["readiness"]["port"] and port.get("protocol", "TCP") == "TCP":
            yield OWN_PORT.at(("readiness", "port"), port["port"], name=name)


PORT_RULES: tuple[Rule, ...] = (
    Rule("ports-unique", _ports_unique),
    Rule("service-ports-unique", _service_ports_unique),
    Rule("port-names-legal", _port_names_legal),
    Rule("readiness-port-free", _readiness_port_free),
)
