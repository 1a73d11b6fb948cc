"""Probes as kubelet runs them: periods, thresholds and timeouts around one check."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from mooring.rehearse.store import Object

Check = Callable[[float], tuple[bool, str]]
"""Takes a timeout in seconds; returns whether the check holds, and why (not)."""


@dataclass(frozen=True)
class Schedule:
    """When a probe runs, and how many results in a row count. The defaults are Kubernetes'."""

    initial_delay_s: float
    period_s: float
    timeout_s: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Object) -> "Schedule":
        """Read a probe's timing fields."""
        return cls(
            float(probe.get("initialDelaySeconds", 0)),
            float(probe.get("periodSeconds", 10)),
            float(probe.get("timeoutSeconds", 1)),
            int(probe.get("successThreshold", 1)),
            int(probe.get("failureThreshold", 3)),
        )


class Prober(threading.Thread):
    """Runs a check on its schedule and reports each change of the verdict, and of the reason while it is negative.

    `initially` is the verdict before the first check: False for readiness and startup, True for liveness.
    """

    def __init__(
        self, probe: Object, check: Check, notify: Callable[[bool, str], None], initially: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self._schedule = Schedule.of(probe)
        self._check = check
        self._notify = notify
        self._verdict = initially
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End after the current check; nothing is reported any more."""
        self._stopped.set()

    def run(self) -> None:
        """Probe until stopped."""
        passed = failed = 0
        wait_s = self._schedule.initial_delay_s
        last = (self._verdict, "")
        while not self._stopped.wait(wait_s):
            wait_s = self._schedule.period_s
            holds, why = self._check(self._schedule.timeout_s)
            passed, failed = (passed + 1, 0) if holds else (0, failed + 1)
            if passed >= self._schedule.successes:
                self._verdict = True
            elif failed >= self._schedule.failures:
                self._verdict = False
            current = (self._verdict, "" if self._verdict else why)
            if current != last and not self._stopped.is_set():
                last = current
                self._notify(*current)


def http_check(ip: str, port: int, path: str) -> Check:
    """Make a check that requests a URL; 200 to 399 passes, as for kubelet."""

    def check(timeout_s: float) -> tuple[bool, str]:
        status, body = http_get(ip, port, path, timeout_s)
        return 200 <= status < 400, body

    return check


def http_get(ip: str, port: int, path: str, timeout_s: float | None, agent: str = "kube-probe") -> tuple[int, str]:
    """GET a URL; returns status and body, or 0 and the error. No timeout for None.

    `agent` is kubelet's User-Agent: kube-probe, or kube-lifecycle for a hook (Kubernetes, pkg/probe/http/request.go).
    """
    url = f"http://{ip}:{port}{path}"
    # A kubelet does not use the proxy of the developer's environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.addheaders = [("User-Agent", f"{agent}/1.33")]
    try:
        with opener.open(url, timeout=timeout_s) as response:
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, f"{url}: {getattr(error, 'reason', error)}"


def port_number(container: Object, port: int | str) -> int:
    """Return a probe's port, resolving the name of a container port."""
    named = {p.get("name"): int(p["containerPort"]) for p in container.get("ports") or []}
    return port if isinstance(port, int) else named[port]
