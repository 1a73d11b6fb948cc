"""What kubelet does for every pod of a rehearsal, whatever its container is."""

import threading
from collections.abc import Callable

from mooring.errors import MooringError
from mooring.rehearse.pods import running_status
from mooring.rehearse.probes import Check, Prober
from mooring.rehearse.store import Object, Store

Notify = Callable[[str, str], None]
"""Takes a pod's name and a sentence to print about it."""


class PodWorker(threading.Thread):
    """Runs one pod from its creation to its deletion. The two kinds of pod differ in what their container is."""

    def __init__(self, pod: Object, store: Store, notify: Notify) -> None:
        super().__init__(daemon=True, name=pod["metadata"]["name"])
        self.pod = pod
        self.uid = pod["metadata"]["uid"]
        self.killed = False
        self._store = store
        self._notify = notify
        self._wake = threading.Event()
        self._deleted = threading.Event()
        self._probers: list[Prober] = []
        self._ip = ""
        self._ready = False
        self._why = ""
        self._up = False
        self._restarts = 0

    def terminate(self) -> None:
        """Start the pod's graceful end; idempotent."""
        self._deleted.set()
        self._wake.set()

    def run(self) -> None:
        """Run the pod, then delete its object."""
        try:
            self._live()
            self._end()
        except (OSError, LookupError, MooringError) as error:
            self._notify(self.name, f"cannot run: {error}")
            self._report(False, str(error))
        finally:
            for prober in self._probers:
                prober.stop()
        self._deleted.wait()
        self._store.delete("pods", self.pod["metadata"]["namespace"], self.name)

    def _live(self) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError

    def _report(self, ready: bool, why: str) -> None:
        """Write the pod's status; readiness is false while no container is up."""
        self._ready, self._why = ready and self._up, why
        status = running_status(self.pod, self._ip, self._ready, self._up, self._restarts, why)
        self._store.update("pods", self.pod["metadata"]["namespace"], self.name, {"status": status})

    def _probe(self, probe: Object, check: Check, notify: Callable[[bool, str], None], initially: bool) -> None:
        prober = Prober(probe, check, notify, initially)
        self._probers.append(prober)
        prober.start()
