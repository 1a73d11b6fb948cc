"""What the health server reports about one attachment: readiness, liveness, status and metrics."""

from collections.abc import Callable
from typing import Any, NamedTuple

from mooring_launcher import __version__
from mooring_launcher.attachment.place import Place
from mooring_launcher.config import Config
from mooring_launcher.gate.conditions import Condition
from mooring_launcher.gate.gate import Gate
from mooring_launcher.health.metrics import Metrics
from mooring_launcher.health.pages import View
from mooring_launcher.platforms.target import Target

NEVER_HELD = "the gate has not held yet"


class _Running(NamedTuple):
    target: Target
    gate: Gate


class Report:
    """Answers from the health server's thread, also before the target has been started."""

    def __init__(
        self,
        config: Config,
        ordinal: int,
        place: Place,
        restarts: int,
        stopping: Callable[[], str],
        why_not_live: Callable[[], str],
    ) -> None:
        """Take the replica's own configuration; `stopping` and `why_not_live` return a reason, or an empty string."""
        self._config = config
        self._ordinal = ordinal
        self._place = place
        self._restarts = restarts
        self._stopping = stopping
        self._why_not_live = why_not_live
        self._running: _Running | None = None

    def judge(self, target: Target, gate: Gate) -> None:
        """Report on this target and its gate from now on."""
        self._running = _Running(target, gate)

    def view(self) -> View:
        """Return what /readyz, /livez and /status show."""
        stopping, not_live, conditions = self._stopping(), self._why_not_live(), self._conditions()
        if self._running is None:
            holds, failing, what_fails = False, None, ""
        else:
            gate = self._running.gate
            holds, failing, what_fails = gate.holds, gate.first_failing(), gate.what_fails()
        reason = stopping or what_fails
        ready = not reason and holds
        brief = "stopping" if stopping else failing.name if failing is not None else NEVER_HELD
        status = self._status(ready, reason, conditions)
        return View(ready, not not_live, reason or NEVER_HELD, conditions, status, brief, not_live)

    def metrics(self) -> Metrics:
        """Return what /metrics shows."""
        running = self._running
        return Metrics(
            version=__version__,
            app=self._config["app"]["name"],
            ordinal=self._ordinal,
            ready=self.view().ready,
            attach_seconds=running and running.target.started_at - self._place.since_s,
            gate_seconds=running and running.gate.held_after_s,
            restarts=self._restarts,
            conditions=self._conditions(),
            usage=running and running.gate.usage(),
        )

    def _status(self, ready: bool, reason: str, conditions: list[Condition]) -> dict[str, Any]:
        anchor, compartment, _ = self._place
        return {
            "app": self._config["app"],
            "ordinal": self._ordinal,
            "ready": ready,
            "reason": reason,
            "anchor": {"name": anchor.name, "uid": anchor.uid, "ip": anchor.ip},
            "compartment": {"id": compartment.id, "name": compartment.name},
            "target": self._target_status(),
            "conditions": [condition._asdict() for condition in conditions],
        }

    def _target_status(self) -> dict[str, Any]:
        """Return the target's part of /status: `pid` is its main process's, null once that has ended."""
        target = self._running and self._running.target
        main_exit = target and target.main_exit()
        return {
            "exe": self._config["target"]["exe"],
            "lifetime": self._config["target"]["lifetime"],
            "pid": None if target is None or main_exit is not None else target.pid,
            "mainExit": main_exit and main_exit.code,
        }

    def _conditions(self) -> list[Condition]:
        return self._running.gate.conditions() if self._running is not None else []
