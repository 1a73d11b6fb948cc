"""Pages of docs/ whose commands and code are run, and whose output is real.

After a wanted change run `MOORING_WRITE_DOCS=1 pytest tests/generator/test_doc_pages.py` and read the diff.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import regenerate

from tests.tools import require

DOCS = regenerate.ROOT / "docs"
EXAMPLE = regenerate.ROOT / "values-examples" / "platform-team"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the page's blocks of code, each with its kind."""
    return [(found[1], found[2]) for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def run_console(block: str, folder: Path) -> str:
    """Run the commands of a block and return it with what they print now."""
    helm = Path(require("helm")).parent
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{helm}:{os.environ['PATH']}", "LC_ALL": "C"}
    lines = []
    for line in block.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                [require("bash"), "-c", line[2:]],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=60,
            )
            lines += [line, *done.stdout.splitlines()]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", ["platform-tutorial"])
def test_a_tutorial_shows_what_its_commands_print(name: str, tmp_path: Path) -> None:
    """Each file is written and each command run in order, in an empty folder; the page shows exactly the result."""
    page = DOCS / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    for kind, block in blocks(page):
        if kind == "yaml":
            file = tmp_path / block.partition("\n")[0].removeprefix("# ")
            file.parent.mkdir(exist_ok=True)
            file.write_text(block, encoding="utf-8")
        elif kind == "console":
            text = text.replace(block, run_console(block, tmp_path), 1)
    if os.environ.get("MOORING_WRITE_DOCS"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


def test_the_python_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/python.md prints what the page shows below it."""
    shutil.copytree(EXAMPLE, tmp_path / "example")
    monkeypatch.chdir(tmp_path / "example")
    code = "\n".join(block for kind, block in blocks(DOCS / "python.md") if kind == "pycon")
    test = doctest.DocTestParser().get_doctest(code, {}, "docs/python.md", "docs/python.md", 0)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert (result.failed, "".join(told)) == (0, "")
    assert result.attempted > 20
