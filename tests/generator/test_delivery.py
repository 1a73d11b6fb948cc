"""The platform team's example is delivered in every usual way: Git, packages, registries, helmfile, hooks and CI."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regenerate
import yaml

from tests.crds import MODULES, module_folder, strict_schema
from tests.generator.conftest import tree
from tests.tools import require

EXAMPLE = regenerate.ROOT / "values-examples" / "platform-team"
APPS = {"orders": "1.4.0", "pumps": "2.0.1"}
ENVIRONMENTS = ("test", "prod")
ON_PATH = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example with its charts, as a platform team commits them."""
    folder = Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("team") / "apps-repository"))
    run("mooring generate apps/ --platform hospital.yaml --out charts/", folder)
    return folder


def run(command: str, folder: Path, **environment: str) -> str:
    """Run a command that must succeed, with mooring and helm on PATH; return everything it printed."""
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env={**ON_PATH, "HELM_CONFIG_HOME": "/nonexistent", "HELM_CACHE_HOME": str(folder / ".helm"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def documents(file: Path) -> list[dict[str, Any]]:
    """Return a YAML file's documents."""
    return list(yaml.load_all(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def test_argo_cd_takes_the_application_set(repository: Path) -> None:
    """Argo CD's own definition accepts the ApplicationSet, and each Application finds its chart and its values."""
    (one,) = documents(repository / "gitops" / "argocd-applicationset.yaml")
    crds = module_folder(MODULES / "argo-cd") / "manifests" / "crds"
    jsonschema.validate(one, strict_schema(crds / "applicationset-crd.yaml", "v1alpha1"))
    git, environments = one["spec"]["generators"][0]["matrix"]["generators"]
    assert {path.name for path in repository.glob(git["git"]["directories"][0]["path"])} == set(APPS)
    (values,) = one["spec"]["template"]["spec"]["source"]["helm"]["valueFiles"]
    for environment in [element["environment"] for element in environments["list"]["elements"]]:
        for app in APPS:
            assert (repository / "charts" / app / values.replace("{{ .environment }}", environment)).is_file()


def test_flux_takes_its_objects(repository: Path) -> None:
    """Flux' own definitions accept each object, and the files a HelmRelease names are there."""
    folders = {
        "HelmRelease": ("flux-helm-controller", "helm.toolkit.fluxcd.io_helmreleases.yaml", "v2"),
        "GitRepository": ("flux-source-controller", "source.toolkit.fluxcd.io_gitrepositories.yaml", "v1"),
        "OCIRepository": ("flux-source-controller", "source.toolkit.fluxcd.io_ocirepositories.yaml", "v1"),
    }
    objects = documents(repository / "gitops" / "flux.yaml")
    for one in objects:
        module, file, version = folders[one["kind"]]
        crd = module_folder(MODULES / module) / "config" / "crd" / "bases" / file
        jsonschema.validate(one, strict_schema(crd, version))
    chart = next(one for one in objects if one["kind"] == "HelmRelease")["spec"]["chart"]["spec"]
    assert all((repository / file).is_file() for file in [f"{chart['chart']}/Chart.yaml", *chart["valuesFiles"]])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_helmfile_names_what_is_there(repository: Path, environment: str) -> None:
    """Each release of the helmfile has a chart, and values of the environment with which Helm renders it."""
    text = (repository / "helmfile.yaml").read_text(encoding="utf-8")
    environments, releases = yaml.safe_load_all(text.replace("{{ .Environment.Name }}", environment))
    assert {*environments["environments"]} == {*ENVIRONMENTS}
    for release in releases["releases"]:
        values = " ".join(f"--values {file}" for file in release["values"])
        rendered = run(f"helm template {release['name']} {release['chart']} {values}", repository)
        assert f"stage: {environment}" in rendered
        assert "kind: NetworkPolicy" in rendered


def test_surroundings_change_nothing(repository: Path, tmp_path: Path) -> None:
    """Locale, time zone, umask, hash seed and the number of processes change no byte of a chart under a Platform."""
    surroundings = {"LC_ALL": "C", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "7", "PYTHONUTF8": "0", "COLUMNS": "20"}
    names = [f"apps/{app}.yaml" for app in reversed(APPS)]
    command = ["mooring", "generate", *names, "--platform", "hospital.yaml", "--out", str(tmp_path), "--jobs", "2"]
    subprocess.run(command, cwd=repository, env={**ON_PATH, **surroundings}, umask=0o077, check=True, timeout=60)
    assert tree(tmp_path) == tree(repository / "charts")


def test_helm_packs_and_indexes_the_charts(repository: Path, tmp_path: Path) -> None:
    """`helm package` and `helm repo index` make a chart repository from the generated charts, overlays included."""
    for app, version in APPS.items():
        run(f"helm package charts/{app} --destination {tmp_path}", repository)
        names = run(f"tar --list --file {app}-{version}.tgz", tmp_path).splitlines()
        assert {f"{app}/values-prod.yaml", f"{app}/templates/_locks.tpl"} <= {*names}
        assert f"{app}/.mooring.json" not in names
    run(f"helm repo index {tmp_path} --url https://charts.hospital.example", tmp_path)
    index = yaml.safe_load((tmp_path / "index.yaml").read_text(encoding="utf-8"))
    assert {name: one["version"] for name, (one,) in index["entries"].items()} == APPS


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a container registry, built from source and started for these tests."""
    program = tmp_path_factory.mktemp("registry") / "registry"
    build = [
        "build",
        "-mod=mod",
        "-trimpath",
        "-o",
        str(program),
        "github.com/google/go-containerregistry/cmd/registry",
    ]
    done = subprocess.run(
        [require("go"), *build], cwd=MODULES / "registry", capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    server = subprocess.Popen([str(program), "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr
        port = re.search(r"serving on port (\d+)", server.stderr.readline())
        assert port
        yield f"localhost:{port[1]}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_a_registry_takes_and_gives_back_a_chart(repository: Path, registry: str, tmp_path: Path) -> None:
    """`helm push` puts a chart into a registry, and what is pulled from there is what was generated."""
    run(f"helm package charts/orders --destination {tmp_path}", repository)
    run(f"helm push orders-1.4.0.tgz oci://{registry}/charts --plain-http", tmp_path)
    run(f"helm pull oci://{registry}/charts/orders --version 1.4.0 --plain-http --untar", tmp_path)
    generated = tree(repository / "charts" / "orders")
    left_out = {".mooring.json", ".helmignore", "Chart.yaml"}  # Helm omits the first two and writes the third again
    pulled = {path: data for path, data in tree(tmp_path / "orders").items() if path not in left_out}
    assert pulled == {path: data for path, data in generated.items() if path not in left_out}


def commands_of(file: str) -> list[str]:
    """Return the commands of a CI file that are mooring's."""
    text = (EXAMPLE / file).read_text(encoding="utf-8")
    return [match.strip() for match in re.findall(r"(mooring generate [^\n]+)", text)]


@pytest.mark.parametrize(
    ("file", "schema"), [("ci/github-workflow.yml", "github-workflows"), ("ci/gitlab-ci.yml", "gitlab-ci")]
)
def test_ci_takes_its_files(repository: Path, file: str, schema: str) -> None:
    """GitHub's and GitLab's own schemas accept the files, and the command in them passes, and fails on drift."""
    run(f"check-jsonschema --builtin-schema vendor.{schema} {file}", repository)
    (command,) = commands_of(file)
    run(command, repository)
    app = repository / "apps" / "orders.yaml"
    before = app.read_text()
    app.write_text(before.replace("replicas: 3", "replicas: 4"))
    done = subprocess.run(
        shlex.split(command), cwd=repository, env=ON_PATH, capture_output=True, text=True, check=False
    )
    app.write_text(before)
    assert (done.returncode, "+replicas: 4" in done.stdout) == (3, True)


def test_pre_commit_runs_the_hook(repository: Path, tmp_path: Path) -> None:
    """pre-commit accepts a commit whose charts are current and refuses one whose charts are not."""
    require("git")
    folder = Path(shutil.copytree(repository, tmp_path / "repository"))
    for command in ("git init --quiet", "git add --all"):
        run(command, folder)
    home = str(tmp_path / "pre-commit")
    assert "Passed" in run("pre-commit run --all-files", folder, PRE_COMMIT_HOME=home)
    app = folder / "apps" / "pumps.yaml"
    app.write_text(app.read_text().replace("replicas: 2", "replicas: 5"))
    environment = {**ON_PATH, "PRE_COMMIT_HOME": home}
    command = ["pre-commit", "run", "--all-files"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "charts/pumps: differs from what its App generates" in done.stdout
