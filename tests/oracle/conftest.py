"""The API that the oracle watches."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mooring.rehearse import store
from mooring.rehearse.api import ApiServer


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setitem(store.API_VERSIONS, "endpointslices", "discovery.k8s.io/v1")
    monkeypatch.setitem(store.KIND_NAMES, "endpointslices", "EndpointSlice")
    server = ApiServer()
    server.add_token("oracle")
    server.start()
    yield server
    server.close()


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path: Path) -> Path:
    authority = base64.b64encode(api.ca_pem.encode()).decode()
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority-data": authority}}],
        "users": [{"name": "u", "user": {"token": "oracle"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
