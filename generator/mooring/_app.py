"""Read Apps: what an app team writes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mooring._app_model import APP
from mooring._errors import InputError, Problem
from mooring._model import default_of
from mooring._rules import Violation, find_violations
from mooring._validate import check, drop_nulls, show
from mooring._values import VALUES
from mooring._yaml import Document, load_yaml, parse_yaml


@dataclass(frozen=True, slots=True)
class App:
    """A valid App. `values` are the chart's defaults with the App's own laid over them."""

    name: str
    version: str
    app_version: str
    description: str
    keywords: tuple[str, ...]
    maintainers: tuple[Mapping[str, str], ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of reading one file: an App, or problems. `name` is known of many a bad App too."""

    file: str
    name: str | None
    app: App | None
    problems: tuple[Problem, ...]
    document: Document | None = None

    def name_problem(self, message: str) -> Problem:
        """Word a problem with the App's name."""
        document = self.document or Document(self.file)
        return document.problem(("name",), message)


def load_app(file: str) -> App:
    """Read one App. Raises InputError with everything that is wrong in the file."""
    return _app_or_raise(read_app(file))


def parse_app(data: bytes, file: str = "<app>") -> App:
    """Read one App from memory; `file` is for messages. Raises InputError like load_app."""
    return _app_or_raise(_read_document(parse_yaml(data, file)))


def _app_or_raise(reading: Reading) -> App:
    if reading.app is None:
        raise InputError(reading.problems)
    return reading.app


def read_app(file: str) -> Reading:
    """Read one App; problems are returned, not raised, so that a run can tell those of all files at once."""
    try:
        document = load_yaml(file)
    except InputError as error:
        return Reading(file, None, None, error.problems)
    return _read_document(document)


def _read_document(document: Document) -> Reading:
    data = drop_nulls(APP, document.value)
    name = data.get("name") if isinstance(data, dict) else None
    problems = _check_shape(document, data) or _check_rules(document, data)
    return Reading(
        document.file,
        name if isinstance(name, str) else None,
        None if problems else make_app(data),
        tuple(problems),
        document,
    )


def _check_shape(document: Document, data: Any) -> list[Problem]:
    findings = list(check(APP, data))
    # A file of another kind is told only that: nothing else in it means what it seems to.
    head = [finding for finding in findings if finding.path in (("apiVersion",), ("kind",))]
    return sorted(
        document.problem(finding.path, finding.message, of_key=finding.of_key) for finding in head or findings
    )


def _check_rules(document: Document, data: Mapping[str, Any]) -> list[Problem]:
    """Return the broken rules between values, each of which has its right shape."""
    violations = find_violations(overlay(_defaults(), data["values"]))
    return sorted(_word_violation(document, violation) for violation in violations)


def _word_violation(document: Document, violation: Violation) -> Problem:
    path = document.path_of(("values", *violation.path))
    if violation.found in ("", None) and path not in document.values_at:
        return document.problem(path, f"is missing: {violation.rule}; {violation.fix}")
    return document.problem(path, f"found {show(violation.found)}; {violation.rule}; {violation.fix}")


@cache
def _defaults() -> Any:
    return default_of(VALUES)


def make_app(data: Mapping[str, Any]) -> App:
    """Make an App of valid data; nothing is checked."""
    return App(
        name=data["name"],
        version=data["version"],
        app_version=data.get("appVersion") or data["version"],
        description=data.get("description", ""),
        keywords=tuple(data.get("keywords", ())),
        maintainers=tuple(data.get("maintainers", ())),
        values=overlay(_defaults(), data.get("values", {})),
    )


def overlay(below: Any, above: Any) -> Any:
    """Lay values over defaults as Helm does: maps merge, a null takes a key away, anything else replaces."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return copy.deepcopy(above)
    merged = {key: value for key, value in below.items() if key not in above}
    for key, value in above.items():
        if value is not None:
            merged[key] = overlay(below.get(key), value)
    return {key: merged[key] for key in (*below, *above) if key in merged}
