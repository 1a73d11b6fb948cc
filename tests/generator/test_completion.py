"""What a shell offers after `mooring`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.generator.conftest import Run
from tests.tools import require


def offered(script: Path, *words: str) -> set[str]:
    """Return what bash offers for the last word, as its own completion computes it."""
    ask = (
        f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=${{#COMP_LINE}}; '
        '_shtab_mooring; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = [require("bash"), "--norc", "-c", ask, "bash", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return {word.strip() for word in done.stdout.splitlines()}


def test_bash_completes_commands_and_options(tmp_path: Path, mooring: Run) -> None:
    """Commands, options and choices are offered by the script that `mooring completion bash` prints."""
    script = tmp_path / "mooring.bash"
    script.write_text(mooring("completion", "bash").stdout)
    assert {"generate", "explain", "schema", "completion"} <= offered(script, "mooring", "")
    assert {"--platform", "--prune"} <= offered(script, "mooring", "generate", "--p")
    assert {"app", "platform", "values", "config"} <= offered(script, "mooring", "schema", "")
    (tmp_path / "orders.yaml").touch()
    assert offered(script, "mooring", "generate", f"{tmp_path}/ord") == {f"{tmp_path}/orders.yaml"}
    assert offered(script, "mooring", "explain", "x", "replicas", "--platform", f"{tmp_path}/ord") == {
        f"{tmp_path}/orders.yaml"
    }


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_script(mooring: Run, shell: str) -> None:
    """There is a script for each shell that the command offers."""
    run = mooring("completion", shell)
    assert (run.returncode, "changed-since" in run.stdout) == (0, True)
