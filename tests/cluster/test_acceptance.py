"""A real API server accepts whatever the chart accepts: every object is posted there as a dry run."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from mooring.bundle.archive import ARCHIVE_FILE, archive_text

from tests.chart.everything import RELEASES
from tests.chart.rendering import CHART, EXAMPLES, MINIMAL, layered, render_text
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.kube import Kube, Object
from tests.cluster.stack.linkerd import containers
from tests.linkerd.charts import INJECT
from tests.strategies import rich_values

RANDOM = 200
PATHS = {
    "ConfigMap": ("v1", "configmaps"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "Pod": ("v1", "pods"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "Role": ("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings"),
    "Service": ("v1", "services"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "StatefulSet": ("apps/v1", "statefulsets"),
}
OTHERS_GROUPS = {"keda.sh": {"ScaledObject"}}
"""Kinds of operators that the cluster lacks; tests/chart/test_autoscaling.py checks them by KEDA's own definition."""
DEFINED_GROUPS = {
    "gateway.networking.k8s.io": {"GRPCRoute", "HTTPRoute", "TCPRoute"},
    "policy.linkerd.io": {
        "AuthorizationPolicy",
        "HTTPRoute",
        "MeshTLSAuthentication",
        "NetworkAuthentication",
        "Server",
    },
}
"""Kinds that the API server of `make e2e` is taught: by the Gateway API's definitions, and Linkerd's own."""


ROUTES = {
    "target": {"ports": {"http": {"port": 8080}}},
    "routes": {
        "ingress": {"kind": "Ingress", "port": "http"},
        **{
            kind.lower(): {"kind": kind, "port": "http", "parentRefs": [{"name": "public"}]}
            for kind in DEFINED_GROUPS["gateway.networking.k8s.io"]
        },
    },
}


def group_and_kind(one: Object) -> tuple[str, str]:
    """Return the API group of an object, '' for the core's, and its kind."""
    return one["apiVersion"].rpartition("/")[0], one["kind"]


def pairs(groups: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """Return groups of kinds as `group_and_kind` does."""
    return {(group, kind) for group, kinds in groups.items() for kind in kinds}


def random_values() -> list[dict[str, Any]]:
    """Return values that the generator's model accepts, the same every time."""
    drawn: dict[str, dict[str, Any]] = {}

    @settings(
        max_examples=RANDOM + 100,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rich_values())
    def draw(values: dict[str, Any]) -> None:
        drawn.setdefault(json.dumps(values, sort_keys=True), values)

    draw()
    return list(drawn.values())[:RANDOM]


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's chart with the launcher in it, which launcher.source: configMap needs."""
    folder = tmp_path_factory.mktemp("charts") / "mooring"
    shutil.copytree(CHART, folder)
    (folder / ARCHIVE_FILE).parent.mkdir()
    (folder / ARCHIVE_FILE).write_text(archive_text(), encoding="utf-8")
    return folder


def render(values: Mapping[str, Any], chart: Path = CHART) -> list[Object]:
    """Return the objects that Helm makes of values."""
    text = render_text(values, release="r", kube_version="1.37.0", chart=chart)
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


def with_pods(objects: list[Object]) -> Iterator[Object]:
    """Yield the objects and a pod of each set: the API accepts a set even if its template cannot make a pod."""
    for one in objects:
        yield one
        if one["kind"] == "StatefulSet":
            template = copy.deepcopy(one["spec"]["template"])
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**template["metadata"], "name": "p"},
                "spec": template["spec"],
            }


def refusal(kube: Kube, namespace: str, one: Object) -> str:
    """Return why the API would not create an object in a namespace; '' if it would."""
    answer = create(kube, namespace, one)
    return "" if answer.ok else str(answer.json().get("message", answer.text))


def accepted(kube: Kube, namespace: str, one: Object) -> Object:
    """Return an object as the API would store it."""
    answer = create(kube, namespace, one)
    assert answer.ok, answer.text
    return dict(answer.json())


def create(kube: Kube, namespace: str, one: Object) -> requests.Response:
    """Return the API's answer to an object that is to be created in a namespace, as a dry run."""
    one = copy.deepcopy(one)
    one["metadata"]["namespace"] = namespace
    version, plural = PATHS.get(one["kind"], (one["apiVersion"], f"{one['kind'].lower()}s"))
    if one["kind"] == "AuthorizationPolicy":
        plural = "authorizationpolicies"
    if one["kind"] == "Pod":
        # Admission looks up objects that a dry run has not created, after everything else about the pod was checked.
        one["spec"] |= {"serviceAccountName": "default"}
        one["spec"].pop("priorityClassName", None)
        for claimed in one["spec"].get("volumes", []):
            claimed.pop("persistentVolumeClaim", None)
        volumes = {volume["name"] for volume in one["spec"].get("volumes", [])}
        mounts = [mount["name"] for each in one["spec"]["containers"] for mount in each.get("volumeMounts", [])]
        # The controller adds the volumes of claims.
        one["spec"].setdefault("volumes", []).extend({"name": name} for name in set(mounts) - volumes)
    answer: requests.Response = kube.http.post(
        version=version,
        namespace=namespace,
        url=plural,
        json=one,
        params={"dryRun": "All", "fieldValidation": "Strict"},
    )
    return answer


@pytest.fixture
def judged(request: pytest.FixtureRequest, own_cluster: Cluster | None) -> set[tuple[str, str]]:
    """The groups and kinds beside Kubernetes' own that the API server knows: somebody else's cluster is taught none."""
    if own_cluster is None:
        return set()
    request.getfixturevalue("definitions")
    return pairs(DEFINED_GROUPS)


def test_the_api_accepts_what_the_chart_accepts(
    kube: Kube, namespace: str, chart: Path, judged: set[tuple[str, str]]
) -> None:
    """With every example, 200 random values and every value there is, no object and no pod of a set is refused."""
    left_out = (pairs(OTHERS_GROUPS) | pairs(DEFINED_GROUPS)) - judged
    named = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in EXAMPLES}
    named |= {f"random {number}": values for number, values in enumerate(random_values())}
    assert len(named) == len(EXAMPLES) + RANDOM
    named |= RELEASES
    named["routes"] = layered(MINIMAL, ROUTES)
    told: dict[str, str] = {}
    posted = 0
    with ThreadPoolExecutor(2) as pool:
        for name, objects in zip(named, pool.map(lambda values: render(values, chart), named.values()), strict=True):
            for one in with_pods(objects):
                key = json.dumps(one, sort_keys=True)
                if key in told:
                    continue
                told[key] = "" if group_and_kind(one) in left_out else refusal(kube, namespace, one)
                posted += 1
                if told[key]:
                    told[key] = f"{name}: {one['kind']}: {told[key]}\n    {json.dumps(named[name])}"
    refused = [words for words in told.values() if words]
    print(f"figure: objects that the API accepts in a dry run, of {len(named)} values: {posted}")
    assert not refused, "\n".join(refused)
    found = {group_and_kind(json.loads(key)) for key in told}
    assert {kind for group, kind in found if group not in OTHERS_GROUPS | DEFINED_GROUPS} == PATHS.keys()
    assert found >= pairs(OTHERS_GROUPS) | pairs(DEFINED_GROUPS)


@pytest.mark.parametrize("example", ["legacy-exe", "production", "dev-linux"])
def test_linkerd_injects_its_proxy_into_an_anchor(linkerd: object, kube: Kube, namespace: str, example: str) -> None:
    """Its real injector's anchor is created; with spec.os.name: windows the API would refuse it field by field."""
    anchor, launcher = _annotated_pods(example)
    added = accepted(kube, namespace, anchor)
    assert containers(added) == ["linkerd-init", "linkerd-proxy", *containers(anchor)]
    assert containers(accepted(kube, namespace, launcher)) == containers(launcher)
    if example != "dev-linux":
        anchor["spec"]["os"] = {"name": "windows"}
        assert refusal(kube, namespace, anchor).count("cannot be set for a windows pod") == 10


def _annotated_pods(example: str) -> tuple[Object, Object]:
    """Return an example's anchor and launcher, both with the annotation that asks for a proxy."""
    values = yaml.safe_load((CHART.parent / "values-examples" / f"{example}.yaml").read_text(encoding="utf-8"))
    for half in ("anchor", "launcher"):
        values[half] = values.get(half, {}) | {"podAnnotations": {INJECT: "enabled"}}
    pods = {
        pod["metadata"]["labels"].get("app.kubernetes.io/component"): pod
        for pod in with_pods(render(values))
        if pod["kind"] == "Pod"
    }
    return pods["anchor"], pods["launcher"]
