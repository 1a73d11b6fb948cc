"""What the launcher waits for before it is attached, within a time limit; and the search for the compartment."""

import time

from mooring_launcher.cluster.anchor import Attached
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.compartment import Backend, Compartment
from mooring_launcher.reports.log import Log

TELL_EVERY_S = 5.0
_FIRST_LOOK_S = 0.1
_SLOWEST_LOOK_S = 1.0


class Patience:
    """Remembers what is being waited for and since when; giving up names the last reason."""

    def __init__(self, budget_s: float, log: Log) -> None:
        self.reason = ""
        self.since_s = time.monotonic()
        self._budget_s = budget_s
        self._log = log
        self._code = ExitCode.ANCHOR_NOT_FOUND
        self._told_s = self.since_s

    def reset(self) -> None:
        """Begin a new wait with the whole budget."""
        self.since_s = self._told_s = time.monotonic()

    def wait(self, code: ExitCode, reason: str) -> None:
        """Log what is being waited for, and remember the exit code if it does not come."""
        if reason != self.reason:
            self._log.info("waiting", reason=reason)
            self._told_s = time.monotonic()
        self._code, self.reason = code, reason

    def check(self) -> None:
        """Log it again every few seconds. LauncherError with the last code when the time is up."""
        now_s = time.monotonic()
        if now_s - self.since_s > self._budget_s:
            message = f"gave up after {self._budget_s:g} s: {self.reason}"
            raise LauncherError(self._code, message)
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            self._log.info("waiting", reason=self.reason, seconds=round(now_s - self.since_s))


class Search:
    """Looks for the compartment of an anchor's IP: often at first, then every second, as no platform notifies."""

    def __init__(self, anchor: Attached) -> None:
        self.anchor = anchor
        self.due_s = time.monotonic()
        self._pause_s = _FIRST_LOOK_S

    def is_due(self) -> bool:
        """Return whether it is time to look."""
        return time.monotonic() >= self.due_s

    def postpone(self) -> None:
        """Set the time of the next look."""
        self.due_s = time.monotonic() + self._pause_s
        self._pause_s = min(1.5 * self._pause_s, _SLOWEST_LOOK_S)

    def look(self, backend: Backend) -> Compartment:
        """Return the one compartment in which the IP is usable. LauncherError COMPARTMENT_… while there is none."""
        ip = self.anchor.ip
        found = find_own_compartments(backend, self.anchor)
        if not found:
            raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, _why_none(backend, ip))
        if len(found) > 1:
            names = ", ".join(compartment.name for compartment in found)
            message = f"one compartment with the anchor's IP {ip}: {names} have it"
            raise LauncherError(ExitCode.COMPARTMENT_AMBIGUOUS, message)
        if not backend.address_usable(found[0], ip):
            message = f"the anchor's IP {ip} to become usable in {found[0].name}"
            raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message)
        return found[0]


def find_own_compartments(backend: Backend, anchor: Attached) -> list[Compartment]:
    """Return the compartments that have the anchor's IP; if the platform can identify the anchor's own, only those.

    A pod's status proves nothing: another pod's IP would lead the program into another pod's network, and a pod that
    may change its own network can take any address. LauncherError COMPARTMENT_NOT_FOUND when only others have the IP.
    """
    found = backend.find_compartments(anchor.ip)
    own = backend.networks_of(anchor.uid, anchor.container_id) if found else set()
    if not own:
        return found
    rest = [compartment for compartment in found if compartment.id in own]
    if not rest:
        names = ", ".join(compartment.name for compartment in found)
        message = f"the IP {anchor.ip} of the anchor {anchor.name} is in {names}, which is not its own network"
        raise LauncherError(ExitCode.COMPARTMENT_NOT_FOUND, message)
    return rest


def _why_none(backend: Backend, ip: str) -> str:
    try:
        is_node = pack_ip(ip) in backend.node_addresses()
    except (LauncherError, OSError):
        is_node = False
    if is_node:
        return f"the anchor's IP {ip} is the node's own: an anchor cannot be on the host's network"
    return f"a compartment with the anchor's IP {ip}: no compartment of this node has it"
