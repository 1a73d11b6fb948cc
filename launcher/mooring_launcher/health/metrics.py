"""The launcher's metrics in Prometheus' text format (exposition format 0.0.4)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mooring_launcher.gate.conditions import Condition
from mooring_launcher.gate.psutil import Usage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(NamedTuple):
    """The metrics. None means not known (yet): that metric is left out."""

    version: str
    app: str
    ordinal: int
    ready: bool
    attach_seconds: float | None
    gate_seconds: float | None
    restarts: int
    conditions: Sequence[Condition]
    usage: Usage | None


class _Family(NamedTuple):
    name: str
    kind: str
    help: str
    samples: list[tuple[dict[str, str], float | None]]


def render_metrics(metrics: Metrics) -> str:
    """Return the text, each metric with HELP and TYPE."""
    lines: list[str] = []
    for family in _families(metrics):
        known = [(labels, value) for labels, value in family.samples if value is not None]
        if known:
            lines.append(f"# HELP {family.name} {family.help}")
            lines.append(f"# TYPE {family.name} {family.kind}")
            lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in known]
    return "\n".join([*lines, ""])


def _families(metrics: Metrics) -> Iterator[_Family]:
    info = {"version": metrics.version, "app": metrics.app, "ordinal": str(metrics.ordinal)}
    conditions = [({"condition": c.name}, float(c.holds)) for c in metrics.conditions]
    usage = metrics.usage
    yield _Family("mooring_launcher_info", "gauge", "The launcher and the replica it runs.", [(info, 1)])
    yield _single("mooring_ready", "gauge", "Whether the gate holds and no stop has begun.", float(metrics.ready))
    yield _Family("mooring_gate_condition", "gauge", "Whether a condition of the gate holds.", [*conditions])
    yield _single(
        "mooring_attach_seconds",
        "gauge",
        "From the launcher's start to the target's, in the last attach.",
        metrics.attach_seconds,
    )
    yield _single(
        "mooring_gate_seconds", "gauge", "From the target's start until the gate first held.", metrics.gate_seconds
    )
    yield _single(
        "mooring_target_restarts_total", "counter", "Times the target was restarted in place.", metrics.restarts
    )
    yield _single(
        "mooring_target_cpu_seconds_total",
        "counter",
        "CPU time of the target's processes.",
        usage and usage.cpu_seconds,
    )
    yield _single(
        "mooring_target_resident_memory_bytes",
        "gauge",
        "Resident memory of the target's processes.",
        usage and usage.rss_bytes,
    )
    yield _single(
        "mooring_target_open_handles",
        "gauge",
        "Open handles (file descriptors on Linux) of the target's processes.",
        usage and usage.handles,
    )
    yield _single("mooring_target_threads", "gauge", "Threads of the target's processes.", usage and usage.threads)


def _single(name: str, kind: str, help_text: str, value: float | None) -> _Family:
    return _Family(name, kind, help_text, [({}, value)])


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
