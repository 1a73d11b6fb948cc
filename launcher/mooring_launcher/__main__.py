"""The command line. Probes run every few seconds, so each command imports what it needs and no more."""

import os
import sys

USAGE = (
    "usage: mooring-launcher run [CPLAUNCHER FLAGS] | check | stop | version | probe ready|live|started"
    " | check-release SECONDS [SERVICE]"
)
_EXIT_USAGE = 201  # ExitCode.USAGE; the enum itself would cost each probe a millisecond


def main(argv: list[str]) -> int:
    """Run one command and return the exit status."""
    state_dir = _state_dir()
    match argv:
        case ["probe", "ready" | "live" | "started" as question]:
            return _probe(question, state_dir)
        case ["console-event", "ctrlC" | "ctrlBreak" as event, *pids] if all(map(str.isdecimal, pids)):
            # The launcher's own helper on Windows: not a command for people.
            from mooring_launcher.platforms.windows.process.console import run_helper

            return run_helper(event, [int(pid) for pid in pids])
        case ["stop"]:
            from mooring_launcher.rendezvous import request_stop

            request_stop(state_dir, _tell)
            return 0
        case ["run"]:
            from mooring_launcher.commands.run import run

            return run(os.environ, state_dir)
        case ["run", first, *rest] if first.startswith("-"):
            from mooring_launcher.commands.cplauncher import run as run_as_cplauncher

            return run_as_cplauncher([first, *rest], os.environ, state_dir, _tell)
        case ["check"]:
            from mooring_launcher.commands.check import check

            return check(os.environ, state_dir, _tell)
        case ["check-release", seconds, *service] if seconds.isdecimal() and len(service) <= 1:
            from mooring_launcher.commands.release import check_release

            return check_release(os.environ, float(seconds), "".join(service), _tell)
        case ["version" | "--version"]:
            from mooring_launcher import __version__

            _tell(__version__)
            return 0
        case ["help" | "--help" | "-h"]:
            _tell(USAGE)
            return 0
    sys.stderr.write(USAGE + "\n")
    return _EXIT_USAGE


def _probe(question: str, state_dir: str) -> int:
    from mooring_launcher.commands.probe import probe

    holds, reason = probe(question, state_dir)
    _tell(reason)
    return 0 if holds else 1


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _state_dir() -> str:
    named = os.environ.get("MOORING_STATE_DIR")
    if sys.platform != "win32":
        return named or "/run/mooring"
    from mooring_launcher.platforms.mounts import find_mounted

    return find_mounted(named or r"C:\run\mooring", os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
