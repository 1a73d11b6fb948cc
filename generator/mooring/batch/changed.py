"""Find the files that changed since a git commit."""

from __future__ import annotations

from pathlib import Path

from mooring.errors import UserError


def changed_files(reference: str) -> frozenset[Path]:
    """Return the files that differ from a commit in this directory's repository, untracked ones included.

    Raises UserError without git, without a repository, and for an unknown commit.
    """
    root = Path(_git("rev-parse", "--show-toplevel").rstrip("\n"))
    try:
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}").strip()
    except UserError as error:
        message = f"--changed-since {reference}: this repository has no such commit; fetch it, or name another"
        raise UserError(message) from error
    names = _git("-C", str(root), "diff", "--name-only", "--no-renames", "-z", commit, "--")
    names += _git("-C", str(root), "ls-files", "--others", "--exclude-standard", "-z")
    return frozenset((root / name).resolve() for name in names.split("\0") if name)


def _git(*arguments: str) -> str:
    import subprocess  # few runs need git

    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, errors="surrogateescape"
        )
    except OSError as error:
        message = "--changed-since needs git, which is not installed"
        raise UserError(message) from error
    if done.returncode:
        message = f"--changed-since: git failed: {done.stderr.strip() or f'exit code {done.returncode}'}"
        raise UserError(message)
    return done.stdout
