"""Understand the newer form: a script finds the anchor's compartment and starts a program with its number."""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass

from .environment import Environment
from .launch import Launch
from .words import NotUnderstoodError, split_cmd, split_powershell

ATTACH = "COMPARTMENT_ID_ATTACH"

_ASSIGNED = re.compile(r"^\s*\$(\w+)\s*=\s*(?:'([^'\n]*)'|\"([^\"\n$`]*)\")\s*(?:#.*)?$", re.MULTILINE)
_SET = re.compile(r'^\s*@?set\s+"?(\w+)=([^"\n]*)"?\s*$', re.MULTILINE | re.IGNORECASE)
_WORD = r"""("[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
_SELECTOR = re.compile(rf"\bget\s+pods?\b[^\n]*?\s(?:-l|--selector)[ =]+{_WORD}")
_NAMESPACE = re.compile(rf"\bget\s+pods?\b[^\n]*?\s(?:-n|--namespace)[ =]+{_WORD}")
_START = re.compile(r"^\s*(?:\$\w+\s*=\s*)?Start-Process\s+(.*)$", re.IGNORECASE)
_SWITCHES = ("-wait", "-nonewwindow", "-passthru", "-filepath", "-argumentlist")
_OPTIONS = ("-workingdirectory", "-verb", "-credential", "-windowstyle", "-environment")
_REDIRECTIONS = "-redirectstandard"
_QUIET = re.compile(r"^\s*(#|::|rem\b|@echo\b|exit\b|\}|\$\w+\s*=|\$env:|write-host\b|set\b|echo\b|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, the shell that reads it, and the words it is called with."""

    text: str
    is_powershell: bool
    config: str = ""


def read_script(script: Script, environment: Environment) -> Launch:
    """Find the anchor and the program in a script. Raises NotUnderstoodError."""
    if ATTACH not in script.text:
        message = f"the script does not set {ATTACH}, so it starts nothing in an anchor's compartment"
        raise NotUnderstoodError(message)
    variables = _Variables(script, environment)
    selector = variables.find(_SELECTOR)
    if not selector:
        raise NotUnderstoodError("the script does not get its anchor by `kubectl get pod -l …`, so nobody knows which")
    exe, args = _find_program(script, variables)
    change = (
        "the script is replaced by the launcher, which finds the compartment, waits for it and starts the program; "
        "whatever else the script does is not taken over"
    )
    return Launch(selector, variables.find(_NAMESPACE), exe, tuple(args), (change,), script.config)


class _Variables:
    """What a script's own variables hold, where they are set once and to plain text; and the container's."""

    def __init__(self, script: Script, environment: Environment) -> None:
        self._script = script
        self._environment = environment
        self._own: dict[str, set[str]] = {}
        pattern = _ASSIGNED if script.is_powershell else _SET
        for match in pattern.finditer(script.text):
            value = next(group for group in match.groups()[1:] if group is not None)
            self._own.setdefault(match[1].casefold(), set()).add(value)

    def lookup(self, name: str) -> str:
        """Return a variable's value; PowerShell's own start with a $."""
        own = self._own.get(name.removeprefix("$").casefold(), set())
        if name.startswith("$") or (own and not self._script.is_powershell):
            if len(own) != 1:
                message = f"the script's {name} is not set once to plain text"
                raise NotUnderstoodError(message)
            return next(iter(own))
        return self._environment.lookup(name)

    def words(self, line: str) -> list[str]:
        """Split one command of the script."""
        split = split_powershell if self._script.is_powershell else split_cmd
        return split(line, self.lookup)

    def find(self, pattern: re.Pattern[str]) -> str:
        """Return the one word that a pattern finds, with its variables replaced."""
        match = pattern.search(self._script.text)
        return "".join(self.words(match[1])) if match else ""


def _find_program(script: Script, variables: _Variables) -> tuple[str, list[str]]:
    """Return the program started last, behind the line that sets the compartment."""
    lines = script.text.splitlines()
    behind = max(number for number, line in enumerate(lines) if ATTACH in line)
    starts = [line for line in _statements(lines[behind:]) if _START.match(line) or not _QUIET.match(line)]
    if not starts:
        message = f"no program is started behind the line that sets {ATTACH}"
        raise NotUnderstoodError(message)
    match = _START.match(starts[0])
    words = variables.words(match[1].replace(",", " ") if match else starts[0])
    if match:
        for option in words:
            if option.lower() in _OPTIONS or option.lower().startswith(_REDIRECTIONS):
                message = f"Start-Process has {option}, of which an App would not know"
                raise NotUnderstoodError(message)
        words = [word for word in words if word.lower() not in _SWITCHES]
    if not words or not ntpath.splitdrive(words[0])[0]:
        message = f"the program stands behind {ATTACH}, as a full path; found is {starts[0].strip()[:80]!r}"
        raise NotUnderstoodError(message)
    return words[0], words[1:]


def _statements(lines: list[str]) -> list[str]:
    """Split the line that sets the compartment at its semicolons: a script can be one line."""
    return [part for line in lines for part in (line.split(";") if ATTACH in line else [line])]
