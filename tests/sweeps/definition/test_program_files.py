"""What is wrong with a program is told before anything starts, and which files are its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.definition.program_files import files_of_programs
from sweeps.errors import SweepFileError

GOOD = """name: t
objective: {metric: dev_loss}
metrics: {loss: {goal: min}}
search: {method: random, trials: 3}
space:
  training:
    kind: program
    command: "python train.py --lr {lr}"
    options: {lr: {float: [0.001, 0.1]}}
    epochs: 4
"""

CHANGES = {
    "a place of no option": (
        ("{lr}", "{lrr}"),
        "space.training.command: the command has a place {lrr} that no option fills in every trial "
        "did you mean {lr}?",
    ),
    "an option without a place": (
        ("--lr {lr}", ""),
        "space.training.command: the command must pass on every option, or trials would differ in "
        "values that nothing reads: lr write `--lr {lr}` into it",
    ),
    "a place that not every trial fills": (
        ("options: {lr: {float: [0.001, 0.1]}}", "options: {lr: {choice: [{a: 1}, {b: 2}]}}"),
        "space.training.command: the command has a place {lr} that no option fills in every trial",
    ),
    "an option with a name of ours": (
        ("options: {lr:", "options: {seed: 1, lr:"),
        "space.training.options: an option must be letters, digits and _, and none of args,",
    ),
    "args within a word": (
        ("--lr {lr}", "x{args}"),
        "must be a word of its own, got 'x{args}'",
    ),
    "an open quote": (("--lr {lr}", "--lr '{lr}"), "cannot split the command into words: no clos"),
    "no words": (("python train.py --lr {lr}", " "), "the command names no program"),
    "a pipe": (("--lr {lr}", "{lr} | tee log"), "so | would be passed to the program"),
    "a shell's list": (("--lr {lr}", "{lr} && date"), "what needs a shell is a script, or `sh -c"),
    "a shell's variable": (
        ("--lr {lr}", "--lr $LR {lr}"),
        "so $LR would reach the program unchanged parameters are written in braces ({lr})",
    ),
    "a shell's variable in braces": (("--lr {lr}", "--lr=${LR} {lr}"), "so --lr=${LR} would"),
    "a command in a command": (("--lr {lr}", "{lr} $(date) `id`"), "so $(date), `id` would"),
    "a flag's name": (
        ("options: {lr:", "options: {learning-rate: 1, lr:"),
        "write learning_rate, and `--learning-rate {learning_rate}` in the command",
    ),
    "a redirection": (
        ("--lr {lr}", "{lr} > log 2>&1"),
        "so >, 2>&1 would be passed to the program",
    ),
    "no such script": (("train.py", "trian.py"), "no such file: 'trian.py' in"),
    "no such program": (
        ("python", "pyhton"),
        "no such program: 'pyhton', neither on the PATH nor in",
    ),
    "no such path": (("python train.py", "./train.sh"), "no such program: './train.sh'"),
    "no such test script": (
        ("epochs: 4", "epochs: 4\n    test_command: python tset.py"),
        "space.training.test_command: no such file: 'tset.py' in",
    ),
    "a place of no option to test": (
        ("epochs: 4", "epochs: 4\n    test_command: python train.py {lrr}"),
        "space.training.test_command: the command has a place {lrr} that no option fills",
    ),
    "data": (
        ("name: t", "name: t\ndata: {source: iris}"),
        "data: a program reads its own data and would ignore this section",
    ),
    "another kind": (("kind: program", "kind: progam"), "unknown kind 'progam'"),
    "a key of custom": (("epochs: 4", "epochs: 4\n    device: cpu"), "unknown key 'device'"),
}


def problems(folder: Path, text: str) -> str:
    (folder / "train.py").touch()
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "f.yaml", folder, run_code=False)
    return "\n".join(f"{one.path}: {one.rule} {one.hint}" for one in caught.value.problems)


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_what_is_wrong_is_told_before_anything_starts(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert said in problems(tmp_path, GOOD.replace(*change))


@pytest.mark.parametrize(
    "command",
    [
        "python train.py {args}",
        "python -m train {parameters}",
        "python3 train.py --x={lr} {seed}",
        "python train.py {lr} --separator '|'",
        "python train.py {lr} it\\\\'s",
        "sh -c 'python train.py {lr} | tee log'",
        "sh -c 'python train.py {lr} --home $HOME'",
        "python train.py {lr} '$HOME' end$",
    ],
)
def test_options_are_passed_on_in_several_ways(tmp_path: Path, command: str) -> None:
    (tmp_path / "train.py").touch()
    text = GOOD.replace("python train.py --lr {lr}", command)
    _, plan = check_text(text, "f.yaml", tmp_path, run_code=False)
    assert len(plan) == 3


def values(command: str) -> dict[str, object]:
    return {"space": {"training": {"choice": [{"kind": "program", "command": command}]}}}


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python src/train.py", {"src/train.py", "src/part.py"}),
        ("python -m pack.train", {"pack/__init__.py", "pack/train.py", "pack/part.py"}),
        ("sh run.sh --config=c.yaml --data rows.csv", {"run.sh", "c.yaml"}),
        ("python {lr}.py nowhere.py ../up.py", set()),
    ],
)
def test_the_code_of_a_program_is_what_its_command_names(
    tmp_path: Path, command: str, found: set[str]
) -> None:
    folder = tmp_path / "here"
    texts = {
        "src/train.py": "import part, numpy",
        "src/part.py": "",
        "pack/__init__.py": "",
        "pack/train.py": "from pack import part",
        "pack/part.py": "",
        "run.sh": "",
        "c.yaml": "",
        "rows.csv": "",
        "../up.py": "",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    files = files_of_programs(values(command), folder)
    assert {str(name) for name in files.values()} == found
    assert all(path == folder / name for path, name in files.items())


@pytest.mark.parametrize("nothing", ["", " null", " ~"])
def test_data_of_nothing_is_left_out(tmp_path: Path, nothing: str) -> None:
    (tmp_path / "train.py").touch()
    text = GOOD.replace("name: t", f"name: t\ndata:{nothing}")
    _, plan = check_text(text, "f.yaml", tmp_path, run_code=False)
    assert len(plan) == 3
