"""A client of a cluster's API: kubectl for what a user would type, plain HTTP for the rest."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_helm_charts.clusters import ExistingCluster

Object = dict[str, Any]


class Kube:
    """One cluster, through its kubeconfig."""

    def __init__(self, kubeconfig: str, kubectl: str = "kubectl") -> None:
        self.kubeconfig = kubeconfig
        self._kubectl = kubectl
        self.http = ExistingCluster(kubeconfig).create()
        self.gone: dict[str, str] = {}
        """The namespaces that tests have deleted, with the time of each deletion (ISO 8601, UTC)."""

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_s: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; raises RuntimeError with its stderr if it fails."""
        done = subprocess.run(
            [self._kubectl, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
            timeout=timeout_s,
        )
        if check and done.returncode:
            message = f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
            raise RuntimeError(message)
        return done

    def get(self, path: str, version: str = "v1", **params: str) -> Any:
        """GET a path below an API version, e.g. `namespaces/x/pods`; raises requests.HTTPError."""
        response = self.http.get(version=version, url=path, params=params)
        response.raise_for_status()
        return response.json()

    def apply(self, *objects: Object) -> None:
        """Apply objects, server-side."""
        text = "\n---\n".join(json.dumps(each) for each in objects)
        self.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=text)

    def evict(self, namespace: str, pod: str) -> int:
        """Evict a pod; returns the HTTP status."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        return int(self.http.post(namespace=namespace, url=f"pods/{pod}/eviction", json=body).status_code)

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """Make a namespace, and delete it after the block without waiting for its end, which takes long."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            yield name
        finally:
            self.gone[name] = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            self.kubectl("delete", "namespace", name, "--wait=false", check=False)

    def define(self, *definitions: Object) -> None:
        """Apply CustomResourceDefinitions, and wait until the API serves what they define."""
        self.apply(*definitions)
        names = [f"crd/{each['metadata']['name']}" for each in definitions]
        self.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")

    def wait_gone(self, timeout_s: float = 180) -> None:
        """Wait until the deleted namespaces are gone: tests that measure time need idle nodes."""
        deadline = time.monotonic() + timeout_s
        while left := {each["metadata"]["name"] for each in self.get("namespaces")["items"]} & self.gone.keys():
            if time.monotonic() > deadline:
                message = f"after {timeout_s:.0f} s namespaces are still being deleted: {sorted(left)}"
                raise RuntimeError(message)
            time.sleep(0.5)
