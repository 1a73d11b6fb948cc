"""`pip install .` installs all of mooring: templates and launcher too."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = """apiVersion: mooring/v1
kind: App
name: orders
version: 1.4.0
values: {launcher: {source: configMap}, target: {exe: 'C:\\orders.exe'}}
"""


def test_the_installed_package_generates_a_chart_with_its_launcher(tmp_path: Path) -> None:
    """The wheel, without this checkout, generates a complete chart."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "."]
    subprocess.run([*build, str(ROOT)], cwd=tmp_path, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "orders.yaml").write_text(APP)
    code = (
        "import mooring, sys; from mooring.cli.main import main; print(mooring.__file__); sys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "generate", "orders.yaml", "--out", "charts"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "charts/orders/templates/launcher/statefulset.yaml").is_file()
    assert (tmp_path / "charts/orders/files/mooring-launcher.pyz.b64").is_file()


def test_nothing_pretends_that_mooring_is_published() -> None:
    """README, docs and examples install mooring from a clone: no registry has a package of ours."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "values-examples").rglob("*.y*ml")]
    for page in pages:
        for line in page.read_text(encoding="utf-8").splitlines():
            words = line.split("#")[0].split()
            assert ("install", "mooring") not in itertools.pairwise(words), f"{page}: {line}"
