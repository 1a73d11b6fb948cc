"""Read Apps: what an app team writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mooring.errors import InputError, Problem
from mooring.inputs.locks import Breach, find_breaches
from mooring.inputs.platform import Platform
from mooring.model.app import APP
from mooring.model.check import check, drop_nulls, show
from mooring.model.layers import overlay, take_away
from mooring.model.nodes import default_of
from mooring.model.rules.rule import Violation
from mooring.model.rules.table import find_violations
from mooring.model.values import VALUES
from mooring.text.document import Document, KeyPath
from mooring.text.reader import load_yaml, parse_yaml


@dataclass(frozen=True, slots=True)
class App:
    """A valid App. `values` are the chart's defaults, the Platform's merged over them, and the App's own over both."""

    name: str
    version: str
    app_version: str
    description: str
    keywords: tuple[str, ...]
    maintainers: tuple[Mapping[str, str], ...]
    values: Mapping[str, Any]
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one file: an App, or problems. `name` is known for many invalid Apps too."""

    file: str
    name: str | None
    app: App | None
    problems: tuple[Problem, ...]
    document: Document | None = None

    def name_problem(self, message: str) -> Problem:
        """Return a problem with the App's name."""
        document = self.document or Document(self.file)
        return document.problem(("name",), message)


def load_app(file: str, platform: Platform | None = None) -> App:
    """Read one App. Raises InputError with everything that is wrong in the file."""
    return _app_or_raise(read_app(file, platform))


def parse_app(data: bytes, file: str = "<app>", platform: Platform | None = None) -> App:
    """Read one App from memory; `file` is for messages. Raises InputError like load_app."""
    return _app_or_raise(read_document(parse_yaml(data, file), platform))


def _app_or_raise(reading: Reading) -> App:
    if reading.app is None:
        raise InputError(reading.problems)
    return reading.app


def read_app(file: str, platform: Platform | None = None) -> Reading:
    """Read one App; problems are returned, not raised, so that a run can report those of all files at once."""
    try:
        document = load_yaml(file)
    except InputError as error:
        return Reading(file, None, None, error.problems)
    return read_document(document, platform)


def read_document(document: Document, platform: Platform | None = None) -> Reading:
    """Build an App from one YAML document, or problems."""
    data = drop_nulls(APP, document.value)
    name = data.get("name") if isinstance(data, dict) else None
    problems = find_shape_problems(document, data)
    app = None
    if not problems:
        app = make_app(data, platform, document.value["values"])
        problems = _check_rules(document, app)
    return Reading(
        document.file,
        name if isinstance(name, str) else None,
        None if problems else app,
        tuple(problems),
        document,
    )


def find_shape_problems(document: Document, data: Any) -> list[Problem]:
    """Return the problems of a document that an App's model finds; `data` is its value without nulls."""
    findings = list(check(APP, data))
    # For a file of another kind only that is reported: nothing else in it means what it seems to.
    head = [finding for finding in findings if finding.path in (("apiVersion",), ("kind",))]
    return sorted(
        document.problem(finding.path, finding.message, of_key=finding.of_key) for finding in head or findings
    )


def _check_rules(document: Document, app: App) -> list[Problem]:
    """Return the broken rules between values, each of which is valid by itself, and the broken locks."""
    violations = find_violations(app.values)
    problems = [_word_violation(document, violation) for violation in violations]
    if app.platform:
        problems += _check_platform(document, app, app.platform, {(one.path, one.rule) for one in violations})
    return sorted(set(problems))


def _check_platform(
    document: Document, app: App, platform: Platform, reported: set[tuple[KeyPath, str]]
) -> Iterator[Problem]:
    if platform.is_partial:
        for finding in check(VALUES, app.values):
            yield document.problem(("values", *finding.path), f"{finding.message} (with what the Platform sets)")
    for breach in find_breaches(platform.locks, app.values, platform.values, document.value["values"]):
        reported.add((breach.path, breach.lock.must))
        yield _word_breach(document, breach)
    for name in platform.overlays:
        for path, rule, message in _check_overlay(app, platform, name):
            if (path, rule) not in reported:
                where = f"with values-{name}.yaml of Platform {platform.name}"
                yield document.problem(("values", *path), f"{where}: {message}")


def _check_overlay(app: App, platform: Platform, name: str) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield path, rule and message of each problem that this App would have in one environment."""
    values = platform.overlays[name]
    complete = overlay(take_away(VALUES, app.values, values), values)
    findings = list(check(VALUES, complete)) if name in platform.partial_overlays else []
    for finding in findings:
        yield finding.path, "", finding.message
    for one in find_violations(complete) if not findings else ():
        yield one.path, one.rule, f"found {show(one.found)}; {one.rule}; {one.fix}"
    for breach in find_breaches(platform.locks, complete, platform.values, values):
        yield breach.path, breach.lock.must, str(breach)


def _word_breach(document: Document, breach: Breach) -> Problem:
    path = ("values", *breach.path)
    if breach.found in ("", None) and path not in document.values_at:
        lock = breach.lock
        return document.problem(path, f"is missing; must {lock.must}; {lock.rest} ({lock.place})")
    return document.problem(path, str(breach))


def _word_violation(document: Document, violation: Violation) -> Problem:
    path = document.path_of(("values", *violation.path))
    if violation.found in ("", None) and path not in document.values_at:
        return document.problem(path, f"is missing: {violation.rule}; {violation.fix}")
    return document.problem(path, f"found {show(violation.found)}; {violation.rule}; {violation.fix}")


@cache
def _defaults() -> Any:
    return default_of(VALUES)


def make_app(data: Mapping[str, Any], platform: Platform | None = None, raw: Mapping[str, Any] | None = None) -> App:
    """Build an App from valid data; nothing is checked. `raw` are its values with their nulls, if it has any."""
    below = take_away(VALUES, platform.values, raw) if platform else _defaults()
    return App(
        name=data["name"],
        version=data["version"],
        app_version=data.get("appVersion") or data["version"],
        description=data.get("description", ""),
        keywords=tuple(data.get("keywords", ())),
        maintainers=tuple(data.get("maintainers", ())),
        values=overlay(below, data.get("values", {})),
        platform=platform,
    )
