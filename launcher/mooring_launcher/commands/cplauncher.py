"""`run` with the flags of K2s' cplauncher.exe: its users change one path and keep their manifests.

Each flag is mapped to the configuration, accepted because there is nothing to do, or refused with a sentence. The
document that comes of it is written into the state directory and read as any other.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from mooring_launcher.attachment.place import COMPARTMENT_ENV
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.files import create_file

_LEAST_WAIT_S, _USUAL_WAIT_S = 10, 60
_USUAL_ENV_NAME = "COMPARTMENT_ID"
"""The variable that tells a program which compartment to enter: K2s' default of -env-name."""
ANCHOR_GRACE_S = 80
"""The least grace period with the defaults of `stop`; `run` warns of a pod that has less."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

_TAKES_NO_VALUE = {"self-env", "dry-run", "wait-tree", "no-inject", "legacy-inject", "version"}
_NOTHING_TO_DO = {"v", "verbosity", "logs-keep", "log-max-age", "no-inject"}
_REFUSED = {
    "compartment": "an id means a different network after the next restart: name the pod with -label",
    "dll": "nothing is injected: the job's compartment holds for every thread and child of the program, and virus "
    "scanners have nothing to kill",
    "export": "nothing is injected, so no function of a DLL is called",
    "legacy-inject": "nothing is injected: the job's compartment holds for every thread and child of the program",
}
_MAPPED = {"label", "namespace", "label-timeout", "self-env", "env-name", "wait-tree", "dry-run", "version"}


class Wishes(NamedTuple):
    """What the flags request."""

    document: dict[str, Any]
    env_name: str
    dry_run: bool
    version: bool


def run(argv: list[str], environ: Mapping[str, str], state_dir: str, tell: Callable[[str], None]) -> int:
    """Do what cplauncher would with these arguments and return the exit code."""
    from mooring_launcher import __version__
    from mooring_launcher.commands import check, run

    try:
        wishes = parse(argv)
    except LauncherError as error:
        tell(str(error))
        return int(error.code)
    if wishes.version:
        tell(__version__)
        return 0
    own_dir = "" if environ.get("MOORING_STATE_DIR") else tempfile.mkdtemp(prefix="mooring-")
    folder = own_dir or state_dir
    try:
        environment = _environment(wishes, environ, folder)
        return check.check(environment, folder, tell) if wishes.dry_run else run.run(environment, folder)
    finally:
        if own_dir:
            shutil.rmtree(own_dir, ignore_errors=True)


def parse(argv: list[str]) -> Wishes:
    """Read the flags as Go's flag package does: one dash or two, the value after `=` or as the next word.

    LauncherError USAGE for a flag that is refused or unknown, and where something is missing.
    """
    flags, command = _split(argv)
    for name in flags:
        if name in _REFUSED:
            _refuse(f"-{name} is not supported: {_REFUSED[name]}")
        if name not in _MAPPED | _NOTHING_TO_DO:
            known = ", ".join(f"-{one}" for one in sorted(_MAPPED | _NOTHING_TO_DO))
            _refuse(f"-{name} is not a flag of cplauncher; known: {known}")
    if "version" in flags:
        return Wishes({}, "", False, True)
    if not flags.get("label"):
        _refuse("-label is missing: it names the pod whose network the program gets, e.g. app=orders-anchor")
    if not command:
        _refuse("the program is missing: give its full path and its arguments after --")
    env_name = flags.get("env-name") or (_USUAL_ENV_NAME if "self-env" in flags else "")
    return Wishes(_document(flags, command), env_name, "dry-run" in flags, False)


def _split(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    words = list(argv)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and name not in _TAKES_NO_VALUE:
            if not words:
                _refuse(f"-{name} has no value")
            value = words.pop(0)
        if name in _TAKES_NO_VALUE and value.lower() in ("false", "f", "0"):
            continue
        flags[name] = value
    return flags, words


def _document(flags: Mapping[str, str], command: list[str]) -> dict[str, Any]:
    exe, *args = command
    wait_s = max(_LEAST_WAIT_S, parse_duration(flags["label-timeout"])) if "label-timeout" in flags else _USUAL_WAIT_S
    return {
        "configVersion": 2,
        "app": {"name": "cplauncher", "version": ""},
        "platform": "windows",
        "launcherSet": "cplauncher",
        "anchorSet": "cplauncher",
        "anchorPod": "cplauncher-{ordinal}",
        "anchorGraceSeconds": ANCHOR_GRACE_S,
        "anchor": {
            "strategy": "static",
            "create": False,
            "selector": flags["label"],
            "namespace": flags.get("namespace", "default"),
            "waitSeconds": wait_s,
        },
        "scaling": {"follow": False},
        "attach": "env" if "self-env" in flags else "job",
        "target": {"exe": exe, "args": args, "lifetime": "tree" if "wait-tree" in flags else "process"},
    }


def parse_duration(text: str) -> int:
    """Return a Go duration (1m30s, 500ms) in whole seconds, or a plain number of them. LauncherError USAGE."""
    if text.isdecimal():
        return int(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        _refuse(f"-label-timeout {text!r} is not a duration: write e.g. 30s or 2m")
    return round(sum(float(number) * _UNITS_S[unit] for number, unit in parts))


def _environment(wishes: Wishes, environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the environment that `run` starts from, with what a chart would have put there."""
    path = os.path.join(folder, "cplauncher.json")
    with open(create_file(path), "w", encoding="utf-8") as file:
        json.dump(wishes.document, file)
    given = {"MOORING_CONFIG": path, "MOORING_ORDINAL": environ.get("MOORING_ORDINAL", "0")}
    node = environ.get("NODE_NAME") or environ.get("COMPUTERNAME", "").lower()
    name = {COMPARTMENT_ENV: wishes.env_name} if wishes.env_name else {}
    return {**environ, **given, **name, "NODE_NAME": node}


def _refuse(message: str) -> NoReturn:
    raise LauncherError(ExitCode.USAGE, message)
