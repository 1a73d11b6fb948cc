"""People who know other charts learn where a value belongs here; every place that is named exists."""

from __future__ import annotations

import re

import pytest
from mooring.errors import InputError, Problem
from mooring.inputs.app import parse_app
from mooring.model.check import did_you_mean
from mooring.model.hints.below import TABLE
from mooring.model.keys import find_nodes, parse_key
from mooring.model.values import VALUES

from tests.generator.conftest import APP

HINTS = [(f"{where}.{key}".lstrip("."), hint) for where, hints in TABLE.items() for key, hint in hints.items()]


def problems(text: str) -> tuple[Problem, ...]:
    """Return what is wrong with an App."""
    with pytest.raises(InputError) as caught:
        parse_app(text.encode(), "orders.yaml")
    return caught.value.problems


def in_values(yaml: str) -> str:
    """Return the only message about an App with something added to its values."""
    (problem,) = problems(f"{APP}  {yaml}\n")
    return f"{problem.key}: {problem.message}"


@pytest.mark.parametrize(("key", "hint"), HINTS, ids=[key for key, _ in HINTS])
def test_every_target_exists_and_no_key_of_the_table_does(key: str, hint: tuple[tuple[str, ...], str]) -> None:
    """A hint is for an unknown key, and never points to another unknown key."""
    for target in hint[0]:
        assert find_nodes(VALUES, parse_key(target))
    with pytest.raises(ValueError, match="there is no value"):
        find_nodes(VALUES, parse_key(key))


@pytest.mark.parametrize("where", [where for where in TABLE if where])
def test_every_place_of_the_table_exists(where: str) -> None:
    """The table's own keys are places of the values."""
    assert find_nodes(VALUES, parse_key(where))


WRITTEN = [
    ("resources: {limits: {cpu: 1}}", "values.resources: unknown key; use launcher.resources"),
    ("ingress: {enabled: true}", "values.ingress: unknown key; use routes"),
    (
        "podMonitor: {enabled: true}",
        "values.podMonitor: unknown key; the chart has none; put the whole object into extraObjects",
    ),
    ("replicaCount: 3", "values.replicaCount: unknown key; use replicas"),
    ("image: {repository: x}", "the program is a file on the node, target.exe"),
    ("containers: []", "the one program is target; containers beside it are anchor.extraContainers"),
    ("controllers: {}", "the one program is target"),
    ("command: [x]", "use target.exe and target.args"),
    ("env: {A: b}", "use target.env for NAME: value, and extraEnv for valueFrom"),
    ("livenessProbe: {}", "are in gate; Kubernetes' own probes are in probes"),
    ("volumes: []", "directories of the node go into target.mounts, other volumes into extraVolumes"),
    ("ports: []", "use target.ports"),
    ("securityContext: {}", "the program's account is target.runAs"),
    ("serviceAccountName: x", "use serviceAccount.name"),
    ("nodeName: x", 'use nodeSelector, e.g. nodeSelector: {kubernetes.io/hostname: "…"}'),
    ("annotations: {}", "did you mean commonAnnotations?"),
    ("labels: {}", "use commonLabels"),
    ("podAnnotations: {}", "use launcher.podAnnotations or anchor.podAnnotations"),
    ("persistence: {}", "claims into volumeClaimTemplates"),
    ("hpa: {}", "use autoscaling"),
    ("hostNetwork: true", "mooring sets this itself"),
    ("extraEnvVars: []", "did you mean extraEnv?"),
    ("service: {port: 80}", "values.service.port: unknown key; ports are in target.ports"),
    ("service: {sessionAffinity: None}", "use service.spec"),
    ("autoscaling: {targetCPUUtilizationPercentage: 80}", "use autoscaling.metrics"),
    ("anchor: {nodeSelector: {}}", "use nodeSelector, which is for both halves"),
    ("waitSeconds: 5", "values.waitSeconds: unknown key; there is anchor.waitSeconds"),
    ("imagePullSecrets: [{name: x}]", 'found {"name": "x"}; must be text; write only the Secret\'s name'),
    ("extraEnv: {A: b}", "must be a list; a map of NAME: value goes into target.env"),
    ("gate: {http: {path: /x}}", "must be a map; each check has a name: gate.http.<name>.path"),
    ("colour: 1", "values.colour: unknown key; allowed: replicas, platform"),
]


@pytest.mark.parametrize(("yaml", "expected"), WRITTEN, ids=[yaml for yaml, _ in WRITTEN])
def test_what_people_write_elsewhere_is_sent_to_its_place(yaml: str, expected: str) -> None:
    """One sentence, with the key to write."""
    assert expected in in_values(yaml)


IN_TARGET = [
    ("env: {A: {valueFrom: {}}}", "values.target.env.A: found", "go into extraEnv, a list of {name, valueFrom}"),
    ("env: {A: {value: x}}", "values.target.env.A: found", "must be text; write NAME: value"),
    ("env: [{name: A, value: x}]", "values.target.env: found", "a list of {name, value} goes into extraEnv"),
    ("workdir: 'C:\\x'", "values.target.workdir: unknown key", "did you mean workingDir?"),
    ("mounts: ['D:\\x']", "values.target.mounts: found", "e.g. data: {hostPath: 'D:\\data'}"),
    ("mounts: {d: 'D:\\x'}", "values.target.mounts.d: found", "write it as {hostPath: 'D:\\data'}"),
    ("mounts: {d: {path: 'D:\\x'}}", "values.target.mounts.d.path: unknown key", "use hostPath"),
]


@pytest.mark.parametrize(("yaml", "start", "words"), IN_TARGET, ids=[one[0] for one in IN_TARGET])
def test_the_same_inside_target(yaml: str, start: str, words: str) -> None:
    """One cause is one sentence there too, even if the key that was meant is missing."""
    (problem,) = problems(APP.replace("    args:", f"    {yaml}\n    args:"))
    said = f"{problem.key}: {problem.message}"
    assert said.startswith(start)
    assert words in said


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ("{http: {prot: 8080}}", "values.target.ports.http.prot: unknown key; did you mean port?"),
        ("{http: {containerPort: 8080}}", "values.target.ports.http.containerPort: unknown key; use port"),
        (
            "{http: 8080}",
            "values.target.ports.http: found 8080, a number; must be a map; write the port as {port: 8080}",
        ),
        ("[{containerPort: 8080}]", "write each port under its name, e.g. http: {port: 8080}"),
        ("{http: {targetPort: 8080}}", "unknown key; use port"),
    ],
)
def test_a_port_as_in_a_pod_is_one_sentence(ports: str, words: str) -> None:
    """A required key under another name is reported once, not as unknown and as missing."""
    (problem,) = problems(re.sub(r"ports: .*", f"ports: {ports}", APP))
    assert words in f"{problem.key}: {problem.message}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (APP.replace("apiVersion: mooring/v1\n", ""), ["apiVersion: is missing; write apiVersion: mooring/v1"]),
        (APP.replace("kind: App\n", ""), ["kind: is missing; write kind: App"]),
        (APP.replace("apiVersion", "apiversion"), ["apiversion: unknown key; did you mean apiVersion?"]),
        (APP.replace("name: orders\n", ""), ["name: is missing: name of the App and of its chart."]),
        (APP + "replicas: 3\n", ["replicas: unknown key; write it under values, as values.replicas"]),
        (APP + "spec: {}\n", ["spec: unknown key; what a spec would contain goes under values"]),
    ],
)
def test_what_is_missing_is_named(text: str, expected: list[str]) -> None:
    """The message says which line to write."""
    assert [f"{problem.key}: {problem.message}" for problem in problems(text)] == expected


@pytest.mark.parametrize(
    ("word", "meant"),
    [("ingress", None), ("image", None), ("gateway", None), ("replica", "replicas"), ("tolaration", "tolerations")],
)
def test_only_words_that_are_alike_are_proposed(word: str, meant: str | None) -> None:
    """A word is taken for another only if a typing error explains it."""
    said = did_you_mean(word, VALUES.fields)
    assert said == f"; did you mean {meant}?" if meant else said.startswith("; allowed: ")
