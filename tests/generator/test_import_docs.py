"""What docs/import.md shows is what the command line prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "import.md"
_FENCE = re.compile(r"```(yaml|console)\n(.*?)```\n", re.DOTALL)


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    """Each command of the page, run in turn on the page's own files, prints what the page shows below it."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = _FENCE.findall(text)
    files = [body for language, body in blocks if language == "yaml"]
    for name, body in zip(("k2s.yaml", "guide.yaml"), files, strict=True):
        (tmp_path / name).write_text(body, encoding="utf-8")
    shown = [body for language, body in blocks if language == "console"]
    printed = [_run(body.splitlines()[0].removeprefix("$ "), tmp_path) for body in shown]
    assert len(shown) >= 4
    assert printed == shown


def _run(command: str, folder: Path) -> str:
    """Return a console's picture of a command and what it prints."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", f"{command} 2>&1"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return f"$ {command}\n{done.stdout}"
