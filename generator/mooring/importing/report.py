"""Report what an import wrote, what it changes, and the steps of the cutover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mooring.errors import ExitCode, Problem, plain
from mooring.importing.cutover import Step
from mooring.importing.manifests import Leftover, dig
from mooring.importing.model import complete
from mooring.importing.programs.make import Program
from mooring.importing.programs.services import Route
from mooring.importing.reading.mending import Mend
from mooring.importing.texts import word_leftover
from mooring.model.check import show


@dataclass(frozen=True, slots=True)
class Imported:
    """One App that was written, with everything there is to report about it."""

    program: Program
    file: str
    steps: tuple[Step, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON output."""
        return {
            "app": self.program.name,
            "file": self.file,
            "namespace": self.program.namespace,
            "from": [f"{each.place()}: {each.title}" for each in self.program.manifests],
            "traffic": [plain(text) for text in _traffic(self.program)],
            "changes": [plain(text) for text in _changes(self.program)],
            "notTakenOver": [word_leftover(each) for each in self.program.leftovers],
            "neighbours": [word_leftover(each) for each in self.program.neighbours],
            "cutOver": [step.as_dict() for step in self.steps],
        }


@dataclass(slots=True)
class ImportResult:
    """The result of an import."""

    apps: list[Imported] = field(default_factory=list)
    mends: list[Mend] = field(default_factory=list)
    strangers: list[Leftover] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code: any problem is bad input."""
        return ExitCode.BAD_INPUT if self.problems else ExitCode.DONE

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON output."""
        return {
            "exitCode": int(self.exit_code),
            "apps": [each.as_dict() for each in self.apps],
            "mended": [plain(str(each)) for each in self.mends],
            "notTouched": [word_leftover(each) for each in self.strangers],
            "notRead": [plain(each) for each in self.unread],
            "problems": [each.as_dict() for each in self.problems],
        }


def find_differences(program: Program) -> list[Problem]:
    """Return a problem for whatever a program's App does not carry over with the same meaning."""
    problems = [
        change.place.problem("", f"behaves differently in an App: {change.text}")
        for change in program.changes
        if not change.is_same
    ]
    for leftover in [*program.leftovers, *program.neighbours]:
        if not leftover.is_same:
            found = f"found {show(leftover.value)}; " if leftover.path else f"{leftover.title} "
            why = leftover.why or "an App has no equivalent"
            problems.append(leftover.place.problem(leftover.path, f"{found}{why}"))
    return problems


def report_lines(result: ImportResult) -> Iterator[str]:
    """Yield the report as text."""
    for imported in result.apps:
        yield from _describe(imported)
        yield ""
    yield from _section("Mended", map(str, result.mends))
    yield from _section("Not touched", map(word_leftover, result.strangers))
    yield from _section("Not read", result.unread)


def _describe(imported: Imported) -> Iterator[str]:
    program = imported.program
    count = program.values["replicas"]
    exe = program.values["target"]["exe"]
    yield plain(f"{imported.file}: {count} replica{'' if count == 1 else 's'} of {exe}")
    yield from _section("Made from", (f"{each.place()}: {each.title}" for each in program.manifests), 1)
    yield from _section("What changes for traffic", _traffic(program), 1)
    yield from _section("What else changes", _changes(program), 1)
    yield from _section("Not carried over (kept as comments in the App)", map(word_leftover, program.leftovers), 1)
    yield from _section("Related objects", map(word_leftover, program.neighbours), 1)
    yield "  Cutover without downtime, in this order"
    yield from _steps(imported.steps)


def _section(title: str, lines: Iterable[str], depth: int = 0) -> Iterator[str]:
    found = [*lines]
    if found:
        yield "  " * depth + title
        yield from ("  " * (depth + 1) + plain(line) for line in found)


def _changes(program: Program) -> list[str]:
    """Return what else changes, each sentence once, with all its places."""
    places: dict[str, list[str]] = {}
    for change in program.changes:
        places.setdefault(change.text, []).append(str(change.place))
    return [f"{', '.join(where)}: {text}" for text, where in places.items()]


def _traffic(program: Program) -> Iterator[str]:
    for route in program.routes:
        yield _route_line(program, route)
    if not program.routes:
        yield "none of the Services that were read selects its old pods"
    seconds = complete(program.values)["gate"]["startTimeoutSeconds"]
    before = "once the anchor's own readiness probe succeeded" if _was_probed(program) else "immediately"
    yield (
        f"an anchor is ready, and gets traffic, once its program's health gate holds; previously traffic was sent "
        f"{before}. A program whose gate does not hold within {seconds} s of its start is stopped and restarted"
    )


def _was_probed(program: Program) -> bool:
    containers = [each.value for member in program.members for each in member.pair.anchor.containers]
    return any(dig(each, "readinessProbe") for each in containers)


def _route_line(program: Program, route: Route) -> str:
    old = ",".join(f"{key}={value}" for key, value in route.old_selector.items())
    which = "the new anchors" if route.number is None else f"the new anchor {route.number}"
    line = f"{route.manifest.place()}: Service {route.manifest.name} selects {old}, "
    if route.selects_launchers:
        line += "the HostProcess pods, whose IP is the node's"
    else:
        line += "the old anchors" if route.number is None else "one old anchor"
    line += f"; after the cutover it selects {which}"
    if route.is_main and not program.takes_over:
        line += (
            f". The chart creates a separate Service {program.name}, because an App named {route.manifest.name} would "
            "clash with old objects"
        )
    return line


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"    {number}. {plain(step.what)}"
        if step.command:
            yield f"       $ {plain(step.command)}"
        if step.undo:
            yield f"       undo: {plain(step.undo)}"
