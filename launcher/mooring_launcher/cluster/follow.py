"""Scaling: the anchor set follows the launcher set; the launcher of the start ordinal does it.

Whoever scales (kubectl, an autoscaler, helm) scales the launcher set; the number is mirrored to the anchor set.
"""

import threading

from mooring_launcher.cluster.answers import Object
from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.cluster.resources import stateful_set
from mooring_launcher.cluster.watch import ObjectWatch
from mooring_launcher.reports.log import Log

LAST_ACT_S = 3.0


class ScaleFollower:
    """Watches the launcher set and mirrors `spec.replicas` to the anchor set's scale, from `thread.start()` on."""

    def __init__(self, client: ApiClient, namespace: str, launcher_set: str, anchor_set: str, log: Log) -> None:
        self._client = client
        self._log = log
        self._source = stateful_set(namespace, launcher_set)
        self._scale = stateful_set(namespace, anchor_set, "scale")
        self._mirrored: int | None = None
        self._lock = threading.Lock()
        self.thread = ObjectWatch(client, self._source, self._on_set, self._on_problem)

    def finish(self) -> None:
        """Mirror for the last time: a set scaled to 0 takes this launcher before the event is seen, or with it.

        Takes LAST_ACT_S at most, whatever the API server does: the pod's grace period may be nearly over.
        """
        self.thread.close()
        last = threading.Thread(target=self._mirror_once, name="mooring-last-act", daemon=True)
        last.start()
        last.join(LAST_ACT_S)
        if last.is_alive():
            self._log.warning("scale-problem", problem=f"the last mirroring took longer than {LAST_ACT_S:g} s")

    def _mirror_once(self) -> None:
        try:
            self._on_set(self._client.get(self._source), fresh=False)
        except ApiError as error:
            self._on_problem(error)

    def _on_set(self, found: Object | None, fresh: bool) -> None:
        """Mirror what differs; after a reconnect always, as the anchor set may have been scaled by hand meanwhile."""
        if found is None or found["metadata"].get("deletionTimestamp"):
            return  # helm uninstall deletes both sets: nothing to follow
        replicas: int = found["spec"]["replicas"]
        with self._lock:
            if fresh or replicas != self._mirrored:
                self._set_scale(replicas)
                self._mirrored = replicas
                self._log.info("scale-followed", anchorSet=self._scale.name, replicas=replicas)

    def _set_scale(self, replicas: int) -> None:
        """Scale the anchor set. ApiError also when the answer is not its scale with that number."""
        answer = self._client.patch(self._scale, {"spec": {"replicas": replicas}})
        metadata, spec = answer.get("metadata"), answer.get("spec")
        # Go leaves a number out that is 0.
        found = spec.get("replicas", 0) if isinstance(spec, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if (answer.get("kind"), name, found) != ("Scale", self._scale.name, replicas):
            message = f"patch {self._scale}: the answer is not its scale with {replicas} replicas"
            raise ApiError(message)

    def _on_problem(self, error: ApiError) -> None:
        self._log.warning("scale-problem", problem=str(error))
