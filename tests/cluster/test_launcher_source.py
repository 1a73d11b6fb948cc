"""The launcher from the chart (launcher.source: configMap): install, scale, kill, heal, upgrade."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from mooring.bundle.archive import ARCHIVE_FILE

from tests.cluster.driving import processes
from tests.cluster.driving.healing import ask_anchors, install, kill_and_heal, uid
from tests.cluster.driving.release import Release
from tests.cluster.stack.cluster import Cluster

APP = """\
apiVersion: mooring/v1
kind: App
name: carried
version: 1.0.0
values: {platform: linux, target: {exe: /opt/apps/served}, launcher: {source: configMap}}
"""


def test_launcher_from_the_chart(cluster: Cluster, new_release: Callable[..., Release], tmp_path: Path) -> None:
    """With launcher.source: configMap the chart's launcher runs; it scales and heals like the node's."""
    (tmp_path / "app.yaml").write_text(APP)
    command = [sys.executable, "-m", "mooring", "generate", str(tmp_path / "app.yaml"), "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    (chart,) = (tmp_path / "out").rglob("Chart.yaml")
    release = new_release(chart=chart.parent)
    install(release, 2, "launcher from the chart", launcher={"source": "configMap"})
    pair = release.pair(1)
    (launcher,) = processes.launchers(cluster.nodes[pair.node].machine, release.namespace, release.pod(1))
    assert "/etc/mooring-launcher/mooring-launcher.pyz" in launcher.cmdline()
    ask_anchors(release, 2)
    release.scale(3)
    release.wait_whole(3)
    release.scale(2)
    release.wait_whole(2)
    kill_and_heal(cluster, release, 2, "launcher from the chart")
    ask_anchors(release, 2)
    upgrade_the_launcher(release, chart.parent, tmp_path / "newer")


def upgrade_the_launcher(release: Release, chart: Path, newer: Path) -> None:
    """Install a chart with another launcher in it: below the partition a new pod still has the old one.

    The old one's ConfigMap goes with the first upgrade after the rollout.
    """
    shutil.copytree(chart, newer)
    archive = newer / ARCHIVE_FILE
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive.read_text()))) as old:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
            new.writestr("newer", "")
    archive.write_text(base64.b64encode(content.getvalue()).decode())
    first = code_of(release, 0)
    before = [uid(release.pair(n).launcher) for n in (0, 1)]
    release.chart = newer
    release.upgrade(2, updateStrategy={"type": "RollingUpdate", "partition": 1})
    wait_renewed(release, 1, before[1])
    second = code_of(release, 1)
    assert second != first
    release.kube.kubectl("--namespace", release.namespace, "delete", "pod", release.pod(0), "--wait=false")
    wait_renewed(release, 0, before[0])
    assert (code_of(release, 0), code_of(release, 1)) == (first, second), "each by its own revision"
    before = [uid(release.pair(n).launcher) for n in (0, 1)]
    release.upgrade(2, updateStrategy={"type": "RollingUpdate", "partition": 0})
    wait_renewed(release, 0, before[0])
    assert code_of(release, 0) == second
    assert {first, second} <= config_maps(release)
    release.upgrade(2, revisionHistoryLimit=5)
    assert first not in config_maps(release)
    assert second in config_maps(release)


def wait_renewed(release: Release, ordinal: int, before: str) -> None:
    """Wait until a launcher is a new pod and both pairs are whole."""
    release.mirror.wait(
        lambda: uid(release.pair(ordinal).launcher) not in ("", before) and release.is_whole(2),
        120,
        f"launcher {ordinal} is new and both pairs are whole",
    )


def code_of(release: Release, ordinal: int) -> str:
    """Return the name of the ConfigMap that a launcher is started from."""
    launcher = release.pair(ordinal).launcher
    assert launcher is not None
    (name,) = [each["configMap"]["name"] for each in launcher["spec"]["volumes"] if each["name"] == "launcher-code"]
    return str(name)


def config_maps(release: Release) -> set[str]:
    """Return the names of the namespace's ConfigMaps."""
    found = release.kube.get(f"namespaces/{release.namespace}/configmaps")["items"]
    return {each["metadata"]["name"] for each in found}
