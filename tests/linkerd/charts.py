"""What Linkerd's own charts define: CustomResourceDefinitions, the injector's webhook and configuration.

The charts are read from the Go module that `make e2e` builds the proxy-injector from.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import trustme
import yaml

from tests.cluster.stack.builds import TOOLS
from tests.crds import module_folder
from tests.tools import require

NAMESPACE = "linkerd"
VERSION = "stable-2.14.10"
"""The tag of its images; the charts in its source have a placeholder."""
INJECT = "linkerd.io/inject"
"""The annotation by which a pod or a namespace asks for a proxy."""
PROXY_IMAGE = f"cr.l5d.io/linkerd/proxy:{VERSION}"
INIT_IMAGE = "cr.l5d.io/linkerd/proxy-init:v2.2.3"

Object = dict[str, Any]


def folder() -> Path:
    """Return the folder of its charts."""
    return module_folder(TOOLS / "linkerd") / "charts"


def definitions() -> list[Object]:
    """Return its CustomResourceDefinitions; HTTPRoutes of the Gateway API are not among them."""
    # Its chart would bring a Gateway API of 2023.
    return [each for each in _render("linkerd-crds", {}) if each["spec"]["group"] != "gateway.networking.k8s.io"]


def control_plane(**values: Any) -> dict[tuple[str, str], Object]:
    """Return the objects of its control plane by kind and name, with new certificates in each call."""
    authority = trustme.CA()
    issuer = {"crtPEM": authority.cert_pem.bytes().decode(), "keyPEM": authority.private_key_pem.bytes().decode()}
    given = {
        "linkerdVersion": VERSION,
        "identityTrustAnchorsPEM": issuer["crtPEM"],
        "identity": {"issuer": {"tls": issuer}},
    }
    return {(each["kind"], each["metadata"]["name"]): each for each in _render("linkerd-control-plane", given | values)}


def _render(chart: str, values: Object) -> list[Object]:
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / chart
        _copy(folder() / chart, whole)
        # A packaged chart has its dependency inside; in the source it lies beside it.
        _copy(folder() / "partials", whole / "charts/partials")
        done = subprocess.run(
            [require("helm"), "template", chart, str(whole), "--namespace", NAMESPACE, "--values", "-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if each]


def _copy(source: Path, target: Path) -> None:
    """Copy files, but not the modes of Go's module cache, where nothing can be written or deleted."""
    for file in source.rglob("*"):
        if file.is_file():
            (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / file.relative_to(source))
