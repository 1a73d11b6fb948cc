"""README and docs/: links lead somewhere, and docs/design.md lists the existing rooms."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import regenerate

PAGES = [regenerate.ROOT / "README.md", *sorted((regenerate.ROOT / "docs").glob("*.md"))]
DESIGN = (regenerate.ROOT / "docs" / "design.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    """Each relative link of a page names a file of this repository, and a heading that the file has."""
    for name, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        file = page.parent / name if name else page
        assert file.exists(), name
        assert not anchor or anchor in headings(file), f"{name}#{anchor}"


def test_the_readme_leads_to_every_page() -> None:
    """README links each page of docs/."""
    linked = set(re.findall(r"\]\(docs/([^)#]+)", PAGES[0].read_text(encoding="utf-8")))
    assert linked == {page.name for page in PAGES[1:]}


def test_the_map_has_each_room_of_the_generator() -> None:
    """The map of docs/design.md names exactly the packages of generator/mooring."""
    listed = DESIGN.split("generator/mooring/")[1].split("generator/regenerate.py")[0]
    rooms = {init.parent.name for init in (regenerate.ROOT / "generator" / "mooring").glob("*/__init__.py")}
    assert set(re.findall(r"^  (\w+)/ ", listed, re.MULTILINE)) == rooms


def test_the_order_of_imports_is_the_linters() -> None:
    """docs/design.md lists the layers that import-linter holds, from top to bottom."""
    configured = tomllib.loads((regenerate.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configured["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "rooms")
    expected = [name for layer in layers for name in layer.split(" | ") if name != "__main__"]
    listed = re.findall(r"`([\w.]+)`", DESIGN.split("may import all below it:")[1].split("Rooms on one line")[0])
    assert [name for name in listed if name != "model.rules"] == expected


def test_the_glossary_has_each_word_once_in_order() -> None:
    """The words of the glossary are sorted, and each has one meaning."""
    words = re.findall(r"^\| ([^|]+?) \|", DESIGN.split("| word | meaning |\n|---|---|\n")[1], re.MULTILINE)
    assert len(words) > 30
    assert words == sorted(set(words), key=str.lower)
