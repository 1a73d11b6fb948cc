"""Nothing is run, imported or read that anyone but root and the launcher's own account could change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mooring.bundle.rehearsal import build_bundle
from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.mounts import find_mounted
from mooring_launcher.platforms.trust import find_exposure, find_exposure_below, make_state_own, refuse_exposed

from tests.launcher.rig import Rig
from tests.tools import missing

STRANGER = 4242
PLANTED = "raise SystemExit('planted code ran')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory of one's own with a file in it."""
    made = tmp_path / "one/two"
    made.mkdir(parents=True)
    (made / "file").write_text("x")
    return made


def give_away(path: Path) -> None:
    """Give a path to another user."""
    try:
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    except (PermissionError, OSError):
        missing("giving a file to another user needs root")


def test_what_is_ones_own_is_trusted(folder: Path) -> None:
    """Modes that let others read are fine, and so is a sticky directory (/tmp) on the way."""
    sticky = folder.parent / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    shutil.copytree(folder, sticky / "two")
    for path in (folder, folder / "file", sticky / "two/file", folder / "absent"):
        assert find_exposure(str(path)) == ""
    assert find_exposure(str(folder), lookup=True) == ""


@pytest.mark.parametrize(
    ("expose", "says"),
    [
        (lambda folder: (folder / "file").chmod(0o646), "file (mode 0646)"),
        (lambda folder: folder.chmod(0o757), "two (mode 0757)"),
        (lambda folder: folder.parent.chmod(0o777), "one (mode 0777)"),
        (lambda folder: give_away(folder / "file"), f"file belongs to user {STRANGER}"),
        (lambda folder: give_away(folder), f"two belongs to user {STRANGER}"),
        (lambda folder: give_away(folder.parent), f"one belongs to user {STRANGER}"),
    ],
)
def test_what_others_could_change_is_named(folder: Path, expose: Callable[[Path], Any], says: str) -> None:
    """Whether the file, its directory or one further up belongs to others: the first is named, with the reason."""
    expose(folder)
    assert says in find_exposure(str(folder / "file"))


def test_a_group_that_may_write_is_named(folder: Path) -> None:
    """The launcher's own group and root's are trusted; no other group is."""
    folder.chmod(0o775)
    assert find_exposure(str(folder)) == ""
    try:
        os.chown(folder, -1, STRANGER)
    except OSError:
        missing("giving a directory to another group needs root")
    assert f"group {STRANGER} may write to {folder} (mode 0775)" in find_exposure(str(folder))


def test_an_access_control_list_is_not_overlooked(folder: Path) -> None:
    """If an ACL names further users, the group's bits of the mode are its mask."""
    setfacl = shutil.which("setfacl")
    if setfacl is None:
        # user::rwx, user:4242:rwx, group::r-x, mask::rwx, other::r-x: linux/posix_acl_xattr.h
        entries = [(1, 7, -1), (2, 7, STRANGER), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
        packed = b"".join(
            tag.to_bytes(2, "little") + perm.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
            for tag, perm, who in entries
        )
        try:
            os.setxattr(folder, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)
        except OSError:
            missing("this file system has no ACLs")
    else:
        subprocess.run([setfacl, "-m", f"u:{STRANGER}:rwx", str(folder)], check=True)
    assert "may write to" in find_exposure(str(folder))


def test_who_may_only_add_counts_where_names_are_looked_up(folder: Path) -> None:
    """In a sticky directory others cannot replace anything, but they could add a module that is absent."""
    folder.chmod(0o1777)
    assert find_exposure(str(folder / "file")) == ""
    assert "every user may write to" in find_exposure(str(folder), lookup=True)


def test_links_are_followed_and_judged(folder: Path, tmp_path: Path) -> None:
    """A link's own mode has no meaning, but its owner counts, and so does every directory it leads through."""
    link = tmp_path / "link"
    link.symlink_to("one/../one/two")
    assert find_exposure(str(link / "file")) == ""
    for name in ("loop", "dangling"):  # nothing exists there that could be changed
        (folder / name).symlink_to("loop")
        assert find_exposure(str(folder / name)) == ""
    folder.parent.chmod(0o777)
    assert "one (mode 0777)" in find_exposure(str(link / "file"))
    folder.parent.chmod(0o755)
    give_away(link)
    assert f"link belongs to user {STRANGER}" in find_exposure(str(link / "file"))


def test_volumes_as_kubelet_makes_them_are_trusted(tmp_path: Path) -> None:
    """A token or downwardAPI volume is a sticky tmpfs with links to a directory that is swapped as a whole."""
    volume = tmp_path / "volume"
    (volume / "..2026_11_27").mkdir(parents=True)
    (volume / "..2026_11_27/token").write_text("x")
    (volume / "..data").symlink_to("..2026_11_27")
    (volume / "token").symlink_to("..data/token")
    volume.chmod(0o1777)
    assert find_exposure(str(volume / "token")) == ""


def test_an_emptydir_becomes_the_launchers_own(tmp_path: Path) -> None:
    """It is 0777 at first: others lose the right to write, and what they have put there is refused."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "status.json").write_text("{}")
    state.chmod(0o777)
    make_state_own(str(state))
    assert state.stat().st_mode & 0o7777 == 0o755
    (state / "stop.sock").write_text("")
    give_away(state / "stop.sock")
    with pytest.raises(LauncherError, match=f"stop.sock belongs to user {STRANGER}") as refused:
        make_state_own(str(state))
    assert refused.value.code == ExitCode.UNTRUSTED_PATH


def test_a_state_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner could always take back the right to write."""
    state = tmp_path / "state"
    state.mkdir(0o777)
    give_away(state)
    with pytest.raises(LauncherError, match=f"state belongs to user {STRANGER}"):
        make_state_own(str(state))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a launcher's directory as a node has it."""
    build_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def load(bundle: Path) -> subprocess.CompletedProcess[str]:
    """Import psutil as /metrics does, from next to the launcher."""
    code = (
        f"import sys; sys.path.insert(0, {str(bundle / 'mooring-launcher.pyz')!r})\n"
        "from mooring_launcher.gate.psutil import load_psutil; print(load_psutil().__file__)"
    )
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "plant",
    [
        lambda lib: lib.chmod(0o777),
        lambda lib: lib.chmod(0o1777),
        lambda lib: (lib / "psutil").chmod(0o777),
        lambda lib: (lib / "psutil/__init__.py").chmod(0o666),
        lambda lib: give_away(lib / "psutil/__init__.py"),
    ],
)
def test_a_planted_psutil_is_not_imported(bundle: Path, plant: Callable[[Path], Any]) -> None:
    """Whatever others could change in the folder, none of it runs, and the sentence names it."""
    lib = bundle / "lib"
    shutil.rmtree(lib)
    (lib / "psutil").mkdir(parents=True)
    (lib / "psutil/__init__.py").write_text(PLANTED)
    plant(lib)
    done = load(bundle)
    assert "planted code ran" not in done.stderr
    assert "psutil's folder is not safe to use: " in done.stderr
    assert str(lib) in done.stderr


def test_the_bundles_own_psutil_is_imported(bundle: Path) -> None:
    """A folder that only root can change is used, even if it is a link to another."""
    done = load(bundle)
    assert done.returncode == 0, done.stderr
    assert "psutil/__init__.py" in done.stdout


@pytest.mark.sandbox
def test_a_planted_psutil_ends_the_launcher_at_its_start(rig: Rig, bundle: Path) -> None:
    """The launcher refuses before anything is imported from there, not only at the first /metrics, which imports it."""
    lib = bundle / "lib"
    (lib / "psutil").unlink()
    (lib / "psutil").mkdir()
    (lib / "psutil/__init__.py").write_text(PLANTED)
    lib.chmod(0o777)
    rig.program = (sys.executable, "-I", str(bundle / "mooring-launcher.pyz"))
    launcher = rig.launch()
    assert launcher.wait_exit() == ExitCode.UNTRUSTED_PATH
    assert rig.message()["message"] == (
        f"psutil's folder is not safe to use: every user may write to {lib} (mode 0777); only root may"
    )


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("volume", "found"),
    [("pods/1/volumes/kubernetes.io~configmap/code", ""), ("pods/1/somewhere/code", "every user may write to")],
)
def test_a_mounted_volume_of_kubelets_is_trusted(tmp_path: Path, volume: str, found: str) -> None:
    """A ConfigMap's volume is 0777 and not sticky: only this pod, and root on the node, can reach it."""
    source, point = tmp_path / volume, tmp_path / "mounted"
    for folder in (source, point):
        folder.mkdir(parents=True)
    (source / "file").write_text("x")
    source.chmod(0o777)
    code = (
        "import sys; from mooring_launcher.platforms.trust import find_exposure\n"
        "print(find_exposure(sys.argv[1], lookup=True))"
    )
    inside = 'mount --bind "$0" "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "--mount", "sh", "-c", inside, str(source), str(point), sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip().startswith(found)
    assert bool(done.stdout.strip()) == bool(found)


@pytest.mark.parametrize(
    ("expose", "says"),
    [
        (lambda rig: (rig.tmp / "config.json").chmod(0o666), "the configuration is not safe to use"),
        (lambda rig: rig.tmp.chmod(0o777), "the configuration is not safe to use"),
        (lambda rig: (rig.account / "token").chmod(0o666), "the service account's token is not safe to use"),
        (lambda rig: (rig.account / "ca.crt").chmod(0o666), "the service account's ca.crt is not safe to use"),
    ],
)
@pytest.mark.sandbox
def test_the_launcher_refuses_to_start(rig: Rig, expose: Callable[[Rig], Any], says: str) -> None:
    """One sentence, exit code 224, no request to the API; `check` says the same."""
    (rig.tmp / "config.json").write_text("{}")
    expose(rig)
    for command in ("run", "check"):
        launcher = rig.launch(command)
        assert launcher.wait_exit() == ExitCode.UNTRUSTED_PATH
        if command == "run":
            assert says in rig.message()["message"]
            assert "; only root may" in rig.message()["message"]
    asked = rig.command("check-release", "1")
    assert (asked.returncode == 1) == says.startswith(("the configuration", "the service account"))
    assert says in asked.stdout
    assert rig.verbs() == []


def test_a_directory_of_somebody_else_never_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Windows binds no volumes, any user may create that path on C: what is below the mount point counts."""
    planted, sandbox = r"C:\etc\mooring\config.json", r"C:\C\1234"
    mounted = sandbox + planted.removeprefix("C:")
    environ = {"CONTAINER_SANDBOX_MOUNT_POINT": sandbox}
    for there, found in (
        ({planted, mounted}, mounted),
        ({mounted}, mounted),
        (set(), mounted),
        ({planted}, planted),  # bound there, and the runtime could not create its link below the mount point
    ):
        monkeypatch.setattr(os.path, "exists", there.__contains__)
        assert find_mounted(planted, environ) == found
    assert find_mounted(planted, {}) == planted


def test_what_cannot_be_looked_at_is_refused(folder: Path) -> None:
    """If it cannot be determined who may write, the path is refused."""

    def fail(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(LauncherError, match=r"cannot determine who may write to .*: Permission denied") as refused:
        refuse_exposed("the configuration", str(folder), fail)
    assert refused.value.code == ExitCode.UNTRUSTED_PATH


def test_a_folder_that_is_absent_is_nobodys(tmp_path: Path) -> None:
    """Without lib, there is nothing to import."""
    assert find_exposure_below(str(tmp_path / "lib")) == ""
