"""Anchors of each strategy, and anchors that others created: what is rendered, what is not, and where it belongs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import (
    CHART,
    MINIMAL,
    Objects,
    assert_accepted,
    config,
    container,
    layered,
    pod_spec,
    refusal,
    render,
)

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
INDEX = "apps.kubernetes.io/pod-index"

STATIC = {"replicas": 2, "anchor": {"strategy": "static"}}
SHARED = {
    "replicas": 2,
    "anchor": {"strategy": "shared"},
    "target": {"perOrdinal": {"1": {"ports": {"http": 8081}}, "2": {"ports": {"http": 8082}}}},
}
FOREIGN = {
    "replicas": 2,
    "rbac": {"maxReplicas": 3},
    "anchor": {"create": False, "selector": "app=net-{ordinal},tier=net"},
}
FOREIGN_STATIC = layered(FOREIGN, {"anchor": {"strategy": "static"}})
FOREIGN_SHARED = layered(
    SHARED, {"rbac": {"maxReplicas": 3}, "anchor": {"create": False, "selector": "app=net", "namespace": "nets"}}
)
ALL = (STATIC, SHARED, FOREIGN, FOREIGN_STATIC, FOREIGN_SHARED)


def chart(*layers: dict[str, Any], **options: Any) -> Objects:
    """Render chart/ and check it against Kubernetes' schema."""
    objects = render(layered(MINIMAL, *layers), **options)
    assert_accepted(objects, "1.34")
    return objects


def sets(objects: Objects) -> list[str]:
    """Return the names of the StatefulSets."""
    return sorted(name for kind, name in objects if kind == "StatefulSet")


def services(objects: Objects) -> set[str]:
    """Return the names of the Services except the launchers' own headless one."""
    return {name for kind, name in objects if kind == "Service"} - {"orders-launcher"}


def required(objects: Objects, name: str) -> list[dict[str, Any]]:
    """Return the required pod-affinity terms of a set's pods."""
    terms: list[dict[str, Any]] = pod_spec(objects, name).get("affinity", {}).get("podAffinity", {}).get(REQUIRED, [])
    return terms


def rule(objects: Objects, resource: str) -> dict[str, Any]:
    """Return the launchers' only rule for a resource."""
    (one,) = [one for one in objects["Role", "orders-launcher"]["rules"] if one["resources"] == [resource]]
    return dict(one)


def test_static_has_a_set_for_each_ordinal() -> None:
    """Each set has one pod, whose name and index match its ordinal, and selects no other set's pods."""
    objects = chart(STATIC, {"ordinals": {"start": 3}})
    assert sets(objects) == ["orders", "orders-anchor-3", "orders-anchor-4"]
    for ordinal in (3, 4):
        spec = objects["StatefulSet", f"orders-anchor-{ordinal}"]["spec"]
        assert (spec["replicas"], spec["ordinals"], spec["serviceName"]) == (1, {"start": ordinal}, "orders-anchor")
        assert spec["selector"]["matchLabels"]["app"] == f"orders-anchor-{ordinal}"
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()


def test_a_static_anchor_follows_its_launcher() -> None:
    """The affinity is that of strategy ordinal, to the launcher of the same index."""
    ordinal = required(chart(), "orders-anchor")
    assert required(chart(STATIC), "orders-anchor-1") == ordinal
    assert ordinal[0]["matchLabelKeys"] == [INDEX]


def test_static_services_and_role_name_its_pods() -> None:
    """Services for each replica keep their names; they select the pods of the sets, which the Role names too."""
    objects = chart(STATIC, {"service": {"replica": {"enabled": True}}, "rbac": {"maxReplicas": 2}})
    assert services(objects) == {"orders", "orders-anchor", "orders-anchor-0", "orders-anchor-1"}
    selector = objects["Service", "orders-anchor-1"]["spec"]["selector"]
    assert selector["statefulset.kubernetes.io/pod-name"] == "orders-anchor-1-1"
    anchors = ["orders-anchor-0-0", "orders-anchor-1-1"]
    assert rule(objects, "pods")["resourceNames"] == anchors
    assert rule(objects, "pods/eviction")["resourceNames"] == [*anchors, "orders-0", "orders-1"]


@pytest.mark.parametrize("values", ALL)
def test_only_numbered_anchors_follow_a_number(values: dict[str, Any]) -> None:
    """Without a single set of anchors there is nothing to scale, no right to scale, and no launcher that would try."""
    objects = chart(values)
    assert config(objects)["scaling"] == {"follow": False}
    assert not [one for one in objects["Role", "orders-launcher"]["rules"] if one["apiGroups"] == ["apps"]]


@pytest.mark.parametrize("release", ["r" + "x" * 51, "a" * 38, "x-anchor-0", "x-launcher-12"])
@pytest.mark.parametrize("values", [STATIC, FOREIGN_STATIC])
def test_static_names_are_legal(values: dict[str, Any], release: str) -> None:
    """With the highest ordinal a set's name still has room for its revision label and its pod's ordinal."""
    objects = render(layered(MINIMAL, values, {"ordinals": {"start": 9999}}), release=release)
    for name in sets(objects):
        assert len(name) <= 52
    assert max(map(len, sets(objects))) + len("-10000") <= 63
    assert all(name.endswith(("-9999", "-10000")) or name == min(sets(objects), key=len) for name in sets(objects))


def test_a_shared_anchor_is_one_and_goes_where_it_likes() -> None:
    """One set of one replica; every launcher must go to it, in any version of Kubernetes."""
    objects = chart(SHARED, {"ordinals": {"start": 1}}, kube_version="1.28.0")
    assert sets(objects) == ["orders", "orders-anchor"]
    spec = objects["StatefulSet", "orders-anchor"]["spec"]
    assert (spec["replicas"], spec["ordinals"]) == (1, {"start": 1})
    assert required(objects, "orders-anchor") == []
    (term,) = required(objects, "orders")
    assert "matchLabelKeys" not in term
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "anchor"


def test_replicas_that_share_have_a_service_each() -> None:
    """All select the one anchor; each serves the same port and reaches its own replica; none is for all replicas."""
    objects = chart(SHARED, {"service": {"type": "NodePort", "spec": {"sessionAffinity": "ClientIP"}}})
    assert services(objects) == {"orders-anchor", "orders-anchor-0", "orders-anchor-1"}
    for ordinal, port in ((0, 8080), (1, 8081)):
        spec = objects["Service", f"orders-anchor-{ordinal}"]["spec"]
        assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == "orders-anchor-0"
        assert [(one["port"], one["targetPort"]) for one in spec["ports"]] == [(8080, port)]
        assert (spec["type"], spec["sessionAffinity"]) == ("NodePort", "ClientIP")
    assert services(chart(SHARED, {"service": {"enabled": False}})) == {"orders-anchor"}


def test_a_shared_anchor_declares_the_ports_of_all() -> None:
    """Also of replicas that are added later, so that adding one with known ports restarts no network."""
    two, three = chart(SHARED), chart(SHARED, {"replicas": 3})
    ports = [one["containerPort"] for one in container(two, "orders-anchor")["ports"]]
    assert ports == [8080, 8081, 8082, 8091]
    key = ("StatefulSet", "orders-anchor")
    assert two[key] == three[key]


def test_a_shared_anchor_is_nobodys_to_evict() -> None:
    """Siblings are on its node: a launcher may only evict itself."""
    objects = chart(SHARED, {"rbac": {"maxReplicas": 2}})
    assert rule(objects, "pods")["resourceNames"] == ["orders-anchor-0"]
    assert rule(objects, "pods/eviction")["resourceNames"] == ["orders-0", "orders-1"]


@pytest.mark.parametrize(("given", "rendered"), [(1, "100%"), ("50%", "100%"), (0, 0), ("0%", "0%")])
def test_replicas_that_share_are_disrupted_together(given: object, rendered: object) -> None:
    """A budget that protects some of them would keep the rest, and the anchor, on a node that is being drained."""
    budget = {"podDisruptionBudget": {"maxUnavailable": given}}
    assert chart(SHARED, budget)["PodDisruptionBudget", "orders"]["spec"]["maxUnavailable"] == rendered
    assert chart(STATIC, budget)["PodDisruptionBudget", "orders"]["spec"]["maxUnavailable"] == given


@pytest.mark.parametrize("values", [FOREIGN, FOREIGN_STATIC, FOREIGN_SHARED])
def test_anchors_of_others_are_not_made(values: dict[str, Any]) -> None:
    """No set, account or headless Service; launchers may see pods in the anchors' namespace and evict themselves."""
    objects = chart(values)
    assert not [name for name in sets(objects) if "anchor" in name]
    assert ("ServiceAccount", "orders-anchor") not in objects
    assert ("Service", "orders-anchor") not in objects
    assert [one["resources"] for one in objects["Role", "orders-launcher"]["rules"]] == [["pods/eviction"]]
    assert not [name for name in rule(objects, "pods/eviction")["resourceNames"] if "anchor" in name]
    role, binding = objects["Role", "orders-launcher.apps"], objects["RoleBinding", "orders-launcher.apps"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    where = values["anchor"].get("namespace", "apps")
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == where
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "orders-launcher", "namespace": "apps"}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_numbered_launchers_go_to_the_anchor_with_their_index() -> None:
    """The one term of the one set admits the labels of any ordinal; the index that both have selects one."""
    (term,) = required(chart(FOREIGN, {"anchor": {"namespace": "nets"}, "ordinals": {"start": 5}}), "orders")
    assert term == {
        "labelSelector": {
            "matchLabels": {"tier": "net"},
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["net-5", "net-6", "net-7"]}],
        },
        "matchLabelKeys": [INDEX],
        "namespaces": ["nets"],
        "topologyKey": "kubernetes.io/hostname",
    }


def test_an_index_in_the_selector_is_not_named_twice() -> None:
    """Kubernetes refuses a key that is in both the selector and matchLabelKeys."""
    (term,) = required(chart(FOREIGN, {"anchor": {"selector": f"{INDEX}={{ordinal}},tier=net"}}), "orders")
    assert term["labelSelector"] == {"matchLabels": {"tier": "net"}}
    assert term["matchLabelKeys"] == [INDEX]


def test_launchers_apart_go_to_any_anchor() -> None:
    """A set for each launcher has its own term, so its anchor needs no index, and Kubernetes no new feature."""
    objects = chart(FOREIGN_STATIC, kube_version="1.28.0")
    assert sets(objects) == ["orders-launcher-0", "orders-launcher-1"]
    for ordinal in (0, 1):
        name = f"orders-launcher-{ordinal}"
        (term,) = required(objects, name)
        assert term["labelSelector"] == {"matchLabels": {"app": f"net-{ordinal}", "tier": "net"}}
        assert "matchLabelKeys" not in term
        spec = objects["StatefulSet", name]["spec"]
        assert (spec["replicas"], spec["ordinals"]) == (1, {"start": ordinal})
        assert spec["selector"]["matchLabels"]["app"] == name
        assert spec["template"]["metadata"]["labels"]["app"] == name
    assert rule(objects, "pods/eviction")["resourceNames"] == [f"orders-launcher-{n}-{n}" for n in range(3)]


def test_launchers_that_share_an_anchor_of_others_go_to_it() -> None:
    """One term without an ordinal, in the anchor's namespace."""
    (term,) = required(chart(FOREIGN_SHARED), "orders")
    assert (term["labelSelector"], term["namespaces"]) == ({"matchLabels": {"app": "net"}}, ["nets"])


def test_services_over_anchors_of_others() -> None:
    """A Service for all needs a label that all have; each Service needs the same namespace."""
    per_replica = {"service": {"replica": {"enabled": True}}}
    objects = chart(FOREIGN, per_replica)
    assert services(objects) == {"orders", "orders-anchor-0", "orders-anchor-1"}
    assert objects["Service", "orders"]["spec"]["selector"] == {"tier": "net"}
    assert objects["Service", "orders-anchor-1"]["spec"]["selector"] == {"app": "net-1", "tier": "net"}
    nothing_common = {"anchor": {"selector": "app=net-{ordinal}"}}
    assert services(chart(FOREIGN, per_replica, nothing_common)) == {"orders-anchor-0", "orders-anchor-1"}
    assert services(chart(FOREIGN, per_replica, {"anchor": {"namespace": "nets"}})) == set()


@pytest.mark.parametrize("values", ALL)
def test_the_launcher_is_told_how_its_anchor_is_known(values: dict[str, Any]) -> None:
    """Strategy, selector and namespace reach the launcher unchanged, the namespace in every case."""
    objects = chart(values)
    told = config(objects)
    given = {"create": True, "selector": "", "namespace": "apps", "strategy": "ordinal", **values["anchor"]}
    assert {key: told["anchor"][key] for key in given} == given
    assert told["maxReplicas"] == values.get("rbac", {}).get("maxReplicas", 32)


def test_only_pairs_by_index_need_a_newer_kubernetes() -> None:
    """Where launcher and anchor are not paired by an index, an older cluster is not refused."""
    for values in (SHARED, FOREIGN_STATIC, FOREIGN_SHARED):
        assert chart(values, kube_version="1.28.0")
    for values in (STATIC, FOREIGN):
        assert "colocation: singleNode" in refusal(layered(MINIMAL, values), kube_version="1.30.0")
        assert chart(values, {"colocation": "singleNode"}, kube_version="1.30.0")


NOTES = [
    (
        {},
        [
            "anchor n (orders-anchor-n)",
            "orders.apps.svc:8080",
            "scale statefulset orders",
            "logs orders-0",
            "gate-waiting",
        ],
    ),
    ({}, ["kubectl -n apps describe pod orders-anchor-0\n"]),
    (FOREIGN, ["kubectl -n apps describe pod -l 'app=net-0,tier=net'\n"]),
    (FOREIGN_SHARED, ["kubectl -n nets describe pod -l 'app=net'\n"]),
    (STATIC, ["anchor n (orders-anchor-n-n)", "orders.apps.svc:8080", "Scale only with helm upgrade", "logs orders-0"]),
    (SHARED, ["the anchor (orders-anchor-0)", "orders-anchor-n.apps.svc:8080", "Scale only with helm upgrade"]),
    (
        FOREIGN,
        [
            "(app=net-n,tier=net in namespace apps)",
            "carry the label apps.kubernetes.io/pod-index",
            "must scale them too",
        ],
    ),
    (FOREIGN_STATIC, ["(orders-launcher-n-n)", "logs orders-launcher-0-0", "statefulset orders-launcher-0"]),
    (FOREIGN_SHARED, ["the anchor (app=net in namespace nets)", "whoever creates them must create the Services too"]),
]


@pytest.mark.parametrize(("values", "words"), NOTES)
def test_the_notes_name_what_there_is(values: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    """Pods, Services and the way to scale are those of the strategy.

    Helm shows notes only against a cluster: a copy of the chart has them for a template.
    """
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    notes = copy / "templates" / "NOTES.txt"
    (copy / "templates" / "_notes.tpl").write_text('{{ define "notes" }}' + notes.read_text() + "{{ end }}")
    notes.unlink()
    head = '{{ include "mooring.prepare" . }}\nkind: Notes\nmetadata: {name: notes}\n'
    (copy / "templates" / "notes.yaml").write_text(head + 'text: {{ include "notes" . | quote }}\n')
    text = render(layered(MINIMAL, values), chart=copy)["Notes", "notes"]["text"]
    for one in words:
        assert one in text
    assert ("svc:" in text) == (values is not FOREIGN_SHARED)


def test_annotations_of_the_service_are_not_on_each_replicas() -> None:
    """What names one address must not be set on each; only replicas that share an anchor have no other Service."""
    note = {"external-dns.alpha.kubernetes.io/hostname": "orders.example"}
    objects = render(layered(MINIMAL, {"replicas": 2, "service": {"replica": {"enabled": True}, "annotations": note}}))
    assert objects["Service", "orders"]["metadata"]["annotations"] == note
    assert "annotations" not in objects["Service", "orders-anchor-0"]["metadata"]
    shared = chart(SHARED, {"service": {"annotations": note}})
    assert shared["Service", "orders-anchor-0"]["metadata"]["annotations"] == note
