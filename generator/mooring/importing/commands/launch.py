"""Find out how a HostProcess container starts a program in an anchor's compartment: cplauncher and its flags."""

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
_NO_INJECTION = "is not needed: the program's job sets the compartment, without injection"
_SELF = (
    "is not needed: the launcher sets COMPARTMENT_ID_ATTACH too, but the program no longer has to switch its threads"
)
_LOGS = "has no effect: the launcher logs to its container, whose log Kubernetes rotates"

# Flags of cplauncher (see its README): whether a value follows, and what replaces the flag.
_FLAGS: dict[str, tuple[bool, str]] = {
    "label": (True, ""),
    "namespace": (True, ""),
    "compartment": (True, ""),
    "label-timeout": (True, "is now anchor.waitSeconds, 300 by default"),
    "dll": (True, _NO_INJECTION),
    "export": (True, _NO_INJECTION),
    "no-inject": (False, _NO_INJECTION),
    "legacy-inject": (False, _NO_INJECTION),
    "self-env": (False, _SELF),
    "env-name": (
        True,
        "is not supported: mooring only sets COMPARTMENT_ID_ATTACH; a program that reads the other variable gets none",
    ),
    "logs-keep": (True, _LOGS),
    "log-max-age": (True, _LOGS),
    "verbosity": (True, _LOGS),
    "v": (True, _LOGS),
    "wait-tree": (False, ""),
    "dry-run": (False, "started nothing; the App starts the program"),
    "version": (False, "started nothing; the App starts the program"),
}


@dataclass(frozen=True, slots=True)
class Launch:
    """What a container starts, and where: the anchor's labels and namespace ("" if not given), program, arguments."""

    selector: str
    namespace: str
    exe: str
    args: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What is different now, one sentence each."""
    working_dir: str = ""
    """The program's working directory, "" if the command does not set it."""
    script: str = ""
    """Name of the ConfigMap with the script, for the newer form without cplauncher."""
    waits_for_tree: bool = False
    """Whether it waited for the program's last process (-wait-tree), not only for the first."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A container's command without the shell in front: its words, or the file or text of a script."""

    words: tuple[str, ...] = ()
    script_file: str = ""
    script_text: str = ""
    working_dir: str = ""
    changes: tuple[str, ...] = ()
    """What is different now, one sentence each."""


def unwrap(command: Sequence[str], environment: Environment) -> CommandLine:
    """Strip cmd or PowerShell from a container's command. Raises NotUnderstoodError.

    containerd's shim joins the words into one line and starts it: directly on Windows Server 2019, with `cmd /c` on
    later ones (hcsshim's jobcontainers). What the two would read differently is refused, or reported if the intent is
    clear.
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
    """What to report about a command line, and its program's working directory."""

    changes: list[str] = field(default_factory=list)
    working_dir: str = ""


def _is(words: Sequence[str], names: Sequence[str]) -> bool:
    return bool(words) and ntpath.basename(words[0]).lower() in names


def _as_written(line: str, notes: Notes) -> str:
    """Take a line that is one word, and report that its quotation marks do not reach the node unchanged."""
    if line.lstrip().startswith('"'):
        refuse('it begins with a quotation mark, which containerd passes on as \\"; write each word as a separate item')
    if '"' in line:
        notes.changes.append(
            'the command is one text with quotation marks, which containerd passes on as \\"; the App has it as written'
        )
        joined = join_windows([line])
        letter = cmd.unquoted(joined, "&|<>^")
        if letter:
            message = (
                f'{letter!r} is in quotation marks that containerd passes on as \\", so cmd interprets it; write each'
            )
            refuse(f"{message} word as a separate item")
    return line


def _check_shim(words: Sequence[str], notes: Notes) -> None:
    """Refuse words that the shim's own `cmd /c` would interpret, on Windows Server 2022 and later."""
    line = join_windows(words)
    letter = cmd.unquoted(line, "&|<>^")
    where = "Windows Server 2022 and later start each HostProcess command with cmd /c, which"
    if letter:
        what = "it contains a line break, and" if "\n" in line else f"{letter!r} is not quoted, and"
        refuse(
            f"{what} {where} interprets {letter!r}; leave it out (containerd only quotes words that contain a space)"
        )
    for name in cmd.names(line):
        if name.upper() != SANDBOX:
            refuse(f"it contains %{name}%; {where} expands it, but earlier ones do not; write the value instead")
    if cmd.strip_quotes(line, always=False) != line:
        message = f"the program's path is quoted, and {where} strips the line's first and last quotation mark"
        refuse(f"{message}; write cplauncher's path without spaces")
    if "\n" in line:
        notes.changes.append(f"{where} reads only the command's first line; the App has all of it")


def _unwrap_cmd(words: list[str], environment: Environment, notes: Notes) -> CommandLine:
    """Read what follows cmd.exe: one text is a line as written, several words are joined as the shim does."""
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
        message = (
            f"{what} is read twice, because Windows Server 2022 and later start each HostProcess command with cmd /c"
        )
        refuse(f"{message}; write the line after /c as one text")
    return found


def _read_cmd(tail: str, environment: Environment, notes: Notes) -> CommandLine:
    line, strip = cmd.read_options(tail)
    called = cmd.read_line(cmd.strip_quotes(line, strip), environment.find, environment.assign)
    if called is None or not called.line:
        refuse("cmd does not start a program; write its command after /c")
    if called.around and cmd.unquoted(tail, "&"):
        notes.changes.append(
            f"{', '.join(called.around)}: Windows Server 2022 and later split the line there before cmd.exe starts, so "
            "it may have had no effect; in the App it has its intended effect"
        )
    notes.working_dir = called.working_dir or notes.working_dir
    if any(each.lower().startswith("exit") for each in called.around):
        notes.changes.append("the pod now ends with the program's own exit code")
    return _unwrap_line(called.line, environment, notes)


def _unwrap_line(line: str, environment: Environment, notes: Notes) -> CommandLine:
    """Read the line that a program gets; the program may be another shell."""
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
    """Return a command's whole text, with -EncodedCommand decoded, to search it for marks."""
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
        refuse(f"cplauncher is started by {words[0]!r}, which an App cannot do; start it directly")
    return None


def check_program(exe: str, args: Sequence[str]) -> None:
    """Refuse a program's path that a space has cut in two."""
    if not _ENDING.search(exe) and any(_ENDING.search(word) and "\\" in word for word in args):
        refuse(f"the program is {exe!r}, because a space ends it; write the whole path as a separate word")


_TRUE = ("", "1", "t", "T", "true", "True", "TRUE")
"""Values that set a boolean flag: none, or what Go's strconv.ParseBool reads as true."""


@dataclass(slots=True)
class _Flags:
    values: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)


def _read_flags(words: list[str]) -> Launch:
    flags = _parse_flags(words)
    if "compartment" in flags.values and "label" not in flags.values:
        message = (
            f"-compartment {flags.values['compartment']} is a compartment's number, which is not stable; "
            "give the anchor's labels with -label"
        )
        refuse(message)
    if not flags.values.get("label"):
        refuse("-label is missing, so the anchor is unknown; add it")
    if not flags.target:
        refuse("there is no program after --; add it")
    exe, *args = flags.target
    check_program(exe, args)
    waits = flags.values.get("wait-tree") in _TRUE
    label, namespace = flags.values["label"], flags.values.get("namespace", "")
    return Launch(label, namespace, exe, tuple(args), tuple(flags.changes), waits_for_tree=waits)


def _parse_flags(words: list[str]) -> _Flags:
    """Parse as Go's flag package does: -x v, --x=v, up to -- or the first word that is not a flag."""
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
            message = f"-{name} is not a known flag of cplauncher; use one of -{', -'.join(_FLAGS)}"
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
