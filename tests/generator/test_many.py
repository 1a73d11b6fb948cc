"""Many Apps in one run: where they come from, which are generated, and what is reported."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mooring.batch import parallel as _parallel
from mooring.batch.generate import generate
from mooring.batch.result import RunResult, Status
from mooring.errors import ExitCode, UserError
from mooring.inputs.platform import load_platform

from tests.generator.conftest import APP, Run, tree
from tests.tools import require

BAD = APP.replace("replicas: 3", "replicas: many")


def make_apps(folder: Path, *names: str) -> Path:
    """Write an App for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.yaml").write_text(APP.replace("name: orders", f"name: {name}"))
    return folder


def outcomes(result: RunResult) -> dict[str, str]:
    """Return the result of each App."""
    return {chart.app: chart.status.value for chart in result.charts}


def test_a_glob_reaches_into_folders(tmp_path: Path) -> None:
    """A pattern is a source, including **; one that matches nothing is a problem."""
    make_apps(tmp_path / "apps" / "a", "one")
    make_apps(tmp_path / "apps" / "b", "two")
    result = generate([str(tmp_path / "apps/**/*.yaml"), str(tmp_path / "none/*.yaml")], tmp_path / "out")
    assert outcomes(result) == {"one": "written", "two": "written"}
    assert [problem.message for problem in result.problems] == ["matches no file"]


def test_standard_input_and_several_documents(tmp_path: Path, mooring: Run) -> None:
    """`-` reads standard input; several Apps in it, or in a file, need --multi-document, and each has its own lines."""
    both = f"---\n{APP}---\n{BAD.replace('orders', 'bad')}---\n{APP.replace('orders', 'other')}---\n"
    command = [sys.executable, "-m", "mooring", "generate", "-", "--out", "out"]
    run = subprocess.run(command, cwd=tmp_path, input=APP, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stdout) == (0, f"written {Path('out/orders')}\n")
    command += ["--multi-document"]
    run = subprocess.run(command, cwd=tmp_path, input=both, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2
    assert run.stderr == '<stdin>:18:13: values.replicas: found "many", text; must be a whole number\n'
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["orders", "other"]
    (tmp_path / "all.yaml").write_text(both)
    assert "a second document starts here" in mooring("generate", "all.yaml", "--out", "out").stderr


def test_two_documents_of_one_name_are_reported_by_line(tmp_path: Path) -> None:
    """Apps with one name in one file are distinguished by their lines."""
    (tmp_path / "all.yaml").write_text(f"{APP}---\n{APP}")
    result = generate([str(tmp_path / "all.yaml")], tmp_path / "out", many_documents=True)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in result.problems] == [
        "all.yaml:3:7: name: line 14 has an App with this name too; neither is written; rename one",
        "all.yaml:14:7: name: line 3 has an App with this name too; neither is written; rename one",
    ]


def test_the_platforms_file_is_no_app(tmp_path: Path, mooring: Run) -> None:
    """A Platform among the Apps is not read as one."""
    make_apps(tmp_path / "apps", "one")
    (tmp_path / "apps" / "platform.yaml").write_text("apiVersion: mooring/v1\nkind: Platform\nname: hospital\n")
    run = mooring("generate", "apps", "--out", "out", "--platform", "apps/platform.yaml")
    assert (run.returncode, run.stdout) == (0, "written out/one\n")


def test_all_errors_are_reported_and_the_others_are_written(tmp_path: Path, mooring: Run) -> None:
    """One run reports everything that is wrong anywhere, writes what is correct, counts both, and exits with 2."""
    make_apps(tmp_path / "apps", "one", "two")
    (tmp_path / "apps" / "bad.yaml").write_text(BAD.replace("1.4.0", "1"))
    (tmp_path / "apps" / "worse.yaml").write_text("{")
    run = mooring("generate", "apps", "--out", "out")
    assert run.returncode == 2
    assert run.stdout.splitlines() == ["written out/one", "written out/two", "2 written, 2 with errors"]
    assert [line.split(" ")[0] for line in run.stderr.splitlines()] == [
        "apps/bad.yaml:4:10:",
        "apps/bad.yaml:6:13:",
        "apps/worse.yaml:2:1:",
    ]
    document = json.loads(mooring("generate", "apps", "--out", "out", "--output", "json").stdout)
    assert document["summary"] == {"unchanged": 2, "with errors": 2}


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_processes_change_nothing(tmp_path: Path, jobs: int) -> None:
    """Any number of processes writes the same bytes and reports the same in the same order."""
    apps = make_apps(tmp_path / "apps", *(f"app-{number}" for number in range(7)))
    (apps / "bad.yaml").write_text(BAD)
    one = generate([str(apps)], tmp_path / "one", jobs=1)
    many = generate([str(apps)], tmp_path / "many", jobs=jobs)
    assert tree(tmp_path / "one") == tree(tmp_path / "many")
    assert outcomes(one) == outcomes(many)
    assert list(outcomes(one)) == list(outcomes(many))
    assert one.problems == many.problems


def test_only_makes_what_it_names(tmp_path: Path) -> None:
    """--only generates only Apps whose name matches its pattern, and ignores the problems of others."""
    apps = make_apps(tmp_path / "apps", "ward-1", "ward-2", "lab-1")
    (apps / "bad.yaml").write_text(BAD)
    result = generate([str(apps)], tmp_path / "out", only=["ward-*"])
    assert (outcomes(result), result.problems) == ({"ward-1": "written", "ward-2": "written"}, [])
    assert result.summary == {"written": 2, "skipped": 2}
    (problem,) = generate([str(apps)], tmp_path / "out", only=["wart-1"]).problems
    assert problem.message == "no App matches wart-1; did you mean ward-1?"


def git(folder: Path, *arguments: str) -> None:
    """Run git with an author."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run([require("git"), *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_changed_since_makes_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--changed-since generates Apps that differ from a commit, also new ones; a changed Platform means all of them."""
    monkeypatch.chdir(tmp_path)
    make_apps(tmp_path / "apps", "one", "two")
    (tmp_path / "platform.yaml").write_text("apiVersion: mooring/v1\nkind: Platform\nname: hospital\n")
    run = [sys.executable, "-m", "mooring", "generate", "apps", "--out", "out", "--platform", "platform.yaml"]
    subprocess.run(run, check=True, capture_output=True)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "apps" / "two.yaml").write_text(APP.replace("name: orders", "name: two").replace("1.4.0", "1.5.0"))
    make_apps(tmp_path / "apps", "three")

    def made() -> dict[str, str]:
        done = subprocess.run([*run, "--changed-since", "HEAD", "--check", "--output", "json"], capture_output=True)
        return {chart["app"]: chart["status"] for chart in json.loads(done.stdout)["charts"]}

    assert made() == {"three": "drifted", "two": "drifted"}
    with (tmp_path / "platform.yaml").open("a") as file:
        file.write("description: changed\n")
    assert made() == {"one": "unchanged", "three": "drifted", "two": "drifted"}
    with pytest.raises(UserError, match="this repository has no such commit"):
        generate(["apps"], Path("out"), changed_since="--nope")


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    """Return an output whose App `two` no longer exists."""
    make_apps(tmp_path / "apps", "one", "two")
    generate([str(tmp_path / "apps")], tmp_path / "out")
    (tmp_path / "apps" / "two.yaml").unlink()
    return tmp_path / "out"


def test_a_removed_app_is_reported(gone: Path, mooring: Run) -> None:
    """A chart whose App no longer exists stays, and is named; with --check it is drift."""
    run = mooring("generate", "apps", "--out", "out")
    assert (run.returncode, run.stdout) == (0, "unchanged out/one\n1 unchanged, 1 orphaned\n")
    assert run.stderr == "out/two: no App generates it any more; --prune deletes it\n"
    assert mooring("generate", "apps", "--out", "out", "--check").returncode == 3
    assert mooring("generate", "apps/one.yaml", "--out", "out", "--check").returncode == 0
    assert (gone / "two").is_dir()


def test_prune_deletes_what_no_app_makes(gone: Path, mooring: Run) -> None:
    """--prune deletes such a chart, and only what mooring made."""
    (gone / "notes").mkdir()
    run = mooring("generate", "apps", "--out", "out", "--prune")
    assert (run.returncode, run.stdout) == (0, "unchanged out/one\npruned out/two\n1 unchanged, 1 pruned\n")
    assert sorted(os.listdir(gone)) == ["notes", "one"]


def test_prune_keeps_what_is_the_users(gone: Path, mooring: Run) -> None:
    """A chart with files of the user's own is kept and reported with exit code 3; --force deletes it."""
    (gone / "two" / "own.txt").write_text("mine")
    run = mooring("generate", "apps", "--out", "out", "--prune")
    assert (run.returncode, "these files are not mooring's or were edited: own.txt" in run.stderr) == (3, True)
    assert (gone / "two" / "own.txt").exists()
    assert mooring("generate", "apps", "--out", "out", "--prune", "--force").returncode == 0
    assert not (gone / "two").exists()


def test_prune_does_not_guess(gone: Path, mooring: Run) -> None:
    """Nothing is deleted while a source or an App has a mistake, and a single file never shows which Apps are gone."""
    assert mooring("generate", "apps", "none/*.yaml", "--out", "out", "--prune").returncode == 2
    (gone.parent / "apps" / "too.yaml").write_text(BAD.replace("orders", "too"))
    assert mooring("generate", "apps", "--out", "out", "--prune").returncode == 2
    assert (gone / "two").is_dir()
    run = mooring("generate", "apps/one.yaml", "--out", "out", "--prune")
    assert (run.returncode, "--prune needs a directory" in run.stderr) == (2, True)


def test_an_interrupted_run_leaves_whole_charts(tmp_path: Path) -> None:
    """Ctrl-C in a run with several processes: every chart is complete, and the next run finishes the work."""
    apps = make_apps(tmp_path / "apps", *(f"app-{number}" for number in range(40)))
    command = [sys.executable, "-m", "mooring", "generate", str(apps), "--out", str(tmp_path / "out"), "--jobs", "2"]
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where the tests run with `&`
    )
    assert run.stdout
    assert run.stdout.readline().startswith("written ")
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (1, "mooring: interrupted\n")
    assert len(os.listdir(tmp_path / "out")) < 40
    result = generate([str(apps)], tmp_path / "out", jobs=1)
    assert {chart.status for chart in result.charts} == {Status.WRITTEN, Status.UNCHANGED}
    assert generate([str(apps)], tmp_path / "out", check=True, jobs=1).exit_code == ExitCode.DONE


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """After kill -9 of a run none of its processes remains, and the output can be written again immediately."""
    apps = make_apps(tmp_path / "apps", *(f"app-{number}" for number in range(20)))
    command = [sys.executable, "-m", "mooring", "generate", str(apps), "--out", str(tmp_path / "out"), "--jobs", "2"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert run.stdout
    assert run.stdout.readline().startswith(b"written ")
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    while _is_alive(run.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(run.pid)
    assert generate([str(apps)], tmp_path / "out").problems == []


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    """On a terminal a run draws a progress bar and clears it; a pipe gets plain lines."""
    apps = make_apps(tmp_path / "apps", "one", "two")
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "mooring", "generate", str(apps), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, text=True, timeout=60)
    os.close(terminal)
    drawn = os.read(master, 10_000).decode()
    os.close(master)
    assert "\rwriting [" in drawn
    assert "] 2/2\x1b[K" in drawn
    assert drawn.endswith("\r\x1b[K")
    assert done.stdout.splitlines()[-1] == "2 written"


def test_processes_can_start_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a process cannot be forked, everything that a worker needs is passed to it."""
    monkeypatch.setattr(_parallel, "START_METHOD", "spawn")
    (tmp_path / "platform.yaml").write_text(
        "apiVersion: mooring/v1\nkind: Platform\nname: hospital\nlocks: {replicas: {max: 5}}\n"
    )
    apps = make_apps(tmp_path / "apps", "one", "two")
    platform = load_platform(str(tmp_path / "platform.yaml"))
    assert generate([str(apps)], tmp_path / "out", platform=platform, jobs=2).summary == {"written": 2}


def test_a_glob_of_some_says_nothing_of_others(tmp_path: Path) -> None:
    """Charts of Apps that a pattern of names leaves out are not orphans, and --prune refuses a pattern."""
    make_apps(tmp_path / "apps", "lab-1", "ward-1")
    generate([str(tmp_path / "apps")], tmp_path / "out")
    some = str(tmp_path / "apps" / "ward-*.yaml")
    assert outcomes(generate([some], tmp_path / "out", check=True)) == {"ward-1": "unchanged"}
    with pytest.raises(UserError, match="--prune needs a directory"):
        generate([some], tmp_path / "out", prune=True)
