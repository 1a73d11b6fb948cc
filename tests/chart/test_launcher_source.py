"""Where the launcher comes from: the node's own directory, or the chart."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mooring_launcher
import pytest
from mooring.batch.generate import generate
from mooring.bundle import archive as _launcher_archive
from mooring.bundle.archive import ARCHIVE_FILE, archive_text, portable_archive, strip

from tests.chart.rendering import (
    MINIMAL,
    Objects,
    assert_accepted,
    container,
    layered,
    notes,
    pod_spec,
    refusal,
    render,
    render_text,
)

APP = "apiVersion: mooring/v1\nkind: App\nname: carrier\nversion: 1.0.0\nvalues: {launcher: {source: configMap}, "
WINDOWS = APP + r"target: {exe: 'C:\apps\orders.exe', ports: {http: {port: 8080}}}}"
LINUX = {"platform": "linux", "target": {"exe": "/opt/orders"}}
LIMIT_BYTES = 1024 * 1024
"""Of a Secret, and so of a release."""


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the chart of an App that includes the launcher."""
    folder = tmp_path_factory.mktemp("carrier")
    (folder / "app.yaml").write_text(WINDOWS, encoding="utf-8")
    result = generate([str(folder / "app.yaml")], folder)
    assert result.exit_code == 0, result.problems
    return folder / "carrier"


def the_config_map(objects: Objects) -> tuple[str, bytes]:
    """Return the name of the one ConfigMap and the launcher in it."""
    ((name, one),) = [(name, one) for (kind, name), one in objects.items() if kind == "ConfigMap"]
    assert one["immutable"] is True
    return name, base64.b64decode(one["binaryData"]["mooring-launcher.pyz"], validate=True)


def test_the_config_map_holds_a_launcher_that_runs(carrier: Path, tmp_path: Path) -> None:
    """The cluster gets a program of this version that Python runs without anything else."""
    _, archive = the_config_map(render(chart=carrier))
    file = tmp_path / "mooring-launcher.pyz"
    file.write_bytes(archive)
    nowhere = {**os.environ, "MOORING_STATE_DIR": str(tmp_path / "state")}
    for flags in ([], ["-I", "-S"]):
        command = [sys.executable, *flags, str(file), "version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == f"{mooring_launcher.__version__}\n"
        command[-1:] = ["probe", "live"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=nowhere)
        assert (done.returncode, done.stdout + done.stderr) == (1, "the launcher has written no status\n")
    assert not [name for name in zipfile.ZipFile(file).namelist() if not name.endswith((".py", ".json"))]


@pytest.mark.parametrize(
    ("values", "code", "lib"),
    [
        ({}, "C:\\etc\\mooring-launcher", "C:\\mooring\\lib"),
        (LINUX, "/etc/mooring-launcher", "/opt/mooring/lib"),
    ],
    ids=["windows", "linux"],
)
def test_pods_run_the_charts_launcher_by_the_nodes_python(
    carrier: Path, values: dict[str, str], code: str, lib: str
) -> None:
    """Command, probes and hook name the mounted launcher; Python and psutil remain the node's."""
    objects = render(values, chart=carrier)
    name, _ = the_config_map(objects)
    one = container(objects, "orders")
    probes = [one["readinessProbe"], one["livenessProbe"], one["lifecycle"]["preStop"]]
    for command in (one["command"], *(probe["exec"]["command"] for probe in probes)):
        assert command[0] == lib.replace("lib", "python") + ("\\python.exe" if "\\" in lib else "/bin/python3")
        assert [part for part in command if part.endswith(".pyz")] == [code + code[-17] + "mooring-launcher.pyz"]
    assert {"name": "launcher-code", "mountPath": code, "readOnly": True} in one["volumeMounts"]
    assert {"name": "launcher-code", "configMap": {"name": name}} in pod_spec(objects, "orders")["volumes"]
    assert {"name": "MOORING_LIB", "value": lib} in one["env"]
    for version in ("1.31", "1.37"):
        assert_accepted(objects, version)


def test_another_launcher_is_another_config_map(carrier: Path, tmp_path: Path) -> None:
    """The name depends on the content, so that a revision of the set keeps the launcher it was created with."""
    other = Path(shutil.copytree(carrier, tmp_path / "carrier"))
    text = (other / ARCHIVE_FILE).read_text(encoding="utf-8")
    (other / ARCHIVE_FILE).write_text(text.replace("A", "B", 1), encoding="utf-8")
    names = [the_config_map(render(chart=chart))[0] for chart in (carrier, other)]
    assert names[0] != names[1]
    assert all(name.startswith("orders-launcher-") for name in names)


def test_a_checkout_with_windows_line_ends_is_the_same_launcher(carrier: Path, tmp_path: Path) -> None:
    """Git for Windows turns line ends into CRLF, which changes neither name nor content."""
    other = Path(shutil.copytree(carrier, tmp_path / "carrier"))
    data = (other / ARCHIVE_FILE).read_bytes()
    (other / ARCHIVE_FILE).write_bytes(data.replace(b"\n", b"\r\n"))
    assert the_config_map(render(chart=other)) == the_config_map(render(chart=carrier))


def test_the_archive_depends_on_the_sources_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates, modes, compiled modules and line ends of the installation do not change a byte."""
    package = Path(shutil.copytree(Path(mooring_launcher.__file__).parent, tmp_path / "mooring_launcher"))
    for file in package.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        file.chmod(0o600)
    (package / "left-over.txt").write_text("x")
    before = archive_text()
    monkeypatch.setattr(_launcher_archive, "package_folder", lambda _name: package)
    portable_archive.cache_clear()
    assert archive_text() == before
    portable_archive.cache_clear()


def test_the_archive_lacks_only_what_nothing_runs() -> None:
    """Each module in it does the same as its source, and every statement keeps its line numbers."""
    package = Path(mooring_launcher.__file__).parent
    for file in package.rglob("*.py"):
        source = file.read_text()
        ours, theirs = (ast.parse(text) for text in (strip(source), source))
        _forget_types(theirs)
        assert [_with_lines(node) for node in _statements(ours)] == [_with_lines(node) for node in _statements(theirs)]
    assert strip('"""A."""\nx = 1  # b\n# c\nclass D:\n    """E."""\n') == "\nx = 1\n\nclass D:\n ...\n"
    assert (
        strip('if x:\n    y = """a\n    b"""\n    f(\n        1,\n    )\n')
        == 'if x:\n y = """a\n    b"""\n f(\n1,\n)\n'
    )
    typed = "def f(\n    ä: int = 1,\n    *b: dict[\n        str, int],\n) -> str | None:\n    c: int = ä\n"
    assert strip(typed) == "def f(\nä = 1,\n*b\n,\n):\n c: int = ä\n"


def _forget_types(tree: ast.AST) -> None:
    """Remove the types of parameters and results, as the archive does; a result type over several lines stays."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef) and node.returns and node.returns.lineno == node.returns.end_lineno:
            node.returns = None


def _with_lines(node: ast.AST) -> tuple[str, list[tuple[int, int]]]:
    """Return a statement with the lines of all its parts; columns have no meaning."""
    parts = [part for part in ast.walk(node) if isinstance(part, (ast.stmt, ast.expr))]
    return ast.dump(node), [(part.lineno, part.end_lineno or part.lineno) for part in parts]


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield each statement that contains no other and is not just a text or placeholder."""
    for node in ast.walk(tree):
        is_plain = isinstance(node, ast.stmt) and not hasattr(node, "body")
        if is_plain and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node


def test_only_a_chart_that_asks_carries_the_launcher(carrier: Path) -> None:
    """Every other chart stays small, and its refusal says what to do."""
    assert (carrier / ARCHIVE_FILE).is_file()
    message = refusal(layered(MINIMAL, {"launcher": {"source": "configMap"}}))
    assert "launcher.source needs a chart that carries the launcher" in message
    assert "generate again, or use host" in message


def test_a_chart_that_carries_it_can_leave_it(carrier: Path) -> None:
    """With source host the node's launcher runs and there are no ConfigMaps."""
    objects = render(layered(MINIMAL, {"launcher": {"source": "host"}}), chart=carrier)
    assert not [name for kind, name in objects if kind == "ConfigMap"]
    assert "C:\\mooring\\mooring-launcher.pyz" in container(objects, "orders")["command"]


def test_a_release_stays_below_its_limit(carrier: Path) -> None:
    """Chart and manifest, as Helm packs them into a Secret, leave room for the two launchers of a rollout."""
    files = {
        path.relative_to(carrier).as_posix(): base64.b64encode(path.read_bytes()).decode()
        for path in carrier.rglob("*")
        if path.is_file()
    }
    release = json.dumps({"chart": files, "manifest": render_text({}, chart=carrier)}).encode()
    older = json.dumps({"manifest": archive_text() * 2}).encode()
    packed = base64.b64encode(gzip.compress(release)), base64.b64encode(gzip.compress(older))
    print(f"release {len(packed[0])} bytes, two older launchers {len(packed[1])} bytes more")
    assert sum(map(len, packed)) < 0.85 * LIMIT_BYTES


_BUILD = {"key": "node.kubernetes.io/windows-build", "operator": "NotIn", "values": ["10.0.17763"]}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def required_nodes(objects: Objects, kind: str, name: str) -> list[dict[str, object]]:
    """Return the node selector terms of a pod, or of a set's pods."""
    found = objects[kind, name]["spec"]
    affinity = found.get("template", {}).get("spec", found).get("affinity") or {}
    terms: list[dict[str, object]] = affinity.get("nodeAffinity", {}).get(_REQUIRED, {}).get("nodeSelectorTerms", [])
    return terms


def test_a_launcher_of_the_charts_own_keeps_away_from_server_2019(carrier: Path) -> None:
    """Volumes do not appear at their paths there: a file that any user put at that path on C: would run as SYSTEM."""
    on_disk = {"key": "disk", "operator": "In", "values": ["ssd"]}
    terms = [{"matchExpressions": [on_disk]}, {"matchFields": []}, {}]
    given = {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": terms}}}
    objects = render(chart=carrier)
    assert required_nodes(objects, "StatefulSet", "orders") == [{"matchExpressions": [_BUILD]}]
    assert required_nodes(objects, "Pod", "orders-test") == [{"matchExpressions": [_BUILD]}]
    assert required_nodes(objects, "StatefulSet", "orders-anchor") == []  # they follow
    assert required_nodes(render({"affinity": given}, chart=carrier), "StatefulSet", "orders") == [
        {"matchExpressions": [on_disk, _BUILD]},
        {"matchFields": [], "matchExpressions": [_BUILD]},
        {},
    ]
    for values in (LINUX, {"launcher": {"source": "host"}}):
        others = render(values, chart=carrier)
        assert required_nodes(others, "StatefulSet", "orders") == []
        assert required_nodes(others, "Pod", "orders-test") == []
    assert_accepted(objects, "1.31")


@pytest.mark.parametrize(
    ("values", "there"),
    [
        ({}, True),
        ({"launcher": {"source": "host"}}, True),
        ({"launcher": {"python": r"C:\mooring\py312\python.exe"}}, True),
        ({"launcher": {"python": r"C:\Python\python.exe"}}, False),
        ({"launcher": {"python": r"C:\mooring-python\python.exe"}}, False),
        ({"launcher": {"python": r"C:\Python\python.exe", "hostPath": r"D:\mooring"}}, True),
        ({"launcher": {"python": r"C:\Python\python.exe", "source": "host"}}, True),
    ],
)
def test_the_launchers_directory_is_never_created(carrier: Path, values: dict[str, object], there: bool) -> None:
    """Directories created below C: are open to ordinary users; a launcher that needs none of it mounts none of it."""
    objects = render(values, chart=carrier)
    found = [one["hostPath"]["type"] for one in pod_spec(objects, "orders")["volumes"] if one["name"] == "launcher"]
    assert found == (["Directory"] if there else [])
    one = container(objects, "orders")
    assert ("launcher" in [mount["name"] for mount in one["volumeMounts"]]) == there
    if not there:
        assert "MOORING_LIB" not in [entry["name"] for entry in one["env"]]


def test_the_notes_say_why_server_2019_is_left_out(carrier: Path, tmp_path: Path) -> None:
    """The notes say why a launcher stays Pending."""
    assert "no bindflt" in notes(tmp_path / "one", {}, carrier)
    assert "no bindflt" not in notes(tmp_path / "two", {"launcher": {"source": "host"}}, carrier)
