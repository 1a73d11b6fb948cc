"""Understand how a HostProcess container starts a program in an anchor's compartment: cplauncher and its flags."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mooring.importing.commands import cmd
from mooring.importing.commands.environment import SANDBOX, Environment
from mooring.importing.commands.powershell_arguments import decode, read_arguments
from mooring.importing.commands.powershell_script import read_start
from mooring.importing.commands.words import NotUnderstoodError, join_windows, refuse, split_windows

_PROGRAM = ("cplauncher", "cplauncher.exe")
_CMD = ("cmd", "cmd.exe")
_POWERSHELL = ("powershell", "powershell.exe", "pwsh", "pwsh.exe")
_CALLED = re.compile(r"cplauncher(?:\.exe)?\b.*\s--?(?:label|compartment)\b", re.IGNORECASE | re.DOTALL)
_ENDING = re.compile(r"\.(?:exe|com|cmd|bat)$", re.IGNORECASE)
_NO_INJECTION = "is not needed: the program's job carries the compartment, nothing is injected"
_SELF = "the launcher sets COMPARTMENT_ID_ATTACH too, but the program need not switch its threads itself any more"
_LOGS = "has no meaning here: the launcher logs to its container, and Kubernetes rotates that"

# Flags of cplauncher (its README), each with whether a value follows and what became of it.
_FLAGS: dict[str, tuple[bool, str]] = {
    "label": (True, ""),
    "namespace": (True, ""),
    "compartment": (True, ""),
    "label-timeout": (True, "is anchor.waitSeconds now, 300 by default"),
    "dll": (True, _NO_INJECTION),
    "export": (True, _NO_INJECTION),
    "no-inject": (False, _NO_INJECTION),
    "legacy-inject": (False, _NO_INJECTION),
    "self-env": (False, _SELF),
    "env-name": (
        True,
        "is not set by mooring: COMPARTMENT_ID_ATTACH alone is; a program that reads the other gets none",
    ),
    "logs-keep": (True, _LOGS),
    "log-max-age": (True, _LOGS),
    "verbosity": (True, _LOGS),
    "v": (True, _LOGS),
    "wait-tree": (False, ""),
    "dry-run": (False, "would have started nothing; the App starts the program"),
    "version": (False, "would have started nothing; the App starts the program"),
}


@dataclass(frozen=True, slots=True)
class Launch:
    """What a container starts, and where: the anchor's labels and namespace ("" if not said), program and arguments."""

    selector: str
    namespace: str
    exe: str
    args: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What is different now, a sentence each."""
    working_dir: str = ""
    """Where the program is started, "" if the command does not say it."""
    script: str = ""
    """Name of the ConfigMap whose script did it, for the newer form without cplauncher."""
    waits_for_tree: bool = False
    """Whether it waited for the last process of the program (-wait-tree), not for the first alone."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A container's command, freed from the shell in front: its words, or the file or text of a script."""

    words: tuple[str, ...] = ()
    script_file: str = ""
    script_text: str = ""
    working_dir: str = ""
    changes: tuple[str, ...] = ()
    """What is different now, a sentence each."""


def unwrap(command: Sequence[str], environment: Environment) -> CommandLine:
    """Take cmd or PowerShell off a container's command. Raises NotUnderstoodError.

    containerd's shim makes one line of the words and starts it: by itself on Windows Server 2019, by `cmd /c` on later
    ones (hcsshim's jobcontainers). What would be read differently by the two is refused, or told where it is plain
    what was meant.
    """
    words = [environment.expand(word) for word in command]
    notes = Notes()
    if _is(words[:1], _CMD):
        line = _unwrap_cmd(words, environment, notes)
    elif len(words) == 1 and " " in words[0].strip():
        line = _read_cmd(f'/c "{_as_written(words[0], notes)}"', environment, notes)
    else:
        _check_shim(words, notes)
        line = _unwrap_words(words, environment, notes)
    return replace(line, changes=tuple(notes.changes), working_dir=line.working_dir or notes.working_dir)


@dataclass(slots=True)
class Notes:
    """What is told of a command line, and where its program is started."""

    changes: list[str] = field(default_factory=list)
    working_dir: str = ""


def _is(words: Sequence[str], names: Sequence[str]) -> bool:
    return bool(words) and ntpath.basename(words[0]).lower() in names


def _as_written(line: str, notes: Notes) -> str:
    """Take a line that is one word, and tell that its quotation marks do not reach the node as they are."""
    if line.lstrip().startswith('"'):
        refuse(
            'it begins with a quotation mark, which containerd passes on as \\"; write each word as an item of its own'
        )
    if '"' in line:
        notes.changes.append(
            'the command is one text with quotation marks in it, each of which containerd passes on as \\": it is read '
            "here as it is written"
        )
        joined = join_windows([line])
        letter = cmd.unquoted(joined, "&|<>^")
        if letter:
            message = (
                f'{letter!r} stands in quotation marks that containerd passes on as \\", so cmd reads it; write each'
            )
            refuse(f"{message} word as an item of its own")
    return line


def _check_shim(words: Sequence[str], notes: Notes) -> None:
    """Refuse words that the shim's own `cmd /c` would read, as it does on Windows Server 2022 and later."""
    line = join_windows(words)
    letter = cmd.unquoted(line, "&|<>^")
    where = "Windows Server 2022 and later start each HostProcess command by cmd /c, which reads"
    if letter:
        what = "it holds a line end, and" if "\n" in line else f"{letter!r} is not in quotation marks, and"
        refuse(f"{what} {where} {letter!r} itself; a word with a blank in it is quoted, others are not")
    for name in cmd.names(line):
        if name.upper() != SANDBOX:
            refuse(f"it holds %{name}%; {where} that, and earlier ones do not: write the value there")
    if cmd.strip_quotes(line, always=False) != line:
        message = f"the program's path is quoted, and {where} the line without its first and last quotation mark"
        refuse(f"{message}; write cplauncher's path without blanks")
    if "\n" in line:
        notes.changes.append(f"{where} no further than a command's first line; the App has all of it")


def _unwrap_cmd(words: list[str], environment: Environment, notes: Notes) -> CommandLine:
    """Read what follows cmd.exe: one text is the line as it is written, several words are joined as the shim does."""
    options = 1
    while options < len(words) and words[options].startswith("/") and words[options].lower() not in ("/c", "/r"):
        options += 1
    command = words[options + 1 :]
    if len(command) == 1 and re.search(r"\s", command[0]):
        head = join_windows(words[1 : options + 1])
        return _read_cmd(f'{head} "{_as_written(command[0], notes)}"', environment, notes)
    line = join_windows(words[1:])
    found = _read_cmd(line, environment, notes)
    letter = cmd.unquoted(line, "^")
    if letter or any(set('%^&|<>"') & set(environment.find(name)) for name in cmd.names(line)):
        what = "^" if letter else "a variable's value"
        message = f"{what} is read twice, as Windows Server 2022 and later start each HostProcess command by cmd /c"
        refuse(f"{message}; write the line after /c as one text")
    return found


def _read_cmd(tail: str, environment: Environment, notes: Notes) -> CommandLine:
    line, strip = cmd.read_options(tail)
    called = cmd.read_line(cmd.strip_quotes(line, strip), environment.find, environment.assign)
    if called is None or not called.line:
        refuse("cmd starts no program")
    if called.around and cmd.unquoted(tail, "&"):
        notes.changes.append(
            f"{', '.join(called.around)}: Windows Server 2022 and later split the line there before cmd.exe is "
            "started, so it may have had no effect; the App has it as it is meant"
        )
    notes.working_dir = called.working_dir or notes.working_dir
    if any(each.lower().startswith("exit") for each in called.around):
        notes.changes.append("the pod ends with the program's own exit code now")
    return _unwrap_line(called.line, environment, notes)


def _unwrap_line(line: str, environment: Environment, notes: Notes) -> CommandLine:
    """Go on with the line that a program gets, which may be a shell again."""
    words = split_windows(line)
    if _is(words, _CMD):
        first = re.match(r'"[^"]*"|\S+', line)
        return _read_cmd(line[first.end() if first else 0 :], environment, notes)
    return _unwrap_words(words, environment, notes)


def _unwrap_words(words: list[str], environment: Environment, notes: Notes) -> CommandLine:
    if not _is(words, _POWERSHELL):
        return _classify(words)
    called = read_arguments(words[1:], is_core=ntpath.basename(words[0]).lower().startswith("pwsh"))
    notes.working_dir = called.working_dir or notes.working_dir
    if called.file:
        return CommandLine(script_file=called.file, words=called.words)
    if "COMPARTMENT_ID_ATTACH" in called.text:
        return CommandLine(script_text=called.text)
    start = read_start(called.text, environment)
    notes.working_dir = start.working_dir or notes.working_dir
    return _unwrap_line(join_windows(start.words), environment, notes)


def _classify(words: list[str]) -> CommandLine:
    if words and words[0].lower().endswith((".ps1", ".cmd", ".bat")):
        return CommandLine(script_file=words[0], words=tuple(words[1:]))
    return CommandLine(tuple(words))


def mentioned(command: Sequence[str]) -> str:
    """Return all that a command says, with what -EncodedCommand holds: enough to tell whether it may be of interest."""
    words = [*command]
    for option, text in pairwise(command):
        if option[:1] in ("-", "/") and option[1:2].lower() == "e":
            with suppress(NotUnderstoodError):
                words.append(decode(text))
    return " ".join(words)


def find_cplauncher(line: CommandLine) -> Launch | None:
    """Read cplauncher's command line; None if the words start another program. Raises NotUnderstoodError."""
    words = [*line.words]
    if _is(words, _PROGRAM):
        launch = _read_flags(words[1:])
        return replace(launch, working_dir=line.working_dir, changes=(*launch.changes, *line.changes))
    if words and _CALLED.search(" ".join(words)):
        refuse(f"cplauncher is started by {words[0]!r}, which an App cannot do; start it by itself")
    return None


def check_program(exe: str, args: Sequence[str]) -> None:
    """Refuse a program's path that a blank has cut in two."""
    if not _ENDING.search(exe) and any(_ENDING.search(word) and "\\" in word for word in args):
        refuse(f"the program is {exe!r}, as a blank ends it; write the whole path as a word of its own")


_TRUE = ("", "1", "t", "T", "true", "True", "TRUE")
"""What switches a flag on that takes no value: nothing, or what Go's strconv.ParseBool takes for true."""


@dataclass(slots=True)
class _Flags:
    values: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)


def _read_flags(words: list[str]) -> Launch:
    flags = _parse_flags(words)
    if "compartment" in flags.values and "label" not in flags.values:
        message = (
            f"-compartment {flags.values['compartment']} is the number a compartment happened to have; "
            "give the anchor's labels with -label"
        )
        refuse(message)
    if not flags.values.get("label"):
        refuse("-label is missing, so nobody knows which anchor is meant")
    if not flags.target:
        refuse("no program stands behind --")
    exe, *args = flags.target
    check_program(exe, args)
    waits = flags.values.get("wait-tree") in _TRUE
    label, namespace = flags.values["label"], flags.values.get("namespace", "")
    return Launch(label, namespace, exe, tuple(args), tuple(flags.changes), waits_for_tree=waits)


def _parse_flags(words: list[str]) -> _Flags:
    """Parse as Go's flag package does: -x v, --x=v, up to -- or the first word that is no flag."""
    found = _Flags()
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            words.insert(0, word)
            break
        name, equals, value = word.lstrip("-").partition("=")
        if name not in _FLAGS:
            message = f"-{name} is no flag of cplauncher that is known here; known are -{', -'.join(_FLAGS)}"
            refuse(message)
        takes_value, became = _FLAGS[name]
        if takes_value and not equals:
            if not words:
                message = f"-{name} needs a value"
                refuse(message)
            value = words.pop(0)
        found.values[name] = value
        if became:
            found.changes.append(f"-{name} {value}".rstrip() + f" {became}")
    found.target = words
    return found
