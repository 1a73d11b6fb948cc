"""What an editor shows in an App's and a Platform's file: the real yaml-language-server, driven as editors drive it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.generator.conftest import Run
from tests.node_modules import install
from tests.tools import require

PLATFORM = """apiVersion: mooring/v1
kind: Platform
name: hospital
locks: {service.type: {value: ClusterIP, reason: no node ports, owner: networking}, replicas: {max: 10}}
"""


class Editor:
    """The client's side of the language server protocol, over standard input and output."""

    def __init__(self, server: Path) -> None:
        self._process = subprocess.Popen(
            [require("node"), str(server), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = itertools.count(1)
        self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {}})
        self.tell("initialized", {})

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.communicate(timeout=30)

    def tell(self, method: str, parameters: dict[str, Any]) -> None:
        """Send a notification."""
        self._send({"method": method, "params": parameters})

    def ask(self, method: str, parameters: dict[str, Any]) -> Any:
        """Send a request and return its result."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters})
        return self._wait(lambda message: message.get("id") == number and "method" not in message)["result"]

    def open(self, file: Path) -> list[str]:
        """Open a file and return what is marked in it: line and message."""
        uri = file.as_uri()
        text = file.read_text()
        self.tell(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}
        )
        shown = self._wait(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri
            )
        )
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in shown["params"]["diagnostics"]]

    def complete(self, file: Path, line: int, column: int) -> list[str]:
        """Return what is offered at a place (both counted from 0)."""
        place = {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": column}}
        return [item["label"] for item in self.ask("textDocument/completion", place)["items"]]

    def hover(self, file: Path, line: int, column: int) -> str:
        """Return what is shown when hovering over a place."""
        place = {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": column}}
        text: str = self.ask("textDocument/hover", place)["contents"]["value"]
        return text

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._process.stdin.flush()

    def _wait(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = self._receive()
            if "id" in message and "method" in message:  # the server requests the editor's settings: there are none
                self._send({"id": message["id"], "result": [None] * len(message["params"].get("items", ()))})
            if wanted(message):
                return message

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    """Return an editor."""
    package = install("yaml-language-server") / "node_modules" / "yaml-language-server"
    one = Editor(package / "bin" / "yaml-language-server")
    yield one
    one.close()


@pytest.fixture
def folder(tmp_path: Path, mooring: Run) -> Path:
    """Return a folder with the schemas that `mooring schema` makes, those of Apps with a Platform's locks."""
    (tmp_path / "hospital.yaml").write_text(PLATFORM)
    for name, arguments in {
        "app": ("app",),
        "platform": ("platform",),
        "locked": ("app", "--platform", "hospital.yaml"),
    }.items():
        (tmp_path / f"{name}.schema.json").write_text(mooring("schema", *arguments).stdout)
    return tmp_path


def write(folder: Path, schema: str, text: str) -> Path:
    """Write a file whose first line names its schema."""
    file = folder / f"{schema}-file.yaml"
    file.write_text(f"# yaml-language-server: $schema={schema}.schema.json\n{text}")
    return file


APP = "apiVersion: mooring/v1\nkind: App\nname: orders\nversion: 1.4.0\nvalues:\n"


def test_an_editor_marks_mistakes_in_an_app(folder: Path, editor: Editor) -> None:
    """A wrong type and an unknown key are marked where they are, and keys and choices are offered."""
    file = write(folder, "app", APP + "  replicas: many\n  servce: {}\n  service: {type: }\n  ")
    shown = editor.open(file)
    assert any(line.startswith("7: ") and "integer" in line for line in shown), shown
    assert any(line.startswith("8: Property servce is not allowed") for line in shown), shown
    assert {"target", "gate", "stop"} <= {*editor.complete(file, 9, 2)}
    assert {"ClusterIP", "NodePort", "LoadBalancer"} <= {*editor.complete(file, 8, 18)}


def test_an_editor_marks_what_a_lock_refuses(folder: Path, editor: Editor) -> None:
    """With the schema of `mooring schema app --platform` a locked value is marked, and hovering shows the reason."""
    file = write(folder, "locked", APP + "  replicas: 11\n  service: {type: NodePort}\n")
    shown = editor.open(file)
    assert any(line.startswith("7: Value is above the maximum of 10") for line in shown), shown
    assert any(line.startswith("8: ") and "ClusterIP" in line for line in shown), shown
    assert "locked by Platform hospital: no node ports; ask networking" in editor.hover(file, 7, 13)


def test_an_editor_helps_with_a_platform(folder: Path, editor: Editor) -> None:
    """A Platform's own schema offers the rules of a lock and marks a mistake in a default."""
    file = write(folder, "platform", PLATFORM + "defaults: {replicas: many}\nfeatures: {\n  \n}\n")
    assert any(line.startswith("6: ") and "integer" in line for line in editor.open(file))
    assert {"keda", "tests", "podDisruptionBudget"} <= {*editor.complete(file, 7, 2)}


def test_the_examples_are_without_a_mark(folder: Path, editor: Editor) -> None:
    """Nothing is marked in the platform team's example, whose first lines name the schemas."""
    example = Path(shutil.copytree(Path(__file__).parents[2] / "values-examples" / "platform-team", folder / "example"))
    for name in ("app", "platform"):
        shutil.copy(folder / f"{name}.schema.json", example)
    for file in [example / "hospital.yaml", *sorted((example / "apps").iterdir())]:
        assert file.read_text().startswith("# yaml-language-server: $schema=")
        assert editor.open(file) == []
