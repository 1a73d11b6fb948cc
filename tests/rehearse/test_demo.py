"""The main job end to end: the demo, and `mooring rehearse` with the committed chart."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.errors import InputError
from mooring.rehearse import sandbox
from mooring.rehearse.manifest import RehearsalError, parse, render

ROOT = Path(sandbox.__file__).parents[3]
CHART = ROOT / "chart"
DEV_LINUX = ROOT / "values-examples" / "dev-linux.yaml"


def links_and_namespaces() -> tuple[set[str], set[str]]:
    netns = Path("/run/netns")
    names = {entry.name for entry in netns.iterdir()} if netns.is_dir() else set()
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0] for line in links}, names


def test_the_demo_succeeds_and_leaves_nothing() -> None:
    """The demo ends with `demo: ok`, and afterwards interfaces and namespaces are as before."""
    before = links_and_namespaces()
    result = subprocess.run(
        [sys.executable, "-m", "mooring.rehearse.demo"], capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith("demo: ok")
    assert links_and_namespaces() == before


def test_ctrl_c_is_a_graceful_stop(tmp_path: Path) -> None:
    """The developers' example runs, each change is printed, and Ctrl-C stops everything gracefully with status 0."""
    words = ["rehearse", str(CHART), "-f", str(DEV_LINUX), "--replicas", "1", "--logs", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mooring", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.split()[1] == "mooring-0" and line.rstrip().endswith(" ready"):
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert any("mooring-anchor-0" in line and "10.244." in line and ":8080" in line for line in lines)
    assert '"event": "gate-holds"' in (tmp_path / "mooring-0.log").read_text()
    assert any("mooring-0                stopped" in line and '"by": "target"' in line for line in lines)


def test_a_chart_for_windows_is_refused_with_the_way_out() -> None:
    """A chart for Windows is refused in one line that names the value to set."""
    with pytest.raises(RehearsalError, match="--set platform=linux"):
        render(CHART, [], ["target.exe=C:\\\\x.exe"])


def test_a_manifest_without_sets_is_refused() -> None:
    """A manifest without anything to run is refused."""
    with pytest.raises(RehearsalError, match="no StatefulSet"):
        parse("kind: Service\nmetadata: {name: s}\n")


def test_helms_own_message_is_passed_on() -> None:
    """A `fail` of the chart reaches the user in Helm's own words."""
    with pytest.raises(RehearsalError, match=r"target\.exe"):
        render(CHART, [], ["platform=linux"])


def test_a_values_file_whose_path_yaml_reads_differently_is_refused(tmp_path: Path) -> None:
    """A double-quoted path with an escape is reported with its place, before Helm misreads it."""
    file = tmp_path / "values.yaml"
    file.write_text('platform: linux\ntarget:\n  exe: "C:\\temp\\robot.exe"\n')
    with pytest.raises(InputError, match=r"values\.yaml:3:8: holds a tab"):
        render(CHART, [file], [])


def test_a_directory_without_a_chart_is_refused(tmp_path: Path) -> None:
    """A path that is not a chart is reported."""
    with pytest.raises(RehearsalError, match=r"is not a chart, because it has no Chart\.yaml"):
        render(tmp_path, [], [])


def test_a_chart_that_carries_its_launcher_is_rehearsed(tmp_path: Path) -> None:
    """The replica runs the launcher from the ConfigMap, with the node's Python and psutil."""
    app = tmp_path / "app.yaml"
    app.write_text(
        "apiVersion: mooring/v1\nkind: App\nname: carrier\nversion: 1.0.0\n"
        "values: {platform: linux, launcher: {source: configMap}, gate: {threads: {min: 1}}, "
        "target: {exe: /usr/bin/sleep, args: [infinity]}, stop: {drainSeconds: 20}}\n",
        encoding="utf-8",
    )
    assert generate([str(app)], tmp_path).exit_code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "mooring", "rehearse", str(tmp_path / "carrier"), "--logs", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.split()[1] == "carrier-0" and line.rstrip().endswith(" ready"):
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert '"event": "gate-holds"' in (tmp_path / "carrier-0.log").read_text()
