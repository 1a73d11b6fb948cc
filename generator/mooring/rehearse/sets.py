"""The StatefulSet controller of a rehearsal: Parallel, by ordinals.start and replicas."""

import threading

from mooring.rehearse.pods import is_ready, is_terminating, make_pod, ordinal_of
from mooring.rehearse.store import Object, Store


class SetController(threading.Thread):
    """Creates the pods that a StatefulSet wants and deletes those that it no longer wants."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._stopped = False

    def stop(self) -> None:
        """Create and delete no more pods."""
        with self._store.changed:
            self._stopped = True
            self._store.changed.notify_all()

    def run(self) -> None:
        """Reconcile after every change in the store until stopped."""
        with self._store.changed:
            while not self._stopped:
                version = self._store.version
                for stateful_set in self._store.all("statefulsets"):
                    self._reconcile(stateful_set)
                if self._store.version == version:
                    self._store.changed.wait()

    def _reconcile(self, stateful_set: Object) -> None:
        spec = stateful_set["spec"]
        start = (spec.get("ordinals") or {}).get("start", 0)
        wanted = range(start, start + spec.get("replicas", 1))
        pods = {ordinal_of(pod): pod for pod in self._pods_of(stateful_set)}
        for ordinal in wanted:
            if ordinal not in pods:
                self._store.put("pods", make_pod(stateful_set, ordinal))
        for ordinal, pod in pods.items():
            if ordinal not in wanted and not is_terminating(pod):
                self._store.mark_deleted(pod)
        self._update_status(stateful_set, list(pods.values()))

    def _pods_of(self, stateful_set: Object) -> list[Object]:
        uid = stateful_set["metadata"]["uid"]
        return [
            pod
            for pod in self._store.all("pods")
            if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or [])
        ]

    def _update_status(self, stateful_set: Object, pods: list[Object]) -> None:
        status = {"replicas": len(pods), "readyReplicas": sum(is_ready(pod) for pod in pods)}
        if status != stateful_set.get("status"):
            metadata = stateful_set["metadata"]
            self._store.update("statefulsets", metadata["namespace"], metadata["name"], {"status": status})
