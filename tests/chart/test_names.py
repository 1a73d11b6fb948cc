"""Names are legal at any length, and two releases never share one."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest

from .rendering import CHART, MINIMAL, container, helm, layered, pod_spec, render

LONGEST = "r" + "x" * 52
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    "release", [LONGEST, "a" * 45, "a" * 46, "with.dots", "1st", "x-anchor", "x-anchor-0", "x-launcher"]
)
def test_names_are_legal(release: str) -> None:
    """Every object's name is a DNS label, sets have room for their revision label, pods for their ordinal."""
    objects = render(MINIMAL, release=release)
    for kind, name in objects:
        assert LABEL.fullmatch(name), (kind, name)
        if kind == "StatefulSet":
            assert len(name) <= 52
            assert len(f"{name}-9999") <= 63


def test_a_short_name_is_the_releases_own() -> None:
    """`helm install orders` makes orders and orders-anchor, whatever the chart is called."""
    sets = {name for kind, name in render(MINIMAL) if kind == "StatefulSet"}
    assert sets == {"orders", "orders-anchor"}


def test_two_releases_never_share_a_name() -> None:
    """Also where one release's name is another's plus a suffix of ours, or they differ only far behind."""
    releases = [
        "x",
        "x-anchor",
        "x-launcher",
        "x-anchor-0",
        "x.anchor",
        LONGEST,
        LONGEST[:-1] + "y",
        "a-x",
        "1x",
        "r1x",
    ]
    values = layered(MINIMAL, {"service": {"perReplica": True}})
    names = [set(render(values, release=release)) for release in releases]
    for one, other in itertools.combinations(names, 2):
        assert not one & other


def test_selectors_of_two_releases_do_not_overlap() -> None:
    """Every selector holds the release's name."""
    for (kind, _), one in render(MINIMAL).items():
        selector = one.get("spec", {}).get("selector")
        if selector:
            assert selector.get("matchLabels", selector)["app.kubernetes.io/instance"] == "orders", kind


def test_overrides_rename() -> None:
    """fullnameOverride, nameOverride and namespaceOverride do what chart users expect."""
    sets = ["fullnameOverride=billing", "nameOverride=nm", "namespaceOverride=elsewhere"]
    objects = render(MINIMAL, sets=sets)
    assert ("StatefulSet", "billing-anchor") in objects
    assert {one["metadata"]["namespace"] for one in objects.values()} == {"elsewhere"}
    labels = objects["StatefulSet", "billing"]["spec"]["selector"]["matchLabels"]
    assert labels["app.kubernetes.io/name"] == "nm"


def test_images_are_overridden_in_parts() -> None:
    """A registry alone moves the default image; a digest wins over the tag."""
    digest = "sha256:" + "0" * 64
    sets = ["anchor.image.registry=registry.example", f"launcher.image.digest={digest}"]
    objects = render(MINIMAL, sets=sets)
    assert container(objects, "orders-anchor")["image"] == "registry.example/pause:3.10.1"
    assert container(objects, "orders")["image"].endswith(f"base-image@{digest}")


def test_the_chart_works_inside_an_umbrella_chart(tmp_path: Path) -> None:
    """As a dependency it takes global values and a condition, and its names tell it from its siblings."""
    (tmp_path / "Chart.yaml").write_text(
        "apiVersion: v2\nname: plant\nversion: 1.0.0\ndependencies:\n"
        + "".join(
            f"  - {{name: mooring, alias: {alias}, version: '*', repository: 'file://{CHART}', "
            f"condition: {alias}.enabled}}\n"
            for alias in ("press", "oven", "lamp")
        ),
        encoding="utf-8",
    )
    helm("dependency", "update", "--skip-refresh", str(tmp_path))
    values = {
        "global": {"region": "north"},
        "press": {**MINIMAL, "enabled": True},
        "oven": {"target": {"exe": r"C:\oven.exe"}},
        "lamp": {"enabled": False},
    }
    objects = render(values, chart=tmp_path, release="site")
    sets = {name for kind, name in objects if kind == "StatefulSet"}
    assert len(sets) == 4
    oven = next(name for name in sets if name.startswith("site-oven-") and not name.endswith("-anchor"))
    assert pod_spec(objects, oven)["serviceAccountName"] == f"{oven}-launcher"
    assert "site-oven" not in sets  # which is what a release called site-oven has


@pytest.mark.parametrize("version", ["Build 12 (x64)", "-rc", "1.0/2", "1.0.0-" + "a" * 56 + ".b", "1+2", "größe"])
def test_any_version_makes_a_legal_label(version: str, tmp_path: Path) -> None:
    """Whatever an App calls its version, its label is one that Kubernetes takes."""
    shutil.copytree(CHART, tmp_path / "chart")
    file = tmp_path / "chart" / "Chart.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("appVersion:")]
    file.write_text("\n".join([*lines, f"appVersion: {json.dumps(version)}"]), encoding="utf-8")
    for one in render(MINIMAL, chart=tmp_path / "chart").values():
        label = one["metadata"]["labels"]["app.kubernetes.io/version"]
        assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", label), label
