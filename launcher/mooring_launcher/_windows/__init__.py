"""The Windows backend: a compartment is a Windows network compartment. Its functions exist; none works yet.

What each will call: find_compartments HcnEnumerateEndpoints, then GetAdaptersAddresses over all compartments;
address_usable the DadState of GetAdaptersAddresses; run_inside SetCurrentThreadCompartmentId; start_target
SetJobCompartmentId on a job with KILL_ON_JOB_CLOSE, then CreateProcess with PROC_THREAD_ATTRIBUTE_JOB_LIST;
unsent_bytes GetExtendedTcpTable. No library is loaded at import, so that importing it anywhere is harmless.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from mooring_launcher.compartment import Compartment, Hold
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.target import Target, TargetSpec

T = TypeVar("T")

__all__ = ["address_usable", "find_compartments", "hold", "run_inside", "start_target", "unsent_bytes"]


def find_compartments(ip: str) -> list[Compartment]:
    """Return the compartments that `ip` is configured in."""
    _refuse(f"find_compartments({ip})")


def address_usable(compartment: Compartment, ip: str) -> bool:
    """Tell whether `ip` is Preferred in the compartment."""
    _refuse(f"address_usable({compartment.id}, {ip})")


def hold(compartment: Compartment) -> Hold:
    """Keep the compartment alive until the hold is closed."""
    _refuse(f"hold({compartment.id})")


def run_inside(compartment: Compartment, function: Callable[[], T]) -> T:
    """Call `function` in a fresh thread inside the compartment."""
    _refuse(f"run_inside({compartment.id}, {function!r})")


def start_target(compartment: Compartment, spec: TargetSpec) -> Target:
    """Start the program in a job that is bound to the compartment."""
    _refuse(f"start_target({compartment.id}, {spec.exe})")


def unsent_bytes(compartment: Compartment) -> int:
    """Return how many bytes closed connections inside the compartment have still to deliver."""
    _refuse(f"unsent_bytes({compartment.id})")


def _refuse(call: str) -> NoReturn:
    message = f"the Windows backend cannot do {call}: this version of the launcher runs on Linux"
    raise LauncherError(ExitCode.UNSUPPORTED_PLATFORM, message)
