"""A ServiceAccount of the cluster, used by its own token."""

from __future__ import annotations

import json

import requests

from tests.cluster.stack.kube import Kube


class Account:
    """A ServiceAccount with a token of its own."""

    def __init__(self, kube: Kube, namespace: str, name: str) -> None:
        config = kube.http.config
        self._server = str(config.cluster["server"])
        self._http = requests.Session()
        self._http.trust_env = False  # a CA or a proxy named there belongs to another network
        self._http.verify = config.cluster["certificate-authority"].filename()
        token = kube.kubectl("create", "token", name, "--namespace", namespace, "--duration=10m").stdout.strip()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """Send a request; a granted watch is closed after the response's head."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._http.request(
            method,
            self._server + path,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": kind},
            stream="watch=1" in path,
            timeout=20,
        )
        if "watch=1" in path:
            answer.close()
        return answer

    def rules(self, namespace: str) -> set[tuple[str, ...]]:
        """Return what this account may do according to the API server, as (verb, group, resource, name or *)."""
        version, spec = "authorization.k8s.io/v1", {"namespace": namespace}
        body = {"apiVersion": version, "kind": "SelfSubjectRulesReview", "spec": spec}
        answer = self.ask("POST", f"/apis/{version}/selfsubjectrulesreviews", body)
        answer.raise_for_status()
        return {
            (verb, group, resource, name)
            for rule in answer.json()["status"]["resourceRules"]
            for verb in rule["verbs"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for name in rule.get("resourceNames") or ["*"]
        }
