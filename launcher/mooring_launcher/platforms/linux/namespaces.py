"""Network namespaces as compartments: finding the one that has an IP, holding it, working inside it.

A thread that has switched never switches back: it ends. So the launcher's own threads stay where they are.
"""

import os
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.linux import addresses, syscalls

T = TypeVar("T")

# Where containerd and CRI-O keep one bind mount per pod sandbox (ip-netns(8) uses the same folder).
RUNTIME_FOLDER = "/run/netns"

_holds: "list[NamespaceHold]" = []
_holds_lock = threading.Lock()


class NamespaceHold:
    """An open descriptor of a namespace: it keeps the namespace and therefore its inode number alive."""

    def __init__(self, compartment: Compartment) -> None:
        self.compartment = compartment
        self.fd = open_namespace(compartment)
        with _holds_lock:
            _holds.append(self)

    def close(self) -> None:
        """Close the descriptor. A second call does nothing."""
        with _holds_lock:
            if self in _holds:
                _holds.remove(self)
                os.close(self.fd)

    def __enter__(self) -> "NamespaceHold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold(compartment: Compartment) -> NamespaceHold:
    """Keep the namespace alive until the hold is closed; meanwhile it is reached even without its name."""
    return NamespaceHold(compartment)


def open_namespace(compartment: Compartment) -> int:
    """Return a descriptor of the namespace that the caller closes.

    LauncherError COMPARTMENT_NOT_FOUND if it no longer exists or its name now means another namespace.
    """
    with _holds_lock:
        for held in _holds:
            if held.compartment.id == compartment.id:
                return os.dup(held.fd)
    try:
        fd = os.open(compartment.name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        message = f"open({compartment.name}): {error.errno} {error.strerror}: the network namespace is gone"
        raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message) from error
    if os.fstat(fd).st_ino != compartment.id:
        os.close(fd)
        message = f"{compartment.name} is no longer the network namespace {compartment.id}"
        raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message)
    return fd


def enter(compartment: Compartment) -> None:
    """Move the calling thread into the namespace for the rest of its life. Only for threads made for that."""
    fd = open_namespace(compartment)
    try:
        syscalls.set_namespace(fd, syscalls.CLONE_NEWNET, compartment.name)
    except OSError as error:
        message = f"setns({compartment.name}): {error.errno} {error.strerror}"
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message) from error
    finally:
        os.close(fd)


def run_inside(compartment: Compartment, function: Callable[[], T]) -> T:
    """Call `function` in a fresh thread inside the namespace and hand back its result or its exception."""

    def work() -> T:
        enter(compartment)
        return function()

    return run_in_fresh_thread(work)


def run_in_fresh_thread(function: Callable[[], T]) -> T:
    """Call `function` in a thread that ends with it and hand back its result or its exception."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
            errors.append(error)

    thread = threading.Thread(target=body, name="mooring-inside", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def find_compartments(ip: str) -> list[Compartment]:
    """Return the namespaces that `ip` is configured in.

    First those the container runtime keeps by name; only where none of them has it, those of running processes
    (which needs hostPID, and finds the namespaces of runtimes that keep no names).
    """
    packed = pack_ip(ip)
    tried = {_own_id()}
    for candidates in (_runtime_namespaces, _process_namespaces):
        found = _having(packed, candidates(tried))
        if found:
            return found
    return []


def networks_of(uid: str, container_id: str) -> set[int]:
    """Return the namespaces of the pod's processes, by the cgroup that kubelet makes for each pod.

    It is called pod<uid>, with the systemd driver …-pod<uid>.slice and underscores (Kubernetes, kubelet/cm). Without
    hostPID no other pod's process is seen.
    """
    del container_id
    plain, sliced = f"pod{uid}", f"pod{uid.replace('-', '_')}.slice"
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as cgroup:
                parts = cgroup.read().replace("\n", "/").split("/")
            if any(part == plain or part.endswith(sliced) for part in parts):
                found.add(os.stat(f"/proc/{pid}/ns/net").st_ino)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


def address_usable(compartment: Compartment, ip: str) -> bool:
    """Return whether `ip` is configured, past duplicate address detection, on an interface that is up."""
    packed = pack_ip(ip)

    def usable() -> bool:
        up = addresses.read_interfaces_up()
        return any(a.packed == packed and a.settled and a.interface in up for a in addresses.read_addresses())

    return run_inside(compartment, usable)


def _having(packed: bytes, candidates: Iterable[Compartment]) -> list[Compartment]:
    return run_in_fresh_thread(lambda: [c for c in candidates if _has(c, packed)])


def _has(compartment: Compartment, packed: bytes) -> bool:
    try:
        enter(compartment)
    except LauncherError as error:
        if error.code is ExitCode.COMPARTMENT_NOT_FOUND:  # the pod was removed meanwhile
            return False
        raise
    return any(address.packed == packed for address in addresses.read_addresses())


def _own_id() -> int:
    return os.stat("/proc/self/ns/net").st_ino


def _runtime_namespaces(tried: set[int]) -> Iterable[Compartment]:
    try:
        names = sorted(os.listdir(RUNTIME_FOLDER))
    except OSError:
        return
    yield from _untried((f"{RUNTIME_FOLDER}/{name}" for name in names), tried)


def _process_namespaces(tried: set[int]) -> Iterable[Compartment]:
    pids = (name for name in os.listdir("/proc") if name.isdigit())
    yield from _untried((f"/proc/{pid}/ns/net" for pid in pids), tried)


def _untried(paths: Iterable[str], tried: set[int]) -> Iterable[Compartment]:
    """Yield each namespace once, adding it to `tried`; what is not a namespace (any more) is skipped."""
    device = os.stat("/proc/self/ns/net").st_dev
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        if status.st_dev == device and status.st_ino not in tried:
            tried.add(status.st_ino)
            yield Compartment(status.st_ino, path)
