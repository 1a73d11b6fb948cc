"""Locks of a Platform: the chart refuses what breaks one, with reason and owner, and the generator refuses the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mooring.chart.render import render_chart
from mooring.inputs.app import make_app
from mooring.inputs.locks import find_breaches
from mooring.inputs.platform import Platform, load_platform
from mooring.model.keys import write_key
from mooring.model.layers import overlay, take_away
from mooring.model.values import VALUES
from mooring.text.emit import emit_yaml

from tests.chart.rendering import RenderError, helm, refusal, render_text

PLATFORM = r"""apiVersion: mooring/v1
kind: Platform
name: hospital
owner: platform@hospital.example
defaults:
  anchor: {podAnnotations: {linkerd.io/inject: enabled}}
  target: {env: {SITE: north}}
locks:
  service.type: {value: ClusterIP, reason: "no {{ node }} ports", owner: networking}
  replicas: {min: 1, max: 10}
  launcher.hostPath: {forbidden: true, reason: one place}
  anchor.podAnnotations["linkerd.io/inject"]: {value: enabled}
  target.ports.*.port: {min: 1024}
  target.ports.*.protocol: {forbidden: true}
  target.env.*: {pattern: '^[ -~]*$'}
  target.env.SITE: {forbidden: true}
  target.mounts: {forbidden: true}
  target.exe: {pattern: '^C:\\apps\\[a-z]+\.exe$', reason: only what is in C:\apps}
  terminationGracePeriodSeconds: {max: 300}
  colocation: {enum: [perReplica, singleNode]}
  launcher.resources.limits.memory: {enum: [1Gi, 2Gi]}
  tolerations: {forbidden: true}
  autoscaling.*: {forbidden: true}
"""
APP: dict[str, Any] = {
    "terminationGracePeriodSeconds": 120,
    "launcher": {"resources": {"limits": {"memory": "1Gi"}}},
    "target": {"exe": r"C:\apps\orders.exe", "ports": {"http": {"port": 8080}}},
}
# What `helm install -f` brings, and the keys that are refused.
CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"service": {"type": "NodePort"}}, {"service.type"}),
    ({"service": {"type": None}}, {"service.type"}),
    ({"service": None, "replicas": None}, {"service.type", "replicas"}),
    ({"replicas": 0}, {"replicas"}),
    ({"replicas": 11}, {"replicas"}),
    ({"replicas": 10}, set()),
    ({"launcher": {"hostPath": r"C:\x"}}, {"launcher.hostPath"}),
    ({"launcher": {"hostPath": None}}, set()),
    (
        {"anchor": {"podAnnotations": {"linkerd.io/inject": "disabled", "a": "b"}}},
        {'anchor.podAnnotations["linkerd.io/inject"]'},
    ),
    ({"anchor": {"podAnnotations": None}}, {'anchor.podAnnotations["linkerd.io/inject"]'}),
    (
        {"target": {"ports": {"http": None, "a": {"port": 80}, "b": {"port": 9000, "protocol": "UDP"}}}},
        {"target.ports.a.port", "target.ports.b.protocol"},
    ),
    ({"target": {"ports": {"http": {"protocol": "TCP"}}}}, set()),
    ({"target": {"env": {"A": "größe", "B": "ok", "SITE": "south"}}}, {"target.env.A", "target.env.SITE"}),
    ({"target": {"env": {"SITE": None}}}, {"target.env.SITE"}),
    ({"target": {"mounts": {"m": {"hostPath": r"C:\x"}}}}, {"target.mounts"}),
    ({"target": {"exe": "C:\\apps\\orders.exe\n"}}, {"target.exe"}),
    ({"target": {"exe": r"C:\apps\Orders.exe"}}, {"target.exe"}),
    ({"terminationGracePeriodSeconds": None}, {"terminationGracePeriodSeconds"}),
    ({"terminationGracePeriodSeconds": 301}, {"terminationGracePeriodSeconds"}),
    ({"colocation": "singleNode"}, set()),
    ({"colocation": None}, {"colocation"}),
    ({"launcher": {"resources": {"limits": {"memory": "4Gi"}}}}, {"launcher.resources.limits.memory"}),
    ({"launcher": {"resources": {"limits": None}}}, {"launcher.resources.limits.memory"}),
    ({"tolerations": [{"key": "x"}]}, {"tolerations"}),
    ({"autoscaling": {"minReplicas": 2}}, {"autoscaling.minReplicas"}),
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return a Platform with a lock of each kind."""
    file = tmp_path_factory.mktemp("platform") / "hospital.yaml"
    file.write_text(PLATFORM)
    return load_platform(str(file))


@pytest.fixture(scope="module")
def chart(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the chart of an App under that Platform."""
    folder = tmp_path_factory.mktemp("charts") / "orders"
    write(folder, render_chart(make_app({"name": "orders", "version": "1.0.0", "values": APP}, platform, APP)))
    return folder


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write a chart's texts."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def refused(values: dict[str, Any], chart: Path) -> set[str]:
    """Return the keys that the chart names as locked, with schema validation disabled."""
    try:
        render_text(values, chart=chart, flags=["--skip-schema-validation"])
    except RenderError as error:
        return {line.split()[1] for line in str(error).splitlines() if "; locked by Platform hospital" in line}
    return set()


@pytest.mark.parametrize(("values", "keys"), CASES, ids=lambda part: json.dumps(part) if isinstance(part, dict) else "")
def test_chart_and_generator_refuse_the_same(
    values: dict[str, Any], keys: set[str], chart: Path, platform: Platform
) -> None:
    """`helm template -f` and the generator find the same broken locks, null and absent values included."""
    assert refused(values, chart) == keys
    app = make_app({"name": "orders", "version": "1.0.0", "values": APP}, platform, APP)
    complete = overlay(take_away(VALUES, app.values, values), _without_nulls(values))
    found = find_breaches(platform.locks, complete, platform.values, values)
    assert {write_key(breach.path) for breach in found} == keys


def _without_nulls(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: _without_nulls(value) for key, value in values.items() if value is not None}


def test_a_refusal_says_why_and_whom_to_ask(chart: Path) -> None:
    """The sentence names key, rule, value, Platform, reason and owner; template code in a reason is text."""
    message = refusal({"service": {"type": "NodePort"}}, chart=chart)
    assert (
        '  - service.type must be "ClusterIP"; found "NodePort"; '
        "locked by Platform hospital: no {{ node }} ports; ask networking" in message.splitlines()
    )
    message = refusal({"replicas": 11}, chart=chart)
    assert "must be between 1 and 10; found 11; locked by Platform hospital; ask platform@hospital.example" in message


@pytest.mark.parametrize("way", ["_prepared=true", "_broken=", "_prepared=true,_broken=x"])
def test_no_value_gets_past_the_checks(chart: Path, way: str) -> None:
    """Users cannot set what the templates record for themselves, even with schema validation disabled."""
    sets = [way, "service.type=NodePort"]
    assert "locked by" in refusal(chart=chart, sets=sets, flags=["--skip-schema-validation"])


def test_lint_passes_what_template_refuses(chart: Path, tmp_path: Path) -> None:
    """`helm lint` does not stop at a `fail`: only `helm template` and `helm install` show a broken lock."""
    (tmp_path / "values.yaml").write_text(emit_yaml({"service": {"type": "NodePort"}}))
    assert "0 chart(s) failed" in helm("lint", str(chart), "-f", str(tmp_path / "values.yaml"))


def test_the_schema_describes_locks_and_lets_the_chart_refuse(chart: Path) -> None:
    """values.schema.json says what is locked and why, but refuses nothing, as Helm's schema errors show no reason."""
    schema = json.loads((chart / "values.schema.json").read_text())["properties"]
    kind = schema["service"]["properties"]["type"]
    assert kind["description"].endswith(
        'Must be "ClusterIP": locked by Platform hospital: no {{ node }} ports; ask networking.'
    )
    assert "NodePort" in kind["enum"]
    (entry,) = schema["target"]["properties"]["ports"]["patternProperties"].values()
    assert "Must be at least 1024" in entry["properties"]["port"]["description"]
