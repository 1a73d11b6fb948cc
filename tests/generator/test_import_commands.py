"""Real command lines are read as their shell reads them, or refused with a reason."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from mooring.errors import ExitCode

from tests.generator.manifests import CPLAUNCHER, EXE, Object, anchor, config, launcher
from tests.generator.test_import import run, told, values

LABEL = "-label app=orders-anchor-1 -namespace apps --"
WORDS = [CPLAUNCHER, "-label", "app=orders-anchor-1", "-namespace", "apps", "--", EXE]
START = f"{CPLAUNCHER} {LABEL} {EXE}"
FINDS = "$ip = (& kubectl get pod -l app=orders-anchor-1 -n apps -o jsonpath='{.items[0].status.podIP}')\n"
ATTACHES = '$env:COMPARTMENT_ID_ATTACH = "$cid"\n'
FINDS_BATCH = (
    "@echo off\nfor /f %%i in ('kubectl get pod -l app=orders-anchor-1 -n apps') do set IP=%%i\n"
    "set COMPARTMENT_ID_ATTACH=%CID%\n"
)
NODE = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
KEY = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "licence", "key": "key"}}}


def text(line: str) -> list[str]:
    """Return the command that gives PowerShell a text."""
    return ["powershell.exe", "-NoProfile", "-Command", line]


def encoded(line: str) -> list[str]:
    """Return the command that gives PowerShell a text in base64."""
    return ["powershell.exe", "-e", base64.b64encode(line.encode("utf-16-le")).decode()]


def by_script(tmp_path: Path, script: str, name: str = "start.ps1", env: list[Object] | None = None) -> Any:
    """Import a program that a mounted script starts."""
    shell = ["powershell.exe", "-File"] if name.endswith("1") else ["cmd.exe", "/c"]
    pod = {"volumes": [{"name": "s", "configMap": {"name": "scripts"}}]}
    mounts = [{"name": "s", "mountPath": "C:/scripts"}]
    made = launcher(words=[*shell, rf"C:\scripts\{name}"], volumeMounts=mounts, pod=pod, env=env or [])
    return run(tmp_path, anchor(), made, config("scripts", {name: script}))


Expected = dict[str, Any]
UNDERSTOOD: dict[str, tuple[list[str], Expected]] = {
    "set before, a word each": (["cmd.exe", "/c", "set", "LICENCE=abc&&", *WORDS], {"env": {"LICENCE": "abc"}}),
    "set before, one text": (
        ["cmd", "/c", f"set LICENCE=abc&& {START} --a"],
        {"args": ["--a"], "env": {"LICENCE": "abc"}},
    ),
    "set keeps blanks": (["cmd", "/c", f"set A=b && set B= c& {START}"], {"env": {"A": "b ", "B": " c"}}),
    "set in quotes": (["cmd", "/c", f'set "A=b c" && {START}'], {"env": {"A": "b c"}}),
    "exit after": (["cmd", "/d", "/s", "/c", f"{START} --a & exit /b %ERRORLEVEL%"], {"args": ["--a"]}),
    "cd before": (["cmd", "/c", rf"cd /d D:\my data && {START}"], {"workingDir": r"D:\my data"}),
    "a caret in one text": (["cmd", "/c", f"{START} a^&b ^^"], {"args": ["a&b", "^"]}),
    "an ampersand in quotes": (["cmd.exe", "/c", *WORDS, "a & b"], {"args": ["a & b"]}),
    "percent signs that name nothing": (["cmd", "/c", *WORDS, "50%", "%"], {"args": ["50%", "%"]}),
    "cmd within cmd": (["cmd", "/c", "cmd", "/c", *WORDS, "x"], {"args": ["x"]}),
    "PowerShell within cmd": (["cmd", "/c", "powershell", "-Command", f"& {START} 'a;b'"], {"args": ["a;b"]}),
    "lines that go on": (
        text(f'& "{CPLAUNCHER}" {LABEL} "{EXE}" `\n  --port 80 `\n  --quiet\n'),
        {"args": ["--port", "80", "--quiet"]},
    ),
    "encoded": (encoded(f"{START} 'ä b'; exit $LASTEXITCODE"), {"args": ["ä b"]}),
    "an environment of PowerShell": (
        text(f"$env:A = 'b'; $env:B=\"x$env:A\"\n& {START} $env:B"),
        {"args": ["xb"], "env": {"A": "b", "B": "xb"}},
    ),
    "a place of PowerShell": (text(rf"Set-Location 'D:\data'; & {START}"), {"workingDir": r"D:\data"}),
    "escaped letters": (text(f'& {START} a`;b "c`$d`t"'), {"args": ["a;b", "c$d\t"]}),
    "a list of bare words": (text(f"& {START} --hosts=a,b 80,81"), {"args": ["--hosts=a,b", "80,81"]}),
    "words of a variable": (
        text(f"$more = @('a', 'b c'); & {START} @more $more x"),
        {"args": ["a", "b c"] * 2 + ["x"]},
    ),
    "Start-Process": (
        text(f"Start-Process {CPLAUNCHER} -Wait -Arg '{LABEL} {EXE} --a \"b c\"'"),
        {"args": ["--a", "b c"]},
    ),
}


@pytest.mark.parametrize(("words", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_what_surrounds_a_program_is_understood(tmp_path: Path, words: list[str], expected: Expected) -> None:
    """Arguments, environment and working directory are those the shell would give the program."""
    target = values(run(tmp_path, anchor(), launcher(words=words)))["target"]
    assert {key: target[key] for key in ("exe", "args", "env", "workingDir") if key in target} == {
        "exe": EXE
    } | expected


REFUSED: dict[str, tuple[list[str], str]] = {
    "a redirection, a word each": (
        ["cmd.exe", "/c", *WORDS, ">", r"C:\a.log", "2>&1"],
        "'>' redirects its input or output",
    ),
    "a pipe": (["cmd", "/c", f"{START} | more"], "'|' pipes its output to another program"),
    "another command after": (["cmd.exe", "/c", *WORDS, "&", "timeout", "5"], "'&' before 'timeout 5'"),
    "another command before": (["cmd", "/c", f"del x & {START}"], "makes it more than one command"),
    "an ampersand at the end": (["cmd.exe", "/c", *WORDS, "&"], "'&' has no command after it"),
    "only on failure": (["cmd", "/c", f"{START} || exit /b 1"], "'||' before 'exit /b 1'"),
    "a block": (["cmd", "/c", f"({START})"], "it contains a block in parentheses"),
    "a caret in a list": (["cmd", "/c", *WORDS, "a^&b"], "^ is read twice"),
    "two lines": (["cmd", "/c", f"{START}\n{START}"], "it contains a line break"),
    "a part of a variable": (["cmd", "/c", f"{START} %A:~0,2%"], "%A:~0,2% is a substring"),
    "delayed variables": (["cmd", "/v:on", "/c", f"set A=b&& {START} !A!"], "/v:on expands !NAME!"),
    "a variable set in the same line": (["cmd", "/c", f"set A=b&& {START} %A%"], "it uses the variable A"),
    "a quoted ampersand in one text": (["cmd", "/c", f'{START} "a&b"'], "'&' is in quotation marks"),
    "set of nothing": (["cmd", "/c", f"set A=& {START}"], "does not set a variable to a plain value"),
    "cd to a relative place": (["cmd", "/c", f"cd data && {START}"], "cd changes to 'data'"),
    "cd without its drive": (["cmd", "/c", rf"cd D:\x && {START}"], "cd without /d does not change to drive D:"),
    "an ampersand without a shell": (
        [*WORDS, "a&b"],
        "start each HostProcess command with cmd /c, which interprets '&'",
    ),
    "percent signs without a shell": ([*WORDS, "%TEMP%"], "it contains %TEMP%"),
    "a quotation mark first": (["cmd", "/c", f'"{CPLAUNCHER}" {LABEL} {EXE}'], "it begins with a quotation mark"),
    "a path cut in two": (
        ["cmd", "/c", rf"{CPLAUNCHER} {LABEL} C:\Program Files\a.exe"],
        "the program is 'C:\\\\Program'",
    ),
    "two quoted paths": (
        ["cmd", "/c", r"C:\k 2\cplauncher.exe", *WORDS[1:], "a b"],
        "cplauncher is started by 'C:\\\\k', which an App cannot do",
    ),
    "start": (["cmd", "/c", f"start /wait {START}"], "cplauncher is started by 'start'"),
    "cmd that stays": (["cmd", "/k", *WORDS], "cmd has the option '/k'"),
    "text without &": (text(f'"{CPLAUNCHER}" {LABEL} {EXE}'), "as text, not as a command"),
    "two programs": (text(f"& {START}; & {START}"), "it starts several programs"),
    "a cmdlet before": (text(f"Start-Sleep 5; & {START}"), "it runs Start-Sleep"),
    "a pipe of PowerShell": (text(f"& {START} a | Out-Null"), "it contains '|'"),
    "PowerShell's redirection": (text(f"& {START} *> out.log"), "it redirects output with '>'"),
    "a command in it": (text(f'& {START} "$(Get-Date)"'), "it contains '$(', a command within the command"),
    "a variable nobody set": (text(f"& {START} $port"), "the script's variable $port is not plain text"),
    "a dot in a parameter": (text(f"& {START} -Da.b=c"), "PowerShell splits '-Da.'... at"),
    "a quotation mark for the program": (text(f"& {START} 'say \"hi\"'"), "passes that on depends on its version"),
    "an empty word for the program": (text(f"& {START} ''"), "the argument '' is empty"),
    "a backslash after spaces": (text(f"& {START} 'C:\\a b\\'"), "has spaces and ends in \\"),
    "the rest is cmd's": (text(f"& {START} --% %X%"), "%X%"),
    "two words in one": (text(f"& {START} 'a'b"), "'b' directly follows quoted text"),
    "curly quotation marks": (text(f"& {START} \u201ca b\u201d"), "curly quotation mark"),
    "words of an unknown variable": (text(f"& {START} @more"), "the script's variable $more is not plain text"),
    "a list in quotation marks": (text(f"& {START} 'a','b'"), "it contains the list 'a,b'"),
    "an output file": (
        text(f"Start-Process {CPLAUNCHER} -RedirectStandardOutput C:\\o '{LABEL} {EXE}'"),
        "Start-Process has -RedirectStandardOutput",
    ),
    "an ambiguous name": (
        text(f"Start-Process {CPLAUNCHER} -W '{LABEL} {EXE}'"),
        "which is ambiguous between -workingdirectory and -wait",
    ),
    "PowerShell that stays": (["powershell.exe", "-NoExit", "-Command", f"& {START}"], "the unknown parameter -NoExit"),
    "PowerShell's text in cmd's hands": (
        text(f'& "{CPLAUNCHER}" {LABEL} "{EXE}" "a|b"'),
        "'|' is not quoted",
    ),
}


@pytest.mark.parametrize(("words", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_an_app_cannot_do_is_refused(tmp_path: Path, words: list[str], expected: str) -> None:
    """Anything beyond plain words is refused with file, line, column and the reason; nothing is written."""
    result = run(tmp_path, anchor(), launcher(words=words))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert expected in str(result.problems[0])
    assert result.problems[0].line and result.problems[0].column
    assert not (tmp_path / "out").exists()


SCRIPTS: dict[str, tuple[str, str, Expected]] = {
    "lines that go on": (
        "start.ps1",
        f'& "{EXE}" `\n  --port 80 `\r\n  --config "C:\\a b.json"',
        {"args": ["--port", "80", "--config", r"C:\a b.json"]},
    ),
    "one text": (
        "start.ps1",
        f'Start-Process -FilePath "{EXE}" -ArgumentList "--port 80 --config C:\\a.json" -NoNewWindow -Wait',
        {"args": ["--port", "80", "--config", r"C:\a.json"]},
    ),
    "-Args": ("start.ps1", f"Start-Process '{EXE}' -Args '--hosts','a' -Wait", {"args": ["--hosts", "a"]}),
    "by position": ("start.ps1", f"saps {EXE} '--a',b -Wait; exit $LASTEXITCODE", {"args": ["--a", "b"]}),
    "a list over lines": (
        "start.ps1",
        (
            "$list = @(\n  '--a'\n  'b c'\n)\n"
            f"$p = start -PassThru -File '{EXE}' -Argu $list\n$p.WaitForExit()\nexit $p.ExitCode"
        ),
        {"args": ["--a", "b", "c"]},
    ),
    "quoted in the list": (
        "start.ps1",
        f"Start-Process {EXE} @('--a', '\"b c\"') -WorkingDirectory 'D:\\w' -Wait",
        {"args": ["--a", "b c"], "workingDir": r"D:\w"},
    ),
    "an environment": (
        "start.ps1",
        (
            f"$env:A = 'b'\ncd C:\\w\n& {EXE} \"$env:A\"\n"
            "if ($LASTEXITCODE -ne 0) { Write-Error 'bad'; exit $LASTEXITCODE }"
        ),
        {"args": ["b"], "env": {"A": "b"}, "workingDir": r"C:\w"},
    ),
    "a batch file": (
        "start.cmd",
        f'set A=b\r\ncd /d D:\\w\r\n"{EXE}" --a "c d" %A% 100%%\r\nexit /b %ERRORLEVEL%\r\n',
        {"args": ["--a", "c d", "b", "100%"], "env": {"A": "b"}, "workingDir": r"D:\w"},
    ),
}


@pytest.mark.parametrize(("name", "script", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_scripts_are_read_as_their_shell_does(tmp_path: Path, name: str, script: str, expected: Expected) -> None:
    """After the line that sets the compartment a script starts one program, in any spelling of its shell."""
    head = FINDS + ATTACHES if name.endswith("1") else FINDS_BATCH
    target = values(by_script(tmp_path, head + script, name))["target"]
    assert {key: target[key] for key in ("exe", "args", "env", "workingDir") if key in target} == {
        "exe": EXE
    } | expected


def test_what_a_script_sets_before_its_search_counts_too(tmp_path: Path) -> None:
    """A variable of the environment that is set at the script's beginning reaches the program."""
    script = f"$env:A = 'b'\n$label = 'x'\n{FINDS}if (-not $cid) {{ throw 'none' }}\n{ATTACHES}& {EXE}"
    assert values(by_script(tmp_path, script))["target"]["env"] == {"A": "b"}


SCRIPTS_REFUSED: dict[str, tuple[str, str, str]] = {
    "two programs": ("start.ps1", f"{FINDS}{ATTACHES}& {EXE}\n& C:\\b.exe", "several programs"),
    "a program before": (
        "start.ps1",
        f"& C:\\prepare.exe\n{FINDS}{ATTACHES}& {EXE}",
        "the script also runs 'C:\\\\prepare.exe'",
    ),
    "a service before": (
        "start.ps1",
        f"Start-Service x\n{FINDS}{ATTACHES}& {EXE}",
        "the script also runs 'Start-Service'",
    ),
    "in a loop": ("start.ps1", f"{FINDS}while ($true) {{\n{ATTACHES}& {EXE}\n}}", "is started within 'while ($true)'"),
    "a variable in a branch": (
        "start.ps1",
        f"if ($x) {{ $env:A = 'b' }}\n{FINDS}{ATTACHES}& {EXE}",
        "it sets $env:A in a block",
    ),
    "a variable of a command": (
        "start.ps1",
        f"{FINDS}{ATTACHES}$env:A = (hostname)\n& {EXE}",
        "it sets $env:A to a value that only the node knows",
    ),
    "a variable by .NET": (
        "start.ps1",
        f"[Environment]::SetEnvironmentVariable('A', 'b')\n{FINDS}{ATTACHES}& {EXE}",
        "the script also contains 'SetEnvironmentVariable'",
    ),
    "a program in a condition": (
        "start.ps1",
        f"if (& C:\\check.exe) {{ }}\n{FINDS}{ATTACHES}& {EXE}",
        "the script also runs 'C:\\\\check.exe'",
    ),
    "a program in a message": (
        "start.ps1",
        f'Write-Host "x $(& C:\\check.exe)"\n{FINDS}{ATTACHES}& {EXE}',
        "the script also runs 'C:\\\\check.exe'",
    ),
    "a program in a message after": (
        "start.ps1",
        f'{FINDS}{ATTACHES}& {EXE}\nWrite-Host "x $(& C:\\check.exe)"',
        "it contains '$(', a command within the command",
    ),
    "a condition after": (
        "start.ps1",
        f"{FINDS}{ATTACHES}& {EXE}\nif (Test-Path C:\\x) {{ }}",
        "is in a separate block",
    ),
    "a file written": ("start.ps1", f"'a=b' > C:\\a.ini\n{FINDS}{ATTACHES}& {EXE}", "the script also contains '>'"),
    "a file written by batch": (
        "start.cmd",
        f"echo a=b> C:\\a.ini\n{FINDS_BATCH}{EXE}",
        "the script also writes a file",
    ),
    "a process by .NET": (
        "start.ps1",
        f"$p = New-Object Diagnostics.Process; $p.Start()\n{FINDS}{ATTACHES}& {EXE}",
        "the script also contains '.Start('",
    ),
    "a batch program in a condition": (
        "start.cmd",
        f"if exist C:\\p.exe C:\\p.exe\n{FINDS_BATCH}{EXE}",
        "the script also runs 'C:\\\\p.exe'",
    ),
    "one more thing": ("start.ps1", f"{FINDS}{ATTACHES}& {EXE}\nRemove-Item C:\\x", "it runs Remove-Item"),
    "output caught": ("start.ps1", f"{FINDS}{ATTACHES}$out = & {EXE}", "$out is set to"),
    "the end hidden": ("start.ps1", f"{FINDS}{ATTACHES}& {EXE}\nexit 0", "it runs exit"),
    "the script's own words": (
        "start.ps1",
        f"{FINDS}{ATTACHES}& {EXE} $args",
        "the script's variable $args is not plain text",
    ),
    "batch words": ("start.cmd", f"{FINDS_BATCH}{EXE} %*", "a % that a batch file reads as an argument"),
    "a batch program before": ("start.cmd", f"C:\\p.exe\n{FINDS_BATCH}{EXE}", "the script also runs 'C:\\\\p.exe'"),
    "a batch redirection": ("start.cmd", f"{FINDS_BATCH}{EXE} > C:\\o.log", "'>' redirects its input or output"),
}


@pytest.mark.parametrize(("name", "script", "expected"), SCRIPTS_REFUSED.values(), ids=SCRIPTS_REFUSED)
def test_scripts_that_do_more_are_refused(tmp_path: Path, name: str, script: str, expected: str) -> None:
    """A script that does what an App cannot is refused at its place in the ConfigMap."""
    result = by_script(tmp_path, script, name)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert expected in str(result.problems[0])
    assert f"data.{name.replace('.', chr(92) + '.')}: " in str(result.problems[0])


def test_what_two_nodes_read_differently_is_reported(tmp_path: Path) -> None:
    """If older and newer nodes read a line differently and the intent is clear, the report says so."""
    split = told(run(tmp_path, anchor(), launcher(words=UNDERSTOOD["set before, a word each"][0])))
    assert "set LICENCE=abc: Windows Server 2022 and later split the line there" in split
    (tmp_path / "lines").mkdir()
    lines = told(run(tmp_path / "lines", anchor(), launcher(words=UNDERSTOOD["lines that go on"][0])))
    assert "reads only the command's first line; the App has all of it" in lines


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--node=$(NODE)", "it uses the variable NODE, from the pod's spec.nodeName, which only the cluster knows"),
        ("--key=$(KEY)", "it uses the variable KEY, from Secret licence, which was not read"),
        ("$(AT)", "it uses the variable AT, which contains $(NODE)"),
        ("$(ORDERS_SERVICE_HOST)", "ORDERS_SERVICE_HOST, which Kubernetes sets if a Service of that name exists"),
        ("$(FROM_SECRET)", "FROM_SECRET, which Secret more (not read) may define"),
        ("$(ORDINAL)", "an argument contains the pod's index"),
    ],
)
def test_what_kubelet_fills_in_is_not_text(tmp_path: Path, argument: str, reason: str) -> None:
    """$(NAME) of something that only the cluster knows is refused in an argument, with the reason."""
    index = {
        "name": "ORDINAL",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}},
    }
    env = [NODE, KEY, {"name": "AT", "value": "https://$(NODE)/"}, index]
    made = launcher(words=[*WORDS, argument], env=env, envFrom=[{"secretRef": {"name": "more"}}])
    result = run(tmp_path, anchor(), made)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert reason in str(result.problems[0])


def test_values_that_kubelet_fills_in_are_left_to_kubelet(tmp_path: Path) -> None:
    """A value that contains $(NAME) of the node goes to extraEnv after that variable, with known parts filled in."""
    site, at = {"name": "SITE", "value": "a$b"}, {"name": "AT", "value": "$(SITE).$(NODE).$$(X).$(NONE)"}
    made = values(
        run(tmp_path, anchor(), launcher(words=[*WORDS, "$(SITE)", "$(NONE)", "$$(SITE)"], env=[NODE, site, at]))
    )
    assert made["target"]["args"] == ["a$b", "$(NONE)", "$(SITE)"]
    assert made["target"]["env"] == {"SITE": "a$b"}
    assert made["extraEnv"] == [NODE, {"name": "AT", "value": "a$$b.$(NODE).$$(X).$(NONE)"}]


def test_the_last_of_equal_variables_counts(tmp_path: Path) -> None:
    """A later variable of the same name replaces the earlier one; what used it before keeps the earlier value."""
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)"},
        {"name": "A", "value": "2"},
        NODE,
        {"name": "NODE", "value": "x"},
    ]
    made = values(run(tmp_path, anchor(), launcher(words=[*WORDS, "$(A)$(B)$(NODE)"], env=env)))
    assert made["target"]["args"] == ["21x"]
    assert made["target"]["env"] == {"A": "2", "B": "1", "NODE": "x"}
    assert "extraEnv" not in made
    (tmp_path / "from").mkdir()
    refused = run(tmp_path / "from", anchor(), launcher(words=[*WORDS, "$(A)"], env=[env[0], {**NODE, "name": "A"}]))
    assert "it uses the variable A, from the pod's spec.nodeName" in str(refused.problems[0])


def test_names_that_are_one_variable_on_windows_are_refused(tmp_path: Path) -> None:
    """Two variables that differ only in case are two to Kubernetes and one to Windows."""
    result = run(tmp_path, anchor(), launcher(env=[{"name": "A", "value": "1"}, {"name": "a", "value": "2"}]))
    assert "A and a are the same variable on Windows; keep one of them" in str(result.problems[0])


def test_a_secret_may_override_an_earlier_configmap(tmp_path: Path) -> None:
    """The last source of envFrom wins, so a variable that an unread one may define is unknown."""
    sources = [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]
    made = config("c", {"A": "1"})
    result = run(tmp_path, anchor(), launcher(words=[*WORDS, "$(A)"], envFrom=sources), made)
    assert "it uses the variable A, which Secret s (not read) may also define" in str(result.problems[0])
    (tmp_path / "turned").mkdir()
    turned = run(tmp_path / "turned", anchor(), launcher(words=[*WORDS, "$(A)"], envFrom=sources[::-1]), made)
    assert values(turned)["target"]["args"] == ["1"]
