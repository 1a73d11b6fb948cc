"""The sandbox: separate namespaces, the exit status passed through, nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mooring.rehearse import sandbox

from tests.tools import require

GENERATOR = Path(sandbox.__file__).parents[2]


def command(*args: str, python: str = sys.executable) -> list[str]:
    return [python, "-m", "mooring.rehearse.sandbox", "--", *args]


def run(
    *args: str, prefix: tuple[str, ...] = (), python: str = sys.executable, package: Path = GENERATOR
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *command(*args, python=python)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(package)},
        check=False,
    )


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)


def processes_with(mark: str) -> list[int]:
    """Return the pids, as seen from here, whose environment or command line contains a mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in text:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_status_is_the_programs_own(script: str, status: int) -> None:
    """A program's exit status, or 128 + n for signal n, is the sandbox's."""
    assert run("sh", "-c", script).returncode == status


def test_a_missing_program_is_127_with_a_line() -> None:
    """If a program does not exist, it is named, and the status is the shell's for that."""
    result = run("/no/such/program")
    assert result.returncode == 127
    assert result.stderr == "sandbox: /no/such/program: No such file or directory\n"


def test_it_is_root_with_a_network_of_its_own() -> None:
    """Inside, the caller is root, sees only its own loopback and processes, and has MOORING_SANDBOX set."""
    result = run("sh", "-c", "id -u; ls /proc | grep -c '^[0-9]'; ip -br link; echo $MOORING_SANDBOX; pwd")
    lines = result.stdout.splitlines()
    assert lines[0] == "0"
    assert int(lines[1]) < 10
    assert [line.split()[0] for line in lines[2:-2]] == ["lo"]
    assert lines[-2:] == ["1", str(Path.cwd())]


def test_interfaces_and_namespaces_stay_inside() -> None:
    """A bridge and a named network namespace created inside do not exist outside."""
    name = f"t{os.getpid()}"
    result = run("sh", "-ec", f"ip link add {name} type bridge; ip netns add {name}; ip netns")
    assert (result.returncode, result.stdout.split()) == (0, [name])
    assert not Path(f"/run/netns/{name}").exists()
    assert not Path(f"/sys/class/net/{name}").exists()


def test_it_nests() -> None:
    """A sandbox can be made inside a sandbox."""
    assert run(*command("sh", "-c", "ip link add b0 type bridge && exit 5")).returncode == 5


def test_a_function_runs_inside() -> None:
    """run() calls a Python function inside and returns its status; the caller's environment is unchanged."""
    before = Path("/proc/self/ns/net").readlink()
    assert sandbox.run(lambda: 3 if os.getpid() < 10 else 1) == 3
    assert Path("/proc/self/ns/net").readlink() == before


def test_a_failing_function_is_status_1() -> None:
    """An exception inside does not return to the caller's frames: it is status 1."""

    def fail() -> int:
        raise ValueError

    assert sandbox.run(fail) == 1


def test_kill_9_leaves_nothing() -> None:
    """Killing the outer process also ends a grandchild that made itself a daemon."""
    mark = f"61{os.getpid():07d}"
    outer = subprocess.Popen(
        command("sh", "-c", f"setsid sleep {mark} & sleep {mark}"),
        env={**os.environ, "PYTHONPATH": str(GENERATOR)},
    )
    wait_for(lambda: len(processes_with(f"sleep\0{mark}")) == 2, "both sleeps")
    outer.kill()
    outer.wait()
    wait_for(lambda: not processes_with(mark), "every process to be gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_program_once(number: signal.Signals) -> None:
    """A signal to the outer process arrives inside, once, and the program may finish its work."""
    script = (
        f"import signal,sys\nnumbers = [{int(number)}]\n"
        # Blocked and waited for: a handler could run between `ready` and the wait, which then would not end.
        "signal.pthread_sigmask(signal.SIG_BLOCK, numbers)\nprint('ready', flush=True)\n"
        "signal.sigwait(numbers)\nprint('got', flush=True)\n"
        "sys.exit(8 if signal.sigtimedwait(numbers, 0.3) else 9)"
    )
    outer = subprocess.Popen(
        command(sys.executable, "-c", script),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(GENERATOR)},
    )
    assert outer.stdout is not None
    assert outer.stdout.readline() == "ready\n"
    outer.send_signal(number)
    assert outer.stdout.read() == "got\n"
    assert outer.wait(10) == 9


@pytest.mark.skipif(
    os.geteuid() != 0 or sandbox.ENV_MARK in os.environ,
    reason="only root outside a sandbox can become somebody else; inside, one user id exists",
)
def test_it_needs_no_privilege() -> None:
    """An ordinary user gets the same sandbox."""
    script = "id -u; ip link add b0 type bridge && ip netns add x && ip netns"
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    # The system's Python and a copy of the package: other users may not be able to read this checkout.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(GENERATOR / "mooring", Path(folder) / "mooring")
        result = run("sh", "-c", script, prefix=nobody, python="/usr/bin/python3", package=Path(folder))
    assert result.stdout.split() == ["0", "x"], result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may forbid user namespaces to itself")
def test_root_does_without_user_namespaces() -> None:
    """Where user namespaces are forbidden and the caller is root, the sandbox is created without one."""
    inner = " ".join(command("ip", "link", "add", "b0", "type", "bridge"))
    script = f"echo 0 > /proc/sys/user/max_user_namespaces && exec {inner}"
    assert run("sh", "-c", script).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may forbid user namespaces to itself")
def test_a_machine_that_allows_neither_is_told_in_one_line() -> None:
    """Without user namespaces and without privilege the result is one line on stderr and status 1."""
    inner = " ".join(command("true"))
    script = f"echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --inh-caps -all {inner}"
    result = run("sh", "-c", script)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("sandbox: cannot make namespaces on this machine (unshare(")


CHOWN = """import os
open('f', 'w').close()
os.chown('f', 33, 33)
os.setgroups([33])
os.setuid(33)
print('ok')"""
HAS_RANGE = "from mooring.rehearse.ids import has_range; print(has_range())"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no other ids to give away")
def test_root_has_every_id_inside(tmp_path: Path) -> None:
    """A program changes a file's owner and its own user, as nginx does at its start; also in a nested sandbox."""
    for depth in (1, 2):
        inner = command(sys.executable, "-c", CHOWN) if depth == 2 else [sys.executable, "-c", CHOWN]
        result = subprocess.run(
            command(*inner),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(GENERATOR)},
            check=False,
        )
        assert (result.returncode, result.stdout) == (0, "ok\n"), result.stderr
        assert (tmp_path / "f").stat().st_uid == 33


@pytest.mark.skipif(
    os.geteuid() != 0 or sandbox.ENV_MARK in os.environ, reason="only root outside a sandbox can become somebody else"
)
@pytest.mark.parametrize("has_range", [True, False])
def test_an_ordinary_user_has_their_subordinate_ids_inside(has_range: bool) -> None:
    """With a range in /etc/subuid and newuidmap a chown works; without, only the own id exists, and that is known."""
    require("newuidmap")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        shutil.copytree(GENERATOR / "mooring", Path(folder) / "mooring")
        ranges = Path(folder) / "subids"
        ranges.write_text("65534:200000:65536\n" if has_range else "")
        sandboxed = "setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 -m mooring.rehearse.sandbox --"
        # This test's own mount namespace: the machine's files stay as they are.
        script = (
            'set -e; cd "$1"; for file in subuid subgid; do mount --bind subids /etc/$file; done; '
            f'{sandboxed} /usr/bin/python3 -c "$2"; {sandboxed} /usr/bin/python3 -c "$3"'
        )
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", folder, HAS_RANGE, CHOWN],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": folder},
            check=False,
        )
        owner = (Path(folder) / "f").stat().st_uid
    if has_range:
        assert (result.returncode, result.stdout, owner) == (0, "True\nok\n", 200032), result.stderr
    else:
        assert (result.stdout, owner, "Invalid argument" in result.stderr) == ("False\n", 65534, True)
