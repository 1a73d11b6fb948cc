"""launcher.kind: cplauncher renders K2s' own launcher, with the ordinal in its label."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import MINIMAL, assert_accepted, container, layered, render

K2S: dict[str, Any] = {"launcher": {"kind": "cplauncher"}, "scaling": {"follow": False}, "replicas": 3}
_POD = "statefulset.kubernetes.io/pod-name"


@pytest.mark.parametrize(
    ("anchor", "label"),
    [
        ({}, f"{_POD}=orders-anchor-$(MOORING_ORDINAL)"),
        ({"strategy": "static"}, f"{_POD}=orders-anchor-$(MOORING_ORDINAL)-$(MOORING_ORDINAL)"),
        ({"strategy": "shared"}, f"{_POD}=orders-anchor-0"),  # of one replica: several would each need their own ports
        ({"create": False, "selector": "app=their-{ordinal}"}, "app=their-$(MOORING_ORDINAL)"),
    ],
)
def test_the_label_names_the_anchor_of_the_ordinal(anchor: dict[str, Any], label: str) -> None:
    """Kubernetes expands the ordinal in the command, so each replica looks for its own anchor."""
    replicas = 1 if anchor.get("strategy") == "shared" else 3
    own = {"target": {"args": ["--port", "$(HOME)"], "placeholders": "literal"}, "anchor": anchor, "replicas": replicas}
    objects = render(layered(MINIMAL, K2S, own))
    command = container(objects, "orders")["command"]
    assert command == [
        *(r"C:\mooring\cplauncher.exe", "-label", label, "-namespace", "apps", "-label-timeout", "300s"),
        *("--", r"C:\apps\orders.exe", "--port", "$$(HOME)"),
    ]
    names = [variable["name"] for variable in container(objects, "orders")["env"]]
    assert "MOORING_ORDINAL" in names
    assert_accepted(objects, "1.34")


def test_nothing_is_asked_that_cplauncher_does_not_answer() -> None:
    """No probe or hook of mooring's launcher is rendered; the anchor is ready when the program accepts connections."""
    objects = render(layered(MINIMAL, K2S))
    launcher, anchor = container(objects, "orders"), container(objects, "orders-anchor")
    assert not {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} & launcher.keys()
    assert anchor["readinessProbe"]["tcpSocket"] == {"port": 8080}
    assert "lifecycle" not in anchor
    assert objects["StatefulSet", "orders-anchor"]["spec"]["replicas"] == 3
    assert not [name for kind, name in objects if kind == "Pod"]
    own = {
        "probes": {"liveness": {"exec": {"command": ["a"]}}},
        "lifecycle": {"postStart": {"exec": {"command": ["b"]}}},
    }
    launcher = container(render(layered(MINIMAL, K2S, own)), "orders")
    assert launcher["livenessProbe"] == {"exec": {"command": ["a"]}}
    assert launcher["lifecycle"] == {"postStart": {"exec": {"command": ["b"]}}}


def test_programs_that_switch_themselves_are_told() -> None:
    """attach: env becomes -self-env; a program without TCP ports has an anchor without a readiness probe."""
    objects = render(layered(MINIMAL, K2S, {"launcher": {"attach": "env"}, "target": {"ports": None}}))
    assert "-self-env" in container(objects, "orders")["command"]
    assert "readinessProbe" not in container(objects, "orders-anchor")


def test_a_start_program_is_waited_for_to_its_last_process() -> None:
    """lifetime: tree becomes -wait-tree; the default needs no flag."""
    for lifetime in ("process", "tree"):
        words = container(render(layered(MINIMAL, K2S, {"target": {"lifetime": lifetime}})), "orders")["command"]
        assert ("-wait-tree" in words[: words.index("--")]) == (lifetime == "tree")
