"""Windows network compartments: whose IP is in which, working inside one, binding a job to one.

Microsoft documents the compartment calls of iphlpapi as reserved. hcsshim, moby, Calico, Antrea and Istio rely on those
of threads. SetJobCompartmentId is only declared by hcsshim (internal/winapi/net.go), never called, and no other product
is known to ship it: so it is checked at run time. It works for LocalSystem, LocalService and NetworkService, from the
default compartment. All calls return their error themselves: GetLastError means nothing here. Id 0 clears a setting, so
it is never used as a compartment.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, describe
from mooring_launcher.platforms.windows.network import adapters, hcn, ipconfig

T = TypeVar("T")

_set_thread = bind("iphlpapi", "SetCurrentThreadCompartmentId", w.DWORD, w.DWORD)
_get_thread = bind("iphlpapi", "GetCurrentThreadCompartmentId", w.DWORD)
_set_job = bind("iphlpapi", "SetJobCompartmentId", w.DWORD, w.HANDLE, w.DWORD)
_get_job = bind("iphlpapi", "GetJobCompartmentId", w.DWORD, w.HANDLE)
_get_default = bind("iphlpapi", "GetDefaultCompartmentId", w.DWORD)

_PRIMARY = 1
"""NET_IF_COMPARTMENT_ID_PRIMARY of Microsoft's ifdef.h; mingw-w64's headers do not have it."""
_NOT_FOUND = (w.ERROR_NOT_FOUND, w.STATUS_NOT_FOUND)

_MOMENT_S = 0.5


class CompartmentHold:
    """Holds nothing: Windows has no handle that keeps a compartment. Its listener inside does that on this platform."""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> "CompartmentHold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold(compartment: Compartment) -> CompartmentHold:
    """Return a hold without effect; LauncherError COMPARTMENT_NOT_FOUND if the compartment no longer exists."""
    run_inside(compartment, lambda: None)
    return CompartmentHold()


def find_compartments(ip: str) -> list[Compartment]:
    """Return the compartments that `ip` is configured in: according to HCN, or else to the adapters.

    Only where neither works is ipconfig run, which costs a process each time. Id 0, which HCN shows for a moment
    while a pod's network is being made, counts as none yet; the node's own compartment is never an anchor's.
    LauncherError UNSUPPORTED_PLATFORM, with what each of the three said, when none of them works on this node.
    """
    packed = pack_ip(ip)
    refusals: list[str] = []
    for look in (hcn.find, adapters.find, ipconfig.find):
        if look is ipconfig.find and len(refusals) < 2:
            return []
        try:
            found = look(packed)
        except (WindowsCallError, LauncherError, ValueError) as error:
            refusals.append(str(error))
            continue
        if found:
            return [Compartment(number, name) for number, name in sorted(found.items()) if number not in (0, node_id())]
    if len(refusals) < 3:
        return []
    message = f"the compartment of {ip} cannot be found: {'; '.join(refusals)}"
    raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)


def networks_of(uid: str, container_id: str) -> set[int]:
    """Return the compartments that HCN says the container is in; none where HCN does not know, or not yet."""
    del uid
    try:
        return hcn.find_by_container(container_id.rpartition("/")[2])
    except (WindowsCallError, LauncherError, ValueError):
        return set()


def node_id() -> int:
    """Return the node's own compartment, in which a thread is that was never switched: it reports that id or 0."""
    return _get_thread() or _PRIMARY


def node_addresses() -> frozenset[bytes]:
    """Return every address of the node's own compartment. WindowsCallError, as a LauncherError, when not readable."""
    own = node_id()
    try:
        return frozenset(one.packed for one in adapters.read_addresses() if one.compartment == own)
    except WindowsCallError as error:
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, str(error)) from error


def address_usable(compartment: Compartment, ip: str) -> bool:
    """Return whether `ip` is Preferred on an adapter of the compartment that is up.

    While it is not, wait a moment for Windows to report a change, so that the next look comes in time.
    """
    packed = pack_ip(ip)
    usable = adapters.is_preferred(packed, compartment.id)
    if not usable:
        # The notification probably covers only the caller's own compartment, so the thread registers inside. Nothing
        # rests on it: without one, the next look is half a second away.
        run_inside(compartment, lambda: adapters.await_change(_MOMENT_S))
        usable = adapters.is_preferred(packed, compartment.id)
    return usable


def run_inside(compartment: Compartment, function: Callable[[], T]) -> T:
    """Call `function` with the calling thread inside the compartment, and take the thread back out.

    LauncherError COMPARTMENT_NOT_FOUND if the compartment no longer exists.
    """
    before: int = _get_thread()
    _check(_set_thread(compartment.id), f"SetCurrentThreadCompartmentId({compartment.id})")
    try:
        if _get_thread() != compartment.id:
            message = (
                f"SetCurrentThreadCompartmentId({compartment.id}) has no effect on {threading.current_thread().name}"
            )
            raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)
        return function()
    finally:
        # A thread that was never switched reports the default compartment or 0; setting that very value undoes ours.
        _check(_set_thread(before), f"SetCurrentThreadCompartmentId({before})")


def bind_job(job: int, compartment: Compartment) -> None:
    """Put the job into the compartment and verify it; before any process is in the job.

    LauncherError COMPARTMENT_NOT_FOUND if it no longer exists, UNSUPPORTED_PLATFORM when this is not permitted.
    """
    call = f"SetJobCompartmentId({compartment.id})"
    code = _set_job(job, compartment.id)
    if code in _NOT_FOUND:
        # "Not found" can also mean "not permitted". What a thread can enter exists.
        run_inside(compartment, lambda: None)
        message = (
            f"{call}: {describe(code)}: the compartment exists, so this is not permitted here: the launcher must run as"
            f" SYSTEM in the default compartment ({_get_default()}), it is in {_get_thread()}"
        )
        raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)
    _check(code, call)
    check_job(job, compartment)


def check_job(job: int, compartment: Compartment) -> None:
    """LauncherError PLACEMENT_FAILED when the job is not in the compartment (any more)."""
    found = _get_job(job)
    if found != compartment.id:
        message = f"GetJobCompartmentId: the program's job is in compartment {found}, not in {compartment.id}"
        raise LauncherError(ExitCode.PLACEMENT_FAILED, message)


def _check(code: int, call: str) -> None:
    if code == 0:
        return
    if code in _NOT_FOUND:
        shown = code if code == w.ERROR_NOT_FOUND else f"0x{code:08X}"
        message = (
            f"{call}: {shown} no such compartment: the anchor's network is gone"
            " (or, for an account other than SYSTEM: not permitted)"
        )
        raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message)
    message = f"{call}: {describe(code)}: the launcher needs SYSTEM's rights"
    raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)
