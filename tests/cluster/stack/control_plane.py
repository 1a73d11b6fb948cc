"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as one machine."""

from __future__ import annotations

import json
import signal
import ssl
import threading
import time
import urllib.request
from pathlib import Path

import yaml

from tests.cluster.stack.machines import Machine
from tests.cluster.stack.pki import Pki

SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
"""The API server's address for pods: the first of the range."""
POD_RANGE = "10.244.0.0/16"
ADDRESS = "192.168.99.10"
PORT = 6443
URL = f"https://{ADDRESS}:{PORT}"

NODE_LOST_AFTER_S = 12
"""A node whose lease is this old is NotReady (upstream: 50 s); kubelets here renew every 2 s."""
EVICTED_AFTER_S = 5
"""Pods of a NotReady node are deleted after this time (upstream: 300 s)."""
_LOOK_EVERY_S = 0.5


class ControlPlane:
    """The daemons of the control plane; `api` may be killed and started again by tests."""

    def __init__(self, machine: Machine, pki: Pki, base: Path) -> None:
        """`base`: a directory for the audit log and etcd's data."""
        self.machine = machine
        self.audit_log = base / "audit.jsonl"
        self._pki = pki
        self._base = base
        self._keeping = threading.Lock()
        self._is_kept = False

    def start(self) -> None:
        """Start etcd and the API server; the other daemons give up on an API that does not answer soon."""
        (self._base / "etcd").mkdir(parents=True, exist_ok=True)
        self.machine.start("etcd", ["--data-dir", str(self._base / "etcd"), "--unsafe-no-fsync", "--log-level=error"])
        self.start_api()

    def restart_controllers(self) -> None:
        """Restart kube-controller-manager and kube-scheduler, as after a change of the tokens' key."""
        with self._keeping:
            self.machine.kill(*self._controllers())
            for name, arguments in self._controllers().items():
                self.machine.start(name, arguments)

    def start_controllers(self) -> None:
        """Start kube-controller-manager and kube-scheduler, and restart either when it ends, as kubelet would.

        kube-scheduler ends itself when its cache is wrong: for one, when a pod was replaced by a namesake while the API
        was away (pkg/scheduler/backend/cache/cache.go, "Scheduler cache is corrupted").
        """
        for name, arguments in self._controllers().items():
            self.machine.start(name, arguments)
        if not self._is_kept:
            self._is_kept = True
            threading.Thread(target=self._keep_controllers, name="keep-controllers", daemon=True).start()

    def _keep_controllers(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            with self._keeping:
                for name, arguments in self._controllers().items():
                    if self.machine.has_ended(name):
                        print(f"cluster: {name} ended and is started again: {self.machine.log(name, 1)}", flush=True)
                        self.machine.start(name, arguments)

    def _controllers(self) -> dict[str, list[str]]:
        """Return the arguments of each."""
        more = {
            "kube-controller-manager": [
                "--use-service-account-credentials",
                f"--service-account-private-key-file={self._pki.path('service-account.key')}",
                f"--root-ca-file={self._pki.path('ca.crt')}",
                f"--node-monitor-grace-period={NODE_LOST_AFTER_S}s",
                "--node-monitor-period=1s",
                # An autoscaler that polls often keeps its test short.
                "--horizontal-pod-autoscaler-sync-period=5s",
                "--horizontal-pod-autoscaler-downscale-stabilization=20s",
                "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
                "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
            ],
            "kube-scheduler": [],
        }
        common = ["--leader-elect=false", "--bind-address=127.0.0.1"]
        return {name: ["--kubeconfig", str(self._pki.kubeconfig(name)), *common, *own] for name, own in more.items()}

    def start_api(self) -> None:
        """Start kube-apiserver."""
        policy = self._base / "audit-policy.yaml"
        # Who requested what, without bodies; only ServiceAccounts outside kube-system.
        rules = [
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system", "system:nodes", "system:masters"]},
            {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
            {"level": "None"},
        ]
        policy.write_text(
            yaml.safe_dump(
                {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
            )
        )
        path = self._pki.path
        options = {
            "etcd-servers": "http://127.0.0.1:2379",
            "secure-port": PORT,
            "advertise-address": ADDRESS,
            "tls-cert-file": path("apiserver.crt"),
            "tls-private-key-file": path("apiserver.key"),
            "client-ca-file": path("ca.crt"),
            "token-auth-file": path("tokens.csv"),
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "service-cluster-ip-range": SERVICE_RANGE,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": path("service-account.key"),
            "service-account-signing-key-file": path("service-account.key"),
            "kubelet-client-certificate": path("apiserver-kubelet-client.crt"),
            "kubelet-client-key": path("apiserver-kubelet-client.key"),
            "kubelet-preferred-address-types": "InternalIP",
            "requestheader-client-ca-file": path("ca.crt"),
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": path("front-proxy-client.crt"),
            "proxy-client-key-file": path("front-proxy-client.key"),
            "enable-aggregator-routing": "true",
            "allow-privileged": "true",
            "default-not-ready-toleration-seconds": EVICTED_AFTER_S,
            "default-unreachable-toleration-seconds": EVICTED_AFTER_S,
            "audit-policy-file": policy,
            "audit-log-path": self.audit_log,
            "audit-log-mode": "blocking",
            "profiling": "false",
        }
        self.machine.start("kube-apiserver", [f"--{name}={value}" for name, value in options.items()])

    def stop_api(self, number: int = signal.SIGKILL) -> None:
        """End kube-apiserver; nobody reaches it until `start_api`."""
        self.machine.kill("kube-apiserver", number=number)

    def compact(self) -> None:
        """Compact etcd to its newest revision (its gateway speaks JSON): no older watch can resume."""
        newest = json.loads(self._etcd("/v3/kv/range", {"key": "AA=="}))["header"]["revision"]
        self._etcd("/v3/kv/compaction", {"revision": newest, "physical": True})

    def _etcd(self, path: str, body: object) -> str:
        code = (
            "import sys, urllib.request; "
            "print(urllib.request.urlopen('http://127.0.0.1:2379' + sys.argv[1], sys.argv[2].encode()).read().decode())"
        )
        return self.machine.run(["python3", "-c", code, path, json.dumps(body)])


def is_up(pki: Pki, path: str = "/readyz") -> bool:
    """Return whether the API answers 200."""
    request = urllib.request.Request(URL + path, headers={"Authorization": f"Bearer {pki.tokens['admin']}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2, context=ssl.create_default_context(cafile=pki.path("ca.crt"))):  # noqa: S310
            return True
    except OSError:
        return False
