"""The pod of `helm test`: what it may do, what it runs, and what must not select it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import MINIMAL, Objects, assert_accepted, layered, render, render_text

DIGEST = "sha256:" + "0" * 64
LINUX = {"platform": "linux", "target": {"exe": "/opt/orders", "ports": {"http": {"port": 8080}}}}


def the_pod(objects: Objects) -> dict[str, Any]:
    """Return the test's pod."""
    return objects["Pod", "orders-test"]


def command(objects: Objects) -> list[str]:
    """Return what the test's container runs."""
    words: list[str] = the_pod(objects)["spec"]["containers"][0]["command"]
    return words


@pytest.mark.parametrize("values", [MINIMAL, LINUX], ids=["windows", "linux"])
def test_kubernetes_accepts_the_test(values: dict[str, Any]) -> None:
    """Pod, account and rights are well-formed on both platforms, with every option set."""
    options = {
        "tests": {"resources": {"limits": {"memory": "64Mi"}}, "podAnnotations": {"linkerd.io/inject": "disabled"}},
        "extraVolumes": [{"name": "python", "hostPath": {"path": "/usr"}}],
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ],
        "extraVolumeMounts": [{"name": "python", "mountPath": "/usr"}, {"name": "data", "mountPath": "/data"}],
    }
    objects = render(layered(values, options))
    for version in ("1.31", "1.37"):
        assert_accepted(objects, version)
    mounted = {mount["name"] for mount in the_pod(objects)["spec"]["containers"][0]["volumeMounts"]}
    assert mounted == {"config", "launcher", "python"}


def test_it_runs_the_launchers_own_file() -> None:
    """The node's Python, the launcher's file, the timeout and the Service to check: nothing else is needed."""
    assert command(render(MINIMAL, sets=["tests.timeoutSeconds=5"])) == [
        r"C:\mooring\python\python.exe",
        "-I",
        "-S",
        r"C:\mooring\mooring-launcher.pyz",
        "check-release",
        "5",
        "orders",
    ]


def test_without_a_service_none_is_asked() -> None:
    """For a program without ports, or with its Service disabled, only the replicas are checked."""
    for objects in (render({"target": {"exe": r"C:\a.exe"}}), render(MINIMAL, sets=["service.enabled=false"])):
        assert command(objects)[-2:] == ["check-release", "60"]
        resources = {name for rule in objects["Role", "orders-test"]["rules"] for name in rule["resources"]}
        assert resources == {"statefulsets", "pods"}


def test_it_may_read_by_name_and_patch_itself() -> None:
    """Its Role may get set, anchors and Service and patch its own pod, all by name; its account has no other Role."""
    objects = render(MINIMAL, sets=["rbac.maxReplicas=2"])
    assert [
        (rule["verbs"], rule["resources"], rule["resourceNames"]) for rule in objects["Role", "orders-test"]["rules"]
    ] == [
        (["get"], ["statefulsets"], ["orders"]),
        (["get"], ["pods"], ["orders-anchor-0", "orders-anchor-1"]),
        (["patch"], ["pods"], ["orders-test"]),
        (["get"], ["services"], ["orders"]),
    ]
    bound = {name for (kind, name), one in objects.items() if kind == "RoleBinding" and "orders-test" in str(one)}
    assert bound == {"orders-test"}


def test_rights_given_by_others_stay_theirs() -> None:
    """rbac.create: false renders no Role for the test either."""
    objects = render(MINIMAL, sets=["rbac.create=false"])
    assert not [kind for kind, _ in objects if kind in ("Role", "RoleBinding")]
    assert the_pod(objects)["spec"]["serviceAccountName"] == "orders-test"


def test_on_linux_it_is_an_ordinary_pod() -> None:
    """No privilege, no host network: it reaches the replicas as any client does."""
    spec = the_pod(render(LINUX))["spec"]
    assert "hostNetwork" not in spec
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_nothing_selects_the_tests_pod() -> None:
    """No Service sends it traffic, no pair's affinity counts it, and a pod without an owner breaks no budget."""
    objects = render(MINIMAL, sets=["service.replica.enabled=true"])
    labels = the_pod(objects)["metadata"]["labels"].items()
    selectors = [one["spec"]["selector"] for (kind, _), one in objects.items() if kind in SELECTING]
    selectors += [one["spec"]["selector"] for (kind, _), one in objects.items() if kind == "Service"]
    assert len(selectors) >= 6
    for selector in selectors:
        assert not selector.get("matchLabels", selector).items() <= labels


SELECTING = ("PodDisruptionBudget", "StatefulSet")


def test_the_log_can_be_read_under_helm_3() -> None:
    """Helm 3 reads the log after a deletion by hook-succeeded, so there the pod stays until the next test."""
    annotations = the_pod(render(MINIMAL))["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"
    hooks = [text for text in render_text(MINIMAL).split("\n---\n") if "helm.sh/hook" in text]
    assert len(hooks) == 1


def test_it_can_be_left_out() -> None:
    """With tests.enabled: false nothing is left of it."""
    assert not [name for _, name in render(MINIMAL, sets=["tests.enabled=false"]) if name == "orders-test"]


def test_it_can_have_an_image_of_its_own() -> None:
    """By default it is the launcher's image, including the user's changes to that."""
    parts = ("repository=tools", "registry=example.org", "tag=v2")
    own = render(MINIMAL, sets=[f"tests.image.{part}" for part in parts])
    assert the_pod(own)["spec"]["containers"][0]["image"] == "example.org/tools:v2"
    launchers = render(MINIMAL, sets=["launcher.image.registry=example.org"])
    assert the_pod(launchers)["spec"]["containers"][0]["image"].startswith("example.org/oss/kubernetes/")


IMAGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"registry": "r.example"}, "r.example/oss/kubernetes/windows-host-process-containers-base-image:v1.0.0"),
    ({"registry": "l.example", "repository": "base", "tag": "1"}, {}, "l.example/base:1"),
    ({"registry": "l.example", "repository": "base", "tag": "1"}, {"registry": "r.example"}, "r.example/base:1"),
    ({"registry": "l.example", "repository": "base", "tag": "1"}, {"tag": "2"}, "l.example/base:2"),
    ({"registry": "l.example", "repository": "base", "digest": DIGEST}, {"tag": "2"}, "l.example/base:2"),
    ({"registry": "l.example", "repository": "base", "tag": "1"}, {"digest": DIGEST}, f"l.example/base@{DIGEST}"),
    ({"registry": "l.example", "repository": "base", "tag": "1"}, {"repository": "own", "tag": "3"}, "own:3"),
]


@pytest.mark.parametrize(("launcher", "own", "image"), IMAGES)
def test_its_image_is_the_launchers_less_what_is_given(
    launcher: dict[str, Any], own: dict[str, Any], image: str
) -> None:
    """A registry or a tag without the rest counts too, and so does a pullPolicy; if empty, the launcher's applies."""
    values = layered(MINIMAL, {"launcher": {"image": {**launcher, "pullPolicy": "Never"}}, "tests": {"image": own}})
    ran = the_pod(render(values))["spec"]["containers"][0]
    assert (ran["image"], ran["imagePullPolicy"]) == (image, "Never")
    ran = the_pod(render(values, sets=["tests.image.pullPolicy=Always"]))["spec"]["containers"][0]
    assert ran["imagePullPolicy"] == "Always"
