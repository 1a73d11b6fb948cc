"""The command `run`: from the environment to an exit code."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from mooring_launcher.cluster.api import ApiClient
from mooring_launcher.config import read_ordinal
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.backends import backend
from mooring_launcher.replica import check_trust, make_setup
from mooring_launcher.reports.log import Log
from mooring_launcher.reports.outcome import Outcome, failure, write_termination_message
from mooring_launcher.runner import Runner


def run(environ: Mapping[str, str], state_dir: str) -> int:
    """Run the replica and return its exit code, which is also logged and written to the termination log."""
    log = Log()
    with ExitStack() as afterwards:
        outcome = _guarded(lambda: _run(environ, state_dir, log, afterwards), log)
        write_termination_message(outcome, environ)
        log.info("exit", by=outcome.by, code=outcome.code, message=outcome.message)
    return _as_status(outcome.code)


def _as_status(code: int) -> int:
    """Return a 32-bit exit code as sys.exit takes it on Windows: what does not fit a signed int would become -1."""
    return code - (1 << 32) if code >= 1 << 31 else code


def _run(environ: Mapping[str, str], state_dir: str, log: Log, afterwards: ExitStack) -> Outcome:
    log.ordinal = read_ordinal(environ)
    check_trust(environ, state_dir)
    setup = make_setup(environ, state_dir, log.ordinal)
    runner = Runner(setup, ApiClient.in_cluster(environ), backend(), log)
    afterwards.callback(runner.last_act)
    return runner.run()


def _guarded(action: Callable[[], Outcome], log: Log) -> Outcome:
    try:
        return action()
    except LauncherError as error:
        return failure(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an end without a message helps nobody
        import traceback  # only now: it costs milliseconds of every start

        log.error("unexpected", traceback=traceback.format_exc())
        return Outcome("launcher", int(ExitCode.UNEXPECTED), f"{type(error).__name__}: {error}")
