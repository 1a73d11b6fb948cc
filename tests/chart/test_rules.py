"""Every rule between values is a ``fail`` that names key, value, rule and fix; nothing gets past it."""

from __future__ import annotations

from typing import Any

import pytest
from mooring._model import default_of
from mooring._rules import RULES, find_violations
from mooring._values import VALUES

from .rendering import MINIMAL, layered, refusal, render

EXE = {"target": {"exe": r"C:\a.exe"}}
PORTS = {"target": {"exe": r"C:\a.exe", "ports": {"http": {"port": 8080}}}}
TERM = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}
LINUX: dict[str, Any] = {"platform": "linux", "target": {"exe": "/a"}}
CPLAUNCHER: dict[str, Any] = {"launcher": {"kind": "cplauncher"}, "scaling": {"follow": False}}
SHARED: dict[str, Any] = {"anchor": {"strategy": "shared"}}

# rule id, values on top of a program's path, the key it names, and words of the sentence
BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("exe-set", {"target": {"exe": ""}}, "target.exe", "must be set"),
    ("paths-absolute", {"target": {"exe": "orders.exe"}}, "target.exe", "absolute path on windows"),
    ("paths-absolute", {"platform": "linux"}, "target.exe", "absolute path on linux"),
    ("paths-absolute", {"target": {"workingDir": "C:data"}}, "target.workingDir", "such as C:\\apps\\orders"),
    (
        "paths-absolute",
        {"target": {"mounts": {"m": {"hostPath": "/data"}}}},
        "target.mounts.m.hostPath",
        "absolute path on windows",
    ),
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\x"}, "b": {"hostPath": "D:\\y", "mountPath": "C:\\x"}}}},
        "target.mounts.b",
        "mounted twice",
    ),
    (
        "ports-unique",
        {"target": {"ports": {"a": {"port": 1, "servicePort": 2}, "b": {"port": 1}}}},
        "target.ports.b.port",
        "more than one port",
    ),
    (
        "service-ports-unique",
        {"target": {"ports": {"a": {"port": 1}, "b": {"port": 2, "servicePort": 1}}}},
        "target.ports.b.servicePort",
        "more than one port of the Service",
    ),
    ("port-names-legal", {"target": {"ports": {"a--b": {"port": 1}}}}, "target.ports.a--b", "two hyphens in a row"),
    ("readiness-port-free", {"target": {"ports": {"a": {"port": 8091}}}}, "readiness.port", "program's own port a"),
    (
        "readiness-port-free",
        {"target": {"ports": {"readiness": {"port": 1}}}},
        "target.ports.readiness",
        "name of mooring's own port",
    ),
    ("gate-ports-known", {"gate": {"ports": {"web": {"owner": "any"}}}}, "gate.ports.web", "named in target.ports"),
    ("gate-ports-known", {"gate": {"http": {"h": {"port": "web"}}}}, "gate.http.h.port", "or give the port's number"),
    ("gate-ports-known", {"gate": {"tcp": {"t": {"port": "web"}}}}, "gate.tcp.t.port", "named in target.ports"),
    ("ranges-ordered", {"gate": {"memory": {"minMiB": 9, "maxMiB": 8}}}, "gate.memory.minMiB", "is above"),
    (
        "ranges-ordered",
        {"gate": {"threads": {"min": 2, "max": 0}}},
        "gate.threads.min",
        "is above gate.threads.max (0)",
    ),
    ("commands-set", {"gate": {"exec": {"e": {"command": []}}}}, "gate.exec.e.command", "must name a program"),
    ("drain-covers-readiness", {"stop": {"drainSeconds": 0}}, "stop.drainSeconds", "= 20"),
    ("graces-suffice", {"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds", "at least 70"),
    (
        "graces-suffice",
        {"anchor": {"terminationGracePeriodSeconds": 79}},
        "anchor.terminationGracePeriodSeconds",
        "at least 80",
    ),
    (
        "graces-suffice",
        {"terminationGracePeriodSeconds": 100, "anchor": {"terminationGracePeriodSeconds": 109}},
        "anchor.terminationGracePeriodSeconds",
        "at least 110",
    ),
    ("replicas-in-role", {"replicas": 33}, "replicas", "rbac.maxReplicas (32)"),
    (
        "replicas-in-role",
        {"autoscaling": {"enabled": True, "maxReplicas": 40, "metrics": [{}]}},
        "autoscaling.maxReplicas",
        "rbac.maxReplicas (32)",
    ),
    (
        "autoscaling-ordered",
        {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4, "metrics": [{}]}},
        "autoscaling.minReplicas",
        "is above autoscaling.maxReplicas (4)",
    ),
    (
        "replicas-in-role",
        {"autoscaling": {"keda": {"enabled": True, "maxReplicaCount": 40, "triggers": [{}]}}},
        "autoscaling.keda.maxReplicaCount",
        "rbac.maxReplicas (32)",
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"enabled": True, "metrics": [{}], "keda": {"enabled": True, "triggers": [{}]}}},
        "autoscaling.keda.enabled",
        "two would fight",
    ),
    (
        "autoscaling-ordered",
        {"autoscaling": {"keda": {"enabled": True, "minReplicaCount": 11, "triggers": [{}]}}},
        "autoscaling.keda.minReplicaCount",
        "is above autoscaling.keda.maxReplicaCount (10)",
    ),
    (
        "autoscaling-ordered",
        {"autoscaling": {"keda": {"enabled": True, "minReplicaCount": 0, "idleReplicaCount": 0, "triggers": [{}]}}},
        "autoscaling.keda.idleReplicaCount",
        "below autoscaling.keda.minReplicaCount (0)",
    ),
    ("autoscaling-measured", {"autoscaling": {"enabled": True}}, "autoscaling.metrics", "what to scale by"),
    (
        "autoscaling-measured",
        {"autoscaling": {"enabled": True, "metrics": [{"type": "External"}, {"type": "Resource"}]}},
        "autoscaling.metrics.1.type",
        "metrics-server reports nothing",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"keda": {"enabled": True}}},
        "autoscaling.keda.triggers",
        "what to scale by",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [{"type": "memory"}]}}},
        "autoscaling.keda.triggers.0.type",
        "metrics-server reports nothing",
    ),
    ("parallel-only", {"podManagementPolicy": "OrderedReady"}, "podManagementPolicy", "must be Parallel"),
    ("prestop-reserved", {"lifecycle": {"preStop": {}}}, "lifecycle.preStop", "use stop.command"),
    ("env-reserved", {"target": {"env": {"MOORING_X": "1"}}}, "target.env.MOORING_X", "is set by mooring"),
    (
        "env-reserved",
        {"target": {"perOrdinal": {"1": {"env": {"COMPARTMENT_ID_ATTACH": "1"}}}}},
        "target.perOrdinal.1.env.COMPARTMENT_ID_ATTACH",
        "name it otherwise",
    ),
    ("volumes-reserved", {"extraVolumes": [{"name": "state"}]}, "extraVolumes.0.name", "mooring's own"),
    ("mount-paths-unique", {"target": {"mounts": {"a": {"hostPath": "C:\\mooring"}}}}, "target.mounts.a", "by mooring"),
    ("launcher-paths-plain", {"launcher": {"hostPath": "C:\\R&D 100%"}}, "launcher.hostPath", "pass cmd /c"),
    ("launcher-paths-plain", {"launcher": {"python": "C:\\Program Files\\p.exe"}}, "launcher.python", "pass cmd /c"),
    (
        "launcher-found",
        {"launcher": {"source": "configMap"}, "nodeSelector": {"node.kubernetes.io/windows-build": "10.0.17763"}},
        "nodeSelector.node.kubernetes.io/windows-build",
        "use launcher.source: host",
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [{}]}}, "scaling": {"follow": False}},
        "scaling.follow",
        "nothing else would scale the anchors",
    ),
    (
        "env-reserved",
        {"extraEnv": [{"name": "MOORING_ORDINAL", "value": "7"}]},
        "extraEnv.0.MOORING_ORDINAL",
        "is set by",
    ),
    (
        "volumes-reserved",
        {"volumeClaimTemplates": [{"metadata": {"name": "state"}}]},
        "volumeClaimTemplates.0.metadata.name",
        "mooring's own",
    ),
    (
        "containers-reserved",
        {"anchor": {"extraContainers": [{"name": "anchor"}]}},
        "anchor.extraContainers.0.name",
        "mooring's own container",
    ),
    ("supported", {"hostAliases": [{"ip": "10.0.0.1"}]}, "hostAliases", "not supported with platform windows"),
    ("volumes-reserved", {"extraVolumes": [{"name": "launcher-code"}]}, "extraVolumes.0.name", "mooring's own"),
    (
        "mount-paths-unique",
        {"target": {"mounts": {"a": {"hostPath": "C:\\etc\\mooring-launcher"}}}},
        "target.mounts.a",
        "by mooring",
    ),
    *(
        (
            "pod-affinity-single",
            layered(values, {"affinity": TERM} if key == "affinity" else {"anchor": {"affinity": TERM}}),
            f"{key}.podAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            "one pod that matches all",
        )
        for key, values in (
            ("anchor.affinity", {}),
            ("anchor.affinity", {"anchor": {"strategy": "static"}}),
            ("affinity", {"colocation": "singleNode"}),
            ("affinity", {"anchor": {"strategy": "shared"}}),
            ("affinity", {"anchor": {"create": False, "selector": "app=x-{ordinal}"}}),
        )
    ),
    ("anchors-found", {"anchor": {"selector": "app=x"}}, "anchor.selector", "set anchor.create: false"),
    ("anchors-found", {"anchor": {"namespace": "x"}}, "anchor.namespace", "set anchor.create: false"),
    ("anchors-found", {"anchor": {"create": False}}, "anchor.create", "e.g. app=my-anchor-{ordinal}"),
    ("anchors-found", {"anchor": {**SHARED["anchor"], "create": False}}, "anchor.create", "e.g. app=my-anchor"),
    ("anchors-found", {"anchor": {"create": False, "selector": "app=x"}}, "anchor.selector", "must have {ordinal}"),
    (
        "anchors-found",
        {"anchor": {"create": False, "strategy": "shared", "selector": "app=x-{ordinal}"}},
        "anchor.selector",
        "must be without {ordinal}",
    ),
    *(
        ("anchors-found", {"anchor": {"create": False, "selector": selector}}, "anchor.selector", "must be key=value")
        for selector in (
            "app",
            "app in (a,b)",
            "app=",
            "app=a,",
            "app==x-{ordinal}",
            "a=b-{}",
            "a=b-{ordinal}\n",
            "ä=b",
        )
    ),
    (
        "anchors-found",
        {"anchor": {"create": False, "selector": "a-{ordinal}=b"}},
        "anchor.selector",
        "in values alone",
    ),
    (
        "anchors-found",
        {"anchor": {"create": False, "selector": "apps.kubernetes.io/pod-index={ordinal}"}},
        "anchor.selector",
        "must name more than apps.kubernetes.io/pod-index",
    ),
    (
        "per-ordinal-ports",
        {"target": {"ports": {"a": {"port": 1}}, "perOrdinal": {"1": {"ports": {"a": 2}}}}},
        "target.perOrdinal.1.ports.a",
        "is for anchor.strategy: shared",
    ),
    (
        "per-ordinal-ports",
        {**SHARED, "target": {"perOrdinal": {"1": {"ports": {"a": 2}}}}},
        "target.perOrdinal.1.ports.a",
        "must be a port named in target.ports",
    ),
    (
        "shared-ports-unique",
        {**SHARED, "replicas": 2, "target": {"ports": {"a": {"port": 1}}}},
        "target.ports.a",
        "is the port of a of replica 0 and a of replica 1",
    ),
    (
        "shared-ports-unique",
        {
            **SHARED,
            "ordinals": {"start": 4},
            "target": {"ports": {"a": {"port": 1}, "b": {"port": 2}}, "perOrdinal": {"4": {"ports": {"a": 2}}}},
        },
        "target.ports.b",
        "is the port of a of replica 4 and b of replica 4",
    ),
    (
        "shared-ports-unique",
        {**SHARED, "target": {"ports": {"a": {"port": 8122}}}},
        "target.ports.a",
        "is a readiness port: 8091 to 8122 are",
    ),
    ("shared-ports-unique", {**SHARED, "readiness": {"port": 65505}}, "readiness.port", "up to 65536"),
    *(
        (
            "autoscaling-single",
            {"autoscaling": {"enabled": True, "metrics": [{}]}, "anchor": anchor},
            "autoscaling.enabled",
            "scale by helm upgrade",
        )
        for anchor in (
            {"strategy": "static"},
            {"strategy": "shared"},
            {"create": False, "selector": "app=x-{ordinal}"},
        )
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [{}]}}, **SHARED},
        "autoscaling.keda.enabled",
        "scale by helm upgrade",
    ),
    ("supported", {**LINUX, "launcher": {"kind": "cplauncher"}}, "launcher.kind", "not supported with"),
    ("supported", {**LINUX, "launcher": {"attach": "env"}}, "launcher.attach", "not supported with"),
    (
        "supported",
        {"platform": "linux", "target": {"exe": "/a", "runAs": "LocalService"}},
        "target.runAs",
        "not supported with",
    ),
    (
        "supported",
        {"platform": "linux", "target": {"exe": "/a", "signedBy": "CN=x"}},
        "target.signedBy",
        "not supported with",
    ),
    ("cplauncher", {**CPLAUNCHER, "target": {"env": {"A": "1"}}}, "target.env", "is not done by cplauncher"),
    ("cplauncher", {**CPLAUNCHER, "target": {"runAs": "restricted"}}, "target.runAs", "is not done by cplauncher"),
    ("cplauncher", {**CPLAUNCHER, "gate": {"cpu": {"maxPercent": 5}}}, "gate.cpu.maxPercent", "leave it at null"),
    ("cplauncher", {**CPLAUNCHER, "stop": {"command": ["C:\\s.exe"]}}, "stop.command", "is not done by cplauncher"),
    ("cplauncher", {**CPLAUNCHER, "scaling": {"follow": True}}, "scaling.follow", "nothing mirrors"),
    ("cplauncher", {**CPLAUNCHER, "target": {"args": ["a", "100%"]}}, "target.args.1", "passes cmd /c"),
    ("config-fits", {"target": {"args": ["x" * 210_000]}}, "target", "below 204800 bytes"),
    ("config-fits", {"target": {"args": ["<" * 40_000]}}, "target", "below 204800 bytes"),
]


def test_every_rule_is_broken_here() -> None:
    """The list above reaches each rule of the table."""
    assert {rule for rule, *_ in BROKEN} == {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("rule", "values", "key", "words"), BROKEN, ids=lambda part: part if isinstance(part, str) else ""
)
def test_the_chart_refuses(rule: str, values: dict[str, Any], key: str, words: str) -> None:
    """Helm stops, naming the key and what to do, also where the schema is not asked."""
    message = refusal(layered(EXE, values), flags=["--skip-schema-validation"])
    line = next(line for line in message.splitlines() if line.startswith(f"  - {key} "))
    assert words in line
    assert "; found " in line


@pytest.mark.parametrize(
    ("rule", "values", "key", "words"), BROKEN, ids=lambda part: part if isinstance(part, str) else ""
)
def test_the_generator_refuses_the_same(rule: str, values: dict[str, Any], key: str, words: str) -> None:
    """The generator's own rule finds the same key, in the same words, before a chart exists."""
    complete = layered(default_of(VALUES), EXE, values)
    found = {".".join(one.path): f"{one.rule} {one.fix}" for one in find_violations(complete)}
    assert words in found[key]


def test_all_broken_rules_are_said_at_once() -> None:
    """A user with three mistakes is told three times in one run."""
    message = refusal(
        {"target": {"exe": "a.exe", "env": {"POD_NAME": "x"}}, "stop": {"drainSeconds": 1}},
    )
    assert message.count("\n  - ") == 3


NULLS = (
    "replicas",
    "platform",
    "target.args",
    "target.ports",
    "target.perOrdinal",
    "gate",
    "gate.periodSeconds",
    "gate.cpu",
    "stop.drainSeconds",
    "readiness.port",
    "launcher.image",
    "launcher.image.tag",
    "anchor",
    "anchor.image.repository",
    "service",
    "service.enabled",
    "serviceAccount.create",
    "rbac.maxReplicas",
    "podDisruptionBudget",
    "autoscaling.enabled",
    "updateStrategy.partition",
    "minReadySeconds",
    "tolerations",
    "commonLabels",
    "scaling.follow",
    "ordinals",
)


@pytest.mark.parametrize("key", NULLS)
def test_null_means_the_default(key: str) -> None:
    """A value that Helm deleted because it was set to null is the default again, not a broken template."""
    base = EXE if key == "target.ports" else {**EXE, "target": {"exe": r"C:\a.exe"}}
    assert render(base, sets=[f"{key}=null"]) == render(base)


def test_null_removes_an_entry_the_user_named() -> None:
    """In a map whose keys are the user's, null takes that one entry away."""
    without = render(layered(PORTS, {"target": {"ports": {"https": {"port": 8443}}}}), sets=["target.ports.http=null"])
    ports = without["Service", "orders"]["spec"]["ports"]
    assert [port["name"] for port in ports] == ["https"]


def test_false_and_zero_are_values() -> None:
    """False and 0 are taken as they are, not for an absent value."""
    objects = render(
        layered(MINIMAL, {"service": {"enabled": False}, "revisionHistoryLimit": 0, "gate": {"minUptimeSeconds": 0}}),
        sets=["podDisruptionBudget.maxUnavailable=0", "rbac.create=false"],
    )
    assert ("Service", "orders") not in objects
    assert ("Role", "orders-launcher") not in objects
    assert objects["StatefulSet", "orders"]["spec"]["revisionHistoryLimit"] == 0
    assert objects["PodDisruptionBudget", "orders"]["spec"]["maxUnavailable"] == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"replcas": 2}, "replcas"),
        ({"gate": {"http": {"h": {"port": 1, "pth": "/"}}}}, "pth"),
        ({"target": {"ports": {"http": {"port": 70000}}}}, "port"),
        ({"replicas": "three"}, "replicas"),
        ({"service": {"type": "ExternalName"}}, "type"),
    ],
)
def test_the_schema_is_closed(values: dict[str, Any], words: str) -> None:
    """A typing error is refused by Helm itself, by name."""
    message = refusal(layered(EXE, values))
    assert "don't meet the specifications of the schema" in message
    assert words in message


def test_kubernetes_shapes_stay_open() -> None:
    """Objects in Kubernetes' own shape take fields this version has never heard of."""
    values = layered(MINIMAL, {"anchor": {"resources": {"claims": [{"name": "x"}]}}, "global": {"anything": [1]}})
    assert render(values)
