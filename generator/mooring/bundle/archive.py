"""The launcher as text that a chart can carry (`launcher.source: configMap`), the same on every machine.

It is the zip that Python runs, in base64. Members are sources only, because compiled modules belong to one version of
Python: a start compiles what it imports, and a probe takes some 30 ms of CPU more. Docstrings, comments and
descriptions in the schema stay behind, for a release has room for 1 MiB; every line keeps its number.
"""

from __future__ import annotations

import ast
import base64
import importlib.util
import io
import json
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mooring.bundle.zip import pack
from mooring.errors import MooringError

ARCHIVE_FILE = "files/mooring-launcher.pyz.b64"
"""Where the chart has it; templates/_launcher.tpl reads it there."""

_WIDTH = 76
_MAIN = "import sys\n\nfrom mooring_launcher.__main__ import main\n\nsys.exit(main(sys.argv[1:]))\n"


def archive_text() -> str:
    """Return the archive in base64, in lines. Raises MooringError if the launcher is not installed beside mooring."""
    text = base64.b64encode(archive_bytes()).decode()
    return "".join(f"{text[at : at + _WIDTH]}\n" for at in range(0, len(text), _WIDTH))


@cache
def archive_bytes() -> bytes:
    """Return the archive, the same bytes on every machine."""
    return pack(_members())


def _members() -> dict[str, bytes]:
    """Return each file by its name, with line ends that do not depend on the checkout."""
    package = _package_folder()
    members = {"__main__.py": _MAIN.encode()}
    for path in package.rglob("*"):
        if path.suffix in (".py", ".json") and "__pycache__" not in path.parts:
            data = path.read_bytes().replace(b"\r\n", b"\n")
            name = path.relative_to(package.parent).as_posix()
            members[name] = _condense(path.suffix, data.decode()).encode()
    return members


def _condense(suffix: str, text: str) -> str:
    """Return a module, or the schema, without what only people read."""
    return strip(text) if suffix == ".py" else json.dumps(_undescribed(json.loads(text)), separators=(",", ":"))


def _undescribed(schema: Any) -> Any:
    """Return a schema without its descriptions, which are texts; a property of that name is an object and stays."""
    if isinstance(schema, list):
        return [_undescribed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
    return {key: _undescribed(value) for key, value in kept.items()}


def strip(source: str) -> str:
    """Return a module without docstrings and without lines that are comments, each line where it was."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT and not lines[row - 1][:column].strip():
            lines[row - 1] = ""
    for body in _bodies(ast.parse(source)):
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
                only = lines[first][: statement.col_offset] + "..." if len(body) == 1 else ""
                lines[first:last] = [only, *[""] * (last - first - 1)]
    return "\n".join(lines)


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield the statements of each module, class and function."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.body


def _package_folder() -> Path:
    """Find the launcher without importing it: its code never runs in the generator."""
    spec = importlib.util.find_spec("mooring_launcher")
    if spec is None or spec.origin is None:
        message = "launcher.source is configMap, but the package mooring_launcher is not installed beside mooring"
        raise MooringError(message)
    return Path(spec.origin).parent
