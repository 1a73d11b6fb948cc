"""One attachment: health server, target and gate in one anchor's compartment, started and ended together."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from mooring_launcher.attachment.place import Place, target_spec
from mooring_launcher.attachment.report import Report
from mooring_launcher.config import Config
from mooring_launcher.errors import LauncherError
from mooring_launcher.gate.gate import Gate, check_gate
from mooring_launcher.health.server import HealthServer
from mooring_launcher.platforms.compartment import Backend, Inside
from mooring_launcher.platforms.lifetime import TREE
from mooring_launcher.platforms.target import ExitStatus


class Hooks(NamedTuple):
    """What an attachment needs from its owner. The callbacks are called from other threads."""

    stopping: Callable[[], str]
    """Why a stop has begun; empty if none has."""
    why_not_live: Callable[[], str]
    """Why the launcher should be restarted; empty if it should not."""
    warn: Callable[[str], None]
    on_exit: Callable[[ExitStatus], None]
    on_main_exit: Callable[[ExitStatus], None]
    """The main process has ended and, with lifetime tree, the target continues without it."""
    on_gate: Callable[[], None]
    on_failure: Callable[[LauncherError], None]


class Attachment:
    """The target in its compartment. It runs from construction to `close()`."""

    def __init__(
        self,
        backend: Backend,
        config: Config,
        ordinal: int,
        place: Place,
        environ: Mapping[str, str],
        hooks: Hooks,
        *,
        generation: int,
        restarts: int,
    ) -> None:
        """Serve, start the target, then judge it. LauncherError when a step fails; nothing is left running then.

        `config` is the replica's own (`config.for_ordinal`), `environ` the launcher's environment. `restarts` is how
        many targets ran before this one, for the metrics.
        """
        self.place = place
        self.generation = generation
        self._backend = backend
        anchor, compartment, _ = place
        self.inside = Inside(backend, compartment)
        target, ports = config["target"], config["target"]["ports"]
        check_gate(config["gate"], ports)
        report = Report(config, ordinal, place, restarts, hooks.stopping, hooks.why_not_live)
        with ExitStack() as undo:
            port = config["readiness"]["port"]
            server = HealthServer(self.inside, anchor.ip, port, report.view, report.metrics, hooks.warn)
            undo.callback(server.close)
            undo.callback(server.release_hold)
            server.start()
            #: Answers kubelet until `close()`.
            self.server_thread = server.thread
            self.target = backend.start_target(compartment, target_spec(config, environ, place, ordinal))
            undo.callback(self.target.kill)
            self.gate = Gate(
                config["gate"], ports, anchor.ip, self.target, self.inside, hooks.on_gate, hooks.on_failure
            )
            undo.callback(self.gate.close)
            report.judge(self.target, self.gate)
            if target["lifetime"] == TREE:
                self.target.on_main_exit(hooks.on_main_exit)
            self.target.on_exit(hooks.on_exit)
            self.gate.start()
            self._running = undo.pop_all()

    def close(self) -> None:
        """Kill what is left of the target, answer /hold and stop serving. A second call does nothing."""
        self._running.close()

    def unsent_bytes(self) -> int:
        """Return how many bytes of the target's closed connections have yet to be delivered."""
        try:
            return self._backend.unsent_bytes(self.place.compartment)
        except LauncherError:
            return 0  # the network is gone, and everything in it
