"""A Platform's own templates: Jinja2 in a sandbox, with mooring's delimiters and filters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mooring.errors import InputError, Problem
from mooring.text.document import Document
from mooring.text.jinja import make_environment

if TYPE_CHECKING:
    import jinja2

MAX_TEMPLATE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class CustomTemplate:
    """One template: the path of its output in the chart, the file it was read from, its text."""

    path: str
    file: str
    text: str

    @property
    def is_for_helm(self) -> bool:
        """Return whether Helm renders the output."""
        return self.path.startswith("templates/")


def read_template(path: str, source: str, document: Document) -> CustomTemplate | Problem:
    """Read and compile a template named in a Platform's file; return what is wrong with it, if anything is."""
    file = Path(document.file).parent / source
    place = ("templates", path)
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises where a name is too long
            return document.problem(place, f"found {source}; there is no file {file}")
        with file.open("rb") as opened:
            data = opened.read(MAX_TEMPLATE_BYTES + 1)
        if len(data) > MAX_TEMPLATE_BYTES:
            return document.problem(place, f"{file} is longer than {MAX_TEMPLATE_BYTES} bytes")
        template = CustomTemplate(path, str(file), data.decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        return document.problem(place, f"{file}: {(error.strerror or str(error)).lower()}")
    except UnicodeDecodeError as error:
        return Problem(str(file), None, None, "", f"is not UTF-8: byte 0x{data[error.start]:02x} at {error.start}")
    return _compile_problem(template) or template


def _compile_problem(template: CustomTemplate) -> Problem | None:
    from jinja2 import TemplateSyntaxError

    try:
        _compiled(template)
    except TemplateSyntaxError as error:
        return Problem(template.file, error.lineno, 1, "", f"not a Jinja2 template: {error.message}")
    return None


@cache
def _compiled(template: CustomTemplate) -> Any:
    return _environment(template.is_for_helm).from_string(template.text)


@cache
def _environment(is_for_helm: bool) -> jinja2.Environment:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = make_environment(ImmutableSandboxedEnvironment, _inert if is_for_helm else None)
    # A chart is the same every time.
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _inert(value: Any) -> Any:
    """Escape a value for a file that Helm renders, so that Helm writes it unchanged."""
    return str(value).replace("{", '{{"{"}}') if "{" in str(value) else value


def render_template(template: CustomTemplate, context: Mapping[str, Any]) -> str:
    """Return a template's output. Raises InputError that names the template's line."""
    from jinja2 import TemplateError

    try:
        text: str = _compiled(template).render(context)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        line = _line_of(error)
        message = f"cannot be rendered for App {context['app'].name}: {error}"
        raise InputError([Problem(template.file, line, 1 if line else None, "", message)]) from error
    return text


def _line_of(error: BaseException) -> int | None:
    """Return the last line of the template in the traceback, where Jinja2 puts it."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
