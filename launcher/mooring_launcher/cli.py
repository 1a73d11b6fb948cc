"""The commands that need more than the status file: `run` and `check`."""

import os
from collections.abc import Callable, Mapping

from mooring_launcher.anchor import Attach, Verdict, judge
from mooring_launcher.api import ApiClient, pod
from mooring_launcher.backends import backend
from mooring_launcher.config import read_ordinal
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.log import Log, mask_args
from mooring_launcher.outcome import Outcome, failure, write_termination_message
from mooring_launcher.runner import Runner
from mooring_launcher.setup import make_setup


def run(environ: Mapping[str, str], state_dir: str) -> int:
    """Run the replica and return what to exit with; it is logged and written to the termination log as well."""
    log = Log()
    outcome = _guarded(lambda: _run(environ, state_dir, log), log)
    write_termination_message(outcome, environ)
    log.info("exit", by=outcome.by, code=outcome.code, message=outcome.message)
    return outcome.code


def _run(environ: Mapping[str, str], state_dir: str, log: Log) -> Outcome:
    log.ordinal = read_ordinal(environ)
    setup = make_setup(environ, state_dir, log.ordinal)
    return Runner(setup, ApiClient.in_cluster(environ), backend(), log).run()


def _guarded(action: Callable[[], Outcome], log: Log) -> Outcome:
    try:
        return action()
    except LauncherError as error:
        return failure(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an end without a message helps nobody
        import traceback  # only now: it costs milliseconds of every start

        log.error("unexpected", traceback=traceback.format_exc())
        return Outcome("launcher", int(ExitCode.UNEXPECTED), f"{type(error).__name__}: {error}")


def check(environ: Mapping[str, str], state_dir: str, tell: Callable[[str], None]) -> int:
    """Tell what `run` would do here and now, starting nothing. Returns 0, or the code of the first thing missing."""
    try:
        _check(environ, state_dir, tell)
    except LauncherError as error:
        tell(f"missing: {error} ({error.code.name}: {error.code.remedy})")
        return int(error.code)
    return 0


def _check(environ: Mapping[str, str], state_dir: str, tell: Callable[[str], None]) -> None:
    ordinal = read_ordinal(environ)
    setup = make_setup(environ, state_dir, ordinal)
    target = setup.config["target"]
    tell(f"ordinal {ordinal}, app {setup.config['app']['name']} {setup.config['app']['version']}")
    tell(f"target: {' '.join([target['exe'], *mask_args(target['args'])])}")
    tell(f"anchor: statefulset.kubernetes.io/pod-name={setup.me.anchor_name} in namespace {setup.me.namespace}")
    found = ApiClient.in_cluster(environ).get(pod(setup.me.namespace, setup.me.anchor_name))
    verdict = judge([] if found is None else [found], setup.me)
    if not isinstance(verdict, Attach):
        raise LauncherError(ExitCode.ANCHOR_NOT_FOUND, _sentence(verdict))
    tell(f"found: uid {verdict.anchor.uid}, IP {verdict.anchor.ip}")
    compartments = backend().find_compartments(verdict.anchor.ip)
    if len(compartments) != 1:
        message = f"the IP {verdict.anchor.ip} is in {len(compartments)} compartments of this node, wanted 1"
        raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message)
    tell(f"compartment: {compartments[0].id} ({compartments[0].name})")
    if not os.path.isfile(target["exe"]):
        raise LauncherError(ExitCode.TARGET_NOT_FOUND, f"the program {target['exe']} does not exist")
    tell("nothing is missing")


def _sentence(verdict: Verdict) -> str:
    return getattr(verdict, "reason", "") or f"{type(verdict).__name__}: {', '.join(map(str, verdict))}"
