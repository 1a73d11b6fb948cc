"""The flags of K2s' cplauncher: each is mapped, accepted or refused with a sentence."""

import pytest
from mooring_launcher.commands.cplauncher import ANCHOR_GRACE_S, parse, parse_duration
from mooring_launcher.config import check_config, load_schema
from mooring_launcher.errors import ExitCode, LauncherError

_EXE = r"C:\apps\orders.exe"


def test_a_whole_command_line_becomes_a_configuration() -> None:
    """Label, namespace, timeout and program are mapped; log options are accepted; the result is valid."""
    line = ["-label", "app=orders-anchor", "--namespace=apps", "-label-timeout", "2m", "-v=4", "-logs-keep", "3"]
    line += ["-log-max-age", "24h", "-no-inject", "-self-env", "-env-name", "NET_ID", "--", _EXE, "--port", "80"]
    wishes = parse(line)
    config = check_config(wishes.document, load_schema(), "test")
    assert config["anchor"] | {"selector": "app=orders-anchor", "namespace": "apps"} == config["anchor"]
    assert (config["anchor"]["waitSeconds"], config["anchor"]["create"]) == (120, False)
    assert (config["target"]["exe"], config["target"]["args"]) == (_EXE, ["--port", "80"])
    assert (config["attach"], wishes.env_name, wishes.dry_run) == ("env", "NET_ID", False)
    assert config["platform"] == "windows"
    stop = config["stop"]
    assert stop["drainSeconds"] + stop["consoleSeconds"] + stop["windowSeconds"] + 20 == ANCHOR_GRACE_S


def test_the_program_may_follow_without_dashes() -> None:
    """As with Go's flags, the program begins at the first word that is not a flag."""
    wishes = parse(["-label", "app=a", "-dry-run", _EXE, "-label", "theirs"])
    assert wishes.dry_run
    assert wishes.document["target"] == {"exe": _EXE, "args": ["-label", "theirs"], "lifetime": "process"}
    assert wishes.document["attach"] == "job"
    assert not parse(["-label", "app=a", "-dry-run=false", _EXE]).dry_run


@pytest.mark.parametrize(
    ("words", "lifetime"),
    [([], "process"), (["-wait-tree"], "tree"), (["--wait-tree=true"], "tree"), (["-wait-tree=F"], "process")],
)
def test_wait_tree_is_the_lifetime_of_the_tree(words: list[str], lifetime: str) -> None:
    """-wait-tree waits for the last process of the tree; without it the target ends with its first process."""
    config = check_config(parse([*words, "-label", "app=a", "--", _EXE]).document, load_schema(), "test")
    assert config["target"]["lifetime"] == lifetime


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["-compartment", "7", _EXE], "-compartment is not supported: an id means a different network"),
        (["-dll", "x.dll", "-label", "a=b", _EXE], "-dll is not supported: nothing is injected"),
        (["-export", "F", _EXE], "no function of a DLL"),
        (["-legacy-inject", _EXE], "nothing is injected"),
        (["-lable", "a=b", _EXE], "not a flag of cplauncher; known: -dry-run"),
        (["-namespace", "apps", _EXE], "-label is missing"),
        (["-label", "a=b", "--"], "the program is missing"),
        (["-label"], "-label has no value"),
        (["-label", "a=b", "-label-timeout", "soon", _EXE], "is not a duration"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(line: list[str], words: str) -> None:
    """A flag that has no meaning here gets a message that says why; a mistake is named; nothing is started."""
    with pytest.raises(LauncherError, match=words) as caught:
        parse(line)
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m30s", 90), ("1500ms", 2), ("45", 45), ("1h", 3600)])
def test_durations_are_gos(text: str, seconds: int) -> None:
    """A duration in Go's notation is read in seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["-self-env"], "COMPARTMENT_ID"),
        (["-self-env", "-env-name", "NET_ID"], "NET_ID"),
        (["-self-env=false"], ""),
        ([], ""),
    ],
)
def test_a_program_that_switches_itself_finds_the_variable_of_k2s(flags: list[str], name: str) -> None:
    """-self-env sets COMPARTMENT_ID too, unless -env-name gives another name."""
    assert parse([*flags, "-label", "app=a", _EXE]).env_name == name


def test_version_needs_nothing_else() -> None:
    """-version is answered whatever else is missing."""
    assert parse(["-version"]).version
