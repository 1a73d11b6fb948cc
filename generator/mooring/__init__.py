"""Turn a ten-line App into a Helm chart that pairs HostProcess pods with their anchors.

These names are for programs that use mooring as a library; docs/python.md shows each. Everything else is private.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own would import typing, which takes as long as all of `mooring --version`
if TYPE_CHECKING:
    from mooring.batch.generate import generate
    from mooring.batch.result import ChartResult, RunResult, Status
    from mooring.chart.render import render_chart
    from mooring.errors import ExitCode, InputError, MooringError, Problem, UserError
    from mooring.inputs.app import App, load_app, parse_app
    from mooring.inputs.platform import Platform, load_platform

_HOMES = {
    "inputs.app": ("App", "load_app", "parse_app"),
    "errors": ("ExitCode", "InputError", "MooringError", "Problem", "UserError"),
    "batch.generate": ("generate",),
    "batch.result": ("ChartResult", "RunResult", "Status"),
    "inputs.platform": ("Platform", "load_platform"),
    "chart.render": ("render_chart",),
}
__all__ = [
    "App",
    "ChartResult",
    "ExitCode",
    "InputError",
    "MooringError",
    "Platform",
    "Problem",
    "RunResult",
    "Status",
    "UserError",
    "generate",
    "load_app",
    "load_platform",
    "parse_app",
    "render_chart",
]


def __getattr__(name: str) -> object:
    """Import a name on first use: the command line needs few of them, and must start fast."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"mooring.{module}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
