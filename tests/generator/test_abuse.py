"""No file can harm mooring: each is one clear error with its place, exit code 2, nothing written, in 2 s and 300 MB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mooring.chart.render import render_chart
from mooring.cli import main as _cli
from mooring.inputs.app import make_app
from mooring.model.nodes import ListOf, MapOf, Node, Obj, Open, Str, StringMap
from mooring.model.values import VALUES

from tests.generator.abuse import KINDS
from tests.generator.conftest import tree
from tests.tools import require

ROOT = Path(__file__).parents[2]
MUTANTS = 40
LEAST = {"app": 200, "import": 200, "platform": 150}
_PLACE = re.compile(r"(mooring: )?\S*(case\.yaml|app\.yaml|passwd)(:\d+:\d+)?: .{10,}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_bad_file_is_one_clear_error(kind: str) -> None:
    """Every bad file of the table is refused with its place, and so is every mutant that is not still correct."""
    command = [sys.executable, "-m", "tests.generator.abuse", kind, str(MUTANTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{lines[-1]}: {done.stderr}"
    cases = [head | outcome for head, outcome in zip(lines[::2], lines[1::2], strict=True)]
    wrong = {case["name"]: why for case in cases if (why := _what_is_wrong(case))}
    assert not wrong, "\n".join(f"{name}: {why}" for name, why in wrong.items())
    refused = [case for case in cases if case["code"] == 2]
    assert sum(case["table"] == "fuzz" for case in refused) >= MUTANTS // 2
    print(f"figure: bad files of kind {kind} refused: {len(refused)}")
    assert len(refused) >= LEAST[kind]


def _what_is_wrong(case: dict[str, Any]) -> str:
    """Return what is wrong with how a case was refused; a mutant may be correct."""
    if case["cpu_s"] > 2 or case["rss_mib"] > 300:
        return f"took {case['cpu_s']:.1f} s of CPU and {case['rss_mib']:.0f} MiB"
    if case["table"] == "fuzz" and case["code"] == 0:
        return ""
    if (case["code"], case["out"], case["written"]) != (2, "", []):
        return f"exit code {case['code']}, wrote {case['written']}, said {case['out'][:200]} {case['err'][:300]}"
    lines = case["err"].splitlines()
    strays = [line for line in lines if not _PLACE.match(line) or not line.isprintable()]
    return f"said {strays[0][:300]!r}" if strays or not lines else ""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind in turn, with a correct file of it as case.yaml."""
    chosen = KINDS[request.param]
    for name, text in {**chosen.beside, "case.yaml": chosen.valid}.items():
        (tmp_path / name).write_text(text)
    return str(request.param)


Call = Callable[[list[str]], tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs mooring in the test's own directory, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(words: list[str]) -> tuple[int, str, str]:
        code = _cli.main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def asked(kind: str, source: object = "case.yaml", out: object = "out") -> list[str]:
    """Return the command for another source or output path."""
    return [str(source) if word == "case.yaml" else str(out) if word == "out" else word for word in KINDS[kind].command]


def test_a_source_that_is_no_file_is_one_clear_error(tmp_path: Path, kind: str, call: Call) -> None:
    """Endless devices, loops of links, links to nowhere and empty directories are reported; nothing is written."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent/file")
    (tmp_path / "empty").mkdir()
    for source in ("/dev/zero", "loop", "nowhere", "empty", "absent", "case.yaml/below", "/proc/self/mem", "x" * 5000):
        code, stdout, stderr = call(asked(kind, source))
        assert (code, stdout) == (2, ""), stderr
        assert stderr.removeprefix("mooring: ").startswith(source[:200])
        assert len(stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path, kind: str, call: Call) -> None:
    """Files, links and file systems that cannot be written to as --out are reported; what is there does not change."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    before = tree(tmp_path)
    for out in ("file", "file/below", "loop", "/proc/mooring", "/dev/null", "x" * 300):
        code, stdout, stderr = call(asked(kind, out=out))
        assert (code, stdout) == (2, ""), stderr
        assert stderr.startswith(out[:200])
        assert len(stderr.splitlines()) == 1
    assert tree(tmp_path) == before


def test_a_link_in_place_of_the_result_is_not_followed(tmp_path: Path, kind: str, call: Call) -> None:
    """A link in place of the chart or the App is reported, and its target is not touched."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("orders", "orders.yaml"):
        (tmp_path / "out" / name).symlink_to("../elsewhere")
    code, stdout, stderr = call(asked(kind))
    assert (code, stdout) == (2, "")
    assert re.match(r"out/orders(\.yaml)?: (is a link|exists already)", stderr)
    assert not [*(tmp_path / "elsewhere").iterdir()]


@pytest.mark.sandbox
def test_a_full_disk_leaves_nothing(tmp_path: Path, kind: str, call: Call) -> None:
    """On a full disk the error names the file, and nothing that was begun is left."""
    (tmp_path / "out").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k,nr_inodes=64", "disk", "out"], check=True)
    try:
        (tmp_path / "out" / "other").write_bytes(b"x" * 32 * 1024)
        code, _, stderr = call(asked(kind))
        assert (code, bool(re.fullmatch(r"out/\S+: no space left on device\n", stderr))) == (2, True), stderr
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["other"]
    finally:
        subprocess.run(["umount", "out"], check=True)


def test_names_that_a_windows_disk_takes_for_one_are_a_clash(tmp_path: Path, call: Call) -> None:
    """Of two Apps whose names differ only by case neither is written."""
    for name in ("orders", "Orders"):
        (tmp_path / f"{name}-app.yaml").write_text(KINDS["app"].valid.replace("orders\n", f"{name}\n"))
    code, _, stderr = call(["generate", "orders-app.yaml", "Orders-app.yaml", "--out", "out"])
    assert code == 2
    assert stderr.count("has an App with this name too; neither is written") == 2
    assert not (tmp_path / "out").exists()


CODE = [
    '{{ fail "helm ran it" }}',
    '{{- include "x" . -}}',
    "{{ .Files.Get `/etc/passwd` }}",
    "<% raise %>",
    "<%= 1/0 %>",
    "<%# x",
    "{% x %}",
    "{{ 1/0 }}",
    "${x}",
    "%>",
    "}}",
]


_NEEDED: dict[str, dict[str, Any]] = {
    "MetricSpec": {"type": "Pods", "pods": {"metric": {"name": "a"}}},
    "ScaleTriggers": {"type": "a", "metadata": {}},
    "Toleration": {"key": "a"},
    "EnvVar": {"name": "a"},
    "EnvFromSource": {"secretRef": {"name": "a"}},
    "Volume": {"name": "a"},
    "VolumeMount": {"name": "a", "mountPath": "C:\\mounted"},
    "PersistentVolumeClaim": {
        "metadata": {"name": "b"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    },
    "Container": {"name": "a", "image": "a"},
}
"""What Kubernetes requires of a value in its own format."""


def _filled(node: Node, text: str) -> Any:
    """Return a value of a node with this text wherever any text may be."""
    if isinstance(node, Obj):
        filled = {name: _filled(child, text) for name, child in node.fields.items()}
        return {name: value for name, value in filled.items() if value is not None}
    if isinstance(node, MapOf):
        item = _filled(node.item, text)
        return {"a": item} if item and re.search(node.key_pattern, "a") and "required" not in item else None
    if isinstance(node, ListOf):
        item = _filled(node.item, text)
        return None if item is None else [item]
    if isinstance(node, Open):
        one = (
            {}
            if isinstance(node, StringMap) and node.item_pattern
            else {**_NEEDED.get(node.kubernetes, {}), "note": text}
        )
        return [one] if node.is_list else one
    return text if isinstance(node, Str) and not (node.pattern or node.enum) else None


def test_no_template_code_of_an_app_is_ever_run(tmp_path: Path) -> None:
    """Code of Jinja2 and of Helm in every text that an App may hold is text in the chart, and in what Helm renders."""
    text = " ".join(CODE)
    values = _filled(VALUES, text)
    # What other rules restrict more than to any text; the rest of the tree keeps it.
    exe = f"C:\\{text}.exe"
    values["target"] |= {"exe": exe, "workingDir": f"C:\\{text}", "runAs": "", "signedBy": "", "ports": {}}
    values["target"]["placeholders"] = "literal"
    values["target"]["mounts"] = {"a": {"hostPath": f"C:\\{text}"}}
    values["target"]["perOrdinal"] = {"0": {"args": [text], "env": {"A": text}}}
    values["launcher"] |= {"hostPath": "", "python": ""}
    values["anchor"] |= {"selector": "", "affinity": {}}
    values["mesh"]["linkerd"]["httpRoutes"] = {}
    values |= {"affinity": {}, "hostAliases": [], "probes": {}, "lifecycle": {}, "topologySpreadConstraints": []}
    values |= {"routes": {}, "networkPolicy": {}}
    values["gate"] |= {key: {} for key in ("http", "tcp", "ports", "processes")}
    values["gate"]["exec"] = {"a": {"command": [exe, text]}}
    values["extraObjects"] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": text}}]
    app = {"name": "orders", "version": "1.0.0", "appVersion": text, "description": text, "keywords": [text]}
    files = render_chart(make_app({**app, "maintainers": [{"name": text, "email": text}], "values": values}))
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    done = subprocess.run(
        [require("helm"), "template", "x", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert files["values.yaml"].count("helm ran it") > 20
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    (data,) = [each["data"] for each in objects if each["kind"] == "ConfigMap"]
    assert data == {"k": text}
    (launchers,) = [each for each in objects if each["metadata"]["name"] == "x" and each["kind"] == "StatefulSet"]
    config = json.loads(launchers["spec"]["template"]["metadata"]["annotations"]["mooring/config"])
    assert (config["target"]["exe"], config["target"]["args"]) == (exe, [text])
    assert config["gate"]["exec"]["a"]["command"] == [exe, text]
