"""Starting, containing and ending a target in a network namespace."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.linux import namespaces
from mooring_launcher.platforms.linux.sockets import read_proc
from mooring_launcher.platforms.target import Target, TargetSpec

from tests.launcher.inside_helpers import ANY_IPV4, TOYS, is_running, namespace, random_ip, target, toy, wait_for

pytestmark = pytest.mark.sandbox


def _facts_of_a_target(tmp_path: Path, script: str) -> dict[str, object]:
    """Run Python code as a target; it writes its findings into `facts`."""
    out = tmp_path / "facts.json"
    code = f"import json, os, signal, sys\nfacts = {{}}\n{script}\njson.dump(facts, open({str(out)!r}, 'w'))"
    with namespace(random_ip()) as inside:
        with target(inside, sys.executable, "-S", "-c", code) as started:
            status = started.wait(10)
            assert status is not None
            assert status.code == 0
        facts: dict[str, object] = json.loads(out.read_text())
        facts["compartment"] = inside.id
    return facts


def test_starts_inside_from_the_first_instruction(tmp_path: Path) -> None:
    """The target's network namespace is the compartment, and the launcher's own does not change."""
    before = os.stat("/proc/self/ns/net").st_ino
    facts = _facts_of_a_target(tmp_path, "facts['net'] = os.stat('/proc/self/ns/net').st_ino")
    assert facts["net"] == facts["compartment"]
    assert os.stat("/proc/self/ns/net").st_ino == before


def test_has_a_proc_and_a_session_of_its_own(tmp_path: Path) -> None:
    """The target sees only its own processes, and leads a session that terminal signals do not reach."""
    facts = _facts_of_a_target(
        tmp_path,
        "facts['pids'] = [n for n in os.listdir('/proc') if n.isdigit()]\nfacts['leads'] = os.getsid(0) == os.getpid()",
    )
    assert facts["pids"] == ["1", "2"]
    assert facts["leads"] is True


def test_inherits_no_descriptor_and_no_signal_setting(tmp_path: Path) -> None:
    """Only the launcher's three standard descriptors reach the target, and no signal is blocked."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    script = (
        "facts['fds'] = sorted(int(n) for n in os.listdir('/proc/self/fd') if int(n) < 200)[:-1]\n"
        "status = dict(line.split(':') for line in open('/proc/self/status') if line.startswith('Sig'))\n"
        "facts['blocked'] = int(status['SigBlk'], 16)"
    )
    try:
        facts = _facts_of_a_target(tmp_path, script)
    finally:
        os.close(reader)
        os.close(writer)
    assert facts["fds"] == [0, 1, 2]
    assert facts["blocked"] == 0


def test_sigpipe_ends_the_target() -> None:
    """A target that writes to a closed pipe ends as without a launcher, although the launcher ignores SIGPIPE."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sh", "-c", "kill -PIPE $$; exit 1") as started:
        status = started.wait(10)
    assert status is not None
    assert (status.code, status.signal) == (128 + signal.SIGPIPE, signal.SIGPIPE)


@pytest.mark.parametrize(
    ("script", "code", "by_signal", "sentence"),
    [
        ("exit 0", 0, None, "exited with code 0"),
        ("exit 3", 3, None, "exited with code 3"),
        ("kill -9 $$", 137, 9, "was ended by signal 9 (SIGKILL)"),
        ("kill -SEGV $$", 139, 11, "was ended by signal 11 (SIGSEGV)"),
    ],
)
def test_tells_how_it_ended(script: str, code: int, by_signal: int | None, sentence: str) -> None:
    """Exit codes and signals are passed on unchanged."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sh", "-c", script) as started:
        assert started.wait(10) == (code, by_signal, sentence)
        assert started.wait_all(10)


@pytest.mark.parametrize(
    ("exe", "folder", "code", "words"),
    [
        ("/no/such/program", "", ExitCode.TARGET_NOT_FOUND, "/no/such/program does not exist on this node"),
        ("/bin/sh", "/no/such/folder", ExitCode.TARGET_NOT_FOUND, "the working directory /no/such/folder"),
        ("/etc/passwd", "", ExitCode.TARGET_NOT_STARTED, "/etc/passwd is not executable"),
        ("/etc", "", ExitCode.TARGET_NOT_STARTED, "/etc is not executable"),
    ],
)
def test_a_failed_start_says_why(exe: str, folder: str, code: ExitCode, words: str) -> None:
    """A program that cannot be started is an error that names the program and the reason."""
    with namespace(random_ip()) as inside, pytest.raises(LauncherError, match=words) as caught:
        backend().start_target(inside, TargetSpec(exe, [], folder, {}))
    assert caught.value.code is code


def test_a_program_of_a_foreign_format_says_so(tmp_path: Path) -> None:
    """An executable file that is not a program is reported as such, and so is a script whose interpreter is missing."""
    junk = tmp_path / "junk"
    junk.write_bytes(b"MZ\x90\0")
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    for path in (junk, script):
        path.chmod(0o755)
    with namespace(random_ip()) as inside:
        with pytest.raises(LauncherError, match="not a program that this machine can run"):
            backend().start_target(inside, TargetSpec(str(junk), [], "", {}))
        with pytest.raises(LauncherError, match="names an interpreter or loader that does not exist"):
            backend().start_target(inside, TargetSpec(str(script), [], "", {}))


def test_asking_to_stop_is_sigterm_to_the_main_process() -> None:
    """Only the main process gets SIGTERM, and a second one after its end is harmless."""
    with namespace(random_ip()) as inside:
        script = "trap 'exit 7' TERM; sleep 60 & while :; do wait; done"
        with target(inside, "/bin/sh", "-c", script) as started:
            wait_for(lambda: len(started.tree()) == 2, "the child")
            started.ask_to_stop()
            status = started.wait(10)
            assert status is not None
            assert status.code == 7
            assert not started.wait_all(0)
        started.ask_to_stop()
        started.kill()


def test_exit_callbacks_come_once_even_when_late() -> None:
    """A callback is called when the program ends, or immediately if it has ended already."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60") as started:
        seen: list[int] = []
        called = threading.Event()
        started.on_exit(lambda status: (seen.append(status.code), called.set()))  # type: ignore[func-returns-value]
        started.ask_to_stop()
        assert called.wait(10)
        started.on_exit(lambda status: seen.append(status.code))
        assert seen == [143, 143]


def test_what_the_main_process_leaves_behind_is_still_the_tree(tmp_path: Path) -> None:
    """Daemons that outlive the main process belong to the tree until they are killed with it."""
    with namespace(random_ip()) as inside:
        with target(inside, "/bin/sh", "-c", "setsid sleep 61 & exit 0") as started:
            assert started.wait(10) is not None
            assert not started.wait_all(0)
            (left,) = started.tree()
            assert is_running(left)
        assert not is_running(left)


def test_killing_the_launcher_leaves_no_orphan(tmp_path: Path) -> None:
    """After kill -9 of the launcher not even a daemonised grandchild in its own session survives."""
    flag = tmp_path / "flag"
    with namespace(random_ip()) as inside:
        command = [
            sys.executable,
            str(TOYS / "launch.py"),
            inside.name,
            sys.executable,
            str(TOYS / "daemonise.py"),
            str(flag),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
            try:
                assert launcher.stdout is not None
                pids = [int(pid) for pid in launcher.stdout.readline().split()]
            finally:
                launcher.kill()
        assert len(pids) >= 2
        wait_for(lambda: not any(is_running(pid) for pid in pids), "the tree's end")


def test_commands_run_beside_the_target() -> None:
    """A command sees the target's processes and network; its exit code and output are returned; a timeout ends it."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60", COLOUR="blue") as started:
        seen = started.run_command(
            ["/bin/sh", "-c", "cat /proc/2/comm; readlink /proc/self/ns/net; echo $COLOUR; exit 4"], 10
        )
        assert seen.exit is not None
        assert seen.exit.code == 4
        assert seen.output == f"sleep\nnet:[{inside.id}]\nblue"
        late = started.run_command(["/bin/sh", "-c", "echo first; sleep 60 & sleep 60"], 0.2)
        assert late == (None, "first")
        with pytest.raises(LauncherError, match="/no/such does not exist"):
            started.run_command(["/no/such"], 10)


def test_a_chatty_command_cannot_block(tmp_path: Path) -> None:
    """A command that prints more than any buffer holds still ends, and only the first 4 KiB are kept."""
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60") as started:
        result = started.run_command(["/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], 10)
        assert result.exit is not None
        assert result.exit.code == 0
        assert result.output == "x" * 4096


@pytest.mark.parametrize(
    ("script", "timeout_s"),
    [
        ("sleep 3001 & echo $! > {file}", 10),
        ("setsid sleep 3002 & echo $! > {file}", 10),
        ("sh -c 'setsid sleep 3003 & echo $! > {file}' & wait", 10),
        ("(setsid sh -c 'sleep 3004 & echo $! > {file}; sleep 3004') & sleep 0.3; exit 0", 10),
        ("setsid sleep 3005 & echo $! > {file}; sleep 3005", 0.5),
        ("setsid sh -c 'trap \"\" TERM HUP; echo $$ > {file}; sleep 3006; sleep 3006' & sleep 3006", 0.5),
    ],
)
def test_what_a_command_leaves_behind_is_ended(tmp_path: Path, script: str, timeout_s: float) -> None:
    """All that a command has started ends with it, whether in its own session or not, in time or late."""
    file = tmp_path / "pid"
    file.touch()
    with namespace(random_ip()) as inside, target(inside, "/bin/sleep", "60") as started:
        result = started.run_command(["/bin/sh", "-c", script.format(file=file)], timeout_s)
        assert (result.exit is None) == (timeout_s < 1)
        assert result.exit is None or result.exit.code == 0
        left = _processes_of(f"/proc/{started.pid}/ns/pid")
        assert int(file.read_text()) > 2
        assert left == ["mooring-init", "sleep"], left
        assert started.wait(0) is None, "the target runs on"


def _processes_of(namespace_file: str) -> list[str]:
    """Return the names of the processes in a pid namespace."""
    wanted = os.stat(namespace_file).st_ino
    names = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.stat(folder / "ns/pid").st_ino == wanted and is_running(int(folder.name)):
                names.append((folder / "comm").read_text().strip())
        except OSError:
            continue
    return sorted(names)


def _verified(inside: Compartment, program: Path, *args: str) -> Target:
    """Start a program whose checksum is given."""
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    return backend().start_target(inside, TargetSpec(str(program), list(args), "", dict(os.environ), sha256=digest))


def test_what_was_hashed_is_what_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program put in the place of the one whose checksum was compared is not started; the right one is."""
    program, out = tmp_path / "orders-server", tmp_path / "out"
    shutil.copy("/bin/sh", program)
    real_enter = namespaces.enter

    def swap_and_enter(compartment: Compartment) -> None:
        shutil.copy("/bin/false", tmp_path / "other")
        (tmp_path / "other").replace(program)
        real_enter(compartment)

    monkeypatch.setattr(namespaces, "enter", swap_and_enter)
    with namespace(random_ip()) as inside:
        with pytest.raises(LauncherError, match="was changed between") as caught:
            _verified(inside, program, "-c", f"echo started > {out}")
        assert caught.value.code is ExitCode.TARGET_CHECKSUM
    assert not out.exists() or out.read_text() == "started\n", "never the other"


def test_a_verified_program_is_called_by_its_own_name(tmp_path: Path) -> None:
    """With a checksum too, the process has the program's name, path and first argument, and no extra descriptor."""
    program = tmp_path / "orders-server"
    shutil.copy("/bin/sleep", program)
    with namespace(random_ip()) as inside:
        started = _verified(inside, program, "60")
        folder = Path(f"/proc/{started.pid}")
        assert (folder / "comm").read_text() == "orders-server\n"
        assert (folder / "exe").readlink() == program
        assert (folder / "cmdline").read_text().split("\0") == [str(program), "60", ""]
        assert sorted(os.listdir(folder / "fd")) == ["0", "1", "2"]
        started.kill()
        assert started.wait_all(10)


def test_a_written_program_and_a_script_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither other content in the same file, nor a script, which an interpreter opens again, counts as verified."""
    program = tmp_path / "orders-server"
    shutil.copy("/bin/sleep", program)
    script = tmp_path / "orders.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    with namespace(random_ip()) as inside:
        with pytest.raises(LauncherError, match="is not a binary") as caught:
            _verified(inside, script)
        assert caught.value.code is ExitCode.TARGET_CHECKSUM
        real_enter = namespaces.enter
        monkeypatch.setattr(namespaces, "enter", lambda inside: (program.write_bytes(b""), real_enter(inside)))
        with pytest.raises(LauncherError) as caught:
            _verified(inside, program, "60")
        assert caught.value.code in (ExitCode.TARGET_CHECKSUM, ExitCode.TARGET_NOT_STARTED)
        with pytest.raises(LauncherError, match="has sha256") as caught:
            backend().start_target(inside, TargetSpec("/bin/sleep", ["60"], "", {}, sha256="0" * 64))


def test_a_command_after_the_end_is_refused() -> None:
    """Once the target has ended, no command can run beside it."""
    with namespace(random_ip()) as inside:
        with target(inside, "/bin/true") as started:
            assert started.wait_all(10)
        with pytest.raises(LauncherError, match="the target has ended"):
            started.run_command(["/bin/true"], 10)


def test_listeners_are_seen_with_their_owner() -> None:
    """A listening port inside is seen with its address, and owned by the tree; another program's is not owned by it."""
    ip = random_ip()
    with namespace(ip) as inside, toy(inside, "serve.py", ip, "8080") as ours, toy(inside, "serve.py", "::", "9090"):
        wait_for(lambda: len(ours.listeners()) == 2, "both ports")
        found = {listener.port: listener for listener in ours.listeners()}
        assert (found[8080].protocol, found[8080].address) == ("TCP", ip)
        assert found[9090].address == "::"
        assert ours.owns(found[8080])
        assert ours.owns(found[8080])
        assert not ours.owns(found[9090])


def test_udp_is_seen_once_bound() -> None:
    """A bound UDP socket counts as a listener, a connected one does not."""
    code = (
        "import socket, time\nbound = socket.socket(type=socket.SOCK_DGRAM); bound.bind(('', 5353))\n"
        "other = socket.socket(type=socket.SOCK_DGRAM); other.connect(('127.0.0.1', 5353))\ntime.sleep(60)"
    )
    with namespace(random_ip()) as inside, target(inside, sys.executable, "-S", "-c", code) as started:
        wait_for(lambda: started.listeners("UDP"), "the socket")
        (listener,) = started.listeners("UDP")
        assert (listener.protocol, listener.address, listener.port) == ("UDP", ANY_IPV4, 5353)
        assert started.owns(listener)


@pytest.mark.parametrize(
    ("how", "words"),
    [([], "left the network namespace"), (["thread"], r"listens on 127\.0\.0\.1 port 18099 of the host network")],
)
def test_a_program_that_goes_back_to_the_host_is_named(how: list[str], words: str) -> None:
    """A process, or a single thread, that moves itself to the host's network is detected and named."""
    run_host = ["ip", "netns", "attach", f"host-{os.getpid()}", str(os.getpid())]
    subprocess.run(run_host, check=True)
    try:
        with (
            namespace(random_ip()) as inside,
            toy(inside, "escape.py", f"/run/netns/host-{os.getpid()}", "18099", *how) as started,
        ):
            wait_for(started.misplacement, "the escape")
            problem = started.misplacement()
            assert problem is not None
            assert str(started.pid) in problem
            assert re.search(words, problem)
    finally:
        subprocess.run(["ip", "netns", "delete", f"host-{os.getpid()}"], check=True)


def test_proc_tells_the_same_as_sock_diag() -> None:
    """Where the kernel lacks sock_diag, /proc gives the same listeners, TCP and UDP, IPv4 and IPv6."""
    ip = random_ip()
    with namespace(ip) as inside, toy(inside, "serve.py", ip, "8080") as one, toy(inside, "serve.py", "::", "9090"):
        wait_for(lambda: len(one.listeners()) == 2, "both ports")
        rows = [("TCP", *row[:2], row[3]) for row in read_proc(f"/proc/{one.pid}/net", "TCP", {10})]
        assert sorted(rows) == sorted(one.listeners())
        assert list(read_proc("/proc/0/net", "TCP", {10})) == []
