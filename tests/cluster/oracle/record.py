"""The oracle's record: one JSON object a line. Written by the oracle; read, and the oracle started and ended, by tests.

`start` says which checks are made and why others are not; `looking`, that the first picture is complete; `begin` and
`end` are one violation (the same `id`); `hole` is a time in which the oracle did not look; `cut` one in which it had no
news from the API; `node` says that one ended (`lost`) or is `back`; `alive` comes every 10 s; `summary` is the last.
"""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.oracle.rules import Violation


class Recorder:
    """Writes the record, whole lines at a time."""

    def __init__(self, path: str) -> None:
        self.violations = 0
        self._file = Path(path).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - open as long as the oracle runs
        self._open: dict[Violation, tuple[int, float]] = {}

    def write(self, kind: str, **facts: Any) -> None:
        """Write one line, with the time."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._file.write(json.dumps({"kind": kind, "at": now, **facts}) + "\n")

    def update(self, found: set[Violation], now_s: float, cut_s: float) -> None:
        """Write what begins and what ends. `cut_s`: for how long there has been no news from the API, else 0."""
        for violation in sorted(found - self._open.keys(), key=lambda v: (v.rule, v.namespace, v.pods)):
            self.violations += 1
            self._open[violation] = self.violations, now_s
            self._write("begin", violation, self.violations, sentence=violation.sentence, cut_s=round(cut_s, 1))
        for violation in [v for v in self._open if v not in found]:
            number, since_s = self._open.pop(violation)
            self._write("end", violation, number, duration_s=round(now_s - since_s, 3))

    def close(self, now_s: float, **facts: Any) -> None:
        """Write what is still wrong and the summary."""
        for violation, (number, since_s) in self._open.items():
            self._write("end", violation, number, duration_s=round(now_s - since_s, 3), still=True)
        self.write("summary", violations=self.violations, **facts)
        self._file.close()

    def _write(self, kind: str, violation: Violation, number: int, **facts: Any) -> None:
        where = {"rule": violation.rule, "namespace": violation.namespace, "pods": violation.pods}
        self.write(kind, id=number, **where, **facts)


@dataclass(frozen=True)
class Seen:
    """One violation as recorded. `duration_s` is None while it lasts; `cut_s` as in `Recorder.update`."""

    rule: str
    namespace: str
    pods: tuple[str, ...]
    sentence: str
    at: str
    duration_s: float | None
    cut_s: float

    def __str__(self) -> str:
        lasts = "it lasts" if self.duration_s is None else f"for {self.duration_s:.1f} s"
        return f"{self.at} {self.namespace} {self.rule}: {self.sentence} ({lasts})"


@dataclass
class Record:
    """What an oracle has written so far."""

    start: dict[str, Any] = field(default_factory=dict)
    violations: list[Seen] = field(default_factory=list)
    holes: list[dict[str, Any]] = field(default_factory=list)
    cuts: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] | None = None
    looking: bool = False

    def of(self, namespace: str) -> list[Seen]:
        """Return the violations of one namespace."""
        return [seen for seen in self.violations if seen.namespace == namespace]


def read_record(path: str | Path) -> Record:
    """Read a record, even one that is still being written."""
    record, begun = Record(), dict[int, dict[str, Any]]()
    ends: dict[int, float] = {}
    for text in Path(path).read_text(encoding="utf-8").split("\n")[:-1]:  # the last piece is an incomplete line, or ''
        line = json.loads(text)
        match line["kind"]:
            case "start":
                record.start = line
            case "looking":
                record.looking = True
            case "begin":
                begun[line["id"]] = line
            case "end":
                ends[line["id"]] = line["duration_s"]
            case "hole":
                record.holes.append(line)
            case "cut":
                record.cuts.append(line)
            case "summary":
                record.summary = line
    for number, line in begun.items():
        facts = {key: line[key] for key in ("rule", "namespace", "sentence", "at", "cut_s")}
        record.violations.append(Seen(pods=tuple(line["pods"]), duration_s=ends.get(number), **facts))
    return record


class Oracle:
    """A running oracle, from `start` to `stop`."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self._process = process
        self.path = path

    @classmethod
    def start(
        cls,
        kubeconfig: str | Path,
        path: str | Path,
        nodes: Mapping[str, int] | None = None,
        namespaces: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Oracle:
        """Start an oracle and wait until it looks. `nodes`: a process inside each node's network; no namespaces: all.

        Raises RuntimeError if it ends or does not look in time; its messages are on stderr.
        """
        command = [sys.executable, "-m", "tests.cluster.oracle", "--kubeconfig", str(kubeconfig), "--record", str(path)]
        command += ["--namespaces", ",".join(namespaces) or "all"]
        for name, pid in (nodes or {}).items():
            command += ["--node", f"{name}={pid}"]
        root = Path(__file__).parents[3]
        search = os.pathsep.join([str(root), str(root / "generator"), os.environ.get("PYTHONPATH", "")])
        Path(path).unlink(missing_ok=True)
        oracle = cls(subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": search}), Path(path))
        deadline_s = time.monotonic() + timeout_s
        while not (oracle.path.exists() and read_record(oracle.path).looking):
            if oracle._process.poll() is not None or time.monotonic() > deadline_s:
                oracle._process.kill()
                oracle._process.wait()
                message = f"the oracle did not begin to look within {timeout_s:g} s: {' '.join(command)}"
                raise RuntimeError(message)
            time.sleep(0.05)
        return oracle

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it still runs; one that was killed has written no summary."""
        return self._process.poll() is None

    def so_far(self) -> Record:
        """Return what it has written so far."""
        return read_record(self.path)

    def stop(self) -> Record:
        """End it and return its record. Raises RuntimeError if it had died: then nobody watched."""
        died = self._process.poll()
        if died is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
        record = read_record(self.path)
        if died is not None or record.summary is None:
            message = f"the oracle ended by itself with status {self._process.returncode}: see {self.path}"
            raise RuntimeError(message)
        return record
