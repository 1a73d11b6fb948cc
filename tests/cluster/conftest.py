"""The cluster that the tests run on: our own, or the one of KUBECONFIG."""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import PROGRAMS
from tests.tools import missing, require

if TYPE_CHECKING:
    from tests.cluster.driving.mirror import Mirror
    from tests.cluster.driving.release import Helm, Release
    from tests.cluster.oracle.record import Oracle, Seen
    from tests.cluster.stack.cluster import Cluster
    from tests.cluster.stack.kube import Kube
    from tests.linkerd.controller import PolicyController


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a cluster, so that `make test` leaves them out."""
    for item in items:
        if "kube" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every line `figure: <what>: <value>` of passed tests in one table."""
    reports = terminalreporter.stats.get("passed", [])
    lines = [line[8:] for report in reports for line in report.capstdout.splitlines() if line.startswith("figure: ")]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line("| " + " | ".join(line.rsplit(": ", 1)) + " |")


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster | None]:
    """Our own cluster, up for the whole session; None where KUBECONFIG names another."""
    from tests.cluster.stack.cluster import Cluster
    from tests.cluster.stack.machines import scratch

    programs = os.environ.get(PROGRAMS)
    if programs is None:
        if not os.environ.get("KUBECONFIG"):
            missing("needs a cluster: `make e2e` brings one up, KUBECONFIG names another")
        yield None
        return
    with scratch() as base:
        cluster = Cluster(Path(programs), base, lambda line: print(line, file=sys.stderr))
        cluster.up()
        os.environ["KUBECONFIG"] = cluster.kubeconfig
        os.environ["PATH"] = f"{cluster.programs}:{os.environ['PATH']}"
        yield cluster
        if os.environ.get("MOORING_KEEP_LOGS"):
            shutil.copytree(cluster.logs, os.environ["MOORING_KEEP_LOGS"], dirs_exist_ok=True)


@pytest.fixture(scope="session")
def kube(own_cluster: Cluster | None) -> Kube:
    """A client of the cluster's API."""
    from tests.cluster.stack.kube import Kube

    return Kube(os.environ["KUBECONFIG"])


@pytest.fixture
def cluster(own_cluster: Cluster | None, kube: Kube) -> Cluster:
    """Our own cluster, for tests that break nodes; on other clusters they are skipped."""
    if own_cluster is None:
        pytest.skip("kills nodes or the API server, or looks into them: only in the cluster of `make e2e`")
    return own_cluster


@pytest.fixture(scope="session")
def definitions(own_cluster: Cluster | None, kube: Kube) -> None:
    """What Linkerd and the Gateway API define, for the rest of the session: the API is slow to forget it."""
    from tests import gateway_api
    from tests.linkerd import charts

    if own_cluster is None:
        pytest.skip("changes what the API serves: only in the cluster of `make e2e`")
    kube.define(*charts.definitions(), *gateway_api.definitions())


@pytest.fixture(scope="module")
def linkerd(own_cluster: Cluster, definitions: None) -> Iterator[PolicyController]:
    """Linkerd's proxy-injector, for a file's tests; what decides for the proxies of its pods."""
    from tests.cluster.stack.linkerd import proxy_injector

    with proxy_injector(own_cluster) as controller:
        yield controller


@pytest.fixture
def network_policies(cluster: Cluster) -> Iterator[None]:
    """NetworkPolicies are enforced during the test."""
    from tests.cluster.stack.network_policies import network_policies

    with network_policies(cluster):
        yield


@pytest.fixture(scope="session")
def oracle(own_cluster: Cluster | None, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """The oracle; it watches every namespace from its first use to the end of the session."""
    from tests.cluster.oracle.record import Oracle

    nodes = {name: node.machine.pid for name, node in (own_cluster.nodes if own_cluster else {}).items()}
    running = Oracle.start(kube.kubeconfig, tmp_path_factory.mktemp("oracle") / "record.jsonl", nodes)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def watched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Assert that the oracle watched during the whole test, whatever it is about, and saw nothing wrong."""
    if "kube" not in request.fixturenames:
        yield
        return
    kube: Kube = request.getfixturevalue("kube")
    oracle: Oracle = request.getfixturevalue("oracle")
    before = oracle.so_far()
    yield
    time.sleep(0.3)  # so that it has seen the last moment too
    after = oracle.so_far()
    found = [str(each) for each in after.violations[len(before.violations) :] if not _is_of_the_gone(each, kube)]
    found += [f"it did not look for {hole['seconds']} s at {hole['at']}" for hole in after.holes[len(before.holes) :]]
    assert not found, "the oracle:\n" + "\n".join(found)
    assert oracle.is_running, "the oracle has ended: nobody looked"


def _is_of_the_gone(seen: Seen, kube: Kube) -> bool:
    """Return whether this is a silent address in a namespace that was being deleted.

    Deleting a namespace removes programs, Services and addresses in no particular order.
    """
    return seen.rule == "endpoint" and seen.at >= kube.gone.get(seen.namespace, "~")


@pytest.fixture(scope="session")
def helm3(kube: Kube) -> Helm:
    """Helm 3, from PyPI."""
    from tests.cluster.driving.release import Helm

    return Helm(require("helm"), kube.kubeconfig)


@pytest.fixture(scope="session")
def helm4(kube: Kube) -> Helm:
    """Helm 4, built from source."""
    from tests.cluster.driving.release import Helm

    return Helm(require("helm4"), kube.kubeconfig)


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest) -> Helm:
    """Each Helm in turn."""
    found: Helm = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    """A namespace for this test only."""
    with kube.namespace(f"e2e-{uuid.uuid4().hex[:6]}") as name:
        yield name


@pytest.fixture(scope="module")
def mirror(request: pytest.FixtureRequest, kube: Kube) -> Iterator[Mirror]:
    """The namespace that a file's tests share (its `NAMESPACE`), watched."""
    from tests.cluster.driving.mirror import Mirror

    with kube.namespace(request.module.NAMESPACE) as name:
        mirror = Mirror(kube, name)
        yield mirror
        mirror.close()


@pytest.fixture
def new_release(kube: Kube, helm3: Helm, namespace: str) -> Iterator[Callable[..., Release]]:
    """A function that makes releases in the test's namespace: `new_release(name, helm=…, chart=…)`."""
    from tests.cluster.driving.mirror import Mirror
    from tests.cluster.driving.release import CHART, Release

    mirror = Mirror(kube, namespace)

    def make(name: str = "r", helm: Helm = helm3, chart: Path = CHART) -> Release:
        return Release(kube, helm, mirror, name, chart)

    yield make
    mirror.close()  # the releases go with their namespace


@pytest.fixture
def release(new_release: Callable[..., Release]) -> Release:
    """One release named `r`."""
    return new_release()
