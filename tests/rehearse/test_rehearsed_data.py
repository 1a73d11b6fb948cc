"""What a rehearsed pod gets and prints: Secrets and ConfigMaps, standard error, restarts."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mooring.rehearse.launcher import BACKOFF_S
from mooring.rehearse.manifest import parse
from mooring.rehearse.output import copy_stderr
from mooring.rehearse.volumes import Cluster, environment, make_mounts

ROOT = Path(__file__).parents[2]
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "licence"},
    "data": {"key": base64.b64encode(b"\x00k").decode(), "both": base64.b64encode(b"data").decode()},
    "stringData": {"text": "blue", "both": "stringData"},
}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "red"}}
SET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"}, "spec": {"template": {"spec": {}}}}


def cluster(tmp_path: Path) -> Cluster:
    """Return a cluster with the contents of the Secret and the ConfigMap above."""
    manifest = parse("---\n".join(json.dumps(obj) + "\n" for obj in (SET, SECRET, CONFIG_MAP)))
    data = {"Secret": manifest.secrets, "ConfigMap": manifest.config_maps}
    return Cluster("h", 1, "ca", {"default": "t"}, tmp_path, data)


def pod(volumes: list[dict[str, Any]] | None = None, **container: Any) -> dict[str, Any]:
    """Return a pod of one container, each of whose volumes is mounted."""
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes or []]
    spec = {"containers": [{"name": "c", "volumeMounts": mounts, **container}], "volumes": volumes or []}
    return {
        "metadata": {"name": "x-0", "namespace": "default"},
        "spec": {**spec, "automountServiceAccountToken": False},
    }


def files(one: dict[str, Any], tmp_path: Path) -> dict[str, bytes]:
    """Return what is in the pod's one volume."""
    tmp_path.mkdir(exist_ok=True)
    source = Path(make_mounts(one, cluster(tmp_path), tmp_path)[-1].source)
    return {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}


def test_a_secret_is_mounted(tmp_path: Path) -> None:
    """Its data is decoded, stringData takes precedence, items select and rename; in a projected volume as well."""
    assert files(pod([{"name": "v", "secret": {"secretName": "licence"}}]), tmp_path / "a") == {
        "key": b"\x00k",
        "both": b"stringData",
        "text": b"blue",
    }
    items = [{"key": "text", "path": "deep/er.txt"}]
    one = {"name": "v", "secret": {"secretName": "licence", "items": items}}
    assert files(pod([one]), tmp_path / "b") == {"deep/er.txt": b"blue"}
    sources = [{"secret": {"name": "licence", "items": items}}, {"configMap": {"name": "settings"}}]
    one = {"name": "v", "projected": {"sources": sources}}
    assert files(pod([one]), tmp_path / "c") == {"deep/er.txt": b"blue", "colour": b"red"}


def test_secrets_and_config_maps_are_set_as_variables(tmp_path: Path) -> None:
    """One key by valueFrom, all keys by envFrom, and the pod's own variables override those."""
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "text"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "none", "key": "text", "optional": True}}},
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "none", "optional": True}}},
        {"name": "S_both", "value": "own"},
    ]
    sources = [
        {"prefix": "S_", "secretRef": {"name": "licence"}},
        {"configMapRef": {"name": "settings"}},
        {"secretRef": {"name": "none", "optional": True}},
    ]
    found = environment(pod(env=env, envFrom=sources), cluster(tmp_path))
    assert {name: found.get(name) for name in ("A", "B", "C", "D", "S_both", "S_text", "colour")} == {
        "A": "blue",
        "B": "red",
        "C": None,
        "D": None,
        "S_both": "own",
        "S_text": "blue",
        "colour": "red",
    }


@pytest.mark.parametrize(
    ("kind", "env", "message"),
    [
        ("secretKeyRef", {"name": "none", "key": "a"}, "Secret none is not in the chart"),
        ("secretKeyRef", {"name": "licence", "key": "none"}, "Secret licence has no key none"),
        ("configMapKeyRef", {"name": "none", "key": "a"}, "ConfigMap none is not in the chart"),
        ("resourceFieldRef", {"resource": "limits.cpu"}, "variable A: resourceFieldRef cannot be rehearsed"),
    ],
)
def test_a_variable_from_nowhere_is_an_error(tmp_path: Path, kind: str, env: dict[str, str], message: str) -> None:
    """What kubelet would wait for, and what a rehearsal lacks, is reported, not left empty."""
    with pytest.raises(LookupError, match=message):
        environment(pod(env=[{"name": "A", "valueFrom": {kind: env}}]), cluster(tmp_path))


@pytest.mark.parametrize("source", [{"secretRef": {"name": "none"}}, {"configMapRef": {"name": "none"}}])
def test_all_variables_from_nowhere_are_an_error(tmp_path: Path, source: dict[str, Any]) -> None:
    """A missing Secret or ConfigMap is reported too."""
    with pytest.raises(LookupError, match="none is not in the chart"):
        environment(pod(envFrom=[source]), cluster(tmp_path))


def test_a_secret_to_mount_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Unless it is optional: then the directory is empty."""
    with pytest.raises(LookupError, match="Secret none is not in the chart, and a rehearsal only has the chart's"):
        files(pod([{"name": "v", "secret": {"secretName": "none"}}]), tmp_path / "a")
    with pytest.raises(LookupError, match="Secret licence has no key none"):
        items = [{"key": "none", "path": "p"}]
        files(pod([{"name": "v", "secret": {"secretName": "licence", "items": items}}]), tmp_path / "b")
    assert files(pod([{"name": "v", "secret": {"secretName": "none", "optional": True}}]), tmp_path / "c") == {}


def test_a_flood_on_standard_error_is_cut_and_said_to_be(tmp_path: Path) -> None:
    """Lines are printed with a mark, long ones are cut, the launcher's own records omitted; the file has all of it."""
    read_fd, write_fd = os.pipe()
    record = b'{"ts": "2026-01-01T00:00:00Z", "level": "info", "ordinal": 0, "event": "started"}\n'
    lines = [record, b"x" * 900 + b"\n", *[b"%d\n" % number for number in range(2000)], b"last, without an end"]
    log = tmp_path / "log"
    told: list[str] = []
    if os.fork() == 0:
        os.close(read_fd)
        with os.fdopen(write_fd, "wb") as stream:
            stream.write(b"".join(lines))
        os._exit(0)
    os.close(write_fd)
    copy_stderr(read_fd, told.append, log, keep_all=True)
    os.wait()
    assert told[0] == f"! {'x' * 500}…"
    assert told[1] == "! 0"
    assert any(line.endswith("more lines in that second") for line in told)
    assert len(told) < 500
    assert log.read_bytes() == b"".join(lines)


def test_the_first_restart_is_at_once() -> None:
    """Then the delay doubles, like kubelet's, but is a tenth as long."""
    assert BACKOFF_S[:4] == (0, 1, 2, 4)
    assert all(later <= 2 * max(earlier, 0.5) for earlier, later in itertools.pairwise(BACKOFF_S))
    assert BACKOFF_S[-1] == 300 / 10


@pytest.mark.sandbox
def test_standard_error_and_restarts_without_logs(tmp_path: Path) -> None:
    """A program that exits is restarted immediately, then after 1 s; its standard error is shown."""
    values = {
        "platform": "linux",
        "target": {
            "exe": "/bin/sh",
            "args": ["-c", 'echo "cannot open $LICENCE, $(cat /etc/licence/text)" >&2; exit 7'],
        },
        "extraEnv": [{"name": "LICENCE", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "text"}}}],
        "extraVolumes": [{"name": "licence", "secret": {"secretName": "licence"}}],
        "extraVolumeMounts": [{"name": "licence", "mountPath": "/etc/licence"}],
        "extraObjects": [SECRET],
    }
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps(values))
    process = subprocess.Popen(
        [sys.executable, "-m", "mooring", "rehearse", str(ROOT / "chart"), "-f", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + 60
    for line in process.stdout:
        lines.append(line)
        if "restarting in 1 s" in line or time.monotonic() > deadline:
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert sum(line.rstrip().endswith("mooring-0                ! cannot open blue, blue") for line in lines) >= 2
    restarts = [line.rpartition("restarting ")[2].strip() for line in lines if ", restarting " in line]
    assert restarts[:2] == ["immediately", "in 1 s"]
