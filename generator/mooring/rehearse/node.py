"""The node of a rehearsal: for each pod, a worker does what kubelet would do."""

import signal
import threading
from pathlib import Path

from mooring.rehearse.anchor import AnchorWorker
from mooring.rehearse.launcher import LauncherWorker
from mooring.rehearse.network import Network
from mooring.rehearse.pods import is_terminating
from mooring.rehearse.store import Object, Store
from mooring.rehearse.volumes import Cluster
from mooring.rehearse.worker import Notify, PodWorker


class Node(threading.Thread):
    """Starts a worker for every new pod and ends those of deleted pods."""

    def __init__(
        self, store: Store, network: Network, cluster: Cluster, folder: Path, notify: Notify, logs: Path | None = None
    ) -> None:
        super().__init__(daemon=True)
        self._logs = logs
        self._store = store
        self._network = network
        self._cluster = cluster
        self._folder = folder
        self._notify = notify
        self.workers: dict[str, PodWorker] = {}

    def run(self) -> None:
        """Follow the pods for as long as the process lives."""
        version = 0
        while True:
            with self._store.changed:
                self._store.changed.wait_for(lambda seen=version: self._store.version > seen)  # type: ignore[misc]
                version = self._store.version
                pods = self._store.all("pods")
            for pod in pods:
                self._follow(pod)

    def worker(self, name: str) -> PodWorker | None:
        """Return the worker of a pod by its name."""
        return next((w for w in list(self.workers.values()) if w.name == name and w.is_alive()), None)

    def kill_all(self) -> None:
        """End every pod without a grace period."""
        for worker in list(self.workers.values()):
            worker.killed = True
            if isinstance(worker, LauncherWorker):
                worker.signal(signal.SIGKILL)

    def _follow(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self.workers:
            self.workers[uid] = self._make_worker(pod)
            self.workers[uid].start()
        if is_terminating(pod):
            self.workers[uid].terminate()

    def _make_worker(self, pod: Object) -> PodWorker:
        if pod["spec"].get("hostNetwork"):
            folder = self._folder / f"{pod['metadata']['name']}-{pod['metadata']['uid'][:8]}"
            return LauncherWorker(pod, self._store, self._notify, self._cluster, folder, self._logs)
        return AnchorWorker(pod, self._store, self._notify, self._network)
