r"""Rules about the texts that reach the program: what YAML made of a path, and placeholders that nothing expands.

Their twin in the chart is templates/_validate_text.tpl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

Path = tuple[str, ...]

_CONTROLS = "\x00-\x1f\x7f\x85\u2028\u2029"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_CONTROL_AFTER_DRIVE = re.compile(r"(?:^|[^A-Za-z0-9])[A-Za-z]:([\x00-\x1f])[A-Za-z0-9_.]")
CONTROL_NAMES = {
    "\0": r"NUL (\0)",
    "\a": r"a bell character (\a)",
    "\b": r"a backspace (\b)",
    "\t": r"a tab (\t)",
    "\n": r"a line break (\n)",
    "\v": r"a vertical tab (\v)",
    "\f": r"a form feed (\f)",
    "\r": r"a carriage return (\r)",
    "\x1b": r"an escape character (\e)",
}
OTHER_CONTROL = "a control character"

_ABSOLUTE = {"windows": re.compile(r"\\\\|[A-Za-z]:[\\/]"), "linux": re.compile("/")}
SHELL = re.compile(
    r"(?i)(?:^|[\\/])(?:(?:cmd|powershell|pwsh|sh|bash|dash|ash|ksh|zsh|busybox)(?:\.exe)?|[^\\/]*\.(?:bat|cmd))$"
)
OF_MOORING = re.compile(r"(?i)\{(?:ordinal|replica|ip|pod[-_.]?ip|pod[-_.]?name|namespace|release|node[-_.]?name)\}")
OF_HELM = re.compile(
    r"\{\{-?\s*(?:\.(?:Release|Values|Chart|Capabilities|Files|Template)\b|include\s|tpl\s)[^}]*\}?\}?"
)
OF_KUBELET = re.compile(r"\$\([A-Za-z_][-A-Za-z0-9_.]*\)")
OF_POWERSHELL = re.compile(r"(?i)\$\{?env:[A-Za-z_]\w*\}?")
OF_CMD = re.compile(r"(?i)%[A-Za-z_][A-Za-z0-9_]*(?:\(x86\))?%")

VARIABLES = (
    *("ALLUSERSPROFILE", "APPDATA", "COMMONPROGRAMFILES", "COMPUTERNAME", "COMSPEC", "HOMEDRIVE", "HOMEPATH"),
    *("LOCALAPPDATA", "PATH", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "PUBLIC"),
    *("SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERDOMAIN", "USERNAME", "USERPROFILE", "WINDIR"),
    *("POD_NAME", "POD_NAMESPACE", "POD_UID", "NODE_NAME", "HOSTNAME", "ORDINAL"),
    *("MOORING_ORDINAL", "MOORING_ANCHOR_IP", "COMPARTMENT_ID_ATTACH"),
)
"""What Windows, Kubernetes and mooring put into a program's environment; other words between percent signs may be
meant literally, as in a log format."""

HOLDS_CONTROL = Sentence(
    "contains {name:s}, which a backslash and a letter become in double quotes",
    "write the path in single quotes, or double each backslash",
)
_UNEXPANDED = "contains {mark:s}, which nothing expands: the program would get it literally"
_LITERAL = "or set target.placeholders: literal if you mean these characters"
UNEXPANDED_OF_REPLICA = Sentence(
    _UNEXPANDED,
    "write what differs by replica under target.perOrdinal, let the program read MOORING_ORDINAL and"
    f" MOORING_ANCHOR_IP, {_LITERAL}",
)
UNEXPANDED = Sentence(_UNEXPANDED, f"write the value itself, let the program read its environment, {_LITERAL}")


@dataclass(frozen=True)
class Text:
    """One text that reaches the program or a command; `by_shell`: a shell reads it, and expands its own."""

    path: Path
    text: str
    by_shell: bool = False


def is_shell(program: str) -> bool:
    """Tell whether a program is a shell, or a batch file, which cmd reads."""
    return SHELL.search(program) is not None


def _paths(values: Values) -> Iterator[Text]:
    target, launcher = values["target"], values["launcher"]
    yield Text(("target", "exe"), target["exe"])
    yield Text(("target", "workingDir"), target["workingDir"])
    for name, mount in target["mounts"].items():
        for key in ("hostPath", "mountPath"):
            yield Text(("target", "mounts", name, key), mount.get(key) or "")
    for key in ("hostPath", "python"):
        yield Text(("launcher", key), launcher[key])


def _words(values: Values) -> Iterator[Text]:
    """Yield arguments and commands."""
    target = values["target"]
    lists: list[tuple[Path, list[str], bool]] = [(("target", "args"), target["args"], is_shell(target["exe"]))]
    for ordinal, one in target["perOrdinal"].items():
        lists.append((("target", "perOrdinal", ordinal, "args"), one.get("args") or [], is_shell(target["exe"])))
    commands: list[tuple[Path, list[str]]] = [(("stop", "command"), values["stop"]["command"])]
    commands += [(("gate", "exec", name, "command"), one["command"]) for name, one in values["gate"]["exec"].items()]
    lists += [(path, words, bool(words) and is_shell(words[0])) for path, words in commands]
    for path, words, by_shell in lists:
        for number, word in enumerate(words):
            yield Text((*path, str(number)), word, by_shell)


def _variables(values: Values) -> Iterator[Text]:
    target = values["target"]
    for name, text in target["env"].items():
        yield Text(("target", "env", name), text)
    for ordinal, one in target["perOrdinal"].items():
        for name, text in (one.get("env") or {}).items():
            yield Text(("target", "perOrdinal", ordinal, "env", name), text)


def _requests(values: Values) -> Iterator[Text]:
    for name, check in values["gate"]["http"].items():
        for key in ("path", "host"):
            yield Text(("gate", "http", name, key), check.get(key) or "")
        for header, text in (check.get("headers") or {}).items():
            yield Text(("gate", "http", name, "headers", header), text)


def has_control(text: str) -> bool:
    """Tell whether a text contains a control character, which no path has."""
    return _CONTROL.search(text) is not None


def _paths_printable(values: Values) -> Iterator[Violation]:
    found = [(one, _CONTROL.search(one.text)) for one in _paths(values)]
    single = [one for one in _variables(values) if "\n" not in one.text]
    found += [(one, _CONTROL_AFTER_DRIVE.search(one.text)) for one in (*_words(values), *single)]
    for one, control in found:
        if control:
            yield HOLDS_CONTROL.at(
                one.path, one.text, name=CONTROL_NAMES.get(control[control.re.groups], OTHER_CONTROL)
            )


def _placeholders_expanded(values: Values) -> Iterator[Violation]:
    if values["target"]["placeholders"] == "literal":
        return
    names = {*VARIABLES, *(name.upper() for name in values["target"]["env"])}
    percent = values["launcher"]["kind"] != "cplauncher" or values["platform"] != "windows"  # refused there already
    # A path that begins with a placeholder is not absolute, which another rule says.
    absolute = _ABSOLUTE[values["platform"]]
    paths = [one for one in _paths(values) if one.path[0] == "target" and absolute.match(one.text)]
    for one in (*paths, *_words(values), *_variables(values), *_requests(values)):
        if mark := _find_placeholder(one, names if percent else set()):
            sentence = UNEXPANDED_OF_REPLICA if OF_MOORING.fullmatch(mark) else UNEXPANDED
            yield sentence.at(one.path, one.text, mark=mark)


def holds_placeholders(values: Values) -> bool:
    """Tell whether a text of complete values looks like a placeholder that nothing expands."""
    return any(True for _ in _placeholders_expanded(values))


def _find_placeholder(one: Text, names: set[str]) -> str:
    """Return the first placeholder in a text, or nothing."""
    for pattern in (OF_HELM, OF_MOORING, *(() if one.by_shell else (OF_KUBELET, OF_POWERSHELL))):
        if found := pattern.search(one.text):
            return str(found[0])
    variables: list[str] = [] if one.by_shell else [found[0] for found in OF_CMD.finditer(one.text)]
    return next((variable for variable in variables if variable.strip("%").upper() in names), "")


TEXT_RULES = (
    Rule("paths-printable", _paths_printable),
    Rule("placeholders-expanded", _placeholders_expanded),
)
