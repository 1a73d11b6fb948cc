"""A container's root: the machine's tree with the pod's mounts on top."""

import os
import time
from pathlib import Path

import pytest
from mooring.rehearse import container, sandbox
from mooring.rehearse.container import ContainerSpec, Mount
from mooring.rehearse.network import Network

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.environ.get("MOORING_SANDBOX") != "1", reason="needs the sandbox: make test"),
]


def run_shell(tmp_path: Path, script: str, mounts: list[Mount]) -> str:
    root = tmp_path / "root"
    root.mkdir()
    output = tmp_path / "output"
    spec = ContainerSpec(str(root), ["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, mounts)
    with output.open("wb") as file:
        process = container.start(spec, file.fileno(), file.fileno())
    assert process.wait(20) == 0, output.read_text()
    return output.read_text()


def test_mounts_appear_where_the_machine_has_no_mount_points(tmp_path: Path) -> None:
    """A directory and a file are visible at their mountPaths, next to the machine's own entries."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/a").write_text("hello\n")
    (tmp_path / "log").touch()
    mounts = [
        Mount(str(tmp_path / "config"), "/etc/not-there/deep"),
        Mount(str(tmp_path / "log"), "/dev/termination-log"),
    ]
    said = run_shell(
        tmp_path, "cat /etc/not-there/deep/a; test -e /etc/passwd && echo bye > /dev/termination-log", mounts
    )
    assert said == "hello\n"
    assert (tmp_path / "log").read_text() == "bye\n"
    assert not Path("/etc/not-there").exists()


def test_a_read_only_mount_cannot_be_written(tmp_path: Path) -> None:
    """A mount with readOnly cannot be written to."""
    (tmp_path / "v").mkdir()
    said = run_shell(tmp_path, "touch /opt/v/x 2>&1 || true", [Mount(str(tmp_path / "v"), "/opt/v", read_only=True)])
    assert "Read-only file system" in said


def test_later_namespaces_reach_a_running_container(tmp_path: Path) -> None:
    """A namespace created after the container started is usable in it, and commands run inside its root.

    In its own sandbox: a Network lays a mount over /run/netns, where other tests have their namespaces.
    """
    assert sandbox.run(lambda: _use_a_later_namespace(tmp_path)) == 0


def _use_a_later_namespace(tmp_path: Path) -> int:
    network = Network()
    (tmp_path / "root").mkdir()
    mounts = [Mount("/run/netns", "/run/netns", follows=True)]
    environment = {"PATH": os.environ["PATH"]}
    spec = ContainerSpec(str(tmp_path / "root"), ["/bin/sleep", "60"], environment, mounts)
    process = container.start(spec, 1, 2)
    address = network.add_namespace("late")
    command = ["nsenter", "--net=/run/netns/late", "ip", "-br", "address"]
    code, said = container.exec_inside(process.pid, command, environment, 10)
    assert (code, address in said) == (0, True), said
    process.kill()
    process.wait()
    return 0


def test_a_command_that_hangs_is_timed_out(tmp_path: Path) -> None:
    """exec_inside gives up after its timeout and says so."""
    (tmp_path / "root").mkdir()
    spec = ContainerSpec(str(tmp_path / "root"), ["/bin/sleep", "60"], {"PATH": os.environ["PATH"]}, [])
    process = container.start(spec, 1, 2)
    began = time.monotonic()
    assert container.exec_inside(process.pid, ["/bin/sleep", "30"], {}, 0.3) == (None, "did not finish within 0.3 s")
    assert time.monotonic() - began < 10
    process.kill()
    process.wait()
