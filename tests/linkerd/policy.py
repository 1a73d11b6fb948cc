"""Whom Linkerd's policy objects let in: what its policy controller and proxies decide, which are Rust.

Written after `policy-controller/` of the module whose charts the tests use, in particular `k8s/index/src/inbound`:

- A port that no Server selects has the default policy; a Server's port lets in whom an AuthorizationPolicy permits that
  targets the Server or its namespace.
- An AuthorizationPolicy permits who meets every authentication that it requires. One that requires an object that does
  not exist is ignored.
- Without HTTPRoutes of the Server, GET of exactly the path of an httpGet probe is let in from everywhere. Hooks of
  `lifecycle` are no probes. With HTTPRoutes only these count, and a request that none matches is refused.

Not here, because the chart renders none of it: ServerAuthorizations, hostnames and headers of HTTPRoutes.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
OPAQUE_PORTS = "config.linkerd.io/opaque-ports"
TRUST_DOMAIN = "identity.linkerd.cluster.local"


@dataclass(frozen=True)
class Request:
    """What arrives at a pod's port: from an address, of an identity of the mesh or '', and HTTP or `method` ''."""

    port: int
    source: str
    identity: str = ""
    method: str = ""
    path: str = ""


def identity(namespace: str, service_account: str) -> str:
    """Return the identity of the pods of a ServiceAccount."""
    return f"{service_account}.{namespace}.serviceaccount.{TRUST_DOMAIN}"


@dataclass(frozen=True)
class Policies:
    """The policy objects of a cluster, and the policy of ports that no Server selects."""

    objects: Sequence[Object]
    default: str = "all-unauthenticated"

    def admits(self, pod: Object, request: Request) -> bool:
        """Return whether a pod's proxy lets a request in."""
        servers = [each for each in self._of("Server", _namespace(pod)) if _selects(each, pod, request.port)]
        assert len(servers) <= 1, f"Linkerd refuses two Servers of one port: {[_name(each) for each in servers]}"
        if not servers:
            return self._admits_by_default(pod, request)
        (server,) = servers
        permitted = any(self._permits(each, request) for each in self._targeting("Server", server))
        permitted |= any(self._permits(each, request) for each in self._targeting("Namespace", pod))
        if not request.method or server["spec"].get("proxyProtocol") == "opaque":
            return permitted
        routes = [each for each in self._of("HTTPRoute", _namespace(pod)) if _is_attached(each, server)]
        if not routes:
            return permitted or _is_probe(pod, request)
        matching = [each for each in routes if _matches(each, request)]
        return bool(matching) and (
            permitted
            or any(self._permits(policy, request) for each in matching for policy in self._targeting("HTTPRoute", each))
        )

    def _admits_by_default(self, pod: Object, request: Request) -> bool:
        annotations = pod["metadata"].get("annotations", {})
        policy = annotations.get(DEFAULT_POLICY, self.default)
        is_opaque = str(request.port) in annotations.get(OPAQUE_PORTS, "").split(",")
        known = {"all-unauthenticated": True, "all-authenticated": bool(request.identity), "deny": False}
        return known[policy] or (not is_opaque and _is_probe(pod, request))

    def _of(self, kind: str, namespace: str) -> Iterator[Object]:
        return (each for each in self.objects if each["kind"] == kind and _namespace(each) == namespace)

    def _targeting(self, kind: str, target: Object) -> Iterator[Object]:
        for policy in self._of("AuthorizationPolicy", _namespace(target)):
            wanted = policy["spec"]["targetRef"]
            if wanted["kind"] == kind and wanted["name"] == (
                _namespace(target) if kind == "Namespace" else _name(target)
            ):
                yield policy

    def _permits(self, policy: Object, request: Request) -> bool:
        """Return whether a request meets every authentication that a policy requires."""
        return all(
            self._is_met(reference, _namespace(policy), request)
            for reference in policy["spec"]["requiredAuthenticationRefs"]
        )

    def _is_met(self, reference: Object, namespace: str, request: Request) -> bool:
        namespace = reference.get("namespace", namespace)
        if reference["kind"] == "ServiceAccount":
            return request.identity == identity(namespace, reference["name"])
        found = [each for each in self._of(reference["kind"], namespace) if _name(each) == reference["name"]]
        if not found:
            return False
        spec = found[0]["spec"]
        if reference["kind"] == "NetworkAuthentication":
            return any(_is_within(request.source, each) for each in spec["networks"])
        assert reference["kind"] == "MeshTLSAuthentication", reference
        return any(_is_identity(request.identity, each) for each in _identities(spec, namespace))


def _selects(server: Object, pod: Object, port: int) -> bool:
    selector, labels = server["spec"]["podSelector"], pod["metadata"].get("labels", {})
    assert set(selector) <= {"matchLabels"}, selector
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    wanted = server["spec"]["port"]
    return port == wanted if isinstance(wanted, int) else port in _named_ports(pod["spec"]["containers"], wanted)


def _named_ports(containers: Iterable[Object], name: str) -> set[int]:
    ports = [each for container in containers for each in container.get("ports", [])]
    return {
        each["containerPort"] for each in ports if each.get("name") == name and each.get("protocol", "TCP") == "TCP"
    }


def _is_probe(pod: Object, request: Request) -> bool:
    for container in pod["spec"]["containers"]:
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            probe = container.get(kind, {}).get("httpGet")
            if probe is None:
                continue
            port = probe["port"]
            ports = {port} if isinstance(port, int) else _named_ports([container], port)
            if request.port in ports and (request.method, request.path) == (
                "GET",
                probe.get("path", "/").partition("?")[0],
            ):
                return True
    return False


def _is_attached(route: Object, server: Object) -> bool:
    return any(each.get("kind") == "Server" and each["name"] == _name(server) for each in route["spec"]["parentRefs"])


def _matches(route: Object, request: Request) -> bool:
    matches = [match for rule in route["spec"].get("rules", []) for match in rule.get("matches", [{}])]
    return any(_is_match(each, request) for each in matches)


def _is_match(match: Object, request: Request) -> bool:
    assert set(match) <= {"path", "method"}, match
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    value = path["value"]
    is_path = {
        "Exact": request.path == value,
        "PathPrefix": (request.path + "/").startswith(value.rstrip("/") + "/"),
        "RegularExpression": re.fullmatch(value, request.path) is not None,
    }[path.get("type", "PathPrefix")]
    return is_path and match.get("method", request.method) == request.method


def _is_within(source: str, network: Object) -> bool:
    address = ipaddress.ip_address(source)
    excepted = any(address in ipaddress.ip_network(each) for each in network.get("except", []))
    return address in ipaddress.ip_network(network["cidr"]) and not excepted


def _identities(spec: Object, namespace: str) -> Iterator[str]:
    yield from spec.get("identities", [])
    for reference in spec.get("identityRefs", []):
        if reference["kind"] == "Namespace":
            yield identity(reference["name"], "*")
        else:
            yield identity(reference.get("namespace", namespace), reference["name"])


def _is_identity(given: str, pattern: str) -> bool:
    if pattern.startswith("*"):
        return bool(given) and given.endswith(pattern[1:])
    return given == pattern


def _name(one: Object) -> str:
    return str(one["metadata"]["name"])


def _namespace(one: Object) -> str:
    return str(one["metadata"]["namespace"])
