"""Files that must not be able to harm mooring: a table for each kind of input, and a fuzzer with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.generator.abuse import apps, imports, platforms
from tests.generator.abuse.fuzz import mutants
from tests.generator.abuse.yamls import broken

Cases = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """One kind of input: the command that reads `case.yaml` in an empty directory, a correct file, and bad ones.

    Every second file of `own` is read with the options `sometimes`, which must make no difference to it.
    """

    command: tuple[str, ...]
    valid: str
    own: Callable[[], Cases]
    sometimes: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    """Correct files, which the command reads too."""

    def broken(self) -> Cases:
        """Return every file that is wrong whatever it describes."""
        return broken(self.valid)

    def fuzz(self, count: int) -> Cases:
        """Return that many mutants of the correct file: most are refused, the others are still correct."""
        return mutants(self.valid, count)


KINDS = {
    "app": Kind(("generate", "case.yaml", "--out", "out"), apps.VALID, apps.cases, ("--force",)),
    "import": Kind(("import", "case.yaml", "--out", "out"), imports.VALID, imports.cases, ("--mend",)),
    "platform": Kind(
        ("generate", "app.yaml", "--platform", "case.yaml", "--out", "out"),
        platforms.VALID,
        platforms.cases,
        ("--force",),
        {"app.yaml": apps.VALID},
    ),
}
