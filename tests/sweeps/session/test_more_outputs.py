"""A VAE of the gallery is tested by its own loss, and answers by what it returns first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import sweeps
from sweeps.models.splits.splits import refit_splits
from sweeps.models.training.weights import load_weights
from sweeps.search_spaces.gallery.vae import build, elbo, load
from sweeps.session.sweep_data import load_data

ROOT = Path(__file__).resolve().parents[3]


def test_the_test_loss_of_a_vae_is_its_own_and_it_answers_its_first_tensor(tmp_path: Path) -> None:
    results = sweeps.run(
        ROOT / "search_spaces" / "gallery" / "vae.yaml",
        overrides=["search.trials=2", "final.top_k=1"],
        runs=tmp_path,
        runner="local",
        tracking_uri="none",
    )
    assert results.final is not None
    [opening] = results.openings
    file = results.folder.read_sweep()
    dataset = load_data(results.folder, file).dataset
    assert dataset is not None
    test = refit_splits(dataset, file.data, file.seed).test
    weights, about = load_weights(results.path / results.final.model.weights)
    options = about["configuration"]["model"]["options"]
    net = build((61,), 61, **options).eval()
    net.load_state_dict(weights)
    x, y = torch.from_numpy(test.x), torch.from_numpy(test.y)
    with torch.no_grad():
        outputs = net(x)
        loss = elbo(outputs, y, beta=1.0)
    assert opening.metrics["test_loss"].value == pytest.approx(float(loss.mean()), rel=1e-5)
    mse = float((outputs[0] - y).square().mean())
    assert opening.metrics["test_mse"].value == pytest.approx(mse, rel=1e-4)
    rows = load()[0][:9]
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", comments="", header=_names(rows))
    answers = sweeps.predict(results.path, tmp_path / "rows.csv")
    expected = net(torch.from_numpy(rows))[0].detach().numpy()
    np.testing.assert_allclose(answers.to_numpy(), expected, atol=1e-6)


def _names(rows: np.ndarray) -> str:
    return ",".join(f"x{at}" for at in range(rows.shape[1]))
