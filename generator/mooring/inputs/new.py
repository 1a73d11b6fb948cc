"""The use case behind `mooring new`: a start for people who have never seen an App."""

from __future__ import annotations

from pathlib import Path

from mooring.errors import UserError
from mooring.model.app import APP
from mooring.model.check import check
from mooring.output.write import create_file
from mooring.text.emit import emit_scalar

_TEXT = r"""apiVersion: mooring/v1
kind: App
name: {quoted}
version: 0.1.0                    # the chart's version, raised with every change
values:                           # all keys: `mooring schema app`, or values.yaml of any chart
  replicas: 1                     # each has its own IP, and the same ports
  target:
    exe: 'C:\apps\{name}\{name}.exe'   # on every node; single quotes keep backslashes
    args: []                      # one item each, e.g. ['--config', 'C:\apps\{name}\prod.json']
    ports: {{http: {{port: 8080, servicePort: 80}}}}
"""


def write_new_app(name: str, folder: Path) -> Path:
    """Write NAME.yaml and return its path. Raises UserError for a bad name, or if the file exists."""
    for finding in check(APP.fields["name"], name):
        message = f"name: {finding.message}"
        raise UserError(message)
    path = folder / f"{name}.yaml"
    create_file(path, _TEXT.format(name=name, quoted=emit_scalar(name)))
    return path
