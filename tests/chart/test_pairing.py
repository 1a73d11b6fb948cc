"""Launcher n and anchor n are one pair, on one node, on the rendered objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import MINIMAL, config, container, layered, pod_spec, refusal, render

LINUX = {"platform": "linux", "target": {"exe": "/opt/orders", "ports": {"http": {"port": 8080}}}}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def test_the_anchor_follows_its_launcher() -> None:
    """Anchor n must be on the node of launcher n of the same release, and nothing else may decide its node."""
    (term,) = pod_spec(render(MINIMAL), "orders-anchor")["affinity"]["podAffinity"][REQUIRED]
    assert term == {
        "labelSelector": {
            "matchLabels": {
                "app.kubernetes.io/name": "mooring",
                "app.kubernetes.io/instance": "orders",
                "app.kubernetes.io/component": "launcher",
            }
        },
        "matchLabelKeys": ["apps.kubernetes.io/pod-index"],
        "topologyKey": "kubernetes.io/hostname",
    }


def test_the_launcher_only_prefers_its_anchors_node() -> None:
    """Required affinity both ways would deadlock, so the launcher prefers with weight 100."""
    affinity = pod_spec(render(MINIMAL), "orders")["affinity"]["podAffinity"]
    assert REQUIRED not in affinity
    (preferred,) = affinity[PREFERRED]
    assert preferred["weight"] == 100
    assert preferred["podAffinityTerm"]["matchLabelKeys"] == ["apps.kubernetes.io/pod-index"]
    assert preferred["podAffinityTerm"]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "anchor"


def test_a_users_affinity_is_kept() -> None:
    """The user's own terms are added to mooring's on both halves; required terms only where mooring has none."""
    own = {
        "podAffinity": {REQUIRED: [{"topologyKey": "zone", "labelSelector": {}}]},
        "nodeAffinity": {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": []}}]},
    }
    objects = render(layered(MINIMAL, {"affinity": own, "anchor": {"affinity": {"nodeAffinity": own["nodeAffinity"]}}}))
    for name in ("orders", "orders-anchor"):
        assert pod_spec(objects, name)["affinity"]["nodeAffinity"] == own["nodeAffinity"]
    assert pod_spec(objects, "orders")["affinity"]["podAffinity"][REQUIRED] == own["podAffinity"][REQUIRED]
    assert len(pod_spec(objects, "orders-anchor")["affinity"]["podAffinity"][REQUIRED]) == 1
    shared = render(layered(MINIMAL, {"anchor": {"strategy": "shared", "affinity": own}}))
    assert pod_spec(shared, "orders-anchor")["affinity"] == own


def test_both_sets_number_alike_and_start_in_parallel() -> None:
    """Same first ordinal, Parallel: an unready pod never blocks the others of its set."""
    objects = render(MINIMAL, sets=["ordinals.start=3"])
    for name in ("orders", "orders-anchor"):
        spec = objects["StatefulSet", name]["spec"]
        assert spec["ordinals"] == {"start": 3}
        assert spec["podManagementPolicy"] == "Parallel"
    assert config(objects)["ordinals"] == {"start": 3}


def test_what_a_node_must_offer_is_the_same_for_both() -> None:
    """Node selector, tolerations, priority and pull secrets are the pair's, not one half's."""
    values = layered(
        MINIMAL,
        {
            "nodeSelector": {"pool": "ward"},
            "tolerations": [{"key": "os", "operator": "Exists"}],
            "priorityClassName": "high",
            "imagePullSecrets": ["registry"],
        },
    )
    objects = render(values)
    for name in ("orders", "orders-anchor"):
        spec = pod_spec(objects, name)
        assert spec["nodeSelector"] == {"kubernetes.io/os": "windows", "pool": "ward"}
        assert spec["tolerations"] == [{"key": "os", "operator": "Exists"}]
        assert spec["priorityClassName"] == "high"
        assert spec["imagePullSecrets"] == [{"name": "registry"}]


def test_the_anchors_number_is_the_launchers_business() -> None:
    """With scaling.follow the anchor set renders no replicas, which an upgrade would reset; without it both sets do."""
    followed = render(MINIMAL, sets=["replicas=4"])
    assert followed["StatefulSet", "orders"]["spec"]["replicas"] == 4
    assert "replicas" not in followed["StatefulSet", "orders-anchor"]["spec"]
    by_hand = render(MINIMAL, sets=["replicas=4", "scaling.follow=false"])
    assert by_hand["StatefulSet", "orders-anchor"]["spec"]["replicas"] == 4


def test_zero_replicas_are_zero() -> None:
    """0 is a number of replicas, not an absent one."""
    assert render(MINIMAL, sets=["replicas=0"])["StatefulSet", "orders"]["spec"]["replicas"] == 0


def test_readiness_and_hold_are_asked_of_the_anchors_ip() -> None:
    """Kubelet probes the launcher's readiness through the anchor, but never its liveness."""
    anchor = container(render(MINIMAL), "orders-anchor")
    assert anchor["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "readiness"}
    assert anchor["lifecycle"]["preStop"]["httpGet"] == {"path": "/hold", "port": "readiness"}
    assert {"name": "readiness", "containerPort": 8091, "protocol": "TCP"} in anchor["ports"]
    assert "livenessProbe" not in anchor
    assert "startupProbe" not in anchor


def test_services_select_anchors_and_launchers_declare_no_ports() -> None:
    """The IPs are the anchors'; a port on a host-network container would be a host port."""
    objects = render(layered(MINIMAL, {"replicas": 2, "service": {"perReplica": True}}))
    for name in ("orders", "orders-anchor", "orders-anchor-0", "orders-anchor-1"):
        assert objects["Service", name]["spec"]["selector"]["app.kubernetes.io/component"] == "anchor"
    assert (
        objects["Service", "orders-anchor-1"]["spec"]["selector"]["statefulset.kubernetes.io/pod-name"]
        == "orders-anchor-1"
    )
    assert "ports" not in container(objects, "orders")
    assert objects["Service", "orders-launcher"]["spec"]["clusterIP"] == "None"


def test_an_upgrade_of_the_program_leaves_the_anchors_alone() -> None:
    """Arguments, versions and the gate do not change an anchor's pod template."""
    before = render(MINIMAL)
    after = render(layered(MINIMAL, {"target": {"args": ["--new"]}, "gate": {"minUptimeSeconds": 9}}))
    key = ("StatefulSet", "orders-anchor")
    assert before[key]["spec"]["template"] == after[key]["spec"]["template"]
    assert before["StatefulSet", "orders"]["spec"]["template"] != after["StatefulSet", "orders"]["spec"]["template"]
    labels = before[key]["spec"]["template"]["metadata"]["labels"]
    assert not {"helm.sh/chart", "app.kubernetes.io/version"} & labels.keys()


def test_graces_cover_the_ladder() -> None:
    """Launcher: drain, every rung and 10 s. Anchor: 10 s more, as it outlives its program."""
    stop = {"drainSeconds": 21, "command": ["x"], "commandSeconds": 7, "consoleSeconds": 11, "windowSeconds": 3}
    windows = render(layered(MINIMAL, {"stop": stop}))
    assert pod_spec(windows, "orders")["terminationGracePeriodSeconds"] == 21 + 7 + 11 + 3 + 10
    assert pod_spec(windows, "orders-anchor")["terminationGracePeriodSeconds"] == 21 + 7 + 11 + 3 + 20
    linux = render(layered(LINUX, {"stop": {**stop, "command": []}}))
    assert pod_spec(linux, "orders")["terminationGracePeriodSeconds"] == 21 + 11 + 10


def test_one_budget_spans_both_halves() -> None:
    """With a budget per half, two pairs could each lose one, and a drain would be blocked."""
    budget = render(MINIMAL)["PodDisruptionBudget", "orders"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert "app.kubernetes.io/component" not in budget["selector"]["matchLabels"]


def test_a_windows_launcher_is_a_host_process() -> None:
    """Pod-wide HostProcess as SYSTEM on the host's network, and a command of plain words that cmd /c cannot misread."""
    objects = render(MINIMAL)
    spec = pod_spec(objects, "orders")
    assert spec["hostNetwork"] is True
    assert spec["securityContext"]["windowsOptions"] == {
        "hostProcess": True,
        "runAsUserName": "NT AUTHORITY\\SYSTEM",
    }
    launcher = container(objects, "orders")
    commands = [launcher["command"], launcher["lifecycle"]["preStop"]["exec"]["command"]]
    commands += [launcher[probe]["exec"]["command"] for probe in ("readinessProbe", "livenessProbe")]
    for command in commands:
        assert not set("&|^%\"'<>() ") & set("".join(command))


def test_a_linux_launcher_runs_the_same_command() -> None:
    """Privileged, host network and host pids in place of HostProcess; the anchors stay unprivileged."""
    objects = render(LINUX)
    spec = pod_spec(objects, "orders")
    assert (spec["hostNetwork"], spec["hostPID"]) == (True, True)
    launcher = container(objects, "orders")
    assert launcher["securityContext"] == {"privileged": True, "runAsUser": 0}
    assert launcher["command"] == [
        "/opt/mooring/python/bin/python3",
        "-I",
        "/opt/mooring/mooring-launcher.pyz",
        "run",
    ]
    mounts = {mount["mountPath"]: mount for mount in launcher["volumeMounts"]}
    assert mounts["/run/netns"]["mountPropagation"] == "HostToContainer"
    assert container(objects, "orders-anchor")["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_older_clusters_are_refused_by_name() -> None:
    """Before 1.31 matchLabelKeys would be dropped silently, so the chart says what to set."""
    assert "colocation: singleNode" in refusal(MINIMAL, kube_version="1.30.9")
    assert render(MINIMAL, kube_version="1.31.0-eks-1")


@pytest.mark.parametrize("component", ["orders", "orders-anchor"])
def test_single_node_needs_no_new_feature(component: str) -> None:
    """SingleNode keeps all pairs together by plain required affinity to the launchers."""
    objects = render(MINIMAL, sets=["colocation=singleNode"], kube_version="1.28.0")
    (term,) = pod_spec(objects, component)["affinity"]["podAffinity"][REQUIRED]
    assert "matchLabelKeys" not in term
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "launcher"


PROBES = ("startup", "readiness", "liveness")


def test_a_start_is_asked_for_often_and_fails_only_without_a_launcher() -> None:
    """Until the pair is ready it is probed every 2 s, later less often; 20 minutes without a status count as a hang."""
    probes = container(render(MINIMAL), "orders")
    asked = {
        kind: (probes[f"{kind}Probe"]["exec"]["command"][-1], probes[f"{kind}Probe"]["periodSeconds"])
        for kind in PROBES
    }
    assert asked == {"startup": ("started", 2), "readiness": ("ready", 10), "liveness": ("live", 30)}
    assert probes["startupProbe"]["failureThreshold"] == 600
    own = {"exec": {"command": ["x"]}}
    assert container(render(layered(MINIMAL, {"probes": {"startup": own}})), "orders")["startupProbe"] == own


@pytest.mark.parametrize("values", [MINIMAL, LINUX], ids=["windows", "linux"])
def test_no_half_names_its_operating_system(values: dict[str, Any]) -> None:
    """With spec.os.name the API refuses the Linux security fields of an injected proxy; the node's label decides."""
    objects = render(values)
    for name in ("orders", "orders-anchor"):
        spec = pod_spec(objects, name)
        assert "os" not in spec
        assert spec["nodeSelector"]["kubernetes.io/os"] == values.get("platform", "windows")


@pytest.mark.parametrize(("kind", "word"), [("startup", "started"), ("readiness", "ready"), ("liveness", "live")])
def test_numbers_of_a_probe_are_laid_over_moorings_own(kind: str, word: str) -> None:
    """The API would refuse a probe without a handler: it keeps mooring's handler, and mooring's other fields."""
    own = container(render(MINIMAL), "orders")[f"{kind}Probe"]
    given = {"periodSeconds": 60, "initialDelaySeconds": 0}
    probe = container(render(layered(MINIMAL, {"probes": {kind: given}})), "orders")[f"{kind}Probe"]
    assert probe == own | given
    assert probe["exec"]["command"][-1] == word
    asked = {"httpGet": {"path": "/x", "port": 1}, "periodSeconds": 60}
    values = layered(MINIMAL, {"probes": {kind: asked}})
    assert container(render(values), "orders")[f"{kind}Probe"] == asked
    # A handler that is null counts as none.
    values = layered(MINIMAL, {"probes": {kind: {"exec": None, "periodSeconds": 60}}})
    assert container(render(values), "orders")[f"{kind}Probe"] == own | {"periodSeconds": 60}
