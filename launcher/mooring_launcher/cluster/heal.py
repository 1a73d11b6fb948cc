"""Healing a split pair by eviction: of an anchor on another node that follows, or of the launcher's own pod."""

import threading

from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.cluster.resources import pod
from mooring_launcher.cluster.watch import Backoff
from mooring_launcher.reports.log import Log


class Healer:
    """Evicts one pod at a time in its own thread: a PodDisruptionBudget may refuse for a while."""

    def __init__(self, client: ApiClient, namespace: str, log: Log) -> None:
        self._client = client
        self._namespace = namespace
        self._log = log
        self._current: _Eviction | None = None

    def evict(self, name: str, uid: str, reason: str) -> None:
        """Evict the pod with that uid unless an eviction is under way. Returns immediately."""
        if self._current is not None and self._current.uid == uid and self._current.is_alive():
            return
        self.cancel()
        self._log.warning("evicting", pod=name, uid=uid, reason=reason)
        self._current = _Eviction(self._client, self._namespace, name, uid, self._log)
        self._current.start()

    def cancel(self) -> None:
        """Stop trying: the pair is no longer split."""
        if self._current is not None:
            self._current.cancelled.set()
            self._current = None


class _Eviction(threading.Thread):
    """Retries until the eviction is accepted, pointless or cancelled."""

    def __init__(self, client: ApiClient, namespace: str, name: str, uid: str, log: Log) -> None:
        super().__init__(name="mooring-evict", daemon=True)
        self.uid = uid
        self.cancelled = threading.Event()
        self._client = client
        self._resource = pod(namespace, name, "eviction")
        self._log = log
        # The uid protects a new pod of the same name.
        self._body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }

    def run(self) -> None:
        """Try with growing pauses."""
        backoff = Backoff()
        while not self.cancelled.is_set():
            try:
                answer = self._client.post(self._resource, self._body)
                if (answer.get("kind"), answer.get("status")) != ("Status", "Success"):
                    message = f"create {self._resource}: the answer does not confirm it"
                    raise ApiError(message)
            except ApiError as error:
                if error.is_absent or (error.status, error.reason) == (409, "Conflict"):
                    return  # the pod, or the pod with that uid, does not exist any more
                self._log.warning("eviction-refused", problem=str(error))
                self.cancelled.wait(backoff.next_s(error.retry_after_s))
            else:
                self._log.info("evicted", pod=self._resource.name, uid=self.uid)
                return
