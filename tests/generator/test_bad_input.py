"""Every way an App can be wrong is reported with its place, what was found and what is allowed; nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.errors import ExitCode

from tests.generator.conftest import APP

EXE = r"    exe: 'C:\apps\orders\orders.exe'" + "\n"

BAD_APPS = {
    "syntax error": (
        APP.replace("port: 8080,", "port: 8080"),
        "10:42: not valid YAML: did not find expected ',' or '}'",
    ),
    "tab for indentation": (
        APP.replace("  replicas: 3", "\treplicas: 3"),
        "6:1: not valid YAML: a tab where YAML requires spaces; indent with spaces",
    ),
    "character that Helm cannot read": (
        APP.replace("replicas: 3", 'priorityClassName: "a\\uFFFEb"'),
        "6:22: values.priorityClassName: holds the character U+FFFE, which Helm cannot read; leave it out",
    ),
    "duplicate key": (
        APP + "  replicas: 4\n",
        "11:3: values.replicas: duplicate key replicas, first on line 6; remove one",
    ),
    "unknown key": (APP.replace("replicas", "replica"), "6:3: values.replica: unknown key; did you mean replicas?"),
    "unknown key far from all": (APP + "extra: 1\n", "11:1: extra: unknown key; allowed: apiVersion, kind, name,"),
    "unknown key in a map's entry": (
        APP.replace("servicePort", "serviceport"),
        "10:32: values.target.ports.http.serviceport: unknown key; did you mean servicePort?",
    ),
    "wrong type": (
        APP.replace("replicas: 3", "replicas: three"),
        '6:13: values.replicas: found "three", text; must be a whole number',
    ),
    "number where text belongs": (
        APP.replace("1.4.0", "1.4"),
        "4:10: version: found 1.4, a number; must be text; put it in quotes",
    ),
    "true where a number belongs": (
        APP.replace("replicas: 3", "replicas: yes"),
        "6:13: values.replicas: found true; must be a whole number",
    ),
    "map where a list belongs": (
        APP.replace("['--config', 'C:\\apps\\orders\\prod.json']", "{}"),
        "9:11: values.target.args: found {}; must be a list",
    ),
    "null in a list": (
        APP.replace("'--config'", "null"),
        "9:12: values.target.args[0]: found null; must be text",
    ),
    "not one of the choices": (
        APP + "  platform: Windows\n",
        '11:13: values.platform: found "Windows"; must be one of windows, linux; did you mean windows?',
    ),
    "missing exe": (
        APP.replace(EXE, ""),
        "8:5: values.target.exe: is missing: must be set; write the program's full path",
    ),
    "empty exe": (
        APP.replace(r"'C:\apps\orders\orders.exe'", "''"),
        '8:10: values.target.exe: found ""; must be set; write the program\'s full path',
    ),
    "port out of range": (
        APP.replace("8080", "70000"),
        "10:26: values.target.ports.http.port: found 70000; must be between 1 and 65535",
    ),
    "port twice": (
        APP.replace("{http: {port: 8080, servicePort: 80}}", "{http: {port: 8080}, two: {port: 8080}}"),
        "10:45: values.target.ports.two.port: found 8080; is used by more than one port of target.ports",
    ),
    "port's name": (
        APP.replace("http:", "HTTP:"),
        '10:13: values.target.ports.HTTP: the key "HTTP" is not allowed; it must be lower-case letters',
    ),
    "name not a DNS label": (
        APP.replace("name: orders", "name: Orders_1"),
        '3:7: name: found "Orders_1"; must be a DNS',
    ),
    "name with a line end": (
        APP.replace("name: orders", 'name: "orders\\n"'),
        '3:7: name: found "orders\\n"; must be a DNS',
    ),
    "name too long": (
        APP.replace("name: orders", f"name: {'o' * 46}"),
        f'3:7: name: found "{"o" * 46}", 46 characters; must have at most 45, so that <name>-anchor-<ordinal> fits',
    ),
    "version not SemVer": (
        APP.replace("1.4.0", "1.04.0"),
        '4:10: version: found "1.04.0"; must be a semantic version such as 1.4.0',
    ),
    "wrong kind": (APP.replace("kind: App", "kind: Pod"), '2:7: kind: found "Pod"; must be App'),
    "wrong apiVersion": (
        APP.replace("mooring/v1", "apps/v1"),
        '1:13: apiVersion: found "apps/v1"; must be mooring/v1',
    ),
    "two documents": (APP + "---\n" + APP, "11:1: a second document starts here; one file holds one document"),
    "not UTF-8": (APP.encode() + b"description: caf\xe9\n", "11:17: is not UTF-8: byte 0xe9 here"),
    "UTF-16": (APP.encode("utf-16"), "1:1: is not UTF-8: byte 0xff here"),
    "empty file": ("", "1:1: is empty"),
    "only a comment": ("# soon\n", "1:1: is empty"),
    "only null": ("---\n", "found null; must be a map"),
    "a list": ("- a\n", '1:1: found ["a"]; must be a map'),
    "control character": (APP + "description: a\x01\n", "11:15: not valid YAML: character 0x01 is not allowed"),
    "tag": (APP + "description: !!binary YQ==\n", "11:14: description: tag tag:yaml.org,2002:binary is not allowed"),
    "merge key": (APP + "<<: {description: x}\n", "11:1: merge keys (<<) are not allowed"),
    "placeholder without quotes": (
        APP.replace("replicas: 3", "replicas: {{ n }}"),
        "6:14: values.replicas: a key must be",
    ),
    "key that reads as a truth value": (APP + "on: 1\n", "11:1: key on reads as true or false; quote it"),
    "not a number": (
        APP.replace("replicas: 3", "replicas: .nan"),
        "6:13: values.replicas: .nan is not a number in JSON",
    ),
    "unknown alias": (APP + "description: *text\n", "11:14: description: alias *text has no anchor &text before it"),
    "nested too deep": (APP + "description: " + "[" * 100_000, "is nested more than 64 deep"),
    "values missing": (APP.split("values:")[0], "1:1: values: is missing"),
    "relative path": (
        APP.replace(r"C:\apps\orders\orders.exe", "orders.exe"),
        '8:10: values.target.exe: found "orders.exe"; must be an absolute path on windows',
    ),
    "rule with a default": (
        APP + "  readiness: {periodSeconds: 60}\n",
        "6:3: values.stop.drainSeconds: found 20; must be at least readiness.periodSeconds",
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD_APPS.values(), ids=BAD_APPS.keys())
def test_bad_app_is_refused_with_its_place(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """A bad App is refused with exit code 2, its place and a sentence; nothing is written for it."""
    file = tmp_path / "orders.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = generate([str(file)], tmp_path / "out")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert expected in "\n".join(str(problem) for problem in result.problems)
    assert all(str(problem).startswith(f"{file}:") for problem in result.problems)
    assert not (tmp_path / "out").exists()


def test_aliases_cannot_grow_into_gigabytes(tmp_path: Path) -> None:
    """Aliases count as what they stand for, so a few lines of them are refused."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(lines))
    result = generate([str(file)], tmp_path / "out")
    assert "holds more than 50000 values" in str(result.problems[0])


def test_all_errors_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    """One run reports every error of every file, and writes the Apps that have none."""
    good, bad, worse = (tmp_path / name for name in ("good.yaml", "bad.yaml", "worse.yaml"))
    good.write_text(APP)
    bad.write_text(APP.replace("orders", "bad").replace("8080", "0").replace("replicas: 3", "replicas: -1"))
    worse.write_text("[")
    result = generate([str(path) for path in (bad, worse, good, tmp_path / "absent.yaml")], tmp_path / "out")
    reported = [(Path(problem.file).name, problem.key) for problem in result.problems]
    assert reported == [
        ("bad.yaml", "values.replicas"),
        ("bad.yaml", "values.target.ports.http.port"),
        ("worse.yaml", ""),
        ("absent.yaml", ""),
    ]
    assert result.exit_code == ExitCode.BAD_INPUT
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["orders"]


def test_two_apps_of_one_name_are_both_refused(tmp_path: Path) -> None:
    """Of two Apps with one name neither is written, even if one of them is wrong in another way; a third one is."""
    texts = {"a": APP, "b": APP.replace("8080", "0"), "c": APP.replace("orders", "other")}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    result = generate([str(tmp_path)], tmp_path / "out")
    clashes = [problem for problem in result.problems if problem.key == "name"]
    assert [(Path(problem.file).name, problem.line, problem.column) for problem in clashes] == [
        ("a.yaml", 3, 7),
        ("b.yaml", 3, 7),
    ]
    assert "b.yaml has an App with this name too; neither is written" in clashes[0].message
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["other"]


def test_the_same_file_twice_is_one_app(tmp_path: Path, app_file: Path) -> None:
    """An App named twice on the command line, by two paths, is read once."""
    result = generate([str(app_file), str(app_file.parent)], tmp_path / "out")
    assert (result.exit_code, len(result.charts)) == (ExitCode.DONE, 1)


def test_null_means_the_default(tmp_path: Path) -> None:
    """A known key that is null has its default, as with Helm."""
    file = tmp_path / "orders.yaml"
    file.write_text(
        APP + "  platform: null\n  gate: {cpu: null, http: {a: {port: 80, status: null}}}\ndescription: ~\n"
    )
    assert generate([str(file)], tmp_path / "out").problems == []
    assert "\nplatform: windows\n" in (tmp_path / "out/orders/values.yaml").read_text()
