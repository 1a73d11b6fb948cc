"""Many releases side by side, and the chart as a subchart."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cluster.driving import processes
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import CHART, PORT, READINESS_PORT, Helm, Release, target, values
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

NewRelease = Callable[..., Release]

APP = """\
apiVersion: mooring/v1
kind: App
name: other
version: 7.0.0
values: {platform: linux, target: {exe: /opt/apps/served}}
"""


def generate(folder: Path) -> Path:
    """Generate the chart of another App."""
    (folder / "other.app.yaml").write_text(APP)
    command = [
        sys.executable,
        "-m",
        "mooring",
        "generate",
        str(folder / "other.app.yaml"),
        "--out",
        str(folder / "charts"),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    (chart,) = (folder / "charts").rglob("Chart.yaml")
    return chart.parent


def answered_by(release: Release) -> str:
    """GET a release's Service through the API server; return the whole answer."""
    service = f"namespaces/{release.namespace}/services/{release.name}:http/proxy/"
    answer = release.kube.http.get(version="v1", url=service)
    answer.raise_for_status()
    return str(answer.text)


def assert_own(release: Release) -> None:
    """Assert that a release's Service leads to its own program, in its own network."""
    pair = release.pair(release.start)
    assert release.ready_endpoints() == {pair.ip}
    said = answered_by(release)
    assert f"version {release.name} " in said
    assert f"address {pair.ip}:{PORT}" in said.replace("[::ffff:", "").replace("]", "")


def test_ten_releases_of_two_charts(new_release: NewRelease, own_cluster: Cluster | None, tmp_path: Path) -> None:
    """Ten programs on one port in one namespace, five of each chart: each has its own IP, Service and version."""
    other = generate(tmp_path)
    began = time.monotonic()
    releases = [
        new_release(f"{kind}-{number}", chart=chart)
        for number in range(5)
        for kind, chart in (("a", CHART), ("b", other))
    ]
    for release in releases:
        release.install(1, target=target("-version", release.name))
    for release in releases:
        release.wait_whole(1)
    print(f"figure: ten releases of one pair each, first install to all whole: {time.monotonic() - began:.1f} s")
    addresses = {release.pair(0).ip for release in releases}
    assert len(addresses) == len(releases)
    for release in releases:
        release.mirror.wait(lambda each=release: each.ready_endpoints(), 120, f"an endpoint of {release.name}")  # type: ignore[misc]
        assert_own(release)
    for node in own_cluster.nodes.values() if own_cluster else ():
        for port in (PORT, READINESS_PORT):
            assert not processes.listens(node.machine.pid, port), f"port {port} listens on {node.name} itself"


def test_inside_an_umbrella(kube: Kube, helm: Helm, namespace: str, tmp_path: Path) -> None:
    """An umbrella chart with this one twice, under two aliases, installs two independent sets of pairs."""
    umbrella = tmp_path / "shop"
    shutil.copytree(CHART, umbrella / "charts" / "mooring")
    chart = next(line for line in (CHART / "Chart.yaml").read_text().splitlines() if line.startswith("version:"))
    name = next(line for line in (CHART / "Chart.yaml").read_text().splitlines() if line.startswith("name:")).split()[1]
    dependency = {"name": name, "version": chart.split()[1].strip('"')}
    about = {"apiVersion": "v2", "name": "shop", "version": "1.0.0"}
    about["dependencies"] = [
        dependency | {"alias": "front"},
        dependency | {"alias": "back", "condition": "back.enabled"},
    ]  # type: ignore[assignment]
    (umbrella / "Chart.yaml").write_text(json.dumps(about))
    chosen = {
        "global": {"team": "shop"},
        "front": values(target=target("-version", "front"), replicas=1),
        "back": values(target=target("-version", "back"), replicas=2),
    }
    (umbrella / "values.yaml").write_text(json.dumps(chosen))
    mirror = Mirror(kube, namespace)
    helm.run("install", "u", str(umbrella), "--namespace", namespace, "--wait", "--timeout=300s")
    parts = {}
    for part, replicas in (("front", 1), ("back", 2)):
        (full,) = (
            each
            for each in mirror.all("statefulsets")
            if each.startswith(f"u-{part}-") and not each.endswith("-anchor")
        )
        parts[part] = Release(kube, helm, mirror, full)
        mirror.wait(
            lambda each=parts[part], n=replicas: len(each.ready_endpoints()) == n,
            120,
            f"{replicas} endpoints of {part}",
        )  # type: ignore[misc]
        for ordinal in range(replicas):
            assert parts[part].pair(ordinal).is_whole
            assert f"version {part} ordinal {ordinal} " in parts[part].ask(ordinal)
    helm.run("upgrade", "u", str(umbrella), "--namespace", namespace, "--set", "back.enabled=false")
    mirror.wait(
        lambda: not any(name.startswith("u-back") for name in mirror.all("pods")), 120, "the pairs of back have gone"
    )
    assert parts["front"].pair(0).is_whole
    helm.run("uninstall", "u", "--namespace", namespace)
    mirror.wait(lambda: not mirror.all("pods"), 120, "no pod is left")
    mirror.close()
