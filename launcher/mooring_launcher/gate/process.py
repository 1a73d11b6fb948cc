"""The gate's conditions on the target's processes: uptime, ports, CPU, memory, threads, handles, named processes."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mooring_launcher.gate.checks import Look
from mooring_launcher.gate.psutil import TreeSampler
from mooring_launcher.platforms.addresses import pack_ip
from mooring_launcher.platforms.target import Listener, Target

# How often to look until a condition has first held. Reading the listeners costs about 0.2 ms, a psutil
# sample about 1 ms a process.
CHEAP_INTERVAL_S = 0.03
SAMPLE_INTERVAL_S = 0.25
FULL_LOOK_INTERVAL_S = 10.0

_MIB = 1024 * 1024
_WILDCARDS = {4: b"\0" * 4, 16: b"\0" * 16}


class ProcessCondition(NamedTuple):
    """One condition: how to look, how often until it first holds, and whether holding once is enough."""

    name: str
    look: Callable[["Scene"], Look]
    interval_s: float
    holds_for_good: bool = False


class Scene:
    """What one pass of the gate sees: each thing is measured once, however many conditions need it."""

    def __init__(self, target: Target, sampler: TreeSampler | None, now_s: float) -> None:
        self.target = target
        self.now_s = now_s
        self._sampler = sampler
        self._listeners: dict[str, list[Listener]] = {}
        self._following = False

    def listeners(self, protocol: str) -> list[Listener]:
        """Return every listening port of the compartment."""
        if protocol not in self._listeners:
            self._listeners[protocol] = self.target.listeners(protocol)
        return self._listeners[protocol]

    @property
    def sampler(self) -> TreeSampler:
        """What measures the tree in this pass."""
        assert self._sampler is not None  # noqa: S101 - the gate makes one whenever such a condition is set
        if not self._following:
            self._sampler.follow(self.target.tree())
            self._following = True
        return self._sampler


def needs_psutil(gate: Mapping[str, Any]) -> bool:
    """Return whether a condition of this gate is measured by psutil."""
    limits = [gate["cpu"]["maxPercent"], *(limit for key, *_ in _RANGES for limit in gate[key].values())]
    return bool(gate["processes"]) or any(limit is not None for limit in limits)


def process_conditions(
    gate: Mapping[str, Any], ports: Mapping[str, Any], ip: str, connect: Callable[[int], Look]
) -> Iterator[ProcessCondition]:
    """Yield the conditions that a gate's configuration sets, in the order they are reported in.

    `connect` makes a TCP connection to a port of the anchor's IP and hangs up.
    """
    yield ProcessCondition("uptime", _uptime(gate["minUptimeSeconds"]), CHEAP_INTERVAL_S)
    for name, port in ports.items():
        owner = gate["ports"].get(name, {}).get("owner", "tree")
        open_port = OpenPort(name, port["port"], port["protocol"], owner, ip, connect)
        yield ProcessCondition(f"port {name}", open_port, CHEAP_INTERVAL_S)
    for label, wanted in gate["processes"].items():
        yield ProcessCondition(f"process {label}", _process(wanted["name"], wanted["min"]), SAMPLE_INTERVAL_S)
    for key, low, high, unit, measure in _RANGES:
        limits = gate[key]
        if limits[low] is not None or limits[high] is not None:
            look = _range(key, limits[low], limits[high], unit, measure)
            yield ProcessCondition(key, look, SAMPLE_INTERVAL_S)
    if gate["cpu"]["maxPercent"] is not None:
        # Settling is a fact about the start: a program that is busy because it serves stays ready.
        look = SettledCpu(gate["cpu"]["maxPercent"], gate["cpu"]["settleSeconds"])
        yield ProcessCondition("cpu", look, SAMPLE_INTERVAL_S, holds_for_good=True)


_RANGES: tuple[tuple[str, str, str, str, Callable[[TreeSampler], float]], ...] = (
    ("memory", "minMiB", "maxMiB", " MiB", lambda sampler: sampler.rss_bytes() / _MIB),
    ("threads", "min", "max", "", lambda sampler: sampler.threads()),
    ("handles", "min", "max", "", lambda sampler: sampler.handles()),
)


class OpenPort:
    """A declared port that listens inside, reachable on the anchor's IP, owned by the tree unless `owner` is any.

    A listener on `::` answers IPv4 too unless it is IPv6-only, as sockets on Windows are by default, and no table
    says so. So one connection is made to such a listener before it counts, and none after that.
    """

    def __init__(
        self, name: str, port: int, protocol: str, owner: str, ip: str, connect: Callable[[int], Look]
    ) -> None:
        self._what = f"port {name} {port}"
        self._port = port
        self._protocol = protocol
        self._owner = owner
        self._ip = ip
        self._connect = connect
        self._answered: Listener | None = None
        self._good: Listener | None = None
        self._full_look_due_s = 0.0

    def __call__(self, scene: Scene) -> Look:
        """Check that the tree still has the socket found last (one readlink); if not, or occasionally, search again."""
        known = self._good
        if known is None or scene.now_s >= self._full_look_due_s or not scene.target.owns(known):
            self._full_look_due_s = scene.now_s + FULL_LOOK_INTERVAL_S
            return self._look_afresh(scene)
        return self._listens_on(known)

    def _look_afresh(self, scene: Scene) -> Look:
        self._good = None
        here = [listener for listener in scene.listeners(self._protocol) if listener.port == self._port]
        if not here:
            return Look(False, f"{self._what}: {'not listening' if self._protocol == 'TCP' else 'not bound'}")
        # If something surely answers on the IP, a listener on :: beside it is IPv6-only.
        sure = [listener for listener in here if reaches(listener.address, self._ip)]
        reached = sure or [listener for listener in here if may_reach(listener.address, self._ip)]
        if not reached:
            value = f"{self._what}: listens on {here[0].address} only, which {self._ip} does not reach"
            return Look(False, value)
        wanted = reached if self._owner == "any" else filter(scene.target.owns, reached)
        found = next(iter(wanted), None)
        if found is None:
            return Look(False, f"{self._what}: listened on by a process outside the program's tree")
        if not sure and self._protocol == "TCP" and found != self._answered:
            answer = self._connect(self._port)
            if answer.good is None:
                return answer
            if not answer.good:
                return Look(
                    False, f"{self._what}: listens on {found.address}, apparently for IPv6 only: {answer.value}"
                )
            self._answered = found
        self._good = None if self._owner == "any" else found
        return self._listens_on(found)

    def _listens_on(self, listener: Listener) -> Look:
        return Look(True, f"{self._what}: listens on {listener.address}")


class SettledCpu:
    """CPU below a share of one core for some seconds in a row, over the whole tree."""

    def __init__(self, max_percent: float, settle_s: float) -> None:
        self._max_percent = max_percent
        self._settle_s = settle_s
        self._last: tuple[float, float] | None = None
        self._calm_since_s: float | None = None

    def __call__(self, scene: Scene) -> Look:
        """Compare with the look before."""
        cpu_seconds = scene.sampler.cpu_seconds()
        last, self._last = self._last, (scene.now_s, cpu_seconds)
        if last is None or scene.now_s <= last[0]:
            return Look(False, "cpu: not measured yet")
        percent = 100 * max(0.0, cpu_seconds - last[1]) / (scene.now_s - last[0])
        if percent >= self._max_percent:
            self._calm_since_s = None
            return Look(False, f"cpu {percent:.0f} % of a core, wanted below {self._max_percent:g} %")
        self._calm_since_s = last[0] if self._calm_since_s is None else self._calm_since_s
        calm_s = scene.now_s - self._calm_since_s
        value = f"cpu {percent:.0f} % of a core, below {self._max_percent:g} % for {calm_s:.1f} s"
        return Look(calm_s >= self._settle_s, f"{value}, wanted {self._settle_s:g} s")


def reaches(listening: str, ip: str) -> bool:
    """Return whether a socket that listens on one address surely answers on `ip`."""
    here, there = pack_ip(listening), pack_ip(ip)
    return here in (there, _WILDCARDS[len(there)])


def may_reach(listening: str, ip: str) -> bool:
    """Return whether it may: `::` answers IPv4 too unless the program, or Windows, says IPV6_V6ONLY."""
    return len(pack_ip(ip)) == 4 and pack_ip(listening) == _WILDCARDS[16]


def _uptime(wanted_s: float) -> Callable[[Scene], Look]:
    def look(scene: Scene) -> Look:
        status = scene.target.wait(0)
        if status is not None:
            return Look(False, f"the program {status.sentence}")
        uptime_s = time.monotonic() - scene.target.started_at
        if uptime_s < wanted_s:
            return Look(False, f"running for {uptime_s:.1f} s, wanted {wanted_s:g} s")
        return Look(True, f"running for at least {wanted_s:g} s")

    return look


def _process(wanted: str, at_least: int) -> Callable[[Scene], Look]:
    def look(scene: Scene) -> Look:
        count = sum(_same_name(name, wanted) for name in scene.sampler.names())
        return Look(count >= at_least, f"{count} processes named {wanted}, wanted at least {at_least}")

    return look


def _range(
    key: str, low: float | None, high: float | None, unit: str, measure: Callable[[TreeSampler], float]
) -> Callable[[Scene], Look]:
    wanted = " and ".join(
        f"at {word} {limit:g}{unit}" for word, limit in (("least", low), ("most", high)) if limit is not None
    )

    def look(scene: Scene) -> Look:
        value = measure(scene.sampler)
        good = (low is None or value >= low) and (high is None or value <= high)
        return Look(good, f"{key} {value:.0f}{unit}, wanted {wanted}")

    return look


def _same_name(name: str, wanted: str) -> bool:
    return name.casefold() == wanted.casefold() if sys.platform == "win32" else name == wanted
