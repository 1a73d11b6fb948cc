"""Probes become checks that run as often as kubelet's did, and a probe without a check is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mooring.errors import ExitCode
from mooring.importing import model
from mooring.model import values as _values
from mooring.model.nodes import default_of

from tests.generator.importing import run, told, values
from tests.generator.manifests import Object, anchor, launcher, service

KUBELET = {"periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
HANDLERS: dict[str, Object] = {
    "http": {"httpGet": {"port": 8080, "path": "/h"}},
    "tcp": {"tcpSocket": {"port": 8080}},
    "exec": {"exec": {"command": [r"C:\apps\check.exe"]}},
}
TIMES = st.dictionaries(st.sampled_from(sorted(KUBELET)), st.integers(0, 60))


def effective(made: Any, kind: str, name: str) -> Object:
    """Return a check's effective times: its own, the gate's, the model's."""
    check, gate = made["gate"][kind][name], default_of(_values.VALUES)["gate"]
    own = default_of(model.node("gate", kind, name)) | {key: check[key] for key in KUBELET if key in check}
    return {key: own[key] if own[key] is not None else gate[key] for key in KUBELET}


@given(st.sampled_from(sorted(HANDLERS)), TIMES)
def test_a_check_runs_as_often_as_kubelets_probe(
    tmp_path_factory: pytest.TempPathFactory, kind: str, times: Object
) -> None:
    """Whatever times a probe gives or omits, the check's times are kubelet's."""
    folder = tmp_path_factory.mktemp("probe")
    made = values(run(folder, anchor(), launcher(readinessProbe={**HANDLERS[kind], **times})))
    assert effective(made, kind, "readiness") == KUBELET | {key: value for key, value in times.items() if value}


def test_defaults_of_kubelet_are_reported(tmp_path: Path) -> None:
    """The report says which times the probe left to kubelet, and that they are kept."""
    made = launcher(readinessProbe=HANDLERS["http"], livenessProbe={**HANDLERS["tcp"], "failureThreshold": 6})
    result = run(tmp_path, anchor(), made)
    found = values(result)["gate"]
    assert found["http"]["readiness"] == {"port": 8080, "path": "/h", "periodSeconds": 10, "timeoutSeconds": 1}
    assert found["tcp"]["liveness"] == {"port": 8080, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 6}
    report = told(result)
    kept = "probe omits a value, kubelet's default is kept: periodSeconds 10, timeoutSeconds 1, successThreshold 1"
    assert f"where the readiness {kept}, failureThreshold 3" in report
    assert f"where the liveness {kept}" in report
    assert "kubelet probes the launcher every 5 s and marks the anchor unready after 3 failures in a row" in report


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ({"grpc": {"port": 50051}}, "the gate has no gRPC check"),
        ({"exec": {"command": ["check.exe"]}}, "gate.exec needs a program's full path"),
        ({}, "the gate has no check of this kind"),
    ],
)
@pytest.mark.parametrize("key", ["readinessProbe", "livenessProbe", "startupProbe"])
def test_a_probe_without_a_check_is_reported_as_a_whole(tmp_path: Path, key: str, handler: Object, why: str) -> None:
    """GRPC, or any other probe without a check, becomes a comment with all its times and the reason."""
    probe = {**handler, "periodSeconds": 7, "initialDelaySeconds": 11, "terminationGracePeriodSeconds": 13}
    probed: Any = {key: probe}
    result = run(tmp_path, anchor(), launcher(**probed))
    values(result)
    text = (tmp_path / "out" / "orders.yaml").read_text()
    assert f"{key} = {json.dumps(probe)} ({why}" in text
    assert why in told(result)
    strict = run(tmp_path, anchor(), launcher(**probed), strict=True)
    assert strict.exit_code == ExitCode.BAD_INPUT


def test_a_slow_starter_keeps_its_time(tmp_path: Path) -> None:
    """InitialDelaySeconds of readiness or liveness counts as start-up time: the gate waits longer."""
    usual = default_of(_values.VALUES)["gate"]["startTimeoutSeconds"]
    probe = {**HANDLERS["http"], "initialDelaySeconds": 900, "terminationGracePeriodSeconds": 4}
    result = run(tmp_path, anchor(), launcher(livenessProbe=probe))
    assert values(result)["gate"]["startTimeoutSeconds"] == usual + 900
    assert "it is added to gate.startTimeoutSeconds" in told(result)
    assert "livenessProbe.terminationGracePeriodSeconds = 4 (the rungs of stop end the program" in told(result)
    assert f"--timeout {(usual + 900 + 300) // 60}m" in told(result)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [({}, 30), ({"periodSeconds": 5}, 15), ({"failureThreshold": 60}, 600), ({"initialDelaySeconds": 90}, 120)],
)
def test_a_startup_probe_is_the_time_to_start(tmp_path: Path, probe: Object, expected: int) -> None:
    """The gate waits as long as the startup probe did; if it is the only probe, it is a check too."""
    made = launcher(startupProbe={**HANDLERS["tcp"], **probe})
    result = run(tmp_path, anchor(), made)
    gate = values(result)["gate"]
    assert gate["startTimeoutSeconds"] == expected
    assert gate["tcp"]["startup"]["periodSeconds"] == probe.get("periodSeconds", 10)
    assert "a startup probe stops after its first success; this check continues" in told(result)


def test_the_same_probe_twice_is_one_check(tmp_path: Path) -> None:
    """A liveness probe like the readiness probe becomes one check; that it restarted the program is reported."""
    result = run(tmp_path, anchor(), launcher(readinessProbe=HANDLERS["http"], livenessProbe=HANDLERS["http"]))
    assert [*values(result)["gate"]["http"]] == ["readiness"]
    assert "a failing liveness probe restarted the container" in told(result)


def test_headers_are_read_as_kubelet_does(tmp_path: Path) -> None:
    """Host is the request's, whatever its case; a header that is given twice is reported."""
    headers = [
        {"name": "host", "value": "orders.example"},
        {"name": "X-A", "value": "1"},
        {"name": "x-a", "value": "2"},
    ]
    probe = {"httpGet": {"port": 8080, "httpHeaders": headers}}
    result = run(tmp_path, anchor(), launcher(readinessProbe=probe))
    check = values(result)["gate"]["http"]["readiness"]
    assert (check["host"], check["headers"]) == ("orders.example", {"X-A": "1"})
    assert 'httpHeaders[2] = {"name": "x-a", "value": "2"} (a check sends each header once)' in told(result)


def test_a_port_by_name_is_the_halfs_own(tmp_path: Path) -> None:
    """A probe's port name is its own container's, a Service's is the anchors'; unknown names are refused."""
    ports = [{"name": "web", "containerPort": 9000}]
    pause = {"name": "pause", "image": "p:1", "ports": ports}
    made = launcher(
        ports=[{"name": "web", "containerPort": 7000}],
        readinessProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 3},
    )
    routed = service(app="orders-anchor-1", port={"name": "front", "port": 80, "targetPort": "web"})
    found = values(run(tmp_path, anchor(containers=[pause]), made, routed))
    assert found["gate"]["tcp"]["readiness"]["port"] == 7000
    assert found["target"]["ports"]["front"] == {"port": 9000, "servicePort": 80}
    for port, expected in (("nowhere", "the port named 'nowhere'"), (70_000, "between 1 and 65535"), (None, "no port")):
        bad = launcher(readinessProbe={"httpGet": {"port": port}})
        result = run(tmp_path, anchor(), bad)
        assert expected in str(result.problems[0])
        assert "readinessProbe.httpGet.port: " in str(result.problems[0])


def test_a_time_beyond_the_gate_is_reported(tmp_path: Path) -> None:
    """A timeout beyond a check's limit becomes that limit, and is reported; a negative one is refused."""
    most = model.node("gate", "http", "x", "timeoutSeconds").maximum
    result = run(tmp_path, anchor(), launcher(readinessProbe={**HANDLERS["http"], "timeoutSeconds": most + 100}))
    assert values(result)["gate"]["http"]["readiness"]["timeoutSeconds"] == most
    assert f"timeoutSeconds {most + 100} is outside what a check allows; it is now {most}" in told(result)
    bad = run(tmp_path, anchor(), launcher(readinessProbe={**HANDLERS["http"], "periodSeconds": -1}))
    assert "readinessProbe.periodSeconds: found -1; must be at least" in str(bad.problems[0])


def test_the_anchors_own_probe_is_a_check(tmp_path: Path) -> None:
    """An anchor's readiness probe of the program becomes a check; a command in the anchor is reported."""
    pause = {"name": "pause", "image": "p:1", "readinessProbe": HANDLERS["http"]}
    result = run(tmp_path, anchor(containers=[pause]), launcher())
    assert values(result)["gate"]["http"]["anchor"]["path"] == "/h"
    assert "previously traffic was sent once the anchor's own readiness probe succeeded" in told(result)
    again = run(tmp_path / "out", anchor(containers=[{**pause, "readinessProbe": HANDLERS["exec"]}]), launcher())
    assert "its command ran in the anchor's container" in told(again)
