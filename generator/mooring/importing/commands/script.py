"""Read the newer form: a script finds the anchor's compartment and starts a program with its number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mooring.importing.commands import cmd
from mooring.importing.commands.environment import Environment
from mooring.importing.commands.launch import Launch, check_program
from mooring.importing.commands.powershell import Word, read_words
from mooring.importing.commands.powershell_script import Run, check_around
from mooring.importing.commands.statements import split_statements
from mooring.importing.commands.words import refuse, split_windows

ATTACH = "COMPARTMENT_ID_ATTACH"

_WORD = r"""("[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
_SELECTOR = re.compile(rf"\bget\s+pods?\b[^\n]*?\s(?:-l|--selector)[ =]+{_WORD}")
_NAMESPACE = re.compile(rf"\bget\s+pods?\b[^\n]*?\s(?:-n|--namespace)[ =]+{_WORD}")
_ATTACHES = re.compile(rf"\$(?:env:{ATTACH}|\{{env:{ATTACH}\}})\s*=(?!=)", re.IGNORECASE)

# What a script may do to find its anchor: an App needs none of it, and none of it starts a program.
_HEADS = re.compile(
    r"(?:get|test|select|where|foreach|write|convertfrom|convertto|join|split|measure|sort|resolve|format|"
    r"compare)-\w+|out-(?:null|string|host)|new-object|start-sleep|sleep|set-strictmode|set-variable|import-module|add-type|echo|kubectl(?:\.exe)?|"
    r"ipconfig(?:\.exe)?|if|else|elseif|for|foreach|while|do|until|try|catch|finally|switch|function|param|return|"
    r"throw|exit|break|continue|where|select|sort|%|\?|in|-.*|\[(?:int|string|bool|regex|datetime|timespan|math|console|"
    r"cmdletbinding|parameter|void|array|ipaddress|net\.ipaddress)\b.*|['\"$@\d].*|\+.*|\).*",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"(?:^\$[\w:{}]+\s*[-+]?=|^|[(|{;])\s*([&.](?=[\s'\"$])\s*)?([^\s(){}|;,]+)(?=(?:[ \t]+([^\s|;]+))?)"
)
_FINDERS = re.compile(r"(?:.*[\\/])?(?:kubectl|ipconfig)(?:\.exe)?", re.IGNORECASE)
_STARTS = re.compile(
    r"\.(?:start|invoke|create)\w*\(|setenvironmentvariable|\b(?:new|set)-item|\benv:\\|(?<![-=])>(?!\s*(?:\$null|&1))",
    re.IGNORECASE,
)
_TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"`]|\"\"|`.)*\"", re.DOTALL)
_BATCH_STARTS = re.compile(
    r"[^\s\"'(]+\.(?:exe|com|cmd|bat|ps1)\b|\b(?:start|call|powershell|pwsh|setx|cmd)\b", re.IGNORECASE
)
_BATCH_HEADS = re.compile(
    r"(?:for|if|goto|kubectl(?:\.exe)?|ipconfig(?:\.exe)?|timeout|ping|echo|exit|shift|\)|\(|:.*|title|color)\b.*|[():].*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, the shell that reads it, and the ConfigMap it is in."""

    text: str
    is_powershell: bool
    config: str = ""


def read_script(script: Script, environment: Environment) -> Launch:
    """Find the anchor and the program in a script. Raises NotUnderstoodError."""
    if ATTACH not in script.text:
        message = f"the script does not set {ATTACH}; if it calls cplauncher, make that call the container's command"
        refuse(message)
    run, find = (_run_powershell if script.is_powershell else _run_batch)(script.text, environment)
    selector = find(_SELECTOR)
    if not selector:
        refuse(
            "the script does not find its anchor with `kubectl get pod -l …`, so the anchor is unknown; add that line"
        )
    namespace = find(_NAMESPACE)
    exe, *args = run.words
    check_program(exe, args)
    environment.demand((selector, namespace), (exe, *args))
    change = (
        "the launcher replaces the script: it waits for the compartment and starts the program; "
        "whatever else the script does is not carried over"
    )
    return Launch(selector, namespace, exe, tuple(args), (change, *run.changes), run.working_dir, script.config)


Find = Callable[[re.Pattern[str]], str]


def _find_one(pattern: re.Pattern[str], text: str, split: Callable[[str], Sequence[str]]) -> str:
    """Return the only word that a pattern finds, with its variables expanded."""
    found = {"".join(split(match[1])) for match in pattern.finditer(text)}
    if len(found) > 1:
        message = f"the script looks for pods with {' and '.join(sorted(found))}, so its anchor is unknown"
        refuse(f"{message}; keep one of them")
    return next(iter(found), "")


def _run_powershell(text: str, environment: Environment) -> tuple[Run, Find]:
    """Simulate a script: before it sets the compartment it may only look for it and set plain variables."""
    statements = split_statements(text)
    attaching = [number for number, each in enumerate(statements) if _ATTACHES.match(each.text)]
    if len(attaching) != 1:
        message = f"the script sets $env:{ATTACH} {len(attaching)} times, but must set it once; remove the others"
        refuse(message)
    at = attaching[0]
    around = statements[at].blocks
    check_around(around)
    functions = {match.casefold() for match in re.findall(r"\bfunction\s+([\w-]+)", text, re.IGNORECASE)}
    run = Run(environment)
    for statement in statements[:at]:
        is_plain = statement.blocks == around[: len(statement.blocks)] and not statement.is_head
        if not is_plain:
            run.forget(statement.text)
        elif run.change_place(statement.text) or run.assign(statement, is_known=True):
            continue
        if is_plain and re.match(r"(?:exit|return|throw)\b", statement.text, re.IGNORECASE):
            refuse(f"{statement.text[:60]!r} ends the script before it starts a program; leave it out")
        _check_finding(statement.text, functions)
    for statement in statements[at + 1 :]:
        run.strict(statement, around)
    if not run.words:
        refuse(f"no program is started after the line that sets {ATTACH}; start it there")

    def split(word: str) -> list[str]:
        return [_one_text(each) for each in read_words(word.rstrip(")"), run.lookup)]

    return run, lambda pattern: _find_one(pattern, text, split)


def _one_text(word: Word) -> str:
    return word.text or ",".join(word.value) if isinstance(word.value, list) else word.value


def _check_finding(text: str, functions: set[str]) -> None:
    """Refuse what does more than look for the anchor, even within the text of a message."""
    for message in _TEXTS.findall(text):
        for inner in re.findall(r"\$\((.*)\)", message if message[0] == '"' else "", re.DOTALL):
            _check_finding(inner, functions)
    bare = _TEXTS.sub(lambda match: f"'{'x' * (len(match[0]) - 2)}'", text)
    started = _STARTS.search(bare)
    if started:
        message = f"the script also contains {started[0]!r}, which may start, set or write something that an App cannot"
        refuse(f"{message}; leave it out")
    for match in _HEAD.finditer(bare):
        head, following = text[match.start(2) : match.end(2)], match[3] or ""
        is_finder = _FINDERS.fullmatch(head.strip("'\"")) or following in ("get", "/allcompartments")
        is_harmless = not match[1] and (_HEADS.fullmatch(head) or head.casefold() in functions)
        if is_finder or is_harmless:
            continue
        message = f"the script also runs {head[:60]!r}, which an App cannot do; leave it out (a script may only look "
        refuse(message + "for its anchor, with kubectl get and ipconfig)")


def _run_batch(text: str, environment: Environment) -> tuple[Run, Find]:
    """Simulate a batch file, line by line."""
    lines = text.splitlines()
    if "enabledelayedexpansion" in text.lower() and "!" in text:
        refuse("it contains !NAME!, which is expanded late; write %NAME% instead")
    behind = max(number for number, line in enumerate(lines) if ATTACH in line)
    run = Run(environment)
    hidden: list[str] = []
    for number, line in enumerate(lines):
        line = line.strip(" \t\r").removeprefix("@").lstrip()
        if not line or line.startswith(":") or (number == behind and ATTACH in line):
            continue
        if number < behind and _BATCH_HEADS.fullmatch(line):
            other = next((each for each in _BATCH_STARTS.finditer(line) if not _FINDERS.fullmatch(each[0])), None)
            written = re.search(r">(?!\s*(?:nul\b|&[12]))", line, re.IGNORECASE)
            if written and cmd.unquoted(line, ">"):
                refuse(f"the script also writes a file with {line[:60]!r}, which an App cannot do; leave it out")
            if other:
                refuse(f"the script also runs {other[0]!r}, which an App cannot do; leave it out")
            for name in re.findall(r"\bset\s+\"?(\w+)=", line, re.IGNORECASE):
                hidden.append(name)
                environment.hide(name, "which the script sets in a loop or a condition; write its value instead")
            continue
        if number > behind and re.match(r"echo\b[^|>&]*$", line, re.IGNORECASE):
            continue
        if _run_batch_line(line, run, environment, is_behind=number > behind):
            break
    if hidden:
        run.changes.append(
            f"the script sets {', '.join(dict.fromkeys(hidden))} in loops or conditions; the program does not get these"
        )
    if not run.words:
        refuse(f"no program is started after the line that sets {ATTACH}; start it there")

    def split(word: str) -> list[str]:
        return split_windows(cmd.expand(word.strip("'"), environment.find, batch=True))

    return run, lambda pattern: _find_one(pattern, text, split)


def _run_batch_line(line: str, run: Run, environment: Environment, *, is_behind: bool) -> bool:
    """Take one line; return whether the script ends with it."""
    ends = re.fullmatch(r"exit(?:\s+/b)?(?:\s+%ERRORLEVEL%)?|goto\s+:?eof|endlocal", line, re.IGNORECASE)
    if is_behind and ends and run.words:
        return line.lower() != "endlocal"
    called = cmd.read_line(line, environment.find, environment.assign, batch=True)
    if called is None:
        return False
    run.working_dir = called.working_dir or run.working_dir
    if not called.line:
        return False
    words = split_windows(called.line)
    if not is_behind or run.words or not re.match(r"[A-Za-z]:[\\/]", words[0].replace("\ue000", "C:\\", 1)):
        message = f"the script also runs {words[0]!r}, which an App cannot do; leave it out (only one program can be "
        refuse(message + f"imported, with its full path, after the line that sets {ATTACH})")
    run.words = words
    return False
