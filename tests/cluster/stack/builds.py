"""The programs of the cluster, built from source into a cache outside the tree.

Each folder of `tools/` is a Go module of its own: its `go.mod` pins the version, its `go.sum` the checksum of every
module that goes in. Results are kept below `${MOORING_CACHE:-~/.cache/mooring}` under a name made from everything that
decides the result, so a changed version, flag or compiler makes a new entry. SHA-256 sums written beside the programs
are compared before an entry is used; one that does not match is built again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"
"""One Go module for each thing that is built."""


class BuildError(Exception):
    """A program could not be built; the message names it and ends with the compiler's last output."""


@dataclass(frozen=True)
class Build:
    """What is built from one module.

    `packages` maps the program's name to its Go package. `ldflags` may hold `{version}`, the pinned one. `cgo`:
    C is compiled too; without it the program is static.
    """

    module: str
    packages: Mapping[str, str]
    ldflags: str = ""
    cgo: bool = False
    tags: str = ""
    needs: tuple[str, ...] = field(default=())

    @property
    def folder(self) -> Path:
        """Its Go module."""
        return TOOLS / self.module

    @property
    def version(self) -> str:
        """The version that `go.mod` pins for its one direct requirement; `local` for our own programs."""
        direct = [
            line
            for line in (self.folder / "go.mod").read_text().splitlines()
            if re.match(r"(require )?\s*\S+ v\S+$", line) and "=>" not in line
        ]
        return direct[0].split()[-1] if direct else "local"


def _named(prefix: str, *names: str) -> dict[str, str]:
    return {name: f"{prefix}/{name}" for name in names}


BUILDS = (
    Build("programs", _named(".", "pause", "served", "asker")),
    Build("proxied", _named(".", "proxied")),
    Build("runc", {"runc": "github.com/opencontainers/runc"}, "-X main.version={version}", cgo=True, tags="seccomp"),
    Build("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Build(
        "containerd",
        _named("github.com/containerd/containerd/v2/cmd", "containerd", "containerd-shim-runc-v2", "ctr"),
        "-X github.com/containerd/containerd/v2/version.Version={version}",
    ),
    Build(
        "kubernetes",
        _named(
            "k8s.io/kubernetes/cmd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
            "kubelet",
            "kubectl",
        ),
        "-X k8s.io/component-base/version.gitVersion={version} -X k8s.io/client-go/pkg/version.gitVersion={version}",
    ),
    Build("helm", {"helm4": "helm.sh/helm/v4/cmd/helm"}, "-X helm.sh/helm/v4/internal/version.version={version}"),
    Build("metrics-server", {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"}),
    Build("linkerd", _named(".", "proxy-injector")),
    Build(
        "network-policies",
        {"kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard"},
    ),
)
"""In build order: what fails soonest comes first."""

READ = ("keda", "linkerd", "gateway-api")
"""Modules with files that tests read: definitions and charts."""


def cache_directory() -> Path:
    """`MOORING_CACHE`, or `mooring` in the user's cache directory."""
    given = os.environ.get("MOORING_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mooring"


def build_all(say: Callable[[str], None]) -> Path:
    """Build what the cache lacks and return the directory that has every program, as symbolic links.

    `say` gets a line when a build begins and when it has ended. Raises `BuildError`.
    """
    if shutil.which("go") is None:
        raise BuildError("the cluster is built from source, but there is no go on PATH: install Go 1.26 or later")
    compiler = subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout.strip()
    entries = [_built(build, compiler, say) for build in BUILDS]
    for name in READ:
        _fetch(TOOLS / name)
    key = hashlib.sha256("\n".join(map(str, entries)).encode()).hexdigest()[:12]
    together = cache_directory() / f"bin-{key}"
    together.mkdir(exist_ok=True)
    for entry, build in zip(entries, BUILDS, strict=True):
        for program in build.packages:
            link = together / program
            # Relative, so that the cache also works where it is mounted elsewhere.
            target = f"../{entry.name}/{program}"
            if not link.is_symlink() or os.readlink(link) != target:
                link.unlink(missing_ok=True)
                link.symlink_to(target)
    return together


def _fetch(folder: Path) -> None:
    """Put the module that a go.mod requires into the module cache: the sandbox, where it is read, has no network."""
    required = re.search(r"^require (\S+) (\S+)$", (folder / "go.mod").read_text(), re.MULTILINE)
    assert required, "go.mod requires one module on one line"
    command = ["go", "mod", "download", "@".join(required.groups())]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")


def _built(build: Build, compiler: str, say: Callable[[str], None]) -> Path:
    key = hashlib.sha256(f"{compiler}|{build.ldflags}|{build.cgo}|{build.tags}".encode())
    for source in sorted(build.folder.rglob("*")):
        if source.is_file():
            key.update(str(source.relative_to(build.folder)).encode() + b"\0" + source.read_bytes())
    entry = cache_directory() / f"{build.module}-{build.version}-{key.hexdigest()[:12]}"
    if not _is_whole(entry, build):
        began = time.monotonic()
        say(f"building {build.module} {build.version}: {', '.join(build.packages)}")
        _make(build, entry)
        say(f"built {build.module} {build.version} in {time.monotonic() - began:.0f} s")
    return entry


def _is_whole(entry: Path, build: Build) -> bool:
    try:
        sums = dict(line.split("  ")[::-1] for line in (entry / "SHA256SUMS").read_text().splitlines())
        return set(sums) == set(build.packages) and all(_sum(entry / name) == sums[name] for name in sums)
    except (OSError, ValueError):
        return False


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make(build: Build, entry: Path) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=".building-") as made:
        # One call for all programs that `go build` names correctly: it compiles and links several at a time.
        alike = {name: package for name, package in build.packages.items() if package.rsplit("/", 1)[-1] == name}
        if alike:
            _compile(build, f"{made}/", list(alike.values()))
        for name in build.packages.keys() - alike.keys():
            _compile(build, f"{made}/{name}", [build.packages[name]])
        names = sorted(build.packages)
        (Path(made) / "SHA256SUMS").write_text("".join(f"{_sum(Path(made) / name)}  {name}\n" for name in names))
        shutil.rmtree(entry, ignore_errors=True)
        os.chmod(made, 0o755)
        shutil.copytree(made, entry)


def _compile(build: Build, output: str, packages: list[str]) -> None:
    command = ["go", "build", "-trimpath", "-o", output]
    command += ["-ldflags", ("-s -w " + build.ldflags).format(version=build.version).strip()]
    command += ["-tags", build.tags] if build.tags else []
    # The module's own go.sum decides, regardless of the caller's environment.
    environment = os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    environment["CGO_ENABLED"] = "1" if build.cgo else "0"
    done = subprocess.run(
        [*command, *packages], cwd=build.folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"building {build.module} {build.version} failed:\n{done.stderr[-4000:]}")
