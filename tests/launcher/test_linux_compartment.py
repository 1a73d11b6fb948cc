"""Finding, holding and entering network namespaces."""

import inspect
import os
import socket
import subprocess
import threading
from pathlib import Path

import mooring_launcher.platforms.linux as linux
import mooring_launcher.platforms.windows as windows
import pytest
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import TargetSpec

from tests.launcher.inside_helpers import namespace, random_ip, run, target, wait_for


@pytest.mark.sandbox
def test_finds_the_namespace_that_has_the_ip() -> None:
    """Of several namespaces, the one that has the IP is found; none for an IP that is configured nowhere."""
    ip = random_ip()
    with namespace(ip) as wanted, namespace(random_ip()):
        assert backend().find_compartments(ip) == [wanted]
        assert backend().find_compartments(random_ip()) == []


@pytest.mark.sandbox
def test_an_ip_in_two_namespaces_is_ambiguous() -> None:
    """If two namespaces have one IP, both are returned, so that the caller can name them."""
    ip = random_ip()
    with namespace(ip) as one, namespace(ip) as two:
        assert sorted(backend().find_compartments(ip)) == sorted([one, two])


@pytest.mark.sandbox
def test_a_namespace_without_a_name_is_found_by_its_process() -> None:
    """Where the runtime keeps no named namespaces, one is found through a process that runs in it."""
    ip = random_ip()
    script = f"ip link set lo up; ip address add {ip}/32 dev lo; echo ready; exec sleep 60"
    with subprocess.Popen(["unshare", "--net", "/bin/sh", "-c", script], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"ready\n"
            (found,) = backend().find_compartments(ip)
            assert found.id == os.stat(f"/proc/{holder.pid}/ns/net").st_ino
        finally:
            holder.kill()


@pytest.mark.sandbox
def test_ipv6_is_found_and_usable_only_after_duplicate_detection() -> None:
    """A tentative IPv6 address is found but not usable, a settled one is usable, and none is on a link that is down."""
    ip = "fd00:77::5"
    with namespace(random_ip()) as inside:
        name = Path(inside.name).name
        run("ip", "-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        run("ip", "-n", name, "address", "add", f"{ip}/64", "dev", "v0")
        assert backend().find_compartments(ip) == [inside]
        # Duplicate address detection starts once both ends are up.
        assert not backend().address_usable(inside, ip)
        for end in ("v0", "v1"):
            run("ip", "-n", name, "link", "set", end, "up")
        wait_for(lambda: backend().address_usable(inside, ip), "duplicate address detection")
        run("ip", "-n", name, "link", "set", "v0", "down")
        assert not backend().address_usable(inside, ip)


@pytest.mark.sandbox
def test_run_inside_hands_back_results_and_exceptions() -> None:
    """The function runs in the namespace on another thread; its result or exception reaches the caller."""
    with namespace(random_ip()) as inside:
        seen = backend().run_inside(
            inside, lambda: (os.stat("/proc/thread-self/ns/net").st_ino, threading.current_thread())
        )
        assert seen[0] == inside.id
        assert seen[1] is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            backend().run_inside(inside, lambda: 1 // 0)
    assert os.stat("/proc/self/ns/net").st_ino != inside.id


@pytest.mark.sandbox
def test_a_name_that_means_another_namespace_is_refused() -> None:
    """A path that now belongs to a new namespace is not mistaken for the old one."""
    with namespace(random_ip()) as inside:
        stale = Compartment(inside.id + 1, inside.name)
        with pytest.raises(LauncherError, match="is no longer the network namespace") as caught:
            backend().run_inside(stale, lambda: None)
        assert caught.value.code is ExitCode.COMPARTMENT_NOT_FOUND
    with pytest.raises(LauncherError, match="the network namespace is gone"):
        backend().run_inside(inside, lambda: None)


@pytest.mark.sandbox
def test_a_held_namespace_is_reached_without_its_name() -> None:
    """A namespace whose name the runtime has removed can still be entered while it is held."""
    with namespace(random_ip()) as inside:
        held = backend().hold(inside)
    try:
        assert backend().run_inside(inside, lambda: os.stat("/proc/thread-self/ns/net").st_ino) == inside.id
    finally:
        held.close()
        held.close()
    with pytest.raises(LauncherError):
        backend().run_inside(inside, lambda: None)


@pytest.mark.sandbox
def test_unsent_bytes_are_counted_until_the_peer_has_them() -> None:
    """Unread bytes that a program left in a closed connection are counted, and no longer once they are read."""
    ip = random_ip()
    code = (
        "import socket, sys\nserver = socket.create_server(('', 7000)); print('ready')\n"
        "client, _ = server.accept(); client.setblocking(False)\n"
        "try:\n  while True: client.send(b'x' * 65536)\nexcept BlockingIOError: pass"
    )
    with namespace(ip) as inside, target(inside, "/usr/bin/env", "python3", "-S", "-c", code) as started:
        wait_for(started.listeners, "the server")
        client = backend().run_inside(inside, lambda: socket.create_connection((ip, 7000)))
        assert started.wait_all(10)
        assert backend().unsent_bytes(inside) > 0
        while client.recv(1 << 20):
            pass
        client.close()
        wait_for(lambda: backend().unsent_bytes(inside) == 0, "the last byte")


def test_both_backends_have_the_same_functions() -> None:
    """The Windows and the Linux backend offer the same names with the same parameters."""
    assert sorted(linux.__all__) == sorted(windows.__all__)
    for name in linux.__all__:
        ours, theirs = (inspect.signature(getattr(module, name)) for module in (linux, windows))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_the_windows_backend_refuses_clearly() -> None:
    """Importing the Windows backend on another platform is harmless; using it raises an error that says what it is."""
    somewhere = Compartment(1, "")
    calls = [
        lambda: windows.find_compartments("10.0.0.1"),
        lambda: windows.address_usable(somewhere, "10.0.0.1"),
        lambda: windows.hold(somewhere),
        lambda: windows.run_inside(somewhere, lambda: None),
        lambda: windows.start_target(somewhere, TargetSpec("x", [], "", {})),
        lambda: windows.unsent_bytes(somewhere),
    ]
    for call in calls:
        with pytest.raises(LauncherError, match="the Windows backend") as caught:
            call()  # type: ignore[no-untyped-call]
        assert caught.value.code is ExitCode.UNSUPPORTED_PLATFORM


def test_what_is_no_ip_is_refused() -> None:
    """A text that is not an IP address is an error, not an empty answer."""
    with pytest.raises(ValueError, match="is not an IP address"):
        linux.find_compartments("orders.example")
