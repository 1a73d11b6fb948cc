"""Lines of cmd: `mooring import` reads them as a real cmd.exe does, as far as Wine's is one."""

from __future__ import annotations

import json
import random
from pathlib import Path

from mooring.importing.commands import cmd
from mooring.importing.commands.words import NotUnderstoodError, split_windows

from tests.windows.machine import Machine

_COUNT = 60
_TOY = r"C:\toys\toy.exe"
_PIECES = [
    "a",
    "b c",
    '"b  c"',
    "^&",
    "^^",
    '"&"',
    "1^2",
    "x=y",
    "a,b;c",
    "--p",
    '"a"b',
    "%",
    "50%",
    "(x)",
    "é",
    "^|",
    "/q",
]
_SETTINGS = ["set A=b&& ", 'set "A=b c" && ', "set A=b &", "set A=b^&c&&", 'set "A=b&c"&', "set a= x&& "]


def test_arguments_are_what_cmd_gives_the_program(machine: Machine) -> None:
    """For sixty random lines, the words that are read are those that the program gets from cmd."""
    chance = random.Random(18)
    lines = [
        " ".join([_TOY, "args", *(chance.choice(_PIECES) for _ in range(chance.randint(0, 4)))]) for _ in range(_COUNT)
    ]
    read = [_read(line)[0] for line in lines]
    understood = [number for number, words in enumerate(read) if words is not None]
    assert len(understood) >= _COUNT * 0.8
    said = _ask(machine, [lines[number] for number in understood])
    assert [[_TOY, "args", *_decode(text)] for text in said] == [read[number] for number in understood]


def test_variables_are_what_cmd_sets(machine: Machine) -> None:
    """Each spelling of `set` before a program gives the same value: blanks, quotation marks and carets."""
    lines = [f"{setting}{_TOY} env A" for setting in _SETTINGS]
    said = _ask(machine, lines)
    values = [next(iter(_read(line)[1].values())) for line in lines]
    assert [text.rstrip("\r\n") for text in said] == [f"={value}" for value in values]


def _read(line: str) -> tuple[list[str] | None, dict[str, str]]:
    """Return the words and the variables that the importer reads in a line, None for the words if it refuses it."""
    found: dict[str, str] = {}
    try:
        called = cmd.read_line(cmd.strip_quotes(line, always=False), lambda name: name, found.__setitem__)
        return split_windows(called.line) if called else None, found
    except NotUnderstoodError:
        return None, {}


def _ask(machine: Machine, lines: list[str]) -> list[str]:
    (machine.drive / "lines.json").write_text(json.dumps(lines), encoding="utf-8")
    said = machine.run_python(Path(__file__).parent / "inside/cmd_lines.py")
    assert isinstance(said, list)
    return said


def _decode(text: str) -> list[str]:
    """Return the arguments that the toy prints, one line of UTF-16 units in hex each."""
    return [
        bytes.fromhex("".join(line[at + 2 : at + 4] + line[at : at + 2] for at in range(0, len(line), 4))).decode(
            "utf-16-le"
        )
        for line in text.replace("\r", "").split("\n")[:-1]
    ]
