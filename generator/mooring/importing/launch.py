"""Understand how a HostProcess container starts a program in an anchor's compartment: cplauncher and its flags."""

from __future__ import annotations

import ntpath
from collections.abc import Sequence
from dataclasses import dataclass, field

from .environment import Environment
from .words import NotUnderstoodError, expand_cmd, expand_kubernetes, split_cmd, split_powershell, split_windows

_PROGRAM = ("cplauncher", "cplauncher.exe")
_CMD = ("cmd", "cmd.exe")
_POWERSHELL = ("powershell", "powershell.exe", "pwsh", "pwsh.exe")
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


def unwrap(command: Sequence[str], environment: Environment) -> CommandLine:
    """Take cmd or PowerShell off a container's command. Raises NotUnderstoodError."""
    words = [expand_kubernetes(word, environment.known) for word in command]
    first = ntpath.basename(words[0]).lower() if words else ""
    if first in _CMD:
        return _unwrap_cmd(words[1:], environment)
    if first in _POWERSHELL:
        return _unwrap_powershell(words[1:], environment)
    if len(words) == 1 and " " in words[0].strip() and "cplauncher" in words[0].lower():
        return CommandLine(tuple(split_windows(words[0])))
    return _classify(words)


def _unwrap_cmd(words: list[str], environment: Environment) -> CommandLine:
    while words and words[0].startswith("/"):
        words = words[1:]
    if len(words) == 1:
        return _classify(split_cmd(words[0], environment.find))
    return _classify([expand_cmd(word, environment.find) for word in words])


def _unwrap_powershell(words: list[str], environment: Environment) -> CommandLine:
    at = 0
    while at < len(words):
        option = words[at].lower()
        if option in ("-executionpolicy", "-ep", "-ex", "-inputformat", "-outputformat", "-windowstyle", "-version"):
            at += 2
        elif option in ("-file", "-f"):
            return _classify([_expand_powershell(word, environment) for word in words[at + 1 :]])
        elif option in ("-command", "-c"):
            return _unwrap_text(" ".join(words[at + 1 :]), environment)
        elif option.startswith("-"):
            at += 1
        else:
            return _unwrap_text(" ".join(words[at:]), environment)
    raise NotUnderstoodError("PowerShell is given nothing to run")


def _expand_powershell(word: str, environment: Environment) -> str:
    return "".join(split_powershell(f'"{word}"', environment.find))


def _unwrap_text(text: str, environment: Environment) -> CommandLine:
    if "COMPARTMENT_ID_ATTACH" in text:
        return CommandLine(script_text=text)
    return _classify(split_powershell(text, environment.find))


def _classify(words: list[str]) -> CommandLine:
    if words and words[0].lower().endswith((".ps1", ".cmd", ".bat")):
        return CommandLine(script_file=words[0], words=tuple(words[1:]))
    return CommandLine(tuple(words))


def find_cplauncher(words: Sequence[str]) -> Launch | None:
    """Read cplauncher's command line; None if the words start another program. Raises NotUnderstoodError."""
    for number, word in enumerate(words):
        if ntpath.basename(word).lower() in _PROGRAM:
            return _read_flags([*words[number + 1 :]])
    return None


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
        raise NotUnderstoodError(message)
    if not flags.values.get("label"):
        raise NotUnderstoodError("-label is missing, so nobody knows which anchor is meant")
    if not flags.target:
        raise NotUnderstoodError("no program stands behind --")
    exe, *args = flags.target
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
            raise NotUnderstoodError(message)
        takes_value, became = _FLAGS[name]
        if takes_value and not equals:
            if not words:
                message = f"-{name} needs a value"
                raise NotUnderstoodError(message)
            value = words.pop(0)
        found.values[name] = value
        if became:
            found.changes.append(f"-{name} {value}".rstrip() + f" {became}")
    found.target = words
    return found
