"""docs/windows-fidelity.md: a row for every behaviour of Windows that is relied on, each with its proof."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROOFS = (
    "Wine",
    "headers",
    "our shim",
    "documented",
    "nothing yet",
    "Kubernetes",
    "hcsshim",
    "seen on Linux",
    "not run",
)
_MORE_PROOFS = ("the embedded API", "the real Python", "texts in six languages", "CommandLineToArgvW")


def _rows() -> list[list[str]]:
    """Return the cells of each row that has four; an escaped bar does not end a cell."""
    text = (ROOT / "docs/windows-fidelity.md").read_text()
    lines = [line.replace(r"\|", "/") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == 4 and row[0] != "what"]


def test_no_cell_is_empty() -> None:
    """Each row says what, where, how it is proven, and what happens where it does not hold."""
    rows = _rows()
    assert len(rows) > 50
    for row in rows:
        assert all(row), row
        assert any(word in row[2] for word in (*_PROOFS, *_MORE_PROOFS)), row


def test_every_test_that_is_named_exists() -> None:
    """A test named as proof exists, and so does a place that is named."""
    for row in _rows():
        for name in re.findall(r"`(?:tests/launcher/)?(test_\w+\.py)`", row[2]):
            found = [ROOT / folder / name for folder in ("tests/windows", "tests/launcher")]
            assert any(path.exists() for path in found), name
        for named in re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", row[1]):
            assert named.endswith((".py", ".tpl")) or _is_in_launcher(named), named


def _is_in_launcher(named: str) -> bool:
    """Return whether this is a module of the launcher or of its Windows backend, or something defined in one."""
    package = ROOT / "launcher/mooring_launcher"
    module, _, member = named.rpartition(".")
    for folder in (package, package / "platforms/windows"):
        if (folder / f"{named.replace('.', '/')}.py").exists():
            return True
        path = folder / f"{module.replace('.', '/')}.py"
        if path.exists() and f"def {member}(" in path.read_text():
            return True
    return False
