"""Five hundred pairs on fifty nodes that exist only in the API: the cost of pairing in the real scheduler."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.driving.mirror import Mirror, condition
from tests.cluster.driving.release import CHART, Helm, values
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube

NODES = 50
PAIRS = 500
FAKE = "mooring.invalid/fake"


@contextmanager
def fake_nodes(kube: Kube) -> Iterator[None]:
    """Fifty nodes without a kubelet: kept Ready by renewed leases, and tainted, so that no other pod comes."""
    names = [f"fake-{number:02}" for number in range(NODES)]
    stop = threading.Event()

    def lease(name: str) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now},
        }

    capacity = {"cpu": "64", "memory": "256Gi", "pods": "110"}
    ready = {"type": "Ready", "status": "True", "reason": "Fake", "message": "it has no kubelet"}
    status = {"status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]}}

    def patch(http: Any, path: str, body: object, kind: str, version: str = "v1") -> None:
        headers = {"Content-Type": f"application/{kind}-patch+json"}
        http.patch(version=version, url=path, data=json.dumps(body), headers=headers).raise_for_status()

    def is_fine(node: dict[str, Any]) -> bool:
        return condition(node, "Ready").get("status") == "True"

    def live() -> None:
        """Do what fifty kubelets would: renew the leases, and report Ready again if a controller has changed it."""
        own = Kube(kube.kubeconfig)
        while not stop.is_set():
            for name in names:
                path = f"namespaces/kube-node-lease/leases/{name}"
                patch(own.http, path, {"spec": lease(name)["spec"]}, "merge", "coordination.k8s.io/v1")
            for node in own.get("nodes", labelSelector=FAKE)["items"]:
                if not is_fine(node):
                    patch(own.http, f"nodes/{node['metadata']['name']}/status", status, "strategic-merge")
            stop.wait(2)

    kube.apply(
        *(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {FAKE: "true", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name},
                },
                "spec": {"taints": [{"key": FAKE, "effect": "NoSchedule"}]},
            }
            for name in names
        ),
        *(lease(name) for name in names),
    )
    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not all(is_fine(node) for node in kube.get("nodes", labelSelector=FAKE)["items"]):
        assert thread.is_alive(), "the leases of the fake nodes are no longer renewed"
        assert time.monotonic() < deadline, "the fake nodes are not Ready"
        time.sleep(0.5)
    try:
        yield
    finally:
        stop.set()
        thread.join()
        kube.kubectl("delete", "nodes", "--selector", FAKE, "--wait=false")


def scheduled(kube: Kube, helm: Helm, namespace: str, tmp_path: Path, paired: bool) -> float:
    """Create both sets; return the seconds from then until the last of the 1,000 pods is bound."""
    chosen = values(
        replicas=PAIRS,
        rbac={"maxReplicas": PAIRS},
        nodeSelector={FAKE: "true"},
        tolerations=[{"key": FAKE, "operator": "Exists"}],
    )
    file = tmp_path / "values.json"
    file.write_text(json.dumps(chosen))
    rendered = helm.run(
        "template",
        "x",
        str(CHART),
        "--namespace",
        namespace,
        "--values",
        str(file),
        "--show-only",
        "templates/anchor/statefulset.yaml",
        "--show-only",
        "templates/launcher/statefulset.yaml",
    ).stdout
    shown = kube.kubectl("create", "--dry-run=client", "--output", "json", "--filename", "-", stdin=rendered).stdout
    decoder = json.JSONDecoder()
    sets, at = [], 0
    while at < len(shown.rstrip()):
        found, at = decoder.raw_decode(shown, at)
        sets += found.get("items", [found])
        at += len(shown[at:]) - len(shown[at:].lstrip())
    for each in sets:
        each["spec"]["replicas"] = PAIRS
        pod = each["spec"]["template"]["spec"]
        pod["serviceAccountName"] = "default"
        if not paired:
            del pod["affinity"]
    mirror = Mirror(kube, namespace)
    began = time.monotonic()
    anchors, launchers = sorted(sets, key=lambda each: str(each["metadata"]["name"]), reverse=True)
    # As in a release: launcher 0 exists before it scales up the other anchors.
    kube.apply(launchers)
    mirror.wait(lambda: "nodeName" in (mirror.pod("x-0") or {"spec": {}})["spec"], 60, "launcher 0 is bound")
    kube.apply(anchors)

    def all_bound() -> bool:
        return sum("nodeName" in pod["spec"] for pod in mirror.all("pods").values()) == 2 * PAIRS

    mirror.wait(all_bound, 600, f"{2 * PAIRS} pods are bound")
    took = time.monotonic() - began
    if paired:
        nodes = {name: pod["spec"]["nodeName"] for name, pod in mirror.all("pods").items()}
        split = [n for n in range(PAIRS) if nodes[f"x-{n}"] != nodes[f"x-anchor-{n}"]]
        assert not split, f"{len(split)} pairs are split"
    mirror.close()
    for each in sets:
        kube.kubectl("delete", "statefulset", each["metadata"]["name"], "--namespace", namespace, "--cascade=orphan")
    # Nobody else would: there is no kubelet to report that they have ended.
    kube.http.delete(
        version="v1", namespace=namespace, url="pods", params={"gracePeriodSeconds": "0"}, timeout=300
    ).raise_for_status()
    return took


def test_five_hundred_pairs(cluster: Cluster, kube: Kube, helm3: Helm, namespace: str, tmp_path: Path) -> None:
    kube.wait_gone()
    with fake_nodes(kube):
        unpaired = scheduled(kube, helm3, namespace, tmp_path, paired=False)
        paired = scheduled(kube, helm3, namespace, tmp_path, paired=True)
    print(f"figure: {2 * PAIRS} pods on {NODES} nodes bound, unpaired: {unpaired:.1f} s")
    print(f"figure: {PAIRS} pairs on {NODES} nodes bound, 0 split: {paired:.1f} s")
    print(f"figure: pairs against the same pods unpaired (goal <= 1.1): {paired / unpaired:.2f}")
