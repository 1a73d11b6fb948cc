"""Tell people what an import made, what changes by it, and in which order to go over."""

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
    """One App that was written, with everything there is to tell about it."""

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
    """What became of an import."""

    apps: list[Imported] = field(default_factory=list)
    mends: list[Mend] = field(default_factory=list)
    strangers: list[Leftover] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code: anything that was not understood well enough is bad input."""
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
    """Return a problem for whatever the App of a program does not carry over with the same meaning."""
    problems = [
        change.place.problem("", f"is not the same in an App: {change.text}")
        for change in program.changes
        if not change.is_same
    ]
    for leftover in [*program.leftovers, *program.neighbours]:
        if not leftover.is_same:
            found = f"found {show(leftover.value)}; " if leftover.path else f"{leftover.title} "
            why = leftover.why or "an App has nothing for it"
            problems.append(leftover.place.problem(leftover.path, f"{found}{why}"))
    return problems


def report_lines(result: ImportResult) -> Iterator[str]:
    """Yield the report for people."""
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
    yield from _section("Made of", (f"{each.place()}: {each.title}" for each in program.manifests), 1)
    yield from _section("What changes for traffic", _traffic(program), 1)
    yield from _section("What else changes", _changes(program), 1)
    yield from _section("Not taken over (a comment in the App)", map(word_leftover, program.leftovers), 1)
    yield from _section("What stands beside it", map(word_leftover, program.neighbours), 1)
    yield "  Cut-over without downtime, in this order"
    yield from _steps(imported.steps)


def _section(title: str, lines: Iterable[str], depth: int = 0) -> Iterator[str]:
    found = [*lines]
    if found:
        yield "  " * depth + title
        yield from ("  " * (depth + 1) + plain(line) for line in found)


def _changes(program: Program) -> list[str]:
    """Return what else changes, each sentence once, with all the places it is about."""
    places: dict[str, list[str]] = {}
    for change in program.changes:
        places.setdefault(change.text, []).append(str(change.place))
    return [f"{', '.join(where)}: {text}" for text, where in places.items()]


def _traffic(program: Program) -> Iterator[str]:
    for route in program.routes:
        yield _route_line(program, route)
    if not program.routes:
        yield "no Service that was read selects its old pods"
    seconds = complete(program.values)["gate"]["startTimeoutSeconds"]
    before = "once its own readiness probe held" if _was_asked(program) else "at once"
    yield (
        f"an anchor is ready, and gets traffic, once the health gate of its program holds; before, it got it {before}. "
        f"A program whose gate has not held {seconds} s after its start is stopped, and started anew"
    )


def _was_asked(program: Program) -> bool:
    containers = [each.value for member in program.members for each in member.pair.anchor.containers]
    return any(dig(each, "readinessProbe") for each in containers)


def _route_line(program: Program, route: Route) -> str:
    old = ",".join(f"{key}={value}" for key, value in route.old_selector.items())
    which = "the new anchors" if route.number is None else f"the new anchor {route.number}"
    line = f"{route.manifest.place()}: Service {route.manifest.name} selects {old}, "
    if route.selects_launchers:
        line += "the HostProcess pods, whose IP is that of the node"
    else:
        line += "the old anchors" if route.number is None else "one old anchor"
    line += f"; from the cut-over on it selects {which}"
    if route.is_main and not program.takes_over:
        line += (
            f". The chart has a Service {program.name} besides, as {route.manifest.name} would not leave its names free"
        )
    return line


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"    {number}. {plain(step.what)}"
        if step.command:
            yield f"       $ {plain(step.command)}"
        if step.undo:
            yield f"       back: {plain(step.undo)}"
