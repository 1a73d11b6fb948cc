r"""A Windows path in double quotes, where YAML reads ``\t`` as a tab, is reported as such."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from mooring.errors import InputError
from mooring.text.escapes import why_misread
from mooring.text.reader import find_misread_paths, parse_yaml

from tests.generator.conftest import APP, Run

# the text between the double quotes, what the message says it contains, how to write it instead
MISREAD = [
    (r"C:\temp\robot.exe", "a tab", r"C:\temp\robot.exe"),
    (r"C:\new", "a line break", r"C:\new"),
    (r"C:\robots\a.exe", "a carriage return", r"C:\robots\a.exe"),
    (r"C:\apps", "the bell character", r"C:\apps"),
    (r"C:\bin\run.exe", "a backspace", r"C:\bin\run.exe"),
    (r"C:\vendor", "a vertical tab", r"C:\vendor"),
    (r"C:\foo", "a form feed", r"C:\foo"),
    (r"C:\etc", "the escape character", r"C:\etc"),
    (r"C:\0data", "NUL", r"C:\0data"),
    (r"C:\Program", "a paragraph separator", r"C:\Program"),
    (r"C:\Logs", "a line separator", r"C:\Logs"),
    (r"C:\NET", "a next-line character", r"C:\NET"),
    (r"C:\_data", "a no-break space", r"C:\_data"),
    (r"C:\x64\run.exe", 'the character "d"', r"C:\x64\run.exe"),
    (r"C:\\temp\robot.exe", "a carriage return", r"C:\temp\robot.exe"),
    (r"C:/temp\new", "a line break", r"C:/temp\new"),
    (r"\\server\new\a.exe", "a line break", r"\\server\new\a.exe"),
    (r"\\\\server\\share\temp", "a tab", r"\\server\share\temp"),
    (r"--config=C:\temp\a.ini", "a tab", r"--config=C:\temp\a.ini"),
    (r"/c:D:\\conf\robot.ini", "a carriage return", r"/c:D:\conf\robot.ini"),
    (r"conf\robot.xml", "a carriage return", r"conf\robot.xml"),
    (r"data\backup", "a backspace", r"data\backup"),
    (r"it's C:\temp", "a tab", r"it''s C:\temp"),
]
# the text between the double quotes, and what the message says instead of the parser's own words
NO_ESCAPE = [
    (r"C:\data\robot.exe", r"has no escape \d"),
    (r"C:\Users\robot", r"has no escape \U without eight hexadecimal digits"),
    (r"C:\update", r"has no escape \u without four hexadecimal digits"),
    (r"C:\xyz", r"has no escape \x without two hexadecimal digits"),
    (r"\\server\share", r"has no escape \s"),
    (r"^\d+$", r"has no escape \d"),
]
MEANT = [
    r"first line\nsecond line",
    r"a\tb",
    r"C:\\apps\\a.exe\nC:\\apps\\b.exe",
    r"C:\\apps\\a.exe\r\nD:\\b.exe\r\n",
    r"drive C:\n",
    r"a:\n  b: 1\n",
    r"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    r"caf\u00e9",
    r"http://host:8080/a\nb",
    r"say \"yes\"",
    r"C:\\temp\\robot.exe",
    r"A:\u0009b",
    r"\\\\server\\share",
    r"{\"path\": \"C:\\\\temp\"}",
    r"^\\d+\\.txt$",
]


def in_app(key: str, raw: str) -> str:
    """Return an App with one text in double quotes."""
    return APP.split("    exe:")[0] + f'    {key}: "{raw}"\n'


@pytest.mark.parametrize(("raw", "holds", "meant"), MISREAD, ids=[one[0] for one in MISREAD])
def test_a_path_that_yaml_reads_differently_is_refused(raw: str, holds: str, meant: str) -> None:
    """The message names the character that YAML made and shows the path in single quotes; one cause, one sentence."""
    with pytest.raises(InputError) as caught:
        parse_yaml(in_app("exe", raw).encode(), "orders.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"orders.yaml:8:10: values.target.exe: holds {holds}, because in double quotes YAML")
    assert f"write '{meant}'" in problem.message


@pytest.mark.parametrize(("raw", "words"), NO_ESCAPE, ids=[one[0] for one in NO_ESCAPE])
def test_an_unknown_escape_is_reported_as_one(raw: str, words: str) -> None:
    """Where YAML stops at a backslash, the message says so and shows the text in single quotes."""
    with pytest.raises(InputError) as caught:
        parse_yaml(in_app("exe", raw).encode(), "orders.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith("orders.yaml:8:10: not valid YAML: in double quotes YAML ")
    assert f"{words}; write '{raw}': in single quotes" in problem.message


def test_a_backslash_before_the_last_quote_is_reported_as_one() -> None:
    """A directory's path that ends in a backslash makes its closing quotation mark part of the text."""
    with pytest.raises(InputError) as caught:
        parse_yaml(in_app("workingDir", "C:\\\\data\\").encode(), "orders.yaml")
    (problem,) = caught.value.problems
    assert problem.message.startswith(r"not valid YAML: the text in double quotes never ends, because \" is")
    assert r"write 'C:\data\'" in problem.message


@pytest.mark.parametrize("raw", MEANT)
def test_an_escape_that_is_meant_stays_one(raw: str) -> None:
    """Line breaks, tabs and paths with their backslashes doubled are read as YAML reads them."""
    assert parse_yaml(in_app("exe", raw).encode(), "orders.yaml").value["values"]["target"]["exe"]


@pytest.mark.parametrize(
    ("key", "text", "column"),
    [
        ("values.target.args[1]", r'args: [a, "C:\temp\b"]', 15),
        ("values.target.env.HOME_DIR", r'env: {HOME_DIR: "C:\temp"}', 21),
        ("values.target.workingDir", r'workingDir: "C:\temp"', 17),
        ("values.target.mounts.m.hostPath", r'mounts: {m: {hostPath: "C:\temp"}}', 28),
    ],
)
def test_it_holds_for_every_text(key: str, text: str, column: int) -> None:
    """Arguments, environment, directories and mounts are paths too."""
    with pytest.raises(InputError, match="holds a tab") as caught:
        parse_yaml(f"{APP.split('    exe:')[0]}    {text}\n".encode(), "orders.yaml")
    (problem,) = caught.value.problems
    assert (problem.key, problem.column) == (key, column)


def test_a_platform_is_held_to_it(tmp_path: Path, app_file: Path, mooring: Run) -> None:
    """`mooring generate` and `mooring explain` say so for a Platform's file, with the place there."""
    platform = tmp_path / "hospital.yaml"
    platform.write_text(
        "apiVersion: mooring/v1\nkind: Platform\nname: hospital\ndefaults:\n"
        '  target: {mounts: {licence: {hostPath: "C:\\temp"}}}\n'
    )
    for words in (["generate", app_file, "--out", "out"], ["explain", app_file, "target.mounts"]):
        run = mooring(*words, "--platform", platform)
        assert run.returncode == 2
        assert "hospital.yaml:5:41: defaults.target.mounts.licence.hostPath: holds a tab" in run.stderr


def test_only_this_is_checked_in_a_values_file() -> None:
    """In a file that Helm reads, only the paths are checked: anchors, merges and other mistakes are left to Helm."""
    (one,) = find_misread_paths(b'a: &x {b: 1}\n<<: *x\nexe: "C:\\temp"\n---\n{{ c }}: 1\n', "v.yaml")
    assert str(one).startswith("v.yaml:3:6: holds a tab")
    (one,) = find_misread_paths(b'exe: "C:\\data"\n', "v.yaml")
    assert str(one).startswith(r"v.yaml:1:6: not valid YAML: in double quotes YAML has no escape \d")
    for fine in (b"", b"a: [", b"\xff", b"a: \x01", b'a: "b'):
        assert find_misread_paths(fine, "v.yaml") == []


@pytest.mark.parametrize(
    "raw", [r"a\r" + "b" * 50_000, r"C:\\" + r"ab\\" * 20_000 + "+", "a:" * 50_000, r"\t" * 50_000]
)
def test_a_long_text_takes_no_longer_than_its_length(raw: str) -> None:
    """No text makes the search try every way to read it: a second is plenty."""
    began = time.monotonic()
    why_misread(raw)
    assert time.monotonic() - began < 1
