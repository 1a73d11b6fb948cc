"""Regenerate what this repository generates and commits: chart/ and the launcher's config schema (`make chart`)."""

from __future__ import annotations

from pathlib import Path

from mooring import __version__
from mooring.chart.render import render_chart
from mooring.chart.schemas import CONFIG_FILE, config_schema, dump
from mooring.inputs.app import App, make_app
from mooring.output.plan import Plan, plan_chart
from mooring.output.write import replace_file, write_chart

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "chart"
CONFIG = ROOT / "launcher" / "mooring_launcher" / CONFIG_FILE


def default_app() -> App:
    """Return the App of chart/: all defaults. Its program is missing on purpose; each installation names its own."""
    return make_app(
        {
            "name": "mooring",
            "version": __version__,
            "description": "Runs an unmodified native Windows program as replicas, each with its own pod IP",
        }
    )


def plan() -> Plan:
    """Compare chart/ with what the default App generates."""
    return plan_chart(CHART, render_chart(default_app()))


def config_text() -> str:
    """Return what the launcher's config.schema.json should hold."""
    return dump(config_schema())


def main() -> None:
    """Write both, where they differ. Edits of generated files are overwritten: their sources are in this repository."""
    replace_file(CONFIG, config_text())
    chart = plan()
    if not chart.is_current:
        write_chart(chart)


if __name__ == "__main__":
    main()
