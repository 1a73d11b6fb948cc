"""Rules about the Services; their twin is templates/_rules_services.tpl."""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

_OWN = "is mooring's own"
MADE_BY_MOORING = {
    "type": Sentence(_OWN, "use service.type"),
    "selector": Sentence(_OWN, "leave it out: Services select the anchors, which own the IPs"),
    "ports": Sentence(_OWN, "use target.ports and their servicePort; nodePorts are chosen by the cluster"),
}
_BALANCED = ("LoadBalancer",)
_OPEN_TO_NODES = ("NodePort", "LoadBalancer")
NEEDS_TYPE = {
    "loadBalancerClass": _BALANCED,
    "loadBalancerSourceRanges": _BALANCED,
    "allocateLoadBalancerNodePorts": _BALANCED,
    "healthCheckNodePort": _BALANCED,
    "externalTrafficPolicy": _OPEN_TO_NODES,
}
OF_ONE_SERVICE = ("clusterIP", "clusterIPs", "loadBalancerIP", "externalIPs", "healthCheckNodePort")
"""What no two Services can have; with anchor.strategy: shared each replica has one."""

NOT_SHARED = Sentence("is for a single Service; with anchor.strategy: shared each replica has one", "leave it out")
OTHER_TYPE_NEEDED = Sentence("needs service.type: {wanted:s}", "set it, or leave {key:s} out")
WITHOUT_IP = Sentence(
    "leaves the Service without an IP, which service.type: {type:s} needs",
    "use service.type: ClusterIP, or leave it out",
)
NO_EXTERNAL_NAME = Sentence("is for type ExternalName, which is not supported", "leave it out")
AFFINITY_NEEDED = Sentence("needs service.spec.sessionAffinity: ClientIP", "set it, or leave this out")


def _service_spec(values: Values) -> Iterator[Violation]:
    service = values["service"]
    kind, shared = service["type"], values["anchor"]["strategy"] == "shared"
    for key, found in service["spec"].items():
        path = ("service", "spec", key)
        if found in (None, [], ""):
            continue
        if key in MADE_BY_MOORING:
            yield MADE_BY_MOORING[key].at(path, found)
        elif shared and key in OF_ONE_SERVICE and found not in ("None", ["None"]):
            yield NOT_SHARED.at(path, found)
        elif kind not in NEEDS_TYPE.get(key, (kind,)):
            yield OTHER_TYPE_NEEDED.at(path, found, wanted=" or ".join(NEEDS_TYPE[key]), key=key)
        elif key in ("clusterIP", "clusterIPs") and found in ("None", ["None"]) and kind in _OPEN_TO_NODES:
            yield WITHOUT_IP.at(path, found, type=kind)
        elif key == "externalName":
            yield NO_EXTERNAL_NAME.at(path, found)
        elif key == "sessionAffinityConfig" and service["spec"].get("sessionAffinity") != "ClientIP":
            yield AFFINITY_NEEDED.at(path, found)


SERVICE_RULES: tuple[Rule, ...] = (Rule("service-spec", _service_spec),)
