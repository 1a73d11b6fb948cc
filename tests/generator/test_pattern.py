"""Patterns of locks mean the same in Python and in Helm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from mooring.model.pattern import compile_pattern

from tests.tools import require

PATTERNS = [
    r"^a$",
    r"a$|b",
    r"^\s+$",
    r"^[\s]$",
    r"^\S$",
    r"^[a-z]{2,3}?x*$",
    r"^\w\d\b",
    r"^[]a]$",
    r"^[^]a]$",
    r"^.$",
    r"^(?:a|b)+\.\x41$",
    r"a}]",
    r"^[\d\-]+$",
    "",
    r"^\[\\$",
    r"é",
]
TEXTS = [
    "",
    "a",
    "a\n",
    "b",
    "\v",
    " ",
    "\t ",
    "abx",
    "é",
    "é\n",
    "٣",
    "a3",
    "]",
    "ab.A",
    "a}]",
    "1-2",
    "[\\",
    "\n",
    "_9",
]
REFUSED = [
    r"(?=a)",
    r"(?i)a",
    r"(?P<n>a)",
    r"a*+",
    r"a{2}+",
    r"\z",
    r"\Z",
    r"\p{L}",
    r"(a)\1",
    r"[[:alpha:]]",
    r"[\S]",
    r"[\b]",
    r"a{1001}",
    r"a{,3}",
    r"[a&&b]",
    r"\u0041",
    r"a**",
    "[a",
    "(",
    "a\n",
    "\\",
]


def test_a_pattern_matches_what_helm_matches(tmp_path: Path) -> None:
    """Each pattern finds the same texts here and with Helm's own regexMatch."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: probe, version: 1.0.0}")
    (tmp_path / "values.yaml").write_text(json.dumps({"patterns": PATTERNS, "texts": TEXTS}))
    (tmp_path / "templates" / "out.yaml").write_text(
        "{{- range $p := .Values.patterns }}{{ range $t := $.Values.texts }}\n"
        "# {{ ternary 1 0 (mustRegexMatch $p $t) }}{{ end }}{{ end }}\nkind: Out\n"
    )
    command = [require("helm"), "template", str(tmp_path)]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    theirs = [line[2:] == "1" for line in out.splitlines() if line in ("# 0", "# 1")]
    ours = [compile_pattern(pattern).search(text) is not None for pattern in PATTERNS for text in TEXTS]
    assert ours == theirs


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_only_one_of_them_knows_is_refused(pattern: str) -> None:
    """A pattern that Helm and Python would interpret differently is refused with a sentence."""
    with pytest.raises(ValueError, match=r"do not share|is not a regular expression|control character"):
        compile_pattern(pattern)
