"""Names are legal at any length, and two releases never share one."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART, MINIMAL, Objects, container, helm, layered, pod_spec, render, render_text

LONGEST = "r" + "x" * 52
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    "release", [LONGEST, "a" * 45, "a" * 46, "with.dots", "1st", "x-anchor", "x-anchor-0", "x-launcher"]
)
def test_names_are_legal(release: str) -> None:
    """Every object's name is a DNS label, and sets leave room for their revision label and their pods' ordinal."""
    objects = render(MINIMAL, release=release)
    for kind, name in objects:
        assert LABEL.fullmatch(name), (kind, name)
        if kind == "StatefulSet":
            assert len(name) <= 52
            assert len(f"{name}-9999") <= 63


def test_a_short_name_is_the_releases_own() -> None:
    """`helm install orders` creates orders and orders-anchor, whatever the chart's name."""
    sets = {name for kind, name in render(MINIMAL) if kind == "StatefulSet"}
    assert sets == {"orders", "orders-anchor"}


def test_two_releases_never_share_a_name() -> None:
    """Also if one release's name is another's plus one of our suffixes, or if they differ only near the end."""
    releases = [
        "x",
        "x-anchor",
        "x-launcher",
        "x-anchor-0",
        "x.anchor",
        "x-httproute",
        LONGEST,
        LONGEST[:-1] + "y",
        "a-x",
        "1x",
        "r1x",
    ]
    routes = {
        kind.lower(): {"kind": kind, "port": "http", "parentRefs": [{"name": "a"}]}
        for kind in ("HTTPRoute", "TCPRoute")
    }
    network = {"service": {"replica": {"enabled": True}}, "routes": routes, "networkPolicy": {"enabled": True}}
    values = layered(MINIMAL, network)
    names = [set(render(values, release=release)) for release in releases]
    for one, other in itertools.combinations(names, 2):
        assert not one & other


def test_selectors_of_two_releases_do_not_overlap() -> None:
    """Every selector contains the release's name."""
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
    """Only a registry moves the default image; a digest wins over the tag."""
    digest = "sha256:" + "0" * 64
    sets = ["anchor.image.registry=registry.example", f"launcher.image.digest={digest}"]
    objects = render(MINIMAL, sets=sets)
    assert container(objects, "orders-anchor")["image"] == "registry.example/pause:3.10.1"
    assert container(objects, "orders")["image"].endswith(f"base-image@{digest}")


def write_umbrella(folder: Path, *aliases: str, name: str = "plant", chart: str = "mooring", of: Path = CHART) -> Path:
    """Write a chart that has another one as its dependency, once by each alias."""
    folder.mkdir(exist_ok=True)
    same = f"name: {chart}, version: '*', repository: 'file://{of}'"
    (folder / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: {name}\nversion: 1.0.0\ndependencies:\n"
        + "".join(f"  - {{{same}, alias: {alias}, condition: {alias}.enabled}}\n" for alias in aliases),
        encoding="utf-8",
    )
    helm("dependency", "update", "--skip-refresh", str(folder))
    return folder


def selected(objects: Objects) -> dict[tuple[str, str], set[str]]:
    """Return which pods of sets and tests each selector selects, by its object."""
    pods = {name: one["spec"]["template"]["metadata"] for (kind, name), one in objects.items() if kind == "StatefulSet"}
    pods |= {name: one["metadata"] for (kind, name), one in objects.items() if kind == "Pod"}
    found = {}
    for key, one in objects.items():
        selector = one.get("spec", {}).get("selector")
        if selector:
            wanted = selector.get("matchLabels", selector).items()
            found[key] = {name for name, metadata in pods.items() if wanted <= metadata["labels"].items()}
    return found


@pytest.mark.parametrize("alias", ["ordersMain", "line_b", "ORDERS", "_x", "9-Z_"])
def test_names_are_legal_whatever_an_umbrella_calls_the_chart(alias: str, tmp_path: Path) -> None:
    """An alias is a key of values and may have capitals and _, which names of objects may not."""
    objects = render({alias: MINIMAL}, chart=write_umbrella(tmp_path, alias), release="r")
    for kind, name in objects:
        assert LABEL.fullmatch(name), (kind, name)
    for one in objects.values():
        for label in one["metadata"]["labels"].values():
            assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", label), label


@pytest.mark.parametrize(
    "names",
    [{}, {"press": "same", "oven": "same"}, {"press": "oven"}, {"press": "oven-test"}, {"press": "press"}],
    ids=str,
)
def test_charts_of_one_umbrella_select_their_own_pods(names: dict[str, str], tmp_path: Path) -> None:
    """Whatever nameOverride says, selectors select pods of their own chart, and a pod has one budget."""
    values = {alias: {**MINIMAL, "nameOverride": names.get(alias, "")} for alias in ("press", "oven")}
    objects = render(values, chart=write_umbrella(tmp_path, "press", "oven"), release="site")
    budgets = []
    for (kind, name), pods in selected(objects).items():
        chart = "press" if "press" in name else "oven"
        assert pods, (kind, name)
        assert all(f"-{chart}-" in pod and not pod.endswith("-test") for pod in pods), (kind, name, pods)
        budgets += sorted(pods) if kind == "PodDisruptionBudget" else []
    assert len(budgets) == len(set(budgets)) == 4


def test_a_chart_that_two_charts_bring_along_is_two(tmp_path: Path) -> None:
    """The same chart below two charts of one umbrella has its own names and selectors in each."""
    for name in ("north", "south"):
        write_umbrella(tmp_path / name, "orders", name=name)
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "Chart.yaml").write_text(
        "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n"
        + "".join(
            f"  - {{name: {one}, version: '*', repository: 'file://{tmp_path / one}'}}\n" for one in ("north", "south")
        ),
        encoding="utf-8",
    )
    helm("dependency", "update", "--skip-refresh", str(tmp_path / "top"))
    text = render_text({one: {"orders": MINIMAL} for one in ("north", "south")}, chart=tmp_path / "top", release="r")
    names = re.findall(r'^kind: (\S+)\nmetadata:\n  name: "?([^"\n]+)', text, re.MULTILINE)
    assert len(names) == len(set(names)) > 20
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text) if one}
    assert all(len(pods) <= 2 for pods in selected(objects).values())


def test_labels_of_other_releases_stay_as_they_are() -> None:
    """Selectors of sets are immutable: a release that is not a dependency keeps the instance it has always had."""
    for sets in ([], ["nameOverride=x"], ["namespaceOverride=y"], ["fullnameOverride=z"]):
        for one in render(MINIMAL, sets=sets).values():
            assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "orders"


def test_the_chart_works_inside_an_umbrella_chart(tmp_path: Path) -> None:
    """As a dependency it takes global values and a condition, and its names distinguish it from its siblings."""
    write_umbrella(tmp_path, "press", "oven", "lamp")
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
    assert "site-oven" not in sets  # which is what a release named site-oven has


@pytest.mark.parametrize("version", ["Build 12 (x64)", "-rc", "1.0/2", "1.0.0-" + "a" * 56 + ".b", "1+2", "größe"])
def test_any_version_makes_a_legal_label(version: str, tmp_path: Path) -> None:
    """Whatever version an App has, its label is one that Kubernetes accepts."""
    shutil.copytree(CHART, tmp_path / "chart")
    file = tmp_path / "chart" / "Chart.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("appVersion:")]
    file.write_text("\n".join([*lines, f"appVersion: {json.dumps(version)}"]), encoding="utf-8")
    for one in render(MINIMAL, chart=tmp_path / "chart").values():
        label = one["metadata"]["labels"]["app.kubernetes.io/version"]
        assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", label), label
