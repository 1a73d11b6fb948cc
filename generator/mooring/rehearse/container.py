"""A container's process, in a root built from this machine's tree and the pod's mounts.

`python -m mooring.rehearse.container SPEC` becomes the container's main process: it makes a mount namespace,
builds the root in it (tmpfs, recursive binds), pivots into it and execs. That takes a separate process, because
forking this threaded one is not safe. `exec_inside` runs probes and hooks in an existing container.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mooring.rehearse import kernel

# Mount flags that a bind inherits and that an unprivileged remount must repeat: mount_namespaces(7).
_LOCKED_FLAGS = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME


@dataclass(frozen=True)
class Mount:
    """A file or directory of this machine as the container sees it; `follows` receives later mounts."""

    source: str
    path: str
    read_only: bool = False
    follows: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """Everything a container's process needs; `root` is an empty directory to mount on."""

    root: str
    command: list[str]
    env: dict[str, str]
    mounts: list[Mount]
    working_dir: str = "/"


def start(spec: ContainerSpec, stdout: int, stderr: int) -> "subprocess.Popen[bytes]":
    """Start a container's main process and return once its program runs; its pid stays the same through the exec."""
    started_read, started_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "mooring.rehearse.container", str(started_write), json.dumps(asdict(spec))],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        pass_fds=(started_write,),
        start_new_session=True,
    )
    os.close(started_write)
    # The other end closes at the exec; from then on probes run in the container's own root.
    with os.fdopen(started_read, "rb") as started:
        started.read()
    return process


def exec_inside(pid: int, command: Sequence[str], env: dict[str, str], timeout_s: float) -> tuple[int | None, str]:
    """Run a command in the container of a process; returns its exit code (None: timed out) and its output."""
    inside = ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "--", *command]
    try:
        result = subprocess.run(
            inside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"did not finish within {timeout_s:g} s"
    return result.returncode, result.stdout.decode(errors="replace").strip()


def _build_root(root: str, mounts: Sequence[Mount]) -> None:
    """Assemble the root: bind mounts of the machine's tree, the pod's mounts on top."""
    kernel.unshare(kernel.CLONE_NEWNS)
    # Slave mounts still receive later mounts from outside, such as new namespaces in /run/netns.
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID, "mode=755")
    resolved = {os.path.realpath(mount.path): mount for mount in mounts}
    _bind_siblings("/", root, list(resolved))
    for path, mount in sorted(resolved.items()):
        _place(mount, root + path)


def _bind_siblings(folder: str, target: str, paths: Sequence[str]) -> None:
    """Bind a folder's entries one by one, except those on the path of a mount.

    Mount points cannot be created in the machine's own tree, so their parent folders are created in the tmpfs.
    """
    for entry in os.scandir(folder):
        below = [path for path in paths if (path + "/").startswith(entry.path + "/")]
        copy = f"{target}/{entry.name}"
        if entry.is_symlink():
            Path(copy).symlink_to(Path(entry.path).readlink())
        elif not below:
            _bind(entry.path, copy)
        elif entry.path not in below:
            Path(copy).mkdir()
            _bind_siblings(entry.path, copy, below)


def _bind(source: str, target: str) -> None:
    _make_mount_point(source, target)
    kernel.mount(source, target, flags=kernel.MS_BIND | kernel.MS_REC)


def _make_mount_point(source: str, target: str) -> None:
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        path.mkdir(exist_ok=True)
    else:
        path.touch()


def _place(mount: Mount, target: str) -> None:
    """Mount one of the pod's mounts."""
    _bind(mount.source, target)
    if not mount.follows:
        kernel.mount("none", target, flags=kernel.MS_REC | kernel.MS_PRIVATE)
    if mount.read_only:
        kept = os.statvfs(target).f_flag & _LOCKED_FLAGS
        kernel.mount("none", target, flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kept)


def main(started_fd: str, argument: str) -> int:
    """Become the container that a JSON ContainerSpec describes; return 128 if that fails, as runtimes do."""
    os.set_inheritable(int(started_fd), False)
    raw = json.loads(argument)
    spec = ContainerSpec(**{**raw, "mounts": [Mount(**mount) for mount in raw["mounts"]]})
    try:
        _build_root(spec.root, spec.mounts)
        kernel.enter_root(spec.root)
        with contextlib.suppress(FileNotFoundError):
            os.chdir(spec.working_dir)
        os.execvpe(spec.command[0], spec.command, spec.env)  # noqa: S606 - no shell is the point
    except OSError as error:
        where = error.filename or spec.command[0]
        print(f"container: {where}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the container's own log
        return 128


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
