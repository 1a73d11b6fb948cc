"""Least privilege: the launcher's own token may do what the Role names and nothing else, and the anchor has no token.

Also by record: the API server's audit log has every request that the launchers of a quiet release made.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.cluster.driving.account import Account
from tests.cluster.driving.mirror import Mirror
from tests.cluster.driving.release import Helm, Release
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

REPLICAS = 2
MAX_REPLICAS = 4
"""`rbac.maxReplicas`: the number of ordinals that the Role names."""
QUIET_S = 60.0


@dataclass
class Quiet:
    """A release that nobody has touched since `whole_at` (seconds since 1970), and another beside it."""

    release: Release
    other: Release
    whole_at: float


@pytest.fixture(scope="module")
def quiet(kube: Kube, helm3: Helm) -> Iterator[Quiet]:
    """Two releases in one namespace."""
    with kube.namespace("e2e-privilege") as namespace:
        mirror = Mirror(kube, namespace)
        release, other = Release(kube, helm3, mirror, "own"), Release(kube, helm3, mirror, "other")
        release.install(REPLICAS, rbac={"maxReplicas": MAX_REPLICAS})
        other.install(1)
        release.wait_whole(REPLICAS)
        whole_at = time.time()
        other.wait_whole(1)
        yield Quiet(release, other, whole_at)
        mirror.close()


@pytest.fixture(scope="module")
def launcher(quiet: Quiet, kube: Kube) -> Account:
    """The launchers' account."""
    return Account(kube, quiet.release.namespace, "own-launcher")


@pytest.fixture(scope="module")
def nobody(kube: Kube, quiet: Quiet) -> Account:
    """An account of the same namespace with no grants: it shows what everybody may do."""
    return Account(kube, quiet.release.namespace, "default")


NAMESPACE = "e2e-privilege"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"
BEYOND = f"own-anchor-{MAX_REPLICAS}"
"""The first anchor that the Role does not name."""


def _eviction(pod: str) -> dict[str, Any]:
    """A dry run: what is granted must not happen."""
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
        "deleteOptions": {"dryRun": ["All"]},
    }


def _pod(**more: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "x", "image": "x"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", **more}, "spec": spec}


def _watch(collection: str, name: str) -> str:
    return f"{collection}?watch=1&fieldSelector=metadata.name%3D{name}&timeoutSeconds=5"


GRANTED: list[tuple[str, str, object]] = [
    ("GET", f"{PODS}/own-anchor-0", None),
    ("GET", f"{PODS}/own-anchor-1", None),
    ("GET", _watch(PODS, "own-anchor-1"), None),
    ("GET", f"{SETS}/own", None),
    ("GET", _watch(SETS, "own"), None),
    ("PATCH", f"{SETS}/own-anchor/scale", {"spec": {"replicas": REPLICAS}}),
    ("POST", f"{PODS}/own-anchor-1/eviction", _eviction("own-anchor-1")),
    ("POST", f"{PODS}/own-1/eviction", _eviction("own-1")),
]

REFUSED: list[tuple[str, str, object]] = [
    # Reading pods.
    ("GET", PODS, None),
    ("GET", f"{PODS}?fieldSelector=metadata.name%3Down-anchor-0", None),
    ("GET", f"{PODS}?watch=1", None),
    ("GET", f"{PODS}?watch=1&labelSelector=app.kubernetes.io%2Finstance%3Down", None),
    ("GET", "/api/v1/pods", None),
    ("GET", f"{PODS}/own-0", None),
    ("GET", _watch(PODS, "own-0"), None),
    ("GET", f"{PODS}/other-anchor-0", None),
    ("GET", _watch(PODS, "other-anchor-0"), None),
    ("GET", f"{PODS}/{BEYOND}", None),
    ("GET", f"{PODS}/own-anchor-0/log", None),
    ("GET", f"{PODS}/own-anchor-0/status", None),
    # Changing pods.
    ("POST", PODS, _pod()),
    ("DELETE", f"{PODS}/own-anchor-0", None),
    ("DELETE", f"{PODS}/own-0", None),
    ("DELETE", PODS, None),
    ("PATCH", f"{PODS}/own-anchor-0", {"metadata": {"labels": {"x": "y"}}}),
    ("PATCH", f"{PODS}/own-anchor-0/status", {"status": {"phase": "Failed"}}),
    ("PUT", f"{PODS}/own-0", _pod(name="own-0")),
    ("PATCH", f"{PODS}/own-anchor-0/ephemeralcontainers", {}),
    ("POST", f"{PODS}/own-anchor-0/exec?command=id", None),
    ("GET", f"{PODS}/own-anchor-0/exec?command=id", None),
    ("POST", f"{PODS}/own-anchor-0/attach", None),
    ("POST", f"{PODS}/own-anchor-0/portforward", None),
    ("POST", f"{PODS}/own-0/binding", {}),
    # Evicting others.
    ("POST", f"{PODS}/other-0/eviction", _eviction("other-0")),
    ("POST", f"{PODS}/other-anchor-0/eviction", _eviction("other-anchor-0")),
    ("POST", f"{PODS}/{BEYOND}/eviction", _eviction(BEYOND)),
    # Sets.
    ("GET", SETS, None),
    ("GET", f"{SETS}/own-anchor", None),
    ("GET", f"{SETS}/other", None),
    ("GET", f"{SETS}/own-anchor/scale", None),
    ("PATCH", f"{SETS}/own", {"spec": {"replicas": 0}}),
    ("PATCH", f"{SETS}/own/scale", {"spec": {"replicas": 0}}),
    ("PUT", f"{SETS}/own-anchor/scale", {}),
    ("PATCH", f"{SETS}/own-anchor", {"spec": {"replicas": 0}}),
    ("PATCH", f"{SETS}/other-anchor/scale", {"spec": {"replicas": 0}}),
    ("DELETE", f"{SETS}/own-anchor", None),
    # Anything else of the namespace.
    ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets", None),
    ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/x", None),
    ("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps", None),
    ("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/kube-root-ca.crt", None),
    ("GET", f"/api/v1/namespaces/{NAMESPACE}/services", None),
    ("POST", f"/api/v1/namespaces/{NAMESPACE}/events", {}),
    ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/own-launcher/token", {}),
    ("GET", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/own-launcher", None),
    ("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings", {}),
    ("GET", f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/own", None),
    # Other namespaces, and the cluster.
    ("GET", "/api/v1/namespaces/default/pods/own-anchor-0", None),
    ("GET", "/api/v1/namespaces/default/pods?watch=1&fieldSelector=metadata.name%3Down-anchor-0", None),
    ("PATCH", "/apis/apps/v1/namespaces/default/statefulsets/own-anchor/scale", {"spec": {"replicas": 0}}),
    ("POST", "/api/v1/namespaces/default/pods/own-0/eviction", _eviction("own-0")),
    ("GET", "/api/v1/nodes", None),
    ("GET", "/api/v1/nodes/node-1", None),
    ("GET", "/api/v1/nodes/node-1/proxy/pods", None),
    ("GET", "/api/v1/namespaces", None),
    ("GET", "/metrics", None),
]


def _name(case: tuple[str, str, object]) -> str:
    return f"{case[0]} {case[1].replace(NAMESPACE, 'NS')}"


def test_what_the_role_names_works(launcher: Account) -> None:
    """Each request that healing and following need is granted."""
    answers = {_name(case): launcher.ask(*case) for case in GRANTED}
    assert {name: answer.text for name, answer in answers.items() if not answer.ok} == {}


def test_all_else_is_refused(launcher: Account) -> None:
    """Each request outside the Role is answered 403, even if it differs from a granted one by a single word."""
    answers = {_name(case): launcher.ask(*case).status_code for case in REFUSED}
    assert {name: code for name, code in answers.items() if code != 403} == {}
    print(f"figure: kinds of requests outside the Role, all answered 403: {len(answers)} requests")


def test_the_rules_are_these(launcher: Account, nobody: Account) -> None:
    """What the launcher may do according to the API server, beyond what everybody may, is exactly the Role."""
    anchors = {f"own-anchor-{n}" for n in range(MAX_REPLICAS)}
    launchers = {f"own-{n}" for n in range(MAX_REPLICAS)}
    assert launcher.rules(NAMESPACE) - nobody.rules(NAMESPACE) == (
        {(verb, "", "pods", name) for verb in ("get", "watch") for name in anchors}
        | {("create", "", "pods/eviction", name) for name in anchors | launchers}
        | {(verb, "apps", "statefulsets", "own") for verb in ("get", "watch")}
        | {("patch", "apps", "statefulsets/scale", "own-anchor")}
    )
    assert launcher.rules("default") == nobody.rules("default")


def test_anchors_have_no_token_and_no_rights(quiet: Quiet, kube: Kube, nobody: Account) -> None:
    """An anchor's containers mount no token, and its account may do nothing even with one."""
    for pair in quiet.release.pairs().values():
        assert pair.anchor is not None
        spec = pair.anchor["spec"]
        assert spec["serviceAccountName"] == "own-anchor"
        assert not spec.get("volumes"), "an anchor needs no volume, least of all one with a token"
        assert not [container for container in spec["containers"] if container.get("volumeMounts")]
    account = Account(kube, NAMESPACE, "own-anchor")
    assert account.rules(NAMESPACE) == nobody.rules(NAMESPACE)
    answers = {_name(case): account.ask(*case).status_code for case in GRANTED}
    assert set(answers.values()) == {403}, answers


# -- the audit log ----------------------------------------------------------------------------------------------------


def _requests(cluster: Cluster, account: str) -> list[dict[str, Any]]:
    """Return the audited requests that pods made as an account: a watch by its start, anything else by its end."""
    found = []
    for line in cluster.control_plane.audit_log.read_text().splitlines():
        entry = json.loads(line)
        if entry["user"]["username"] != f"system:serviceaccount:{NAMESPACE}:{account}":
            continue
        # A token from TokenRequest that is bound to no pod, as these tests use, carries no pod name.
        if "authentication.kubernetes.io/pod-name" not in entry["user"].get("extra", {}):
            continue
        if entry["stage"] == ("ResponseStarted" if entry["verb"] == "watch" else "ResponseComplete"):
            found.append(entry)
    return found


def _told(entry: dict[str, Any]) -> tuple[str, str, str]:
    """Return (pod, verb, object) of a request."""
    about = entry["objectRef"]
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    pod = entry["user"]["extra"]["authentication.kubernetes.io/pod-name"][0]
    return pod, entry["verb"], f"{resource} {about.get('name', '')}"


def test_a_quiet_release_asks_no_more_than_it_must(cluster: Cluster, quiet: Quiet) -> None:
    """It sends a GET and a WATCH for each replica, the same for the set, and a PATCH of the anchors' scale."""
    time.sleep(max(0.0, quiet.whole_at + QUIET_S - time.time()))
    entries = _requests(cluster, "own-launcher")
    counted = Counter(map(_told, entries))
    expected = Counter(
        (f"own-{n}", verb, f"pods own-anchor-{n}") for n in range(REPLICAS) for verb in ("get", "watch")
    ) + Counter(("own-0", verb, "statefulsets own") for verb in ("get", "watch"))
    patch = ("own-0", "patch", "statefulsets/scale own-anchor")
    assert counted - Counter([patch]) == expected, f"{counted}"
    assert {entry["responseStatus"]["code"] for entry in entries} <= {200, 404}
    print(f"figure: API requests to start {REPLICAS} replicas: {len(entries)} requests")

    # The last request of the installation may come a moment after its pods are Ready.
    quiet_from = quiet.whole_at + 1
    later = [entry for entry in entries if _moment(entry) > quiet_from]
    hours = (time.time() - quiet_from) / 3600
    per_hour = len(later) / REPLICAS / hours
    print(f"figure: API requests per replica per hour, from a quiet minute: {per_hour:.1f} requests")
    # A minute has no request: only the watches' own timeouts cause any, and each watch names its timeout.
    renewed = [
        3600 / int(found.group(1))
        for entry in entries
        if entry["verb"] == "watch" and (found := re.search(r"timeoutSeconds=(\d+)", entry["requestURI"]))
    ]
    assert len(renewed) == REPLICAS + 1
    per_hour = sum(renewed) / REPLICAS
    print(f"figure: API requests per replica per hour, by the watches' timeouts: {per_hour:.1f} requests")


def _moment(entry: dict[str, Any]) -> float:
    """Return when a request arrived, in seconds since 1970."""
    return datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()
