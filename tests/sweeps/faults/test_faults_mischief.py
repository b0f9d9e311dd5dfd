"""A net that changes what all trials of its process share spoils no trial but its own."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

# What trial 0's net does in its first training step. Warnings are errors in tests already.
MISCHIEFS = {
    "grad-mode": "torch.set_grad_enabled(False)",
    "default-dtype": "torch.set_default_dtype(torch.float64)",
    "default-device": "torch.set_default_device('meta')",
    "autocast": "torch.set_autocast_enabled('cpu', True)",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "matmul-precision": "torch.set_float32_matmul_precision('medium')",
    "denormals": "torch.set_flush_denormal(True)",
    "anomaly": "torch.autograd.set_detect_anomaly(True)",
    "hook": "torch.nn.modules.module.register_module_forward_hook(lambda m, i, o: o * 2)",
    "tanh": "torch.tanh = torch.sin",
    "cross-entropy": "torch.nn.functional.cross_entropy = lambda *a, **k: a[0].sum()",
    "linear": "torch.nn.functional.linear = lambda x, w, b: x @ w.T",
    "class": "torch.nn.Linear.forward = lambda self, x: x[:, :1] @ self.weight[:, :1].T",
    "added-method": "torch.nn.Linear.__call__ = lambda self, x: x @ self.weight.T",
    "tensor-method": "torch.Tensor.backward = lambda self, *a, **k: None",
    "optimizer": "sys.modules['torch.optim.adam'].adam = lambda *a, **k: None",
    "module": "sys.modules['tame'] = type(sys)('tame')",
    "folder": "os.mkdir(HERE / 'd'); os.chdir(HERE / 'd'); os.rmdir(HERE / 'd')",
    "environment": "os.environ.clear()",
    "numpy-errors": "numpy.seterr(all='raise')",
    "warnings": "warnings.simplefilter('ignore')",
    "recursion": "sys.setrecursionlimit(80)",
    "signals": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "seeds": "torch.manual_seed(0); numpy.random.seed(0); random.seed(0)",
    "stderr": "sys.stderr = None",
}
_NET = "        if self.number == 1 and self.calls == 3: {}\n"
_SAY = "(HERE / f'process-{os.getpid()}').touch()"
_NOISE = f"        {_SAY}\n"
_NOISE += "        out = torch.tanh(out + float(numpy.random.normal() + random.gauss(0, 1)))\n"
_IMPORTS = "import random, sys, warnings, numpy\n"


def tame(folder: Path) -> str:
    """Write the module of the nets of innocent trials."""
    return _with_imports(folder, own_net(folder, "tame", _NOISE))


def mischief(folder: Path, name: str, what: str) -> str:
    return _with_imports(folder, own_net(folder, name, _NET.format(what)))


def _with_imports(folder: Path, target: str) -> str:
    path = folder / f"{target.partition(':')[0]}.py"
    path.write_text(_IMPORTS + path.read_text())
    return target


OURS = "{kind: mlp, hidden_layers: 1, hidden_units: 4, activation: tanh}"


def one_by_one(folder: Path, *models: str) -> Path:
    """Write a sweep of these nets, which one worker trains in turn."""
    configurations = ", ".join(f"{{model: {model}}}" for model in models)
    return write_sweep(
        folder,
        search=f"{{method: manual, configurations: [{configurations}]}}",
        space=space("{kind: linear}", "{kind: adam, lr: 0.05}", epochs=4),
        resources="{workers: 1}",
        trial="{retries: 0}",
    )


def listed(folder: Path, first: str) -> Path:
    """Write a sweep of the net `first`, then an MLP of ours and an own net."""
    return one_by_one(folder, first, OURS, custom_model(tame(folder)))


def run(path: Path, runner: Any = "local") -> Results:
    runs = path.parent / f"runs-{runner}"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none")


def innocent(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame[frame.trial > 0].to_dict("records")


def notices(results: Results) -> list[str]:
    lines = map(json.loads, (results.path / "log.jsonl").read_text().splitlines())
    return [line["message"] for line in lines if "left changed" in line["message"]]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    results = run(listed(tmp_path_factory.mktemp("expected"), "{kind: linear}"))
    assert notices(results) == []
    return innocent(results)


@pytest.mark.parametrize("name", MISCHIEFS)
def test_no_trial_is_spoilt_by_the_one_before_it(
    tmp_path: Path, name: str, expected: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = mischief(tmp_path, f"mischief_{name.replace('-', '_')}", MISCHIEFS[name])
    path = listed(tmp_path, custom_model(target, 1))
    # In memory already, as after a trial of it.
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tame", raising=False)
    import_module("tame")
    results = run(path)
    assert innocent(results) == expected
    assert [text[:8] for text in notices(results)] == ["trial 0 "] * (name != "seeds")


@pytest.mark.ray
def test_a_worker_whose_functions_were_replaced_trains_no_other_trial(
    tmp_path: Path, expected: list[dict[str, float]]
) -> None:
    names = ("tanh", "default-dtype", "folder")
    what = "; ".join(MISCHIEFS[name] for name in names)
    target = mischief(tmp_path, "mischief_ray", f"{_SAY}; {what}")
    results = run(listed(tmp_path, custom_model(target, 1)), "ray")
    assert innocent(results) == expected
    assert [text[:8] for text in notices(results)] == ["trial 0 "]
    # Its own, and another one's.
    assert len([*tmp_path.glob("process-*")]) == 2
    assert all(not trial.failures for trial in results.record.trials[1:])


def test_what_an_import_sets_holds_for_the_trials_of_its_module_alone(tmp_path: Path) -> None:
    sets = own_net(tmp_path, "sets", "        assert os.environ['SET_AT_IMPORT'] == '1'\n")
    path = tmp_path / "sets.py"
    path.write_text(f"{path.read_text()}\nos.environ['SET_AT_IMPORT'] = '1'\n")
    without = own_net(tmp_path, "without", "        assert 'SET_AT_IMPORT' not in os.environ\n")
    models = [custom_model(sets, 1), custom_model(without), custom_model(sets, 2)]
    results = run(one_by_one(tmp_path, *models))
    assert [str(trial.outcome) for trial in results.record.trials] == ["completed"] * 3
    assert notices(results) == []
    assert "SET_AT_IMPORT" not in os.environ
