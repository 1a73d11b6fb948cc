"""The launcher as one file, mooring-launcher.pyz: the zip that Python runs. Whatever needs one gets it here.

Two forms, each the same bytes on every machine:

- `portable_archive`, for charts (`launcher.source: configMap`, as `archive_text`) and for Windows nodes' directory:
  sources only, because compiled modules belong to one version of Python. A start compiles what it imports, and a probe
  takes some 30 ms of CPU more. Docstrings, comments, indentation, the types of parameters and results, and the schema's
  descriptions stay behind, because a release has room for 1 MiB; every line keeps its number.
- `compiled_archive`, for this machine's Python (the rehearsal, `launcher/build.py`): the sources as they are and beside
  each the compiled module, stored rather than deflated, so that a start neither compiles nor inflates.

Only the standard library is imported, because launcher/build.py runs without anything else.
"""

from __future__ import annotations

import ast
import base64
import importlib.util
import io
import json
import marshal
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mooring.bundle.zip import pack
from mooring.errors import MooringError

ARCHIVE_FILE = "files/mooring-launcher.pyz.b64"
"""Where a chart has it; templates/_launcher.tpl reads it there."""

_WIDTH = 76
_MAIN = "import sys\n\nfrom mooring_launcher.__main__ import main\n\nsys.exit(main(sys.argv[1:]))\n"


def archive_text() -> str:
    """Return the portable archive in base64, in lines. Raises MooringError if the launcher is not installed."""
    text = base64.b64encode(portable_archive()).decode()
    return "".join(f"{text[at : at + _WIDTH]}\n" for at in range(0, len(text), _WIDTH))


@cache
def portable_archive() -> bytes:
    """Return the archive for any supported Python. Raises MooringError if the launcher is not installed."""
    return pack({name: _condense(name, data.decode()).encode() for name, data in _sources().items()})


def compiled_archive() -> bytes:
    """Return the archive for this version of Python; others run it too, and compile at each start.

    Raises MooringError if the launcher is not installed.
    """
    sources = _sources()
    compiled = {f"{name}c": _compile(name, data) for name, data in sources.items() if name.endswith(".py")}
    return pack(sources | compiled, deflated=False)


def _sources() -> dict[str, bytes]:
    """Return each file by its name, with line ends that do not depend on the checkout."""
    package = package_folder("mooring_launcher")
    members = {"__main__.py": _MAIN.encode()}
    for path in package.rglob("*"):
        if path.suffix in (".py", ".json") and "__pycache__" not in path.parts:
            members[path.relative_to(package.parent).as_posix()] = path.read_bytes().replace(b"\r\n", b"\n")
    return members


def _compile(name: str, source: bytes) -> bytes:
    """Return a .pyc that is valid whatever the dates of the source (PEP 552, unchecked hash)."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    unchecked_hash = (1).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + unchecked_hash + importlib.util.source_hash(source) + marshal.dumps(code)


def _condense(name: str, text: str) -> str:
    """Return a module, or the schema, without what only people read."""
    return strip(text) if name.endswith(".py") else json.dumps(_undescribed(json.loads(text)), separators=(",", ":"))


def _undescribed(schema: Any) -> Any:
    """Return a schema without its descriptions, which are texts; a property of that name is an object and stays."""
    if isinstance(schema, list):
        return [_undescribed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
    return {key: _undescribed(value) for key, value in kept.items()}


def strip(source: str) -> str:
    """Return a module without docstrings, comments, signatures' types and spare indentation, each line where it was."""
    source = _untyped(source)
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
    for body in _bodies(ast.parse(source)):
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
                only = lines[first][: statement.col_offset] + "..." if len(body) == 1 else ""
                lines[first:last] = [only, *[""] * (last - first - 1)]
    return _outdent("\n".join(lines))


def _untyped(source: str) -> str:
    """Return a module without the types of functions' parameters and results, which nothing reads when it runs."""
    lines = [line.encode() for line in source.split("\n")]  # ast counts columns in bytes
    for row, column, until in sorted(_types(ast.parse(source), lines), key=lambda cut: cut[:2], reverse=True):
        last, end = (until.end_lineno or row) - 1, until.end_col_offset or 0
        tail = lines[last][end:]
        lines[row - 1 : last + 1] = [lines[row - 1][:column], *[b""] * (last + 1 - row)]
        lines[last] += tail
    return b"\n".join(lines).decode()


def _types(tree: ast.Module, lines: list[bytes]) -> Iterator[tuple[int, int, ast.expr]]:
    """Yield the row and column from which a parameter's or result's type can go, and the type."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.lineno, node.col_offset + len(node.arg.encode()), node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            row, column = node.returns.lineno, node.returns.col_offset
            if row == node.returns.end_lineno:  # the line ends in its brackets would be outside any
                yield row, lines[row - 1].rindex(b" ->", 0, column), node.returns


def _outdent(source: str) -> str:
    """Return a module with one blank for each level of indentation, and none on lines that continue another."""
    lines = source.split("\n")
    depth, begins, last_row = 0, True, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        row = token.start[0]
        if token.string.strip() and row > last_row:  # below its first line, a text's lines are its own
            lines[row - 1] = " " * (depth if begins else 0) + lines[row - 1].lstrip()
            begins, last_row = False, row
        last_row = max(last_row, token.end[0] if token.string.strip() else 0)
        begins = begins or token.type == tokenize.NEWLINE
    return "\n".join(lines)


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield the statements of each module, class and function."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.body


def package_folder(name: str) -> Path:
    """Find a package without importing it: the launcher's code never runs in the generator."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"the Python package {name} is not installed beside mooring; install mooring again"
        raise MooringError(message)
    return Path(spec.origin).parent
