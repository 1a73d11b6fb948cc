"""One attachment: the health server, the target and its gate in one anchor's compartment, made and ended as one."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mooring_launcher import __version__
from mooring_launcher.anchor import Attached
from mooring_launcher.compartment import Backend, Compartment
from mooring_launcher.config import Config, sibling_ports
from mooring_launcher.errors import LauncherError
from mooring_launcher.gate import Condition, Gate, check_gate
from mooring_launcher.lifetime import TREE
from mooring_launcher.metrics import Metrics
from mooring_launcher.server import HealthServer, View
from mooring_launcher.stop import Stoppable
from mooring_launcher.target import ExitStatus, Target, TargetSpec

COMPARTMENT_ENV = "MOORING_COMPARTMENT_ENV"
"""Names a further variable in which the program finds the compartment's id, as cplauncher's -env-name does."""


_NEVER_HELD = "the gate has not held yet"


class Place(NamedTuple):
    """What to attach to: the anchor, its compartment, and since when (time.monotonic()) that was being worked on."""

    anchor: Attached
    compartment: Compartment
    since_s: float


class Hooks(NamedTuple):
    """What an attachment asks and tells its owner; the callbacks come from other threads."""

    stopping: Callable[[], str]
    """Why a stop has begun; empty while none has."""
    why_not_live: Callable[[], str]
    """Why the launcher should be started anew; empty while it should not."""
    restarts: Callable[[], int]
    anchor_leaves: Callable[[], bool]
    """Whether the anchor is on its way out; takes seconds, as the API is asked."""
    warn: Callable[[str], None]
    tell_step: Callable[[str], None]
    on_exit: Callable[[ExitStatus], None]
    on_main_exit: Callable[[ExitStatus], None]
    """The main process has ended, and with lifetime tree the target goes on without it."""
    on_gate: Callable[[], None]
    on_failure: Callable[[LauncherError], None]


class Attachment:
    """The target in its compartment, from `start()` to `close()`."""

    def __init__(self, backend: Backend, config: Config, ordinal: int, place: Place, hooks: Hooks) -> None:
        """Take the replica's own configuration (`config.for_ordinal`)."""
        self.place = place
        #: Whether the owner has seen the gate hold; the owner sets it.
        self.held_once = False
        self._backend = backend
        self._config = config
        self._ordinal = ordinal
        self._hooks = hooks
        self._server: HealthServer | None = None
        self._target: Target | None = None
        self._gate: Gate | None = None

    def start(self, environ: Mapping[str, str]) -> None:
        """Serve, start the target, judge it. LauncherError when one fails; nothing is left running then."""
        try:
            self._start(environ)
        except BaseException:
            self.close()
            raise

    def _start(self, environ: Mapping[str, str]) -> None:
        anchor, compartment, _ = self.place
        target_config = self._config["target"]
        check_gate(self._config["gate"], target_config["ports"])
        port = self._config["readiness"]["port"]
        self._server = HealthServer(compartment, anchor.ip, port, self.view, self._metrics, self._hooks.warn)
        self._server.start()
        self._target = self._backend.start_target(compartment, self._spec(environ))
        self._gate = Gate(
            self._config["gate"],
            target_config["ports"],
            anchor.ip,
            self._target,
            compartment,
            self._hooks.on_gate,
            self._hooks.on_failure,
        )
        if target_config["lifetime"] == TREE:
            self._target.on_main_exit(self._hooks.on_main_exit)
        self._target.on_exit(self._hooks.on_exit)
        self._gate.start()

    def close(self) -> None:
        """End what is left of the target, answer /hold and stop serving."""
        if self._gate is not None:
            self._gate.close()
        if self._target is not None:
            self._target.kill()
        if self._server is not None:
            self._server.release_hold()
            self._server.close()

    @property
    def server_thread(self) -> threading.Thread:
        """What answers kubelet, from `start()` to `close()`."""
        if self._server is None:
            raise AssertionError
        return self._server.thread

    @property
    def anchor(self) -> Attached:
        """The anchor it is attached to."""
        return self.place.anchor

    @property
    def target(self) -> Target:
        """The program; only after `start()`."""
        if self._target is None:
            raise AssertionError
        return self._target

    @property
    def gate_holds(self) -> bool:
        """Whether the gate holds now."""
        return self._gate is not None and self._gate.holds

    def first_failing(self) -> Condition | None:
        """Return the first condition that does not hold; None when all do."""
        return self._gate.first_failing() if self._gate is not None else None

    def what_fails(self) -> str:
        """Return the same with its last value, as a sentence; empty when all hold."""
        return self._gate.what_fails() if self._gate is not None else ""

    @property
    def gate_has_failed(self) -> bool:
        """Whether a condition was found not to hold, rather than not looked at for long."""
        return self._gate is not None and self._gate.has_failed

    def steps_of_stop(self) -> Stoppable:
        """Return what the stop ladder works with."""
        target = self.target
        return Stoppable(
            wait_s=lambda seconds: target.wait(seconds) is not None,
            run_command=lambda command, seconds: _run_command(target, command, seconds),
            ask=target.ask_to_stop,
            ask_further=target.ask_further if self._config["target"]["lifetime"] == TREE else None,
            kill=target.kill,
            wait_all_s=target.wait_all,
            unsent_bytes=self._unsent_bytes,
            await_siblings=self._await_siblings,
            close_windows=target.close_windows,
            asks_by=target.asks_by,
            kills_by=target.kills_by,
        )

    def view(self) -> View:
        """Return what /readyz, /livez and /status tell."""
        stopping, failing = self._hooks.stopping(), self.first_failing()
        reason = stopping or self.what_fails()
        ready = not reason and self.gate_holds
        brief = "stopping" if stopping else failing.name if failing is not None else _NEVER_HELD
        conditions = self._conditions()
        status = self._status(ready, reason)
        not_live = self._hooks.why_not_live()
        return View(ready, not not_live, reason or _NEVER_HELD, conditions, status, brief, not_live)

    def _status(self, ready: bool, reason: str) -> dict[str, Any]:
        anchor, compartment, _ = self.place
        return {
            "app": self._config["app"],
            "ordinal": self._ordinal,
            "ready": ready,
            "reason": reason,
            "anchor": {"name": anchor.name, "uid": anchor.uid, "ip": anchor.ip},
            "compartment": {"id": compartment.id, "name": compartment.name},
            "target": self._target_status(),
            "conditions": [condition._asdict() for condition in self._conditions()],
        }

    def _target_status(self) -> dict[str, Any]:
        """Return what /status tells of the target: `pid` is its main process's, null once that has ended."""
        main_exit = self._target.main_exit() if self._target is not None else None
        return {
            "exe": self._config["target"]["exe"],
            "lifetime": self._config["target"]["lifetime"],
            "pid": None if self._target is None or main_exit is not None else self._target.pid,
            "mainExit": main_exit and main_exit.code,
        }

    def _metrics(self) -> Metrics:
        target, gate = self._target, self._gate
        return Metrics(
            version=__version__,
            app=self._config["app"]["name"],
            ordinal=self._ordinal,
            ready=self.view().ready,
            attach_seconds=None if target is None else target.started_at - self.place.since_s,
            gate_seconds=None if gate is None else gate.held_after_s,
            restarts=self._hooks.restarts(),
            conditions=self._conditions(),
            usage=None if gate is None else gate.usage(),
        )

    def _conditions(self) -> list[Condition]:
        return self._gate.conditions() if self._gate is not None else []

    def _spec(self, environ: Mapping[str, str]) -> TargetSpec:
        target = self._config["target"]
        env = target_environment(environ, target["env"], self.place, self._ordinal)
        return TargetSpec(
            target["exe"],
            target["args"],
            working_dir(target),
            env,
            self._config["stop"]["consoleEvent"],
            self._config["attach"],
            target["runAs"],
            target["sha256"],
            target["signedBy"],
            target["lifetime"],
        )

    def _await_siblings(self) -> None:
        """Keep /hold unanswered for the siblings' sake. When only this replica stops they run on: not waited for.

        The anchor decides, not who asked /hold: one stranger's question would keep this launcher for ever.
        """
        ports = sibling_ports(self._config, self._ordinal)
        if ports and self._hooks.anchor_leaves():
            from mooring_launcher.siblings import await_siblings  # only where an anchor is shared

            await_siblings(self.place.compartment, self.place.anchor.ip, ports, self._hooks.tell_step)

    def _unsent_bytes(self) -> int:
        try:
            return self._backend.unsent_bytes(self.place.compartment)
        except LauncherError:
            return 0  # the network has gone, and what was in it


def target_environment(
    environ: Mapping[str, str], own: Mapping[str, str], place: Place, ordinal: int
) -> dict[str, str]:
    """Return the container's environment less KUBERNETES_*, then the target's own, then what tells it its place."""
    inherited = {key: value for key, value in environ.items() if not key.startswith("KUBERNETES_")}
    further = inherited.pop(COMPARTMENT_ENV, "")
    return {
        **inherited,
        **own,
        **({further: str(place.compartment.id)} if further else {}),
        "COMPARTMENT_ID_ATTACH": str(place.compartment.id),
        "MOORING_ORDINAL": str(ordinal),
        "MOORING_ANCHOR_IP": place.anchor.ip,
    }


def working_dir(target: Mapping[str, Any]) -> str:
    """Return target.workingDir, else the directory of the program (os.path is ntpath on Windows)."""
    return str(target["workingDir"] or os.path.dirname(target["exe"]))


def _run_command(target: Target, command: list[str], seconds: float) -> str:
    """Run the stop command and say how it went. A command that cannot be run must not end the stop."""
    started_s = time.monotonic()
    try:
        result = target.run_command(command, seconds)
    except (LauncherError, OSError) as error:
        return f"the stop command could not be run: {error}"
    ended = "was killed when its time was up" if result.exit is None else result.exit.sentence
    return f"the stop command {ended} after {time.monotonic() - started_s:.1f} s"
