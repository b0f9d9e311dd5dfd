"""Programs as trials, for tests: scripts that start in milliseconds."""

from __future__ import annotations

from pathlib import Path

from tests.sweeps.sweep_files import write_sweep

__all__ = ["COMMAND", "program_sweep"]

# -S and -I: without site-packages a start takes a fifth of the time.
COMMAND = "python -S -I train.py {lr} {seed}"
_HEAD = """import json, os, signal, subprocess, sys, time
lr, seed = float(sys.argv[1]), int(sys.argv[2])
EPOCHS = int(os.environ["SWEEPS_EPOCHS"])
SAVED = os.path.join(os.environ["SWEEPS_CHECKPOINTS"], "epoch")

def loss(epoch):
    return abs(lr - 0.1) + seed % 7 / 100 + 1 / epoch

def report(epoch, **metrics):
    with open(os.environ["SWEEPS_METRICS"], "a") as file:
        print(json.dumps({"epoch": epoch, **(metrics or {"loss": loss(epoch)})}), file=file)

"""
_EVERY_EPOCH = """for epoch in range(1, EPOCHS + 1):
    report(epoch)
"""


def program_sweep(
    folder: Path, code: str = _EVERY_EPOCH, training: str = "epochs: 4", **sections: str
) -> Path:
    """Write a sweep of a program, and its script.

    Args:
        code: The script's; `lr`, `seed`, `loss(epoch)` and `report(epoch, ...)` are there.
        training: More keys of the section.
        sections: Programs are not tried before the first trial unless `trial` says so.
    """
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(_HEAD + code)
    options = "options: {lr: {float: [0.01, 1.0], log: true}}"
    command = "" if "command:" in training else f"command: '{COMMAND}', "
    space = f"{{training: {{kind: program, {command}{options}, {training}}}}}"
    limits = sections.pop("trial", "{}").strip("{}")
    if "sanity_check" not in limits:
        limits = ", ".join(filter(None, [limits, "sanity_check: skip"]))
    given = {"metrics": "{loss: {goal: min}}", "space": space, "trial": f"{{{limits}}}"}
    path = write_sweep(folder, **{**given, **sections})
    path.write_text(path.read_text().replace("data: {source: iris}\n", ""))
    return path
