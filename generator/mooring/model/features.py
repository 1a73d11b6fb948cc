"""Groups of templates that a chart can do without: their files, and what their absence means for the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mooring.model.nodes import Bool, Obj
from mooring.text.document import KeyPath


@dataclass(frozen=True)
class Feature:
    """A group of templates. Without it `values` are fixed, and of others only `choices` are left."""

    doc: str
    files: tuple[str, ...]
    values: Mapping[KeyPath, Any]
    choices: Mapping[KeyPath, tuple[Any, ...]]


def _feature(doc: str, *files: str, without: dict[str, Any], left: dict[str, tuple[Any, ...]] | None = None) -> Feature:
    values = {tuple(key.split(".")): value for key, value in without.items()}
    return Feature(doc, files, values, {tuple(key.split(".")): choices for key, choices in (left or {}).items()})


FEATURES: Mapping[str, Feature] = {
    "service": _feature(
        "The Service over all replicas.",
        "templates/service.yaml",
        without={"service.enabled": False},
    ),
    "servicePerReplica": _feature(
        "A Service for each replica; anchor.strategy: shared needs it.",
        "templates/service-per-replica.yaml",
        without={"service.perReplica": False, "service.replica.enabled": False},
        left={"anchor.strategy": ("ordinal", "static")},
    ),
    "linkerd": _feature(
        "Linkerd's annotations and policy objects.",
        "templates/_linkerd.tpl",
        "templates/_rules_linkerd.tpl",
        "templates/linkerd/authorizationpolicy.yaml",
        "templates/linkerd/httproute.yaml",
        "templates/linkerd/meshtlsauthentication.yaml",
        "templates/linkerd/networkauthentication.yaml",
        "templates/linkerd/server.yaml",
        without={"mesh.linkerd.enabled": False},
    ),
    "routes": _feature(
        "HTTPRoutes, GRPCRoutes, TCPRoutes and Ingresses to the Service.",
        "templates/routes.yaml",
        without={"routes": {}},
    ),
    "networkPolicy": _feature(
        "The NetworkPolicy of the anchors.",
        "templates/anchor/networkpolicy.yaml",
        without={"networkPolicy.enabled": False},
    ),
    "podDisruptionBudget": _feature(
        "The budget over both halves of all pairs.",
        "templates/poddisruptionbudget.yaml",
        without={"podDisruptionBudget.enabled": False},
    ),
    "autoscaling": _feature(
        "The HorizontalPodAutoscaler.",
        "templates/launcher/horizontalpodautoscaler.yaml",
        without={"autoscaling.enabled": False},
    ),
    "keda": _feature(
        "The KEDA ScaledObject.",
        "templates/launcher/scaledobject.yaml",
        without={"autoscaling.keda.enabled": False},
    ),
    "rbac": _feature(
        "The Roles and their bindings; without them the platform team creates its own.",
        "templates/launcher/role.yaml",
        "templates/launcher/rolebinding.yaml",
        "templates/launcher/role-anchors.yaml",
        "templates/launcher/rolebinding-anchors.yaml",
        "templates/tests/role.yaml",
        "templates/tests/rolebinding.yaml",
        without={"rbac.create": False},
    ),
    "foreignAnchors": _feature(
        "What launchers need to find anchors that others created in another namespace.",
        "templates/launcher/role-anchors.yaml",
        "templates/launcher/rolebinding-anchors.yaml",
        without={"anchor.create": True},
    ),
    "carriedLauncher": _feature(
        "The ConfigMap of a launcher that the chart carries.",
        "templates/launcher/configmap.yaml",
        without={"launcher.source": "host"},
    ),
    "tests": _feature(
        "The pod of helm test, its account and its rights.",
        "templates/tests/pod.yaml",
        "templates/tests/role.yaml",
        "templates/tests/rolebinding.yaml",
        "templates/tests/serviceaccount.yaml",
        without={"tests.enabled": False},
    ),
    "extraObjects": _feature(
        "Objects that users add as values.",
        "templates/extra-objects.yaml",
        without={"extraObjects": []},
    ),
    "notes": _feature("What Helm prints after an installation.", "templates/NOTES.txt", without={}),
}

FEATURE_FIELDS = Obj(
    doc="Which groups of templates the charts contain; without one, values that need it are refused.",
    fields={name: Bool(doc=feature.doc, default=True) for name, feature in FEATURES.items()},
)


def files_without(features: Mapping[str, bool]) -> frozenset[str]:
    """Return the files that charts with these features do not contain."""
    return frozenset(file for name, wanted in features.items() if not wanted for file in FEATURES[name].files)
