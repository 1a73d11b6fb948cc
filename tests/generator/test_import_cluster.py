"""`mooring import --from-cluster` asks a real API server, over TLS, by a kubeconfig; it changes nothing there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mooring.rehearse.api import ApiServer

from .conftest import Run
from .manifests import EXE, Object, anchor, command, config, launcher, service

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


def put(api: ApiServer, *objects: Object) -> None:
    """Put objects into the server, with what a server adds to them."""
    for each in objects:
        obj = json.loads(json.dumps(each))
        obj["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "generation": 1}
        obj["status"] = {"observedGeneration": 1}
        api.put(KINDS[obj["kind"]], obj)


def test_a_namespace_becomes_apps(api: ApiServer, kubeconfig: Path, mooring: Run, tmp_path: Path) -> None:
    """What runs becomes Apps: pods that a Deployment makes are its own, and what the server added is no leftover."""
    put(api, anchor(), launcher(words=command("app=orders-anchor-1", EXE, "--x")), service(), config("paths", {}))
    pod = anchor("orders-hostprocess-7d9")
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "orders-hostprocess-7d9", "controller": True}]
    put(api, pod, anchor("elsewhere", namespace="other"))
    done = mooring("import", "--from-cluster", "-n", "apps", "--kubeconfig", kubeconfig, "--out", "apps")
    assert done.returncode == 0, done.stderr
    assert "cluster: apps/Deployment/orders-hostprocess: Deployment orders-hostprocess" in done.stdout
    assert "PodDisruptionBudgets of namespace apps: PodDisruptionBudgets may not be listed (403 " in done.stdout
    text = (tmp_path / "apps" / "orders.yaml").read_text()
    assert yaml.safe_load(text)["values"]["target"]["args"] == ["--x"]
    assert "was not taken over" not in text
    assert mooring("generate", "apps", "--out", "charts").returncode == 0
    assert {request.verb for request in api.requests} == {"list"}


def test_many_objects_come_in_pages(api: ApiServer, kubeconfig: Path, mooring: Run) -> None:
    """Objects are asked for page by page, and a page's token is given back."""
    put(api, anchor(), launcher())
    done = mooring("import", "--from-cluster", "-n", "apps", "--kubeconfig", kubeconfig, "--out", "apps")
    assert done.returncode == 0, done.stderr
    assert {request.query.get("limit") for request in api.requests} == {"250"}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("nobody", "mooring: the cluster does not know who asks (Unauthorized); log in anew"),
        ("weak", 'mooring: Pods may not be listed (403 pods "" is forbidden'),
    ],
)
def test_refusals_are_one_clear_error(api: ApiServer, tmp_path: Path, mooring: Run, token: str, expected: str) -> None:
    """A token that is not known, or may not list, is told in a sentence; nothing is written."""
    api.add_token("weak", [])
    file = write_kubeconfig(tmp_path / "weak", api, token)
    done = mooring("import", "--from-cluster", "-n", "apps", "--kubeconfig", file, "--out", "apps")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(expected), done.stderr
    assert not (tmp_path / "apps").exists()


def test_a_cluster_that_is_not_there_is_one_clear_error(
    api: ApiServer, kubeconfig: Path, tmp_path: Path, mooring: Run
) -> None:
    """No server, no kubeconfig, no such context and no namespace are told without a traceback."""
    api.close()
    asked = ["import", "--from-cluster", "-n", "apps", "--out", "apps"]
    for options, expected in (
        (["--kubeconfig", kubeconfig], f"mooring: {api.url}: "),
        (["--kubeconfig", tmp_path / "absent"], "mooring: no cluster to read from: "),
        (["--kubeconfig", kubeconfig, "--context", "y"], "mooring: no cluster to read from: "),
    ):
        done = mooring(*asked, *options)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
        assert done.stderr.startswith(expected), done.stderr
    assert mooring("import", "--from-cluster", "--out", "apps").returncode == 2
    assert mooring("import", "--out", "apps").returncode == 2


def test_an_empty_namespace_is_told(api: ApiServer, kubeconfig: Path, mooring: Run) -> None:
    """A namespace without anything is an error that names it."""
    done = mooring("import", "--from-cluster", "-n", "apps", "--kubeconfig", kubeconfig, "--out", "apps")
    assert (done.returncode, done.stderr.startswith("namespace apps: has no pods, or does not exist")) == (2, True)
