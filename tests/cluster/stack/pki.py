"""The cluster's certificates, tokens and kubeconfigs, new in each run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

TOKENS = {
    "admin": ("admin", ["system:masters"]),
    "kube-controller-manager": ("system:kube-controller-manager", []),
    "kube-scheduler": ("system:kube-scheduler", []),
    "kube-proxy": ("system:kube-proxy", []),
}
"""Clients of the API: name here -> (user, groups). A kubelet's is `node-<name>`."""


@dataclass(frozen=True)
class Pki:
    """Paths of the files made below one directory."""

    directory: Path
    tokens: dict[str, str]

    def path(self, name: str) -> str:
        """Return the path of a file, e.g. `ca.crt`."""
        return str(self.directory / name)

    def kubeconfig(self, name: str) -> str:
        """Return the path of a client's kubeconfig."""
        return self.path(f"{name}.kubeconfig")


def make_pki(directory: Path, server: str, addresses: list[str], nodes: dict[str, str]) -> Pki:
    """Make all files. `server`: the API's URL; `addresses`: its names and IPs; `nodes`: name -> IP."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.crt")
    _issue(authority, directory, "apiserver", *addresses)
    # Client certificates of the API server: towards kubelets, and towards aggregated API servers.
    _issue(authority, directory, "apiserver-kubelet-client", common_name="apiserver-kubelet-client")
    _issue(authority, directory, "front-proxy-client", common_name="front-proxy-client")
    for node, ip in nodes.items():
        _issue(authority, directory, f"kubelet-{node}", node, ip)
    new_service_account_key(directory)
    everyone = TOKENS | {f"node-{name}": (f"system:node:{name}", ["system:nodes"]) for name in nodes}
    tokens = {name: secrets.token_hex(16) for name in everyone}
    rows = [
        f'{tokens[name]},{user},{number},"{",".join(groups)}"\n'
        for number, (name, (user, groups)) in enumerate(everyone.items())
    ]
    (directory / "tokens.csv").write_text("".join(rows))
    pki = Pki(directory, tokens)
    for name in everyone:
        Path(pki.kubeconfig(name)).write_text(_kubeconfig(server, pki.path("ca.crt"), tokens[name]))
    return pki


def new_service_account_key(directory: Path) -> None:
    """Make the key that signs ServiceAccount tokens; tokens signed before are no longer valid."""
    leaf = trustme.CA().issue_cert("service-account.invalid")
    leaf.private_key_pem.write_to_path(directory / "service-account.key")


def _issue(authority: trustme.CA, directory: Path, name: str, *identities: str, common_name: str | None = None) -> None:
    leaf = authority.issue_cert(*(identities or (f"{name}.invalid",)), common_name=common_name)
    leaf.private_key_pem.write_to_path(directory / f"{name}.key")
    leaf.cert_chain_pems[0].write_to_path(directory / f"{name}.crt")


def _kubeconfig(server: str, ca: str, token: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": {"server": server, "certificate-authority": ca}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "cluster",
        }
    )
