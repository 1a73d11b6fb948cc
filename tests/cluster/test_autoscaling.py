"""Autoscaling on real CPU, as metrics-server reports it; and KEDA's own definition accepts what the chart renders."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.driving import processes
from tests.cluster.driving.asking import asker_pod
from tests.cluster.driving.metrics_server import cpu_cores, metrics_server
from tests.cluster.driving.mirror import is_ready
from tests.cluster.driving.release import Release
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube
from tests.keda import crd_file

LEAST, MOST = 2, 6

LOAD_CORES = 0.4
"""Of all pods together. With 100m requested and the chart's 80 % a pod may use 80m, and an idle one uses about 30m. So
this load needs six pods, and leaves the kubelets of a small machine time to report usage."""


@contextmanager
def load(release: Release) -> Iterator[None]:
    """Send the Service requests that cost CPU, from inside the cluster."""
    one_s = 0.05
    url = f"http://{release.service_ip()}/busy?seconds={one_s}"
    release.kube.apply(asker_pod("load", release.namespace, ["-url", url, "-rate", f"{LOAD_CORES / one_s:g}"]))
    try:
        release.mirror.wait(lambda: is_ready(release.mirror.pod("load")), 120, "the load's pod runs")
        yield
    finally:
        release.kube.kubectl("delete", "pod", "load", "--namespace", release.namespace)


def used_cores(cluster: Cluster, release: Release, during_s: float) -> dict[str, float]:
    """Measure, from the processes themselves, the CPU of each launcher's pod in cores."""

    def seconds() -> dict[str, float]:
        found: dict[str, float] = {}
        for pair in release.pairs().values():
            machine = cluster.nodes[pair.node].machine
            name = release.pod(pair.ordinal)
            for launcher in processes.launchers(machine, release.namespace, name):
                for process in (launcher, *launcher.children(recursive=True)):
                    times = process.cpu_times()
                    found[name] = found.get(name, 0) + times.user + times.system
        return found

    began, before = time.monotonic(), seconds()
    time.sleep(during_s)
    took, after = time.monotonic() - began, seconds()
    return {name: (after[name] - before[name]) / took for name in before}


def wait_seen(
    release: Release, pods: Iterable[str], since: datetime.datetime, timeout_s: float = 90
) -> dict[str, float]:
    """Wait until metrics-server has a figure of each pod since a moment; return them in cores."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = cpu_cores(release.kube, release.namespace, since)
        if not (missing := set(pods) - seen.keys()):
            return seen
        assert time.monotonic() < deadline, f"metrics-server has no figures of {sorted(missing)}"
        time.sleep(1)


def test_scales_by_cpu(cluster: Cluster, release: Release) -> None:
    """Under load 2 pairs become 6, and 2 again afterwards; the autoscaler sees what the programs really use."""
    autoscaling = {"enabled": True, "minReplicas": LEAST, "maxReplicas": MOST}
    with metrics_server(cluster):
        release.install(None, autoscaling=autoscaling, launcher={"resources": {"requests": {"cpu": "100m"}}})
        release.wait_whole(LEAST)
        with load(release):
            began = time.monotonic()
            release.wait_whole(MOST)
            print(f"figure: autoscaler, load to {MOST} whole pairs: {time.monotonic() - began:.1f} s")
            since = datetime.datetime.now(datetime.UTC)
            measured = used_cores(cluster, release, during_s=25)
            seen = wait_seen(release, measured.keys(), since)
            for name, cores in sorted(measured.items()):
                print(f"{name}: {cores * 1000:.0f}m measured, {seen[name] * 1000:.0f}m by metrics-server")
            total, reported = sum(measured.values()), sum(seen[name] for name in measured)
            # Besides the launcher's processes the pod has kubelet's probes, some of which each figure misses.
            assert reported == pytest.approx(total, rel=0.3)
        began = time.monotonic()
        release.wait_whole(LEAST)
        print(f"figure: autoscaler, end of load to {LEAST} whole pairs: {time.monotonic() - began:.1f} s")


@pytest.fixture
def keda(kube: Kube) -> Iterator[None]:
    """KEDA's own definition of ScaledObjects; KEDA itself does not run."""
    kube.kubectl("apply", "--server-side", "--filename", str(crd_file()))
    name = "scaledobjects.keda.sh"
    kube.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
    yield
    kube.kubectl("delete", "crd", name)


def test_keda_takes_the_scaled_object(keda: None, release: Release) -> None:
    """The real API server stores the rendered ScaledObject whole, strictly checked against KEDA's definition."""
    trigger = {
        "type": "prometheus",
        "metadata": {"serverAddress": "http://p:9090", "query": "sum(q)", "threshold": "20"},
    }
    release.install(
        None,
        autoscaling={
            "keda": {
                "enabled": True,
                "minReplicaCount": 2,
                "maxReplicaCount": 12,
                "idleReplicaCount": 0,
                "cooldownPeriod": 300,
                "triggers": [trigger],
                "fallback": {"failureThreshold": 3, "replicas": 4},
            }
        },
    )
    path = f"namespaces/{release.namespace}/scaledobjects/{release.name}"
    stored = release.kube.get(path, version="keda.sh/v1alpha1")
    assert stored["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": release.name}
    assert stored["spec"]["triggers"] == [trigger]
    bounds = {
        key: stored["spec"][key] for key in ("minReplicaCount", "maxReplicaCount", "idleReplicaCount", "cooldownPeriod")
    }
    assert bounds == {"minReplicaCount": 2, "maxReplicaCount": 12, "idleReplicaCount": 0, "cooldownPeriod": 300}
    manifest = release.helm.run("get", "manifest", release.name, "--namespace", release.namespace).stdout
    strict = ("apply", "--dry-run=server", "--validate=strict", "--namespace", release.namespace, "--filename", "-")
    release.kube.kubectl(*strict, stdin=manifest)
    # The same definition refuses an invalid one: the check can fail.
    wrong = json.loads(json.dumps(stored))
    wrong["metadata"] = {"name": "wrong", "namespace": release.namespace}
    wrong["spec"] = stored["spec"] | {"minReplicas": 2}
    refused = release.kube.kubectl(*strict, stdin=json.dumps(wrong), check=False)
    assert "minReplicas" in refused.stderr
