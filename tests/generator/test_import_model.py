"""The importer defines no limits, names, patterns or defaults: only the values model does."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mooring.importing import model
from mooring.model import values as _values
from mooring.model.nodes import Obj, walk

from tests.generator.importing import folder, run, told, values
from tests.generator.manifests import anchor, launcher, service

IMPORTING = Path(model.__file__).parent


def _facts() -> tuple[set[int], set[str]]:
    """Return the large numbers and the patterns of the values model, which must not appear in the importer."""
    numbers: set[int] = set()
    patterns: set[str] = set()
    for _, node in walk(_values.VALUES):
        found = [getattr(node, key, None) for key in ("minimum", "maximum", "default")]
        numbers |= {each for each in found if type(each) is int and each >= 100}
        patterns |= {str(getattr(node, key)) for key in ("pattern", "key_pattern") if getattr(node, key, None)}
    return numbers, patterns


TOLERATION = ("convert.py", 300)
"""Seconds that Kubernetes' admission plugin sets on every pod; by chance the default of anchor.waitSeconds."""


def test_the_importer_has_no_numbers_or_patterns_of_its_own() -> None:
    """No limit, default or pattern of the values model is repeated in the importer."""
    numbers, patterns = _facts()
    bare = {pattern.strip("^$()?").split("{")[0] for pattern in patterns if len(pattern) > 8}
    assert {8091, 65535, 86400, 1000} <= numbers
    for path in sorted(IMPORTING.rglob("*.py")):
        for constant in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = getattr(constant, "value", None)
            if type(value) is int and (path.name, value) != TOLERATION:
                assert value not in numbers, (path.name, value)
            if isinstance(value, str) and "\n" not in value:
                assert not [pattern for pattern in bare if pattern and pattern in value], (path.name, value)


def _with(fields: Mapping[str, Any], path: tuple[str, ...], **changes: Any) -> Obj:
    """Return the model with one node changed."""
    head, *rest = path
    node = fields[head]
    if rest and isinstance(node, Obj):
        changed: Any = dataclasses.replace(node, fields=_with(node.fields, tuple(rest), **changes).fields)
    elif rest:
        inner = dataclasses.replace(node.item, fields=_with(node.item.fields, tuple(rest), **changes).fields)
        changed = dataclasses.replace(node, item=inner)
    else:
        changed = dataclasses.replace(node, **changes)
    return Obj(doc="", fields={**fields, head: changed})


def change_model(monkeypatch: pytest.MonkeyPatch, *path: str, **changes: Any) -> None:
    """Change one node of the values model, as an edit would."""
    monkeypatch.setattr(_values, "VALUES", _with(_values.VALUES.fields, path, **changes))


def test_the_importer_follows_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit, default or pattern that is changed in the model changes the importer immediately."""
    change_model(monkeypatch, "replicas", maximum=3)
    result = run(tmp_path, anchor(), launcher(replicas=4))
    assert "spec.replicas: found 4; must be between 0 and 3" in str(result.problems[0])
    change_model(monkeypatch, "replicas", maximum=1000)
    change_model(monkeypatch, "readiness", "port", default=9999)
    made = launcher(ports=[{"containerPort": 9999, "name": "x"}])
    assert values(run(folder(tmp_path, "a"), anchor(), made))["readiness"] == {"port": 10000}
    change_model(monkeypatch, "stop", "drainSeconds", default=100)
    short = launcher(pod={"terminationGracePeriodSeconds": 100})
    assert "a launcher needs at least 150 s" in told(run(folder(tmp_path, "b"), anchor(), short))
    change_model(monkeypatch, "gate", "http", "timeoutSeconds", maximum=7)
    probe = {"httpGet": {"port": 1}, "timeoutSeconds": 9}
    assert "timeoutSeconds 9 is outside what a check allows; it is now 7" in told(
        run(folder(tmp_path, "c"), anchor(), launcher(readinessProbe=probe))
    )
    change_model(monkeypatch, "gate", "startTimeoutSeconds", maximum=50)
    probe = {"httpGet": {"port": 1}, "failureThreshold": 6}
    assert "gate.startTimeoutSeconds is now 50" in told(
        run(folder(tmp_path, "d"), anchor(), launcher(startupProbe=probe))
    )
    change_model(monkeypatch, "target", "ports", key_pattern="^[a-z]{4,}$")
    routed = service(port={"name": "web", "port": 7})
    assert [*values(run(folder(tmp_path, "e"), anchor(), launcher(), routed))["target"]["ports"]] == ["http"]
    change_model(monkeypatch, "target", "ports", key_pattern="^[a-z]{3,}$")
    assert [*values(run(folder(tmp_path, "f"), anchor(), launcher(), routed))["target"]["ports"]] == ["web"]
