"""Read PowerShell statements: the only program they start, and what they set for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mooring.importing.commands.environment import Environment
from mooring.importing.commands.powershell import Value, Word, check_number, pass_to_program, read_words
from mooring.importing.commands.statements import Statement, split_statements
from mooring.importing.commands.words import NotUnderstoodError, refuse, split_windows

_ASSIGNMENT = re.compile(r"\$\{?(env:)?(\w+)\}?\s*([-+*/%?]?\??=)(?!=)\s*(.*)", re.IGNORECASE | re.DOTALL)
_PLACES = ("set-location", "cd", "chdir", "sl", "push-location", "pushd")
_START = ("start-process", "saps", "start")
_QUIET = re.compile(
    r"(?:write-(?:host|output|verbose|information|warning|error|debug)|echo)\b(?:(?!\$\()[^|>&])*",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(
    r"(?:exit|return)(?:\s+\$(?:LASTEXITCODE|\w+\.ExitCode|\w+))?|throw\b(?:(?!\$\()[^|>&])*", re.IGNORECASE | re.DOTALL
)
_CODE = re.compile(r"\$(?:LASTEXITCODE|\w+\.ExitCode|\w+\.Handle|\?)", re.IGNORECASE)
_WAITS = re.compile(
    r"\$\w+\.WaitForExit\(\)|(?:\$\w+\s*\|\s*)?Wait-Process(?:\s+-\w+\s+\$\w+(?:\.Id)?)*|\$null\s*=\s*\$\w+\.Handle",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"set-strictmode\b[^|>]*|\$(?:ErrorActionPreference|ProgressPreference)\s*=\s*\S+", re.IGNORECASE
)
_BEHIND = re.compile(
    r"(?:else)?if\s*\([^()&|]*(?:LASTEXITCODE|ExitCode|\$\?)[^()&|]*\)|else|elseif\s*\([^()&|]*\)|catch\b[^()&|]*|finally",
    re.IGNORECASE,
)
_AROUND = re.compile(r"(?:if\s*\(.*\)|else|try)", re.IGNORECASE | re.DOTALL)
_CHANGES_PASSING = ("psnativecommandargumentpassing", "psdefaultparametervalues", "ofs")

# Parameters of Start-Process, their aliases and kind: s is a switch, v has an ignored value, x cannot be imported.
_PARAMETERS: dict[str, tuple[tuple[str, ...], str]] = {
    "filepath": (("pspath", "path"), "file"),
    "argumentlist": (("args",), "arguments"),
    "workingdirectory": ((), "place"),
    "wait": ((), "s"),
    "nonewwindow": (("nnw",), "s"),
    "passthru": ((), "s"),
    "erroraction": (("ea",), "v"),
    "windowstyle": ((), "v"),
    "verbose": (("vb",), "s"),
    "debug": (("db",), "s"),
    "credential": (("runas",), "x"),
    "loaduserprofile": (("lup",), "x"),
    "redirectstandarderror": (("rse",), "x"),
    "redirectstandardinput": (("rsi",), "x"),
    "redirectstandardoutput": (("rso",), "x"),
    "verb": ((), "x"),
    "usenewenvironment": ((), "x"),
    "environment": ((), "x"),
    "errorvariable": (("ev",), "x"),
    "warningaction": (("wa",), "x"),
    "warningvariable": (("wv",), "x"),
    "informationaction": (("infa",), "x"),
    "informationvariable": (("iv",), "x"),
    "outvariable": (("ov",), "x"),
    "outbuffer": (("ob",), "x"),
    "pipelinevariable": (("pv",), "x"),
    "progressaction": (("proga",), "x"),
    "whatif": (("wi",), "x"),
    "confirm": (("cf",), "x"),
}


@dataclass(slots=True)
class Run:
    """The effect of statements so far: variables, the environment, and the program they start."""

    environment: Environment
    words: list[str] = field(default_factory=list)
    """The program and its arguments."""
    working_dir: str = ""
    changes: list[str] = field(default_factory=list)
    """What is different now, one sentence each."""
    _variables: dict[str, Value | None] = field(default_factory=dict)

    def lookup(self, name: str) -> Value:
        """Return a variable's value. Raises NotUnderstoodError unless it is plain text that is set once."""
        if name.lower().startswith("env:"):
            return self.environment.find(name[4:])
        value = self._variables.get(name.casefold())
        if value is None:
            refuse(f"the script's variable ${name} is not plain text that is set once; write its value instead")
        return value

    def forget(self, text: str) -> None:
        """Treat variables that a text sets as unknown. Raises NotUnderstoodError if the program would inherit one."""
        for match in re.finditer(r"\$\{?(env:)?(\w+)\}?\s*[-+*/%?]?\??=(?!=)", text, re.IGNORECASE):
            if match[1]:
                refuse(
                    f"it sets $env:{match[2]} in a block, or more than once; set it once, before that, to plain text"
                )
            self._variables[match[2].casefold()] = None

    def assign(self, statement: Statement, *, is_known: bool) -> bool:
        """Take an assignment; return whether it could be read."""
        match = _ASSIGNMENT.fullmatch(statement.text)
        if match is None:
            return False
        name, value = match[2], None
        if name.casefold() in _CHANGES_PASSING:
            refuse(f"it sets ${name}, which changes how PowerShell reads other commands; leave it out")
        if is_known and match[3] == "=":
            value = self._evaluate(match[4], match[1])
        if match[1]:
            if not isinstance(value, str):
                message = f"it sets $env:{name} to a value that only the node knows; write it there, in quotation marks"
                refuse(message)
            self.environment.assign(name, value)
            return True
        known = self._variables.get(name.casefold(), value)
        self._variables[name.casefold()] = value if known == value else None
        return value is not None

    def _evaluate(self, text: str, env: str | None) -> Value | None:
        """Return an expression's value, None unless it is plain text or a list of it."""
        if not re.match(r"['\"$@\u2018-\u201e]|\d+\s*$", text) or re.match(r"\$\(|@\{|@['\"]", text):
            return None
        try:
            words = read_words(text, self.lookup)
        except NotUnderstoodError:
            if env:
                raise
            return None
        return (
            words[0].value if len(words) == 1 and (words[0].is_quoted or text[0] in "'\"$@" or text.isdigit()) else None
        )

    def call(self, text: str) -> None:
        """Take the start of the program. Raises NotUnderstoodError if it is something else, or a second program."""
        operator = re.match(r"[&.](?=[\s'\"$])\s*", text)
        if not operator and text[:1] in "'\"$":
            message = f"PowerShell reads {text[:60]!r} as text, not as a command; put & before it"
            refuse(message)
        words = read_words(text[operator.end() :] if operator else text, self.lookup)
        head = words[0].value if words else ""
        if not isinstance(head, str) or not head:
            refuse(f"{text[:60]!r} does not start a program; write the program's path after &")
        if head.lower() in _START:
            started = self._start_process(words[1:])
        elif (
            operator
            or re.search(r"[\\/:]|\.(?:exe|com|cmd|bat|ps1)$", head, re.IGNORECASE)
            or head.lower() == "cplauncher"
        ):
            started = [head, *pass_to_program(words[1:])]
        else:
            message = f"it runs {head}, which an App cannot do; only one program can be imported, with "
            refuse(message + "$env:NAME = 'value' and Set-Location before it and exit after it")
        if self.words:
            message = f"it starts several programs, {self.words[0]} and {started[0]}, but an App has one; split the pod"
            refuse(message)
        self.words = started

    def _start_process(self, words: Sequence[Word]) -> list[str]:
        """Return the program and arguments of Start-Process, which joins its list with spaces and quotes nothing."""
        found: dict[str, Word] = {}
        rest = [*words]
        while rest:
            word = rest.pop(0)
            name, kind = _find_parameter(word) if word.is_parameter else _next_position(found)
            if kind == "s":
                continue
            if kind == "x":
                refuse(f"Start-Process has {word.value}, which an App cannot do; leave it out")
            if word.is_parameter:
                if not rest or rest[0].is_parameter:
                    refuse(f"Start-Process has {word.value} without a value; add it")
                word = rest.pop(0)
            if kind != "v" and name in found:
                refuse(f"Start-Process has -{name} twice; remove one")
            check_number(word)
            found[name] = word
        file = found.get("filepath", Word("")).value
        if not isinstance(file, str) or not file:
            refuse("Start-Process has no program; write its full path after -FilePath")
        if "workingdirectory" in found:
            self._set_place(found["workingdirectory"].value)
        given = found.get("argumentlist", Word([])).value
        items = [given] if isinstance(given, str) else given
        if not all(items):
            refuse("Start-Process has an empty argument, which it does not pass on; leave it out")
        return [file, *split_windows(" ".join(items))]

    def _set_place(self, place: Value) -> None:
        if not isinstance(place, str) or not re.match(r"[A-Za-z]:[\\/]", place):
            message = f"it changes to the directory {place!r}, but target.workingDir of an App must be a full path"
            refuse(f"{message}; write one, such as C:\\apps")
        self.working_dir = place

    def change_place(self, text: str) -> bool:
        """Take Set-Location; return whether it was one."""
        words = text.split(maxsplit=1)
        if not words or words[0].lower() not in _PLACES:
            return False
        given = read_words(words[1] if words[1:] else "", self.lookup)
        if given and given[0].is_parameter and str(given[0].value).lower() in ("-path", "-literalpath"):
            given = given[1:]
        if len(given) != 1 or given[0].is_parameter:
            refuse(f"{text[:60]!r} has more than a directory; write Set-Location 'C:\\...'")
        self._set_place(given[0].value)
        return True

    def strict(self, statement: Statement, at: tuple[str, ...]) -> None:
        """Take a statement around the call, or the call itself. Raises NotUnderstoodError for anything else."""
        text = statement.text
        if statement.is_head and self.words and _BEHIND.fullmatch(text):
            return
        if statement.blocks != at or statement.is_head:
            self._check_behind(statement, at)
            return
        if _QUIET.fullmatch(text) or _SETTINGS.fullmatch(text):
            return
        if self.words and (_ENDS.fullmatch(text) or _WAITS.fullmatch(text)):
            return
        match = _ASSIGNMENT.fullmatch(text)
        if match and not match[1]:
            if self.words and _CODE.fullmatch(match[4]):
                return
            started = re.match(r"(\S+)", match[4])
            if started and started[1].lower() in _START:
                self.call(match[4])
                return
            if self.assign(statement, is_known=True):
                return
            message = f"${match[2]} is set to {match[4][:60]!r}, which an App cannot do"
            refuse(f"{message}; write plain text there")
        if self.assign(statement, is_known=True) or self.change_place(text):
            return
        self.call(text)

    def _check_behind(self, statement: Statement, at: tuple[str, ...]) -> None:
        """Refuse statements in other blocks than the call's, except messages and exits that depend on its result."""
        text, blocks = statement.text, statement.blocks
        shared = next((n for n, each in enumerate(blocks) if at[n : n + 1] != (each,)), len(blocks))
        is_behind = self.words and all(_BEHIND.fullmatch(_header(each)) for each in blocks[shared:])
        ends = _ENDS.fullmatch(text) or (blocks[shared:] and re.fullmatch(r"exit\s+\d+", text, re.IGNORECASE))
        if statement.is_head or not is_behind or not (_QUIET.fullmatch(text) or ends):
            refuse(f"{text[:60]!r} is in a separate block, so it may not run; move it out of the block")


def _header(block: str) -> str:
    return block.partition(" ")[2]


def _find_parameter(word: Word) -> tuple[str, str]:
    """Find a parameter of Start-Process by its name, an alias, or an unambiguous prefix."""
    given = str(word.value)[1:].lower()
    for name, (aliases, kind) in _PARAMETERS.items():
        if given in (name, *aliases):
            return name, kind
    found = [
        (name, kind)
        for name, (aliases, kind) in _PARAMETERS.items()
        if any(each.startswith(given) for each in (name, *aliases))
    ]
    if len(found) != 1:
        what = "is ambiguous between " + " and ".join(f"-{name}" for name, _ in found) if found else "is unknown"
        refuse(f"Start-Process has {word.value}, which {what}; write the parameter's whole name")
    return found[0]


def _next_position(found: dict[str, Word]) -> tuple[str, str]:
    for name in ("filepath", "argumentlist"):
        if name not in found:
            return name, _PARAMETERS[name][1]
    raise NotUnderstoodError(
        "Start-Process has more words than a program and its arguments; put commas between the arguments"
    )


def read_start(text: str, environment: Environment) -> Run:
    """Read the text of -Command: one program, with plain assignments before it and exit after it.

    Raises NotUnderstoodError for anything else.
    """
    run = Run(environment)
    for statement in split_statements(text):
        run.strict(statement, ())
    if not run.words:
        refuse("it does not start a program; write the program's command")
    return run


def check_around(blocks: Sequence[str]) -> None:
    """Refuse a call in a block that may not run, or run more than once."""
    for block in blocks:
        if not _AROUND.fullmatch(_header(block)):
            message = f"the program is started within {_header(block)[:60]!r}, so it may not run exactly once"
            refuse(f"{message}; start it outside loops and functions")
