"""The launchers have few rights, the anchors none."""

from __future__ import annotations

from tests.chart.rendering import MINIMAL, container, layered, pod_spec, render


def test_the_role_names_everything() -> None:
    """Every rule is by name, none lists, and there is no other verb or resource."""
    role = render(MINIMAL, sets=["rbac.maxReplicas=2", "ordinals.start=5"])["Role", "orders-launcher"]
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "verbs": ["get", "watch"],
            "resourceNames": ["orders-anchor-5", "orders-anchor-6"],
        },
        {
            "apiGroups": [""],
            "resources": ["pods/eviction"],
            "verbs": ["create"],
            "resourceNames": ["orders-anchor-5", "orders-anchor-6", "orders-5", "orders-6"],
        },
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "watch"], "resourceNames": ["orders"]},
        {
            "apiGroups": ["apps"],
            "resources": ["statefulsets/scale"],
            "verbs": ["patch"],
            "resourceNames": ["orders-anchor"],
        },
    ]


def test_without_following_the_sets_are_out_of_reach() -> None:
    """scaling.follow: false removes the right to get and scale StatefulSets."""
    rules = render(MINIMAL, sets=["scaling.follow=false"])["Role", "orders-launcher"]["rules"]
    assert {resource for rule in rules for resource in rule["resources"]} == {"pods", "pods/eviction"}


def test_anchors_mount_no_token() -> None:
    """The half that a mesh and the network can reach has no credentials."""
    objects = render(MINIMAL)
    assert pod_spec(objects, "orders-anchor")["automountServiceAccountToken"] is False
    assert pod_spec(objects, "orders")["automountServiceAccountToken"] is True
    for name in ("orders-anchor", "orders-launcher"):
        assert objects["ServiceAccount", name]["automountServiceAccountToken"] is False


def test_only_what_is_named_is_mounted_and_read_only() -> None:
    """Of the node's disk a launcher gets its own directory and target.mounts, read-only by default."""
    mounts = {"program": {"hostPath": r"C:\apps"}, "data": {"hostPath": r"D:\data", "readOnly": False}}
    objects = render(layered(MINIMAL, {"target": {"mounts": mounts}}))
    from_node = {one["name"] for one in pod_spec(objects, "orders")["volumes"] if "hostPath" in one}
    assert from_node == {"launcher", "mount-program", "mount-data"}
    read_only = {one["name"]: one.get("readOnly", False) for one in container(objects, "orders")["volumeMounts"]}
    assert read_only == {"config": True, "state": False, "launcher": True, "mount-program": True, "mount-data": False}


def test_other_peoples_accounts_are_used_as_they_are() -> None:
    """create: false with a name uses that account and creates none; the account of `helm test` is not a launcher's."""
    values = layered(
        MINIMAL,
        {
            "serviceAccount": {"create": False, "name": "ours"},
            "anchor": {"serviceAccount": {"create": False, "name": "theirs"}},
        },
    )
    objects = render(values)
    assert pod_spec(objects, "orders")["serviceAccountName"] == "ours"
    assert pod_spec(objects, "orders-anchor")["serviceAccountName"] == "theirs"
    assert objects["RoleBinding", "orders-launcher"]["subjects"][0]["name"] == "ours"
    assert [name for kind, name in objects if kind == "ServiceAccount"] == ["orders-test"]
