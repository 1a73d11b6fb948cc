"""Read the arguments of powershell.exe and pwsh.exe: a script's file, or a command, possibly in base64.

Source: Microsoft's about_PowerShell_exe and about_Pwsh.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.importing.commands.words import NotUnderstoodError, refuse

# PowerShell's own parameters, each with its shortest forms and its kind: s is a switch, v has a value that is ignored.
_PARAMETERS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "command": (("c",), "command"),
    "file": (("f",), "file"),
    "encodedcommand": (("e", "ec"), "encoded"),
    "noprofile": (("nop",), "s"),
    "nologo": (("nol",), "s"),
    "noninteractive": (("noni",), "s"),
    "sta": (("s",), "s"),
    "mta": (("m",), "s"),
    "executionpolicy": (("ex", "ep"), "v"),
    "inputformat": (("in", "if"), "v"),
    "outputformat": (("o", "of"), "v"),
    "windowstyle": (("w",), "v"),
    "version": (("v",), "v"),
    "workingdirectory": (("wo", "wd"), "directory"),
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What PowerShell runs: a script's file with words, or a command's text; and its working directory."""

    file: str = ""
    words: tuple[str, ...] = ()
    text: str = ""
    working_dir: str = ""


def read_arguments(words: Sequence[str], *, is_core: bool = False) -> Arguments:
    """Read the words after powershell.exe, or after pwsh.exe (`is_core`). Raises NotUnderstoodError."""
    at, directory = 0, ""
    while at < len(words):
        word = words[at]
        if word[:1] not in ("-", "/") or len(word) < 2:
            if is_core and not word.lower().endswith(".ps1"):
                refuse("pwsh reads its first word as a script's file; write -Command before it")
            return Arguments(file=word, words=tuple(words[at + 1 :]), working_dir=directory) if is_core else Arguments(
                text=" ".join(words[at:]), working_dir=directory
            )  # fmt: skip
        rest = words[at + 1 :]
        match _find_parameter(word, is_core):
            case "s":
                at += 1
            case _ if not rest:
                refuse(f"PowerShell has nothing to run: nothing follows {word}; add a command")
            case "v":
                at += 2
            case "directory":
                directory, at = rest[0], at + 2
            case "file":
                return Arguments(file=rest[0], words=tuple(rest[1:]), working_dir=directory)
            case "encoded":
                if len(rest) > 1:
                    refuse("more than one word follows -EncodedCommand; give only the encoded one")
                return Arguments(text=decode(rest[0]), working_dir=directory)
            case _:
                text = " ".join(rest)
                if text.strip() == "-":
                    refuse("PowerShell reads its commands from standard input, which a container lacks; write them out")
                return Arguments(text=text, working_dir=directory)
    raise NotUnderstoodError("PowerShell has nothing to run; add a command")


def _find_parameter(word: str, is_core: bool) -> str:
    name = word[1:].lower()
    for full, (shortest, kind) in _PARAMETERS.items():
        begins = any(name == each or (full.startswith(name) and name.startswith(each)) for each in shortest)
        if begins and not (full == "workingdirectory" and not is_core) and not (full == "version" and is_core):
            return kind
    known = ", ".join(f"-{each}" for each in _PARAMETERS)
    message = f"PowerShell has the unknown parameter {word}; use one of {known}"
    raise NotUnderstoodError(message)


def decode(text: str) -> str:
    """Decode the value of -EncodedCommand: UTF-16 in base64. Raises NotUnderstoodError."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        raise NotUnderstoodError("the value of -EncodedCommand is not UTF-16 text in base64") from None
