"""`mooring import --from-cluster` reads a real API server over TLS with a kubeconfig, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from mooring.batch.generate import generate
from mooring.cli import main as _cli
from mooring.rehearse.api import ApiServer
from mooring.rehearse.wire import Request, Response

from tests.generator.conftest import Run
from tests.generator.manifests import EXE, Object, anchor, command, config, launcher, service, write

NEEDED = ["pods", "deployments", "statefulsets", "services", "configmaps"]
KINDS = {"Pod": "pods", "Deployment": "deployments", "Service": "services", "ConfigMap": "configmaps"}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """An API server that lets the token `reader` list what is needed."""
    server = ApiServer()
    server.start()
    server.add_token("reader", [{"apiGroups": ["", "apps"], "resources": NEEDED, "verbs": ["list"]}], namespace="apps")
    yield server
    server.close()


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path: Path) -> Path:
    """A kubeconfig for that token."""
    return write_kubeconfig(tmp_path / "kubeconfig", api, "reader")


def write_kubeconfig(path: Path, api: ApiServer, token: str) -> Path:
    """Write a kubeconfig with the server's own authority."""
    authority = path.with_suffix(".pem")
    authority.write_text(api.ca_pem)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority": str(authority)}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
    return path


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return a function that runs `mooring import --from-cluster` here: the kubernetes package is imported once."""

    def run(kubeconfig: Path, *more: str) -> tuple[int, str, str]:
        words = ["import", "--from-cluster", "-n", "apps", "--out", str(tmp_path / "apps")]
        code = _cli.main([*words, "--kubeconfig", str(kubeconfig), *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def put(api: ApiServer, *objects: Object) -> None:
    """Put objects into the server, with what a server adds to them."""
    for each in objects:
        obj = json.loads(json.dumps(each))
        obj["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "generation": 1}
        obj["status"] = {"observedGeneration": 1}
        if obj["kind"] == "Pod":
            token = {"name": "kube-api-access-x7k2p", "projected": {"sources": []}}
            obj["spec"] |= {"nodeName": "win-1", "priority": 0, "volumes": [token], "serviceAccount": "default"}
            mounts = [{"name": token["name"], "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]
            obj["spec"]["containers"][0]["volumeMounts"] = mounts
        api.put(KINDS[obj["kind"]], obj)


def test_a_namespace_becomes_apps(api: ApiServer, kubeconfig: Path, cli: Cli, tmp_path: Path) -> None:
    """What runs becomes Apps: a Deployment's pods are part of it, and what the server added is not a leftover."""
    put(api, anchor(), launcher(words=command("app=orders-anchor-1", EXE, "--x")), service(), config("paths", {}))
    pod = anchor("orders-hostprocess-7d9")
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "orders-hostprocess-7d9", "controller": True}]
    put(api, pod, anchor("elsewhere", namespace="other"))
    code, out, err = cli(kubeconfig)
    assert code == 0, err
    assert "cluster: apps/Deployment/orders-hostprocess: Deployment orders-hostprocess" in out
    assert "PodDisruptionBudgets of namespace apps: PodDisruptionBudgets cannot be listed (403 " in out
    text = (tmp_path / "apps" / "orders.yaml").read_text()
    assert yaml.safe_load(text)["values"]["target"]["args"] == ["--x"]
    assert "was not carried over" not in text
    assert generate([str(tmp_path / "apps")], tmp_path / "charts").problems == []
    assert {request.verb for request in api.requests} == {"list"}


def test_bystanders_and_routes_are_read(api: ApiServer, tmp_path: Path, cli: Cli) -> None:
    """DaemonSets and what refers to a Service are read too; missing custom resources are skipped."""
    api.add_token("all", [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}], namespace="apps")
    put(api, anchor(), launcher(), service())
    meta = {"name": "web", "namespace": "apps", "uid": "9"}
    backend = {"service": {"name": "orders", "port": {"number": 80}}}
    lists: dict[str, list[Object]] = {
        "daemonsets": [launcher("collect", ["powershell", "-Command", "a; b.ps1"])],
        "jobs": [],
        "cronjobs": [],
        "ingresses": [{"metadata": meta, "spec": {"defaultBackend": backend}}],
        "httproutes": [{"metadata": meta, "spec": {"rules": [{"backendRefs": [{"name": "orders"}]}]}}],
        "poddisruptionbudgets": [],
        "networkpolicies": [],
        "horizontalpodautoscalers": [],
    }

    def give(request: Request) -> Response | None:
        if request.resource in NEEDED:
            return None
        if request.resource not in lists:
            return Response(404, body={"message": "the server could not find the requested resource"})
        items = [{key: value for key, value in each.items() if key != "kind"} for each in lists[request.resource]]
        return Response(200, body={"metadata": {}, "items": items})

    api.intercept = give
    kubeconfig = write_kubeconfig(tmp_path / "all", api, "all")
    code, out, err = cli(kubeconfig)
    assert code == 0, err
    assert "DaemonSet collect is not related to an imported program" in out
    assert "Ingress web refers to Service orders" in out
    assert "HTTPRoute web refers to Service orders" in out
    assert "Not read" not in out
    lists["daemonsets"].append(launcher("hidden", command("app=nobody")))
    code, _, err = cli(kubeconfig)
    assert (code, "a DaemonSet starts a program in a compartment" in err) == (2, True)


def test_many_objects_come_in_pages(api: ApiServer, kubeconfig: Path, cli: Cli) -> None:
    """A list that does not fit one answer is read to its end."""
    put(api, launcher())

    def give_page(request: Request) -> Response | None:
        if request.resource != "pods":
            return None
        if request.query.get("continue") != "next":
            return Response(200, body={"kind": "PodList", "metadata": {"continue": "next"}, "items": []})
        return Response(200, body={"kind": "PodList", "metadata": {}, "items": [anchor()]})

    api.intercept = give_page
    code, _, err = cli(kubeconfig)
    assert code == 0, err
    assert {request.query["limit"] for request in api.requests} == {"250"}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("nobody", "mooring: the cluster does not accept your credentials (Unauthorized); log in again"),
        ("weak", 'mooring: Pods cannot be listed (403 pods "" is forbidden'),
    ],
)
def test_refusals_are_one_clear_error(api: ApiServer, tmp_path: Path, cli: Cli, token: str, expected: str) -> None:
    """A token that is unknown, or may not list, is reported in one sentence; nothing is written."""
    api.add_token("weak", [])
    code, out, err = cli(write_kubeconfig(tmp_path / "weak", api, token))
    assert (code, out) == (2, "")
    assert err.startswith(expected)
    assert not (tmp_path / "apps").exists()


def test_a_cluster_that_is_not_there_is_one_clear_error(
    api: ApiServer, kubeconfig: Path, tmp_path: Path, cli: Cli
) -> None:
    """A missing server, kubeconfig or context, and a broken kubeconfig, are reported in one line."""
    api.close()
    broken = tmp_path / "broken"
    broken.write_text("{clusters: [")
    for asked, expected in (
        ((kubeconfig,), f"mooring: {api.url}: "),
        ((tmp_path / "absent",), "mooring: no cluster to read from: "),
        ((broken,), "mooring: no cluster to read from: "),
        ((kubeconfig, "--context", "y"), "mooring: no cluster to read from: "),
    ):
        code, out, err = cli(*asked)
        assert (code, out, len(err.splitlines())) == (2, "", 1), err
        assert err.startswith(expected)


def test_it_takes_files_or_a_namespace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that names neither, or both, is refused with what to give."""
    out = ["--out", str(tmp_path)]
    for words in ([], ["--from-cluster"], ["x.yaml", "--from-cluster", "-n", "a"], ["x.yaml", "-n", "a"]):
        assert _cli.main(["import", *words, *out]) == 2
        assert "either FILEs (or -), or --from-cluster with -n NAMESPACE" in capsys.readouterr().err


def test_an_empty_namespace_is_reported(kubeconfig: Path, cli: Cli) -> None:
    """A namespace without anything is an error that names it."""
    code, _, err = cli(kubeconfig)
    assert (code, err.startswith("namespace apps: has no pods, or does not exist")) == (2, True)


def test_files_are_read_without_the_kubernetes_package(tmp_path: Path, mooring: Run) -> None:
    """An import of files does not load a package that only a cluster needs."""
    write(tmp_path / "k2s.yaml", anchor(), launcher())
    done = mooring("import", "k2s.yaml", "--out", "apps", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "kubernetes" not in {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
