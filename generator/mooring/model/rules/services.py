"""Rules of the Services; their twin is templates/_rules_services.tpl."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Values, Violation

_MADE_BY_MOORING = {
    "type": "use service.type",
    "selector": "leave it out: Services select the anchors, which own the IPs",
    "ports": "use target.ports and their servicePort; a nodePort cannot be chosen, the cluster does",
}
_BALANCED = ("LoadBalancer",)
_OPEN_TO_NODES = ("NodePort", "LoadBalancer")
_NEEDS_TYPE = {
    "loadBalancerClass": _BALANCED,
    "loadBalancerSourceRanges": _BALANCED,
    "allocateLoadBalancerNodePorts": _BALANCED,
    "healthCheckNodePort": _BALANCED,
    "externalTrafficPolicy": _OPEN_TO_NODES,
}
_ONE_SERVICE_ALONE = ("clusterIP", "clusterIPs", "loadBalancerIP", "externalIPs", "healthCheckNodePort")
"""What no two Services can have; with anchor.strategy: shared each replica has one."""


def _service_spec(values: Values) -> Iterator[Violation]:
    service = values["service"]
    kind, shared = service["type"], values["anchor"]["strategy"] == "shared"
    for key, found in service["spec"].items():
        path = ("service", "spec", key)
        if found in (None, [], ""):
            continue
        if key in _MADE_BY_MOORING:
            yield Violation(path, found, "is mooring's own", _MADE_BY_MOORING[key])
        elif shared and key in _ONE_SERVICE_ALONE and found not in ("None", ["None"]):
            rule = "is for one Service, and with anchor.strategy: shared each replica has one"
            yield Violation(path, found, rule, "leave it out")
        elif kind not in _NEEDS_TYPE.get(key, (kind,)):
            wanted = " or ".join(_NEEDS_TYPE[key])
            yield Violation(path, found, f"needs service.type: {wanted}", f"set it, or leave {key} out")
        elif key in ("clusterIP", "clusterIPs") and found in ("None", ["None"]) and kind in _OPEN_TO_NODES:
            rule = f"leaves the Service without an IP, which service.type: {kind} needs"
            yield Violation(path, found, rule, "use service.type: ClusterIP, or leave it out")
        elif key == "externalName":
            yield Violation(path, found, "is for another type of Service", "leave it out")
        elif key == "sessionAffinityConfig" and service["spec"].get("sessionAffinity") != "ClientIP":
            yield Violation(path, found, "needs service.spec.sessionAffinity: ClientIP", "set it, or leave this out")


SERVICE_RULES: tuple[Rule, ...] = (Rule("service-spec", _service_spec),)
