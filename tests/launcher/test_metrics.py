"""The launcher's metrics in Prometheus' text format."""

import re

from mooring_launcher.gate.conditions import Condition
from mooring_launcher.gate.psutil import Usage
from mooring_launcher.health.metrics import Metrics, render_metrics

FULL = Metrics(
    version="0.1.0",
    app="orders",
    ordinal=3,
    ready=True,
    attach_seconds=0.25,
    gate_seconds=1.5,
    restarts=2,
    conditions=[Condition("uptime", True, ""), Condition('http "a\\b"\n', False, "")],
    usage=Usage(12.5, 4096, 7, 3),
)


def test_every_figure_has_help_and_type() -> None:
    """Each sample belongs to a family that HELP and TYPE introduced, and every line has a legal form."""
    families = set()
    for line in render_metrics(FULL).splitlines():
        if match := re.fullmatch(r"# (HELP|TYPE) (mooring_[a-z_]+) .+", line):
            families.add(match[2])
        else:
            sample = re.fullmatch(r'(mooring_[a-z_]+)(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+', line)
            assert sample, line
            assert sample[1] in families


def test_values_are_in_base_units() -> None:
    """Seconds, bytes and counts are printed unchanged, whole numbers without a fraction."""
    text = render_metrics(FULL)
    for line in (
        'mooring_launcher_info{version="0.1.0",app="orders",ordinal="3"} 1',
        "mooring_ready 1",
        'mooring_gate_condition{condition="uptime"} 1',
        'mooring_gate_condition{condition="http \\"a\\\\b\\"\\n"} 0',
        "mooring_attach_seconds 0.25",
        "mooring_gate_seconds 1.5",
        "mooring_target_restarts_total 2",
        "mooring_target_cpu_seconds_total 12.5",
        "mooring_target_resident_memory_bytes 4096",
        "mooring_target_open_handles 7",
        "mooring_target_threads 3",
    ):
        assert f"{line}\n" in text


def test_what_is_not_known_is_left_out() -> None:
    """A metric without a value is left out, rather than printed as zero; zero itself is printed."""
    text = render_metrics(FULL._replace(usage=None, gate_seconds=None, attach_seconds=0.0, conditions=[], restarts=0))
    assert "mooring_target_cpu" not in text
    assert "mooring_gate" not in text
    assert "mooring_attach_seconds 0\n" in text
    assert "mooring_target_restarts_total 0\n" in text
