"""Command lines drawn at random: what the importer makes of them is what their shell makes of them, or a refusal.

What is meant is drawn first and spelled by the rules of Microsoft's documentation of cmd, PowerShell and
CommandLineToArgvW, and of Kubernetes' of $(NAME); no reader of the importer has a part in it. PowerShell itself is not
on the machine; cmd is, as Wine's, and tests/windows/test_cmd.py compares with it.
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mooring.importing.run import import_files

from tests.generator.manifests import CPLAUNCHER, EXE, Object, anchor, config, launcher, write

FLAGS = ["-label", "app=orders-anchor-1", "-namespace", "apps", "--"]
LETTERS = "ab1 \t\"'`$%^&|<>()!;,=@#{}[]~.-\\/:*?ä漢"
QUIET = "ab1.-_/\\:=ä"
HEAD = '$ip = (& kubectl get pod -l app=orders-anchor-1 -n apps)\n$env:COMPARTMENT_ID_ATTACH = "$cid"\n'
Draw = Callable[[Any], Any]


def imported(words: list[str], env: list[Object] | None = None, script: str = "", name: str = "start.ps1") -> Any:
    """Return target and extraEnv of the App that a command becomes, None if it is refused."""
    pod = {"volumes": [{"name": "s", "configMap": {"name": "scripts"}}]} if script else {}
    more: Object = {"volumeMounts": [{"name": "s", "mountPath": "C:/scripts"}]} if script else {}
    made = launcher(words=words, env=env or [], pod=pod, **more)
    with tempfile.TemporaryDirectory() as folder:
        file = write(
            Path(folder) / "k2s.yaml", anchor(), made, *([config("scripts", {name: script})] if script else [])
        )
        result = import_files([str(file)], Path(folder) / "out")
        if result.problems:
            assert not (Path(folder) / "out").exists()
            reasons = ("not understood", "is set twice")
            assert all(
                each.line and each.column and any(map(each.message.__contains__, reasons)) for each in result.problems
            )
            return None
        values = yaml.safe_load((Path(folder) / "out" / "orders.yaml").read_text(encoding="utf-8"))["values"]
    target = values["target"]
    found = {key: target.get(key, empty) for key, empty in (("args", []), ("env", {}), ("workingDir", ""))}
    return {**found, "exe": target["exe"], "extraEnv": values.get("extraEnv", [])}


def meant(args: list[str], env: dict[str, str] | None = None, place: str = "") -> Object:
    """Return what `imported` should return."""
    return {"args": args, "env": env or {}, "workingDir": place, "exe": EXE, "extraEnv": []}


class Share:
    """Counts how many of a test's lines are understood: a reader that refuses everything proves nothing."""

    def __init__(self) -> None:
        self.all = self.understood = 0

    def check(self, found: Object | None, expected: Object) -> None:
        """Take one line: refused, or exactly as expected."""
        self.all += 1
        if found is not None:
            self.understood += 1
            assert found == expected

    def demand(self, part: float) -> None:
        """Require that enough of the lines were understood."""
        assert self.understood >= part * self.all > 0, (self.understood, self.all)


args_of_any = st.lists(st.text(st.sampled_from(LETTERS), max_size=6), max_size=4)
args_of_quiet = st.lists(st.text(st.sampled_from(QUIET + " &;$"), min_size=1, max_size=6), max_size=4)
names = st.sampled_from(["A", "SITE", "Lic_1"])
settings_of_env = st.dictionaries(names, st.text(st.sampled_from("ab1 .=\\:/"), min_size=1, max_size=5), max_size=2)
places = st.sampled_from(["", "D:\\w", "C:\\my data"])


# --- words without a shell, and words after cmd /c ---


def reaches_cmd(words: list[str]) -> str:
    """Return what is outside quotation marks in the line that containerd joins: what cmd interprets."""
    line = subprocess.list2cmdline(words)
    return "".join(line.split('"')[::2])


def test_words_are_words_or_refused() -> None:
    """Words after cplauncher are its arguments; they are refused if a cmd in front would interpret them."""
    share = Share()

    @settings(max_examples=110)
    @given(args=args_of_any, front=st.sampled_from([[], ["cmd.exe", "/c"], ["cmd", "/d", "/s", "/c"]]))
    def check(args: list[str], front: list[str]) -> None:
        # Kubernetes reads $$ as $ before anybody else does, here as text: no variable has a name of these letters.
        found = imported([*front, CPLAUNCHER, *FLAGS, EXE, *(arg.replace("$", "$$") for arg in args)])
        share.check(found, meant(args))
        bare = reaches_cmd(args)
        if set("&|<>^") & set(bare):
            assert found is None
        elif "%" not in "".join(args) and "$" not in "".join(args):
            assert found is not None

    check()
    share.demand(0.25)


# --- one text after cmd /c ---


def for_cmd(draw: Draw, arg: str) -> str:
    """Spell one argument in a line of cmd: with carets, in quotation marks, or plain."""
    word = subprocess.list2cmdline([arg])
    if word.startswith('"') or (not set("&|<>^") & set(word) and draw(st.booleans())):
        return word
    return "".join(f"^{each}" if each in "&|<>^()" or (each == "b" and draw(st.booleans())) else each for each in word)


def for_set(draw: Draw, name: str, value: str) -> str:
    """Spell a setting; without quotation marks, spaces before the operator are part of the value."""
    word = draw(st.sampled_from(["set ", "SET  ", "@set "]))
    joined = draw(st.sampled_from(["&&", "&", "&& ", "& "]))
    return f'{word}"{name}={value}" {joined}' if draw(st.booleans()) else f"{word}{name}={value}{joined}"


@st.composite
def lines_of_cmd(draw: Draw) -> tuple[str, Object]:
    """Draw what is meant, and a cmd line that expresses it."""
    args, env, place = draw(args_of_quiet), draw(settings_of_env), draw(places)
    args = [each for each in args if "%" not in each]
    before = [for_set(draw, name, value) for name, value in env.items()]
    if place:
        before.append(f"cd /d {place} && " if draw(st.booleans()) else f'cd /d "{place}"&&')
    words = [CPLAUNCHER, *FLAGS, EXE, *(for_cmd(draw, each) for each in args)]
    line = "".join(draw(st.permutations(before))) + draw(st.sampled_from([" ", "  "])).join(words)
    line += draw(st.sampled_from(["", " & exit /b %ERRORLEVEL%", "&&exit", " & exit %errorlevel%"]))
    return line, meant(args, env, place)


def test_lines_of_cmd_are_read_as_cmd_does() -> None:
    """set, cd and exit around a call, carets and quotation marks in it: the App has what cmd would give the program."""
    share = Share()

    @settings(max_examples=110)
    @given(lines_of_cmd(), st.sampled_from([["cmd.exe", "/c"], ["cmd", "/s", "/c"], ["CMD.EXE", "/d", "/c"]]))
    def check(drawn: tuple[str, Object], front: list[str]) -> None:
        # kubelet reads the line before cmd does: $$ is one $.
        share.check(imported([*front, drawn[0].replace("$", "$$")]), drawn[1])

    check()
    share.demand(0.6)


def test_batch_files_are_read_as_cmd_does() -> None:
    """The same in a mounted batch file, line by line, where %% is one %."""
    share = Share()
    head = (
        "@echo off\r\nfor /f %%i in ('kubectl get pod -l app=orders-anchor-1 -n apps') do set IP=%%i\r\n"
        "set COMPARTMENT_ID_ATTACH=%CID%\r\n"
    )

    @settings(max_examples=100)
    @given(st.data(), args_of_quiet, settings_of_env)
    def check(data: st.DataObject, args: list[str], env: dict[str, str]) -> None:
        lines = [for_set(data.draw, name, value).rstrip("& ") for name, value in env.items()]
        kept = {name: value for name, value in env.items() if not value.endswith(" ")}
        lines.append(" ".join([EXE, *(for_cmd(data.draw, each).replace("%", "%%") for each in args)]))
        lines.append(data.draw(st.sampled_from(["", "exit /b %ERRORLEVEL%", "rem over & out", ":: over"])))
        found = imported(["cmd", "/c", r"C:\scripts\start.cmd"], script=head + "\r\n".join(lines), name="start.cmd")
        if kept == env:
            share.check(found, meant(args, env))

    check()
    share.demand(0.6)


JUNK_OF_CMD = [
    "&",
    "&&",
    "||",
    "|",
    ">",
    "2>&1",
    "<",
    "> NUL",
    "& rem",
    "& echo x",
    "| more",
    "%PATH%",
    "%A:~1%",
    "^",
    "\n",
]


@settings(max_examples=60)
@given(lines_of_cmd(), st.sampled_from(JUNK_OF_CMD), st.booleans())
def test_what_cmd_reads_otherwise_is_refused(drawn: tuple[str, Object], junk: str, as_list: bool) -> None:
    """A redirection, a pipe, a second command or a variable of the node is refused, in a text and in a list."""
    args = drawn[1]["args"]
    if junk == "^" and not as_list:
        junk = "^&^"  # a caret before a letter is only another spelling of the letter
        assert imported(["cmd", "/c", f"{CPLAUNCHER} {' '.join(FLAGS)} {EXE} {junk}&x"]) == meant(["&&x"])
    elif as_list:
        assert imported(["cmd.exe", "/c", CPLAUNCHER, *FLAGS, EXE, *args, *junk.split(" "), "x"]) is None
    else:
        line = subprocess.list2cmdline([CPLAUNCHER, *FLAGS, EXE, *args])
        assert imported(["cmd.exe", "/c", f"{line} {junk} x".replace("$", "$$")]) is None


# --- PowerShell ---


def for_powershell(draw: Draw, arg: str) -> str:
    """Spell one argument in PowerShell: in single or double quotation marks, or bare with backticks."""
    doubled = "".join(f"`{each}" if each in '"`$' else each for each in arg)
    spellings = ["'" + arg.replace("'", "''") + "'", f'"{doubled}"', '"' + doubled.replace('`"', '""') + '"']
    if arg and not arg.startswith(("-", "~")) and arg[0].isalpha() and arg.replace(" ", "a").isprintable():
        spellings.append("".join(f"`{each}" if each in " \"'`$;&|<>(){},@#" else each for each in arg))
    return str(draw(st.sampled_from(spellings)))


def lines_around(draw: Draw, env: dict[str, str], place: str, call: str) -> str:
    """Put assignments before a call, and exits after it."""
    lines = [
        f"{draw(st.sampled_from(['$env:', '$Env:']))}{name} = {for_powershell_text(draw, value)}"
        for name, value in env.items()
    ]
    if place:
        lines.append(draw(st.sampled_from(["Set-Location", "cd", "sl -Path", "Push-Location"])) + f" '{place}'")
    lines = [*draw(st.permutations(lines)), call]
    lines += draw(st.sampled_from([[], ["exit $LASTEXITCODE"], ["Write-Host 'over'", "exit"], ["# over; & x"]]))
    return (
        str(draw(st.sampled_from(["\n", "; ", "\r\n", "\n\n  "])).join(lines))
        if "#" not in lines[-1]
        else "\n".join(lines)
    )


def for_powershell_text(draw: Draw, text: str) -> str:
    return f"'{text}'" if draw(st.booleans()) else f'"{text}"'


def call_of(draw: Draw, program: str, args: list[str]) -> str:
    """Call a program by its name or by &, over one line or several."""
    names = [f'& "{program}"', f"& '{program}'", f"& {program}", program]
    blank = st.sampled_from([" ", "  ", "\t", " `\n  ", " `\r\n"])
    return str(draw(st.sampled_from(names))) + "".join(draw(blank) + for_powershell(draw, each) for each in args)


def start_of(draw: Draw, program: str, args: list[str]) -> str:
    """Start a program by Start-Process, which joins its list with spaces and quotes nothing."""
    words = [subprocess.list2cmdline([each]) for each in args]
    one = " ".join(words)
    lists = [for_powershell_text_of_any(one), ", ".join(map(for_powershell_text_of_any, words))]
    lists += [
        f"@({', '.join(map(for_powershell_text_of_any, words))})",
        "@(\n" + "\n".join(map(for_powershell_text_of_any, words)) + "\n)",
    ]
    named = [f"-{draw(st.sampled_from(['FilePath', 'File', 'Path', 'f']))} '{program}'"]
    name = draw(st.sampled_from(["ArgumentList", "Args", "Arg", "a", "argumentl"]))
    given = [f"-{name} {draw(st.sampled_from(lists))}"] if args else []
    positional = draw(st.booleans())
    parts = [f"'{program}'", *([draw(st.sampled_from(lists))] if args else [])] if positional else [*named, *given]
    parts += draw(st.lists(st.sampled_from(["-Wait", "-NoNewWindow", "-PassThru", "-nnw"]), unique=True, max_size=2))
    parts = parts if positional else draw(st.permutations(parts))
    return f"{draw(st.sampled_from(['Start-Process', 'start', 'saps', 'START-PROCESS']))} {' '.join(parts)}"


def for_powershell_text_of_any(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


WAYS = ["-Command", "-c", "-comm", "", "-EncodedCommand", "-e", "script"]


def deliver(way: str, text: str) -> dict[str, Any]:
    """Give PowerShell its text: as words, in base64, or in a script that finds its anchor first."""
    if way == "script":
        return {"words": ["powershell.exe", "-NoProfile", "-File", r"C:\scripts\start.ps1"], "script": HEAD + text}
    if way in ("-e", "-EncodedCommand"):
        return {"words": ["powershell.exe", "-nop", way, base64.b64encode(text.encode("utf-16-le")).decode()]}
    return {"words": ["powershell", "-ExecutionPolicy", "Bypass", *([way] if way else []), text.replace("$", "$$")]}


def test_powershell_is_read_as_powershell_does() -> None:
    """Calls in every spelling, with assignments before and exits after: the App has what the program would get."""
    share = Share()

    @settings(max_examples=110)
    @given(st.data(), args_of_any, settings_of_env, places, st.sampled_from(WAYS))
    def check(data: st.DataObject, args: list[str], env: dict[str, str], place: str, way: str) -> None:
        draw = data.draw
        program, front = (EXE, []) if way == "script" else (CPLAUNCHER, [*FLAGS, EXE])
        call = (start_of if draw(st.booleans()) else call_of)(draw, program, [*front, *args])
        share.check(imported(**deliver(way, lines_around(draw, env, place, call))), meant(args, env, place))

    check()
    share.demand(0.3)


def test_plain_calls_of_powershell_are_understood() -> None:
    """Ordinary command lines are not refused: letters, spaces and paths, however spelled and delivered."""

    @settings(max_examples=100)
    @given(
        st.data(), st.lists(st.text(st.sampled_from("abc1:/=ä_"), min_size=1, max_size=5), max_size=4), settings_of_env
    )
    def check(data: st.DataObject, args: list[str], env: dict[str, str]) -> None:
        draw = data.draw
        text = lines_around(draw, env, "", (start_of if draw(st.booleans()) else call_of)(draw, EXE, args))
        found = imported(**deliver("script", text))
        assert found == meant(args, env)

    check()


# What a word after a call means; None is more than an argument, and refused.
MEANINGS: dict[str, list[str] | None] = {
    "|": None,
    "&": None,
    "(": None,
    ")": None,
    "{": None,
    "}": None,
    "@a": None,
    "@{}": None,
    "$(x)": None,
    ">": None,
    "2>&1": None,
    "*>x": None,
    "--%": None,
    "-a.b": None,
    "-a[0]": None,
    "'x'y": None,
    "$x": None,
    '"$(x)"': None,
    "'": None,
    '"': None,
    "`": None,
    "$x.y": None,
    "$env:NOBODY": None,
    "; x": None,
    "&& x": None,
    "; & C:\\x.exe": None,
    "\n& C:\\x.exe": None,
    "| Out-Null": None,
    "\u201cx\u201d": None,
    "''": None,
    "'a\"b'": None,
    "'a b\\'": None,
    "x`\ny": None,
    "@'\nx\n'@": None,
    "<x": None,
    "x>y": None,
    "'a','b'": None,
    "-x:$y": None,
    "~": None,
    "# x": [],
    "a#b": ["a#b"],
    "x`ty": ["x\ty"],
    "x`;y": ["x;y"],
    "a,b": ["a,b"],
    "--": ["--"],
    "-x:y": ["-x:y"],
    "-x": ["-x"],
    "--a.b=c": ["--a.b=c"],
    "-x='a b'": ["-x=a b"],
    "0x10": ["0x10"],
    "a'b c'd": ["ab cd"],
    "$": ["$"],
    "'$x'": ["$x"],
    '"`$x"': ["$x"],
    '"a\'b"': ["a'b"],
    "a@b": ["a@b"],
    "%x": ["%x"],
    "C:\\x\\": ["C:\\x\\"],
}


@settings(max_examples=110)
@given(st.data(), st.sampled_from(sorted(MEANINGS)), st.booleans())
def test_each_letter_has_powershells_meaning(data: st.DataObject, junk: str, encoded: bool) -> None:
    """A word that PowerShell interprets is refused; one that only looks like it is taken unchanged."""
    text = f"{call_of(data.draw, CPLAUNCHER, [*FLAGS, EXE, 'y'])} {junk}"
    words = (
        ["-e", base64.b64encode(text.encode("utf-16-le")).decode()]
        if encoded
        else ["-Command", text.replace("$", "$$")]
    )
    found = imported(["powershell.exe", *words])
    meaning = MEANINGS[junk]
    if meaning is None:
        assert found is None
    elif found is not None or encoded:
        assert found == meant(["y", *meaning])


# --- Kubernetes' variables ---


def filled(text: str, variables: dict[str, str]) -> str:
    """Do what Kubernetes' documentation says of $(NAME) and $$, letter by letter."""
    made, at = "", 0
    while at < len(text):
        two, end = text[at : at + 2], text.find(")", at)
        if two == "$$":
            made, at = made + "$", at + 2
        elif two == "$(" and end > 0 and text[at + 2 : end] in variables:
            made, at = made + variables[text[at + 2 : end]], end + 1
        elif two == "$(" and end > 0:
            made, at = made + text[at : end + 1], end + 1
        elif two.startswith("$"):
            made, at = made + two, at + 2
        else:
            made, at = made + text[at], at + 1
    return made


def environment_of(env: list[Object]) -> dict[str, str]:
    """Return a container's resulting environment; the node's name is never one of the drawn texts."""
    made: dict[str, str] = {}
    for each in env:
        made[each["name"]] = filled(each["value"], made) if "value" in each else "\u2302"
    return made


pieces = st.sampled_from(["a", "$", "$$", "(", ")", "$(A)", "$(B)", "$(C)", "$(NONE)", "$$(A)", "$$$(B)", "$(", " "])
texts = st.lists(pieces, max_size=4).map("".join)
variables = st.tuples(st.sampled_from("ABC"), st.none() | texts).map(
    lambda drawn: (
        {"name": drawn[0], "value": drawn[1]}
        if drawn[1] is not None
        else {"name": drawn[0], "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    )
)


def test_variables_of_kubernetes_come_to_the_same() -> None:
    """Arguments are expanded as kubelet does, or refused; the program's environment is the container's."""
    share = Share()

    @settings(max_examples=120)
    @given(st.lists(variables, max_size=4), st.lists(texts, max_size=2))
    def check(env: list[Object], args: list[str]) -> None:
        whole = environment_of(env)
        share.all += 1
        found = imported([CPLAUNCHER, *FLAGS, EXE, *args], env)
        wanted = [filled(each, whole) for each in args]
        if any("\u2302" in each for each in wanted):
            assert found is None
        if found is not None:
            share.understood += 1
            assert found["args"] == wanted
            assert environment_of(found["extraEnv"]) | found["env"] == whole

    check()
    share.demand(0.5)
