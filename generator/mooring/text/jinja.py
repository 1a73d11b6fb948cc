"""The Jinja dialect of mooring's templates: its delimiters, which Helm does not use, and its filters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mooring.text.emit import emit_scalar, emit_yaml
from mooring.text.markdown import cell, code_cell

if TYPE_CHECKING:
    import jinja2


def make_environment(cls: type[jinja2.Environment], finalize: Callable[[Any], Any] | None = None) -> jinja2.Environment:
    """Return an environment. Values are data: they are never compiled."""
    from jinja2 import StrictUndefined

    environment = cls(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<%=",
        variable_end_string="%>",
        comment_start_string="<%#",
        comment_end_string="%>",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    environment.filters.update(FILTERS)
    return environment


def one_line(text: str) -> str:
    """Return text on one line, for places that end at a line end."""
    return " ".join(text.split())


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


FILTERS: Mapping[str, Callable[..., str]] = {
    "to_yaml": emit_scalar,
    "to_yaml_block": emit_yaml,
    "to_json": _to_json,
    "one_line": one_line,
    "cell": cell,
    "code": code_cell,
}
"""Filters for templates, besides Jinja2's own."""
