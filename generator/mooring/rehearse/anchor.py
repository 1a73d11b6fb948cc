"""The worker of a pod with its own network: an anchor."""

import threading
import time

from mooring.rehearse.network import Network
from mooring.rehearse.pods import grace_s, main_container
from mooring.rehearse.probes import http_check, http_get, port_number
from mooring.rehearse.store import Object, Store
from mooring.rehearse.worker import Notify, PodWorker


class AnchorWorker(PodWorker):
    """Runs an anchor: a network namespace, an address, its HTTP readiness probe and its preStop hook."""

    def __init__(self, pod: Object, store: Store, notify: Notify, network: Network) -> None:
        super().__init__(pod, store, notify)
        self._network = network

    def _live(self) -> None:
        self._ip = self._network.add_namespace(self.name)
        self._up = True
        probe = main_container(self.pod).get("readinessProbe") or {}
        self._report(not probe, "not probed yet")
        if "httpGet" in probe:
            self._probe(probe, http_check(*self._endpoint(probe["httpGet"])), self._report, False)
        self._deleted.wait()

    def _end(self) -> None:
        hook = ((main_container(self.pod).get("lifecycle") or {}).get("preStop") or {}).get("httpGet")
        if hook:
            self._run_hook(hook, time.monotonic() + grace_s(self.pod))
        self._network.remove_namespace(self.name)

    def _run_hook(self, hook: Object, deadline: float) -> None:
        """Call the hook's URL without a client timeout, as kubelet does: only the grace period limits it."""
        request = threading.Thread(target=http_get, args=(*self._endpoint(hook), None, "kube-lifecycle"), daemon=True)
        request.start()
        while request.is_alive() and not self.killed and time.monotonic() < deadline:
            request.join(0.1)

    def _endpoint(self, http: Object) -> tuple[str, int, str]:
        return self._ip, port_number(main_container(self.pod), http["port"]), http.get("path", "/")
