"""What `mooring generate` writes, keeps, refuses and reports."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from mooring.batch.generate import generate
from mooring.batch.result import RunResult, Status
from mooring.errors import ExitCode

from tests.generator.conftest import APP, Run, tree


@pytest.fixture
def chart(tmp_path: Path, app_file: Path) -> Path:
    """Return a chart directory as a first run leaves it."""
    assert generate([str(app_file)], tmp_path / "out").exit_code == ExitCode.DONE
    return tmp_path / "out" / "orders"


def again(chart: Path, **options: bool) -> RunResult:
    """Run again over the same chart."""
    return generate([str(chart.parents[1] / "orders.yaml")], chart.parent, **options)


def test_first_run_writes_the_whole_chart(chart: Path) -> None:
    """A first run makes the chart's files and nothing beside its directory."""
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "README.md", ".helmignore", ".mooring.json"} <= {
        *tree(chart)
    }
    assert [path.name for path in chart.parent.iterdir()] == ["orders"]


def test_manifest_holds_each_generated_files_digest(chart: Path) -> None:
    """.mooring.json names every generated file with the SHA-256 of its bytes."""
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in tree(chart).items() if path != ".mooring.json"}
    assert json.loads((chart / ".mooring.json").read_text())["files"] == digests


def test_second_run_writes_nothing(chart: Path) -> None:
    """If nothing has changed no file is touched, and the directory is the same one."""
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in [chart, *chart.rglob("*")]}
    assert [one.status for one in again(chart).charts] == [Status.UNCHANGED]
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in [chart, *chart.rglob("*")]} == before


def test_changed_app_changes_its_chart(chart: Path, app_file: Path) -> None:
    """A change to the App reaches the chart."""
    app_file.write_text(APP.replace("replicas: 3", "replicas: 7"))
    assert again(chart).charts[0].files == (".mooring.json", "README.md", "templates/_values.tpl", "values.yaml")
    assert "\nreplicas: 7\n" in (chart / "values.yaml").read_text()


def test_files_the_user_added_are_kept(chart: Path, app_file: Path) -> None:
    """The user's own files, empty directories and links survive a run that rewrites the chart."""
    (chart / "templates" / "own").mkdir()
    (chart / "templates" / "own" / "extra.yaml").write_text("kind: Secret\n")
    (chart / "empty").mkdir()
    (chart / "link").symlink_to("/nowhere")
    (chart / "script").write_text("#!/bin/sh\n")
    (chart / "script").chmod(0o750)
    app_file.write_text(APP.replace("replicas: 3", "replicas: 7"))
    assert again(chart).charts[0].status == Status.WRITTEN
    assert (chart / "templates" / "own" / "extra.yaml").read_text() == "kind: Secret\n"
    assert (chart / "empty").is_dir()
    assert (chart / "link").readlink() == Path("/nowhere")
    assert (chart / "script").stat().st_mode & 0o777 == 0o750


def test_edited_file_stops_the_run(chart: Path, app_file: Path, mooring: Run) -> None:
    """An edited generated file is named with its diff, exit code 3, and the chart is not changed."""
    edited = chart / "templates" / "service.yaml"
    edited.write_text(edited.read_text() + "# mine\n")
    app_file.write_text(APP.replace("replicas: 3", "replicas: 7"))
    before = tree(chart)
    run = mooring("generate", app_file, "--out", chart.parent)
    assert run.returncode == 3
    assert "these files were edited: templates/service.yaml" in run.stderr
    assert "\n-# mine\n" in run.stderr
    assert tree(chart) == before


def test_edited_file_is_overwritten_with_force(chart: Path) -> None:
    """--force overwrites edits."""
    original = tree(chart)
    (chart / "README.md").write_text("mine\n")
    assert again(chart, force=True).exit_code == ExitCode.DONE
    assert tree(chart) == original


def test_own_file_where_a_generated_one_belongs_counts_as_an_edit(chart: Path) -> None:
    """A file that the manifest does not list is the user's, even if it has a generated file's name."""
    manifest = json.loads((chart / ".mooring.json").read_text())
    del manifest["files"]["README.md"]
    (chart / ".mooring.json").write_text(json.dumps(manifest))
    (chart / "README.md").write_text("mine\n")
    assert again(chart).charts[0].edited == ("README.md",)


def test_deleted_file_is_restored(chart: Path) -> None:
    """A generated file that was deleted contains nothing of the user's and is written again."""
    (chart / "README.md").unlink()
    assert again(chart).charts[0].status == Status.WRITTEN
    assert (chart / "README.md").exists()


def _forget(chart: Path, text: str) -> Path:
    """Make a file that looks as if an earlier version of mooring had generated it, and was then edited to `text`."""
    old = chart / "templates" / "old.yaml"
    old.write_text("kind: Old\n")
    manifest = json.loads((chart / ".mooring.json").read_text())
    manifest["files"]["templates/old.yaml"] = hashlib.sha256(old.read_bytes()).hexdigest()
    (chart / ".mooring.json").write_text(json.dumps(manifest))
    old.write_text(text)
    return old


def test_file_no_longer_generated_is_removed(chart: Path) -> None:
    """A file that an earlier version generated, and this one does not, is removed."""
    old = _forget(chart, "kind: Old\n")
    assert again(chart).exit_code == ExitCode.DONE
    assert not old.exists()


def test_edited_file_no_longer_generated_is_kept(chart: Path) -> None:
    """If the user edited it, it stays and the run says so."""
    old = _forget(chart, "kind: Mine\n")
    assert again(chart).charts[0].edited == ("templates/old.yaml",)
    assert old.read_text() == "kind: Mine\n"


def test_manifest_cannot_reach_out_of_the_chart(chart: Path) -> None:
    """A path with .. in a doctored manifest removes nothing."""
    victim = chart.parent / "victim"
    victim.write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    (chart / ".mooring.json").write_text(json.dumps({"files": {"../victim": digest, str(victim): digest}}))
    again(chart, force=True)
    assert victim.exists()


def test_windows_line_ends_are_no_edit(chart: Path) -> None:
    """A checkout with CRLF line ends counts as unchanged."""
    for path in chart.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert again(chart, check=True).exit_code == ExitCode.DONE


def test_check_of_a_current_chart_is_quiet(chart: Path, app_file: Path, mooring: Run) -> None:
    """--check of a chart that matches its App exits with 0."""
    run = mooring("generate", app_file, "--out", chart.parent, "--check")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"unchanged {chart}\n", "")


def test_check_shows_drift_and_writes_nothing(chart: Path, app_file: Path, mooring: Run) -> None:
    """--check exits with 3 and a diff if the App has changed since."""
    app_file.write_text(APP.replace("replicas: 3", "replicas: 7"))
    before = tree(chart)
    run = mooring("generate", app_file, "--out", chart.parent, "--check")
    assert run.returncode == 3
    assert "\n-replicas: 3\n+replicas: 7\n" in run.stdout
    assert tree(chart) == before


def test_check_of_a_missing_chart_is_drift(tmp_path: Path, app_file: Path) -> None:
    """--check of an App without a chart exits with 3 and creates no directory."""
    assert generate([str(app_file)], tmp_path / "out", check=True).exit_code == ExitCode.DRIFT
    assert not (tmp_path / "out").exists()


def test_added_files_are_no_drift(chart: Path) -> None:
    """Files that the user added are not drift."""
    (chart / "own.yaml").write_text("x")
    assert again(chart, check=True).exit_code == ExitCode.DONE


def test_json_output_has_everything(chart: Path, app_file: Path, mooring: Run) -> None:
    """--output json prints one document: the charts, the problems and the exit code."""
    bad = app_file.with_name("bad.yaml")
    bad.write_text("kind: App\n")
    run = mooring("generate", app_file, bad, "--out", chart.parent, "--output", "json")
    document = json.loads(run.stdout)
    assert (run.returncode, document["exitCode"]) == (2, 2)
    assert document["charts"][0] | {"diff": ""} == {
        "app": "orders",
        "directory": str(chart),
        "status": "unchanged",
        "files": [],
        "edited": [],
        "diff": "",
    }
    problem = document["problems"][0]
    assert (problem["file"], problem["line"], problem["key"]) == (str(bad), 1, "apiVersion")


def test_out_that_is_a_file_is_refused(tmp_path: Path, app_file: Path, mooring: Run) -> None:
    """An output path that is a file, or is below one, is refused with exit code 2."""
    (tmp_path / "out").write_text("x")
    for out in ("out", "out/below"):
        run = mooring("generate", app_file, "--out", out)
        assert (run.returncode, run.stderr) == (2, f"{out}: is not a directory (or is below a file)\n")


def test_chart_path_that_is_a_file_is_refused(tmp_path: Path, app_file: Path) -> None:
    """A file where the chart's directory should be is left alone."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "orders").write_text("x")
    result = generate([str(app_file)], tmp_path / "out", force=True)
    assert [problem.message for problem in result.problems] == ["is a file, where the chart's directory should be"]
    assert (tmp_path / "out" / "orders").read_text() == "x"


def test_unwritable_out_is_refused(app_file: Path, mooring: Run) -> None:
    """An output path that cannot be written to is refused with the system's reason."""
    run = mooring("generate", app_file, "--out", "/proc/mooring")
    assert run.returncode == 2
    assert run.stderr.startswith("/proc/mooring: ")
    assert "Traceback" not in run.stderr


def test_link_out_of_the_output_is_refused(chart: Path, tmp_path: Path) -> None:
    """A link in place of the chart's directory is not followed."""
    chart.rename(tmp_path / "elsewhere")
    chart.symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path / "elsewhere")
    result = again(chart, force=True)
    assert "charts are not written through links" in result.problems[0].message
    assert tree(tmp_path / "elsewhere") == before


def test_link_inside_the_chart_is_not_followed(chart: Path, tmp_path: Path) -> None:
    """A link in place of a generated directory counts as an edit; --force replaces the link, never its target."""
    (chart / "templates").rename(tmp_path / "elsewhere")
    (chart / "templates").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "service.yaml").write_text("mine\n")
    assert "templates/service.yaml" in again(chart).charts[0].edited
    assert again(chart, force=True).exit_code == ExitCode.DONE
    assert not (chart / "templates").is_symlink()
    assert (tmp_path / "elsewhere" / "service.yaml").read_text() == "mine\n"


def test_directory_of_someone_else_is_refused(tmp_path: Path, app_file: Path) -> None:
    """A directory with files that mooring did not make is left alone, even with --force."""
    (tmp_path / "out" / "orders").mkdir(parents=True)
    (tmp_path / "out" / "orders" / "notes.txt").write_text("x")
    result = generate([str(app_file)], tmp_path / "out", force=True)
    assert "mooring did not make it" in result.problems[0].message
    assert [path.name for path in (tmp_path / "out" / "orders").iterdir()] == ["notes.txt"]


def test_empty_directory_is_taken(tmp_path: Path, app_file: Path) -> None:
    """An empty directory in the chart's place is used."""
    (tmp_path / "out" / "orders").mkdir(parents=True)
    assert generate([str(app_file)], tmp_path / "out").exit_code == ExitCode.DONE


def test_out_through_a_link_is_fine(tmp_path: Path, app_file: Path) -> None:
    """The output directory itself may be a link, because the user named it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert generate([str(app_file)], tmp_path / "out").exit_code == ExitCode.DONE
    assert (tmp_path / "real" / "orders" / "Chart.yaml").exists()


def test_modes_of_the_directory_are_kept(chart: Path, app_file: Path) -> None:
    """The chart directory keeps its permissions when it is rewritten."""
    chart.chmod(0o2775)
    app_file.write_text(APP.replace("replicas: 3", "replicas: 7"))
    again(chart)
    assert chart.stat().st_mode & 0o7777 == 0o2775
