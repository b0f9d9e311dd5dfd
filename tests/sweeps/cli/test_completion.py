"""The scripts that complete commands and options, asked as a shell asks them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ASK = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sweeps; echo "${COMPREPLY[*]}"'


def script(shell: str) -> str:
    command = [sys.executable, "-m", "sweeps", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "ask.sh"
    path.write_text(f"{script('bash')}\n{ASK}\n")
    return path


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("re", "resume retry report replay"),
        ("run --no", "--no-local --no-mlflow"),
        ("run file.yaml --l", "--local"),
        ("run ''", ""),  # bash completes file names where there is no other answer
        ("cluster ''", "up down"),
        ("cluster up --po", "--port --postgres"),
        ("completion ''", "bash zsh fish"),
        ("sync runs/x --f", ""),  # hidden in the help, too
    ],
)
def test_bash_is_answered(bash: Path, typed: str, answer: str) -> None:
    command = ["bash", str(bash), "sweeps", *shlex.split(typed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == answer


def test_zsh_takes_that_of_bash_and_fish_has_lines_of_its_own() -> None:
    assert script("zsh") == (
        f"#compdef sweeps\nautoload -U +X bashcompinit && bashcompinit\n{script('bash')}"
    )
    lines = script("fish").splitlines()
    seen = "complete -c sweeps -n '__fish_seen_subcommand_from cluster'"
    assert {f"{seen} -a up", f"{seen} -a down"} <= set(lines)
