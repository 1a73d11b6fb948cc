"""The command `check`: what `run` would do here and now, without starting anything."""

import os
from collections.abc import Callable, Mapping

from mooring_launcher.attachment.place import working_dir
from mooring_launcher.attachment.waiting import Search
from mooring_launcher.cluster.anchor import Ambiguous, Attach, Attached, Elsewhere, Pod, Verdict, find_gaps, judge
from mooring_launcher.cluster.api import ApiClient
from mooring_launcher.config import Config, read_ordinal
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.gate.gate import check_gate
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.program import check_program
from mooring_launcher.replica import Setup, anchor_resource, check_trust, make_setup
from mooring_launcher.reports.masking import mask_args


def check(environ: Mapping[str, str], state_dir: str, tell: Callable[[str], None]) -> int:
    """Print what `run` would do here and now, without starting anything. Return 0, or the code of what is missing."""
    try:
        _check(environ, state_dir, tell)
    except LauncherError as error:
        tell(f"missing: {error} ({error.code.name}: {error.code.remedy})")
        return int(error.code)
    return 0


def _check(environ: Mapping[str, str], state_dir: str, tell: Callable[[str], None]) -> None:
    ordinal = read_ordinal(environ)
    check_trust(environ, state_dir)
    setup = make_setup(environ, state_dir, ordinal)
    target = setup.config["target"]
    tell(f"ordinal {ordinal}, app {setup.config['app']['name']} {setup.config['app']['version']}")
    tell(f"target: {' '.join([target['exe'], *mask_args(target['args'])])}")
    tell(f"anchor: {setup.me.selector} in namespace {setup.me.namespace}")
    attached, found = _find_anchor(setup, ApiClient.in_cluster(environ))
    tell(f"found: uid {attached.uid}, IP {attached.ip}")
    if not setup.config["anchor"]["create"]:
        for gap in find_gaps(found, setup.config["readiness"]["port"], setup.config["anchorGraceSeconds"]):
            tell(f"warning: the anchor {attached.name} has {gap}")
    compartment = Search(attached).look(backend())
    tell(f"compartment: {compartment.id} ({compartment.name})")
    _check_target(setup.config)
    tell("nothing is missing")


def _find_anchor(setup: Setup, client: ApiClient) -> tuple[Attached, Pod]:
    """Return the anchor that could be attached to now. LauncherError with the code with which `run` would give up."""
    candidates = client.find(anchor_resource(setup.me))
    match judge(candidates, setup.me):
        case Attach(anchor, _):
            return anchor, next(one for one in candidates if one["metadata"]["uid"] == anchor.uid)
        case Ambiguous(names):
            message = f"one anchor, found {' and '.join(names)}"
            raise LauncherError(ExitCode.ANCHOR_AMBIGUOUS, message)
        case Elsewhere(name, _, node):
            message = f"the anchor {name} is on node {node}, not on {setup.me.node}"
            raise LauncherError(ExitCode.ANCHOR_ELSEWHERE, message)
        case verdict:
            raise LauncherError(ExitCode.ANCHOR_NOT_FOUND, _sentence(verdict))


def _check_target(config: Config) -> None:
    """Check everything about the target and its gate that can be checked without starting them."""
    target = config["target"]
    if not os.path.isfile(target["exe"]):
        raise LauncherError(ExitCode.TARGET_NOT_FOUND, f"the program {target['exe']} does not exist")
    folder = working_dir(target)
    if folder and not os.path.isdir(folder):
        raise LauncherError(ExitCode.TARGET_NOT_FOUND, f"the working directory {folder} does not exist")
    check_program(target)
    check_gate(config["gate"], target["ports"])


def _sentence(verdict: Verdict) -> str:
    return getattr(verdict, "reason", "") or f"{type(verdict).__name__}: {', '.join(map(str, verdict))}"
