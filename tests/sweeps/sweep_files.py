"""Small sweep files for tests, and the user's own nets that misbehave on purpose."""

from __future__ import annotations

from pathlib import Path

__all__ = ["custom_model", "own_net", "space", "write_sweep"]

MLP = "{kind: mlp, hidden_layers: 1, hidden_units: {int: [4, 16]}}"
ADAM = "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}"


def space(model: str = MLP, optimizer: str = ADAM, epochs: int = 9, more: str = "") -> str:
    """Return a `space` section on one line."""
    training = f"{{epochs: {epochs}, batch_size: 32, device: cpu}}"
    return f"{{model: {model}, optimizer: {optimizer}, training: {training}{more}}}"


def write_sweep(folder: Path, **sections: str) -> Path:
    """Write sweep.yaml: six random trials on iris, with the given sections changed or added.

    Own code is not tried before the first trial unless `trial` says so: most of it here is wrong
    on purpose, and its tests are of what follows.
    """
    lines = {
        "name": "blobs",
        "seed": "3",
        "data": "{source: iris}",
        "search": "{method: random, trials: 6}",
        "stopping": "{scheduler: none}",
        "space": space(),
        **sections,
    }
    limits = lines.get("trial", "{}")
    own = "".join(lines.get(name, "") for name in ("space", "search", "metrics"))
    if "target:" in own and "sanity_check" not in limits:
        given = limits.strip("{}")
        lines["trial"] = f"{{{given}{', ' if given else ''}sanity_check: skip}}"
    path = folder / "sweep.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    return path


def custom_model(target: str, number: int = 0) -> str:
    """Return a `model` section for a net made by `own_net`."""
    return f"{{kind: custom, target: '{target}', options: {{number: {number}}}}}"


def own_net(folder: Path, module: str, body: str) -> str:
    """Write a module with a linear net beside the sweep file; returns its target.

    Args:
        folder: Where the sweep file is.
        module: A name of its own for each test, since modules stay imported.
        body: Lines at 8 spaces between the net's output `out` and its return; `self.number`
            is the option `number`, `self.calls` counts forward passes, HERE is the folder.
    """
    code = f"""
import os, signal, time, torch
from pathlib import Path

HERE = Path({str(folder)!r})

class Net(torch.nn.Module):
    def __init__(self, inputs, outputs, number):
        super().__init__()
        self.affine = torch.nn.Linear(inputs, outputs)
        self.number, self.calls = number, 0

    def forward(self, x):
        self.calls += 1
        out = self.affine(x)
{body}
        return out

def build(input_shape, outputs, number=0):
    return Net(input_shape[0], outputs, number)
"""
    (folder / f"{module}.py").write_text(code)
    return f"{module}:build"
