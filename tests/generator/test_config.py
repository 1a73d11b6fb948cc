"""What charts tell the launcher is what the launcher's schema admits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator
from mooring.chart.schemas import config_schema

from tests.tools import require

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*/Chart.yaml"))


@pytest.mark.parametrize("chart", [path.parent for path in GOLDEN], ids=lambda path: path.name)
def test_rendered_configuration_fits_its_schema(chart: Path) -> None:
    """The annotation of the launcher's pods, as Helm renders it, fits config.schema.json, the same in every set."""
    run = subprocess.run([require("helm"), "template", "x", str(chart)], capture_output=True, check=True)
    sets = [one for one in yaml.safe_load_all(run.stdout) if one and one["kind"] == "StatefulSet"]
    annotations = [one["spec"]["template"]["metadata"].get("annotations") or {} for one in sets]
    configs = [json.loads(one["mooring/config"]) for one in annotations if "mooring/config" in one]
    assert configs
    assert all(one == configs[0] for one in configs)
    assert [error.message for error in Draft7Validator(config_schema()).iter_errors(configs[0])] == []
