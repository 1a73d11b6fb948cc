"""Every rule between values is a ``fail`` that names key, value, rule and fix; nothing gets past it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from string import Formatter
from typing import Any

import pytest
from mooring.model import rules
from mooring.model.keys import write_key
from mooring.model.nodes import default_of
from mooring.model.rules.rule import Sentence, Violation
from mooring.model.rules.table import RULES, find_violations
from mooring.model.rules.text import VARIABLES
from mooring.model.values import VALUES

from tests.chart.broken_kubernetes import BROKEN_KUBERNETES
from tests.chart.broken_mesh import BROKEN_MESH
from tests.chart.rendering import MINIMAL, config, layered, refusal, render

EXE = {"target": {"exe": r"C:\a.exe"}}
PORTS = {"target": {"exe": r"C:\a.exe", "ports": {"http": {"port": 8080}}}}
TERM = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}
LINUX: dict[str, Any] = {"platform": "linux", "target": {"exe": "/a"}}
CPLAUNCHER: dict[str, Any] = {"launcher": {"kind": "cplauncher"}, "scaling": {"follow": False}}
SHARED: dict[str, Any] = {"anchor": {"strategy": "shared"}}
PODS: dict[str, Any] = {"type": "Pods", "pods": {"metric": {"name": "rate"}}}
TRIGGER: dict[str, Any] = {"type": "prometheus", "metadata": {"query": "rate"}}

PLACEHOLDERS: list[tuple[dict[str, Any], str, str]] = [
    ({"target": {"args": ["--id", "{ordinal}"]}}, "target.args.1", "contains {ordinal}, which nothing expands"),
    ({"target": {"args": ["--bind={Pod_IP}"]}}, "target.args.0", "contains {Pod_IP}, which nothing expands"),
    ({"target": {"args": ["$(POD_NAME)"]}}, "target.args.0", "let the program read its environment"),
    ({"target": {"args": ["$$(POD_NAME)"]}}, "target.args.0", "contains $(POD_NAME), which"),
    ({"target": {"args": ["--log=%temp%\\a.log"]}}, "target.args.0", "contains %temp%, which"),
    ({"target": {"args": ["%ProgramFiles(x86)%"]}}, "target.args.0", "contains %ProgramFiles(x86)%, which"),
    ({"target": {"args": ["%Site%"], "env": {"SITE": "x"}}}, "target.args.0", "contains %Site%, which"),
    ({"target": {"args": ["$env:TEMP"]}}, "target.args.0", "contains $env:TEMP, which"),
    ({"target": {"args": ["{{ .Release.Name }}-x"]}}, "target.args.0", "contains {{ .Release.Name }}, which"),
    ({"target": {"env": {"A": "x-$(ORDINAL)"}}}, "target.env.A", "target.placeholders: literal if"),
    ({"target": {"workingDir": "C:\\data\\{ordinal}"}}, "target.workingDir", "under target.perOrdinal"),
    (
        {"target": {"mounts": {"m": {"hostPath": "C:\\$(POD_NAME)"}}}},
        "target.mounts.m.hostPath",
        "contains $(POD_NAME)",
    ),
    ({"target": {"perOrdinal": {"1": {"args": ["{ip}"]}}}}, "target.perOrdinal.1.args.0", "contains {ip}, which"),
    (
        {"target": {"perOrdinal": {"1": {"env": {"A": "%PATH%;x"}}}}},
        "target.perOrdinal.1.env.A",
        "contains %PATH%, which",
    ),
    ({"stop": {"command": ["C:\\s.exe", "{namespace}"]}}, "stop.command.1", "contains {namespace}, which"),
    ({"gate": {"exec": {"e": {"command": ["C:\\e.exe", "$(X)"]}}}}, "gate.exec.e.command.1", "contains $(X), which"),
    ({"gate": {"http": {"h": {"port": 80, "path": "/{ordinal}"}}}}, "gate.http.h.path", "contains {ordinal}, which"),
    (
        {"gate": {"http": {"h": {"port": 80, "headers": {"X": "{release}"}}}}},
        "gate.http.h.headers.X",
        "contains {release}, which",
    ),
    (
        {"target": {"exe": "C:\\Windows\\System32\\cmd.exe", "args": ["/c", "a.bat {ordinal}"]}},
        "target.args.1",
        "contains {ordinal}, which",
    ),
]

# rule id, values on top of a program's path, the key it names, and words of the sentence
BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("exe-set", {"target": {"exe": ""}}, "target.exe", "must be set"),
    ("paths-absolute", {"target": {"exe": "orders.exe"}}, "target.exe", "absolute path on windows"),
    ("paths-absolute", {"platform": "linux"}, "target.exe", "absolute path on linux"),
    ("paths-absolute", {"target": {"workingDir": "C:data"}}, "target.workingDir", "e.g. C:\\apps\\orders"),
    (
        "paths-absolute",
        {"target": {"mounts": {"m": {"hostPath": "/data"}}}},
        "target.mounts.m.hostPath",
        "absolute path on windows",
    ),
    ("paths-printable", {"target": {"exe": "C:\temp\robot.exe"}}, "target.exe", "contains a tab"),
    ("paths-printable", {"target": {"exe": "C:\\temp\robot.exe"}}, "target.exe", "contains a carriage return"),
    ("paths-printable", {"target": {"workingDir": "C:\\d\x7f"}}, "target.workingDir", "contains a control character"),
    ("paths-printable", {"launcher": {"python": "C:\apps"}}, "launcher.python", "contains a bell character"),
    (
        "paths-printable",
        {"target": {"mounts": {"m": {"hostPath": "C:\new"}}}},
        "target.mounts.m.hostPath",
        "contains a line break",
    ),
    ("paths-printable", {"target": {"args": ["a", "--c=C:\temp"]}}, "target.args.1", "in single quotes"),
    ("paths-printable", {"target": {"env": {"A": "C:\back"}}}, "target.env.A", "contains a backspace"),
    ("paths-printable", {"stop": {"command": ["C:\foo"]}}, "stop.command.0", "contains a form feed"),
    *(("placeholders-expanded", values, key, words) for values, key, words in PLACEHOLDERS),
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
    ("gate-ports-known", {"gate": {"http": {"h": {"port": "web"}}}}, "gate.http.h.port", "or use the port's number"),
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
    (
        "graces-suffice",
        {"terminationGracePeriodSeconds": 5, "anchor": {"terminationGracePeriodSeconds": 6}},
        "terminationGracePeriodSeconds",
        "and anchor.terminationGracePeriodSeconds (6) at least 80",
    ),
    ("replicas-in-role", {"replicas": 33}, "replicas", "rbac.maxReplicas (32)"),
    (
        "replicas-in-role",
        {"autoscaling": {"enabled": True, "maxReplicas": 40, "metrics": [PODS]}},
        "autoscaling.maxReplicas",
        "rbac.maxReplicas (32)",
    ),
    (
        "autoscaling-ordered",
        {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4, "metrics": [PODS]}},
        "autoscaling.minReplicas",
        "is above autoscaling.maxReplicas (4)",
    ),
    (
        "replicas-in-role",
        {"autoscaling": {"keda": {"enabled": True, "maxReplicaCount": 40, "triggers": [TRIGGER]}}},
        "autoscaling.keda.maxReplicaCount",
        "rbac.maxReplicas (32)",
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"enabled": True, "metrics": [PODS], "keda": {"enabled": True, "triggers": [TRIGGER]}}},
        "autoscaling.keda.enabled",
        "two would fight",
    ),
    (
        "autoscaling-ordered",
        {"autoscaling": {"keda": {"enabled": True, "minReplicaCount": 11, "triggers": [TRIGGER]}}},
        "autoscaling.keda.minReplicaCount",
        "is above autoscaling.keda.maxReplicaCount (10)",
    ),
    (
        "autoscaling-ordered",
        {
            "autoscaling": {
                "keda": {"enabled": True, "minReplicaCount": 0, "idleReplicaCount": 0, "triggers": [TRIGGER]}
            }
        },
        "autoscaling.keda.idleReplicaCount",
        "below autoscaling.keda.minReplicaCount (0)",
    ),
    ("autoscaling-measured", {"autoscaling": {"enabled": True}}, "autoscaling.metrics", "what to scale on"),
    (
        "autoscaling-measured",
        {"autoscaling": {"enabled": True, "metrics": [{"type": "External"}, {"type": "Resource"}]}},
        "autoscaling.metrics.1.type",
        "metrics-server reports nothing",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"enabled": True, "metrics": [{"type": "ContainerResource", "resource": {}}]}},
        "autoscaling.metrics.0.containerResource",
        "because type ContainerResource reads it",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"enabled": True, "minReplicas": 0, "metrics": [PODS]}},
        "autoscaling.minReplicas",
        "needs a metric of type Object or External",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"keda": {"enabled": True}}},
        "autoscaling.keda.triggers",
        "what to scale on",
    ),
    (
        "autoscaling-measured",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [{"type": "memory", "metadata": {}}]}}},
        "autoscaling.keda.triggers.0.type",
        "metrics-server reports nothing",
    ),
    ("parallel-only", {"podManagementPolicy": "OrderedReady"}, "podManagementPolicy", "must be Parallel"),
    (
        "env-reserved",
        {"target": {"env": {"MOORING_X": "1"}}},
        "target.env.MOORING_X",
        "is set by mooring or Kubernetes",
    ),
    (
        "env-reserved",
        {"target": {"perOrdinal": {"1": {"env": {"COMPARTMENT_ID_ATTACH": "1"}}}}},
        "target.perOrdinal.1.env.COMPARTMENT_ID_ATTACH",
        "choose another name",
    ),
    ("launcher-paths-plain", {"launcher": {"hostPath": "C:\\R&D 100%"}}, "launcher.hostPath", "go through cmd /c"),
    (
        "launcher-paths-plain",
        {"launcher": {"python": "C:\\Program Files\\p.exe"}},
        "launcher.python",
        "go through cmd /c",
    ),
    (
        "launcher-found",
        {"launcher": {"source": "configMap"}, "nodeSelector": {"node.kubernetes.io/windows-build": "10.0.17763"}},
        'nodeSelector["node.kubernetes.io/windows-build"]',
        "use launcher.source: host",
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [TRIGGER]}}, "scaling": {"follow": False}},
        "scaling.follow",
        "nothing else would scale the anchors",
    ),
    ("env-reserved", {"target": {"env": {"pod_Name": "1"}}}, "target.env.pod_Name", "is set by mooring or Kubernetes"),
    (
        "env-reserved",
        {"extraEnv": [{"name": "MOORING_ORDINAL", "value": "7"}]},
        "extraEnv.0.MOORING_ORDINAL",
        "is set by",
    ),
    ("supported", {"hostAliases": [{"ip": "10.0.0.1"}]}, "hostAliases", "not supported on platform windows"),
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
        "must not have {ordinal}",
    ),
    *(
        (
            "anchors-found",
            {"anchor": {"create": False, "selector": selector}},
            "anchor.selector",
            "must be key=value pairs",
        )
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
        "only in values",
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
        "is only for anchor.strategy: shared",
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
        "is a readiness port: 8091 to 8122 are reserved",
    ),
    ("shared-ports-unique", {**SHARED, "readiness": {"port": 65505}}, "readiness.port", "up to 65536"),
    *(
        (
            "autoscaling-single",
            {"autoscaling": {"enabled": True, "metrics": [PODS]}, "anchor": anchor},
            "autoscaling.enabled",
            "scale with helm upgrade",
        )
        for anchor in (
            {"strategy": "static"},
            {"strategy": "shared"},
            {"create": False, "selector": "app=x-{ordinal}"},
        )
    ),
    (
        "autoscaling-single",
        {"autoscaling": {"keda": {"enabled": True, "triggers": [TRIGGER]}}, **SHARED},
        "autoscaling.keda.enabled",
        "scale with helm upgrade",
    ),
    ("supported", {**LINUX, "launcher": {"kind": "cplauncher"}}, "launcher.kind", "not supported on"),
    ("supported", {**LINUX, "launcher": {"attach": "env"}}, "launcher.attach", "not supported on"),
    (
        "supported",
        {"platform": "linux", "target": {"exe": "/a", "runAs": "LocalService"}},
        "target.runAs",
        "not supported on",
    ),
    (
        "supported",
        {"platform": "linux", "target": {"exe": "/a", "signedBy": "CN=x"}},
        "target.signedBy",
        "not supported on",
    ),
    ("cplauncher", {**CPLAUNCHER, "target": {"env": {"A": "1"}}}, "target.env", "is not supported by cplauncher"),
    ("cplauncher", {**CPLAUNCHER, "target": {"runAs": "restricted"}}, "target.runAs", "is not supported by cplauncher"),
    ("cplauncher", {**CPLAUNCHER, "gate": {"cpu": {"maxPercent": 5}}}, "gate.cpu.maxPercent", "leave it at null"),
    (
        "cplauncher",
        {**CPLAUNCHER, "stop": {"command": ["C:\\s.exe"]}},
        "stop.command",
        "is not supported by cplauncher",
    ),
    ("cplauncher", {**CPLAUNCHER, "scaling": {"follow": True}}, "scaling.follow", "nothing mirrors"),
    ("cplauncher", {**CPLAUNCHER, "target": {"args": ["a", "100%"]}}, "target.args.1", "goes through cmd /c"),
    ("config-fits", {"target": {"args": ["x" * 210_000]}}, "target", "below 204800 bytes"),
    ("config-fits", {"target": {"args": ["<" * 40_000]}}, "target", "below 204800 bytes"),
    ("texts-survive", {"target": {"args": ["a\x85b"]}}, "target.args.0", "must not contain U+0085"),
    (
        "texts-survive",
        {"extraObjects": [{"apiVersion": "v1", "kind": "\x85"}]},
        "extraObjects.0.kind",
        "not contain U+0085",
    ),
    *BROKEN_KUBERNETES,
    *BROKEN_MESH,
]


def test_every_rule_is_broken_here() -> None:
    """The list above has a case for each rule of the table."""
    assert {rule for rule, *_ in BROKEN} == {rule.id for rule in RULES}


def violations(values: dict[str, Any]) -> list[Violation]:
    """Return what the generator finds in values on top of a program's path."""
    return find_violations(layered(default_of(VALUES), EXE, values))


def test_every_sentence_is_said_here() -> None:
    """The list above makes the rules produce each of their sentences."""
    said = [(one.rule, one.fix) for _, values, *_ in BROKEN for one in violations(values)]
    sentences = {
        f"{module}.{name}": (_pattern(sentence.rule), _pattern(sentence.fix))
        for module in (one.name for one in pkgutil.iter_modules(rules.__path__))
        for name, sentence in vars(importlib.import_module(f"{rules.__name__}.{module}")).items()
        if isinstance(sentence, Sentence)
    }
    assert not [
        name
        for name, (rule, fix) in sentences.items()
        if not any(rule.fullmatch(one) and fix.fullmatch(other) for one, other in said)
    ]


def _pattern(text: str) -> re.Pattern[str]:
    parts = ((re.escape(plain), "" if fact is None else ".+") for plain, fact, *_ in Formatter().parse(text))
    return re.compile("".join(part for both in parts for part in both), re.DOTALL)


def chart_lines(message: str) -> list[str]:
    """Return the lines of a refusal, except what only the chart knows: whether it contains the launcher."""
    lines = [line.removeprefix("  - ") for line in message.split("\n") if line.startswith("  - ")]
    return sorted(line for line in lines if not line.startswith("launcher.source needs a chart that carries"))


def as_helm_writes(value: Any) -> str:
    """Return a value as Helm's toJson does."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)


BROKEN_RULES = pytest.mark.parametrize(
    ("rule", "values", "key", "words"), BROKEN, ids=lambda part: part if isinstance(part, str) else ""
)


@BROKEN_RULES
def test_the_generator_refuses(rule: str, values: dict[str, Any], key: str, words: str) -> None:
    """The rule finds the key before a chart exists, and says what is allowed and what to do."""
    complete = layered(default_of(VALUES), EXE, values)
    (check,) = (one.check for one in RULES if one.id == rule)
    assert words in {write_key(one.path): f"{one.rule} {one.fix}" for one in check(complete)}[key]


@BROKEN_RULES
def test_the_chart_says_the_same(rule: str, values: dict[str, Any], key: str, words: str) -> None:
    """Helm stops with the generator's own sentences, complete and no others, even with schema validation disabled."""
    message = refusal(layered(EXE, values), flags=["--skip-schema-validation"])
    assert chart_lines(message) == sorted(
        f"{write_key(one.path)} {one.rule}; found {as_helm_writes(one.found)}; {one.fix}" for one in violations(values)
    )


@pytest.mark.parametrize(
    "target",
    [
        {"args": ["$(POD_NAME)", "{ordinal}", "%TEMP%", "$env:X"], "placeholders": "literal"},
        {"exe": "C:\\Windows\\System32\\cmd.exe", "args": ["/c", "echo %TEMP%"]},
        {"exe": "C:\\x\\powershell.exe", "args": ["-Command", "a $env:TEMP $(hostname)"]},
        {"exe": "C:\\x\\start.bat", "args": ["%TEMP%"]},
        {"args": ["%20a%20", "100%", "%date% %level%", "{0}", "{name}", "$(a b)", "${HOME}", "a:\\b"]},
        {"env": {"TEXT": "a:\nb: 1\n", "TSV": "x:\t1\ny:\t2\n", "FORMAT": "{0:X}"}},
    ],
)
def test_texts_that_are_meant_are_taken_as_they_are(target: dict[str, Any]) -> None:
    """A shell's own words, other percent signs and braces, and what placeholders: literal allows, reach the program."""
    values = layered(EXE, {"target": target})
    assert find_violations(layered(default_of(VALUES), values)) == []
    passed = config(render(values))["target"]
    assert "placeholders" not in passed
    assert {key: passed[key] for key in target if key != "placeholders"} == {
        key: value for key, value in target.items() if key != "placeholders"
    }


ONE_CAUSE: list[tuple[dict[str, Any], str]] = [
    ({"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds"),
    ({"stop": {"consoleSeconds": 300}, "terminationGracePeriodSeconds": 90}, "terminationGracePeriodSeconds"),
    (
        {
            "stop": {"consoleSeconds": 300},
            "terminationGracePeriodSeconds": 90,
            "anchor": {"terminationGracePeriodSeconds": 100},
        },
        "terminationGracePeriodSeconds",
    ),
    ({"target": {"ports": {"a": {"port": 1}, "b": {"port": 1}}}}, "target.ports.b.port"),
    (
        {"target": {"ports": {"a": {"port": 1, "servicePort": 3}, "b": {"port": 2, "servicePort": 3}}}},
        "target.ports.b.servicePort",
    ),
    ({"target": {"mounts": {"a": {"hostPath": "C:\\x"}, "b": {"hostPath": "C:\\x"}}}}, "target.mounts.b"),
    ({"target": {"exe": "C:\temp"}}, "target.exe"),
    ({"target": {"exe": "%ProgramFiles%\\x.exe"}}, "target.exe"),
    ({**SHARED, "replicas": 9, "target": {"ports": {"a": {"port": 1}}}}, "target.ports.a"),
    ({**SHARED, "target": {"ports": {"a": {"port": 8091}}}}, "readiness.port"),
    ({**CPLAUNCHER, "target": {"args": ["%TEMP%"]}}, "target.args.0"),
]


@pytest.mark.parametrize(("values", "key"), ONE_CAUSE)
def test_one_cause_is_one_sentence(values: dict[str, Any], key: str) -> None:
    """One wrong value is reported once, by the generator and by the chart, and at the same key."""
    values = layered(EXE, values)
    found = [".".join(one.path) for one in find_violations(layered(default_of(VALUES), values))]
    message = refusal(values)
    told = [line.split()[1] for line in message.splitlines() if line.startswith("  - ")]
    assert (found, told) == ([key], [key])


def test_all_broken_rules_are_said_at_once() -> None:
    """Three mistakes are three lines of one run."""
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
    """In a map whose keys are the user's, null removes only that entry."""
    without = render(layered(PORTS, {"target": {"ports": {"https": {"port": 8443}}}}), sets=["target.ports.http=null"])
    ports = without["Service", "orders"]["spec"]["ports"]
    assert [port["name"] for port in ports] == ["https"]


def test_false_and_zero_are_values() -> None:
    """False and 0 are used as they are, not taken for an absent value."""
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
    """Objects in Kubernetes' own format accept fields that this version does not know."""
    values = layered(MINIMAL, {"anchor": {"resources": {"claims": [{"name": "x"}]}}, "global": {"anything": [1]}})
    assert render(values)


def test_the_chart_knows_every_variable_that_the_generator_does() -> None:
    """Each variable's name between percent signs is refused by both."""
    message = refusal(layered(EXE, {"target": {"args": [f"%{name}%" for name in VARIABLES]}}))
    for number, name in enumerate(VARIABLES):
        assert f"  - target.args.{number} contains %{name}%, which nothing expands" in message
