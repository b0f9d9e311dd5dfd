"""A net under an own loss may return more than its answer: metrics and answers take the first."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from sweeps.models.errors import NetError, OwnFunctionError
from sweeps.models.training.training import Training
from tests.models.own_parts import TwoHeads, of_tuple
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished, train

PARTS = "tests.models.own_parts"


def begun(form: str = "tuple", loss: Any = None, weight: float = 0.3, **options: Any) -> Training:
    model = {
        "kind": "custom",
        "target": f"{PARTS}:two_heads",
        "options": {"form": form, **options},
    }
    own = {"kind": "custom", "target": f"{PARTS}:of_{form}", "options": {"weight": weight}}
    config = configuration(
        model=model,
        loss=loss or own,
        optimizer={"kind": "sgd", "lr": 0.5},
        training={"epochs": 4, "batch_size": "full", "device": "cpu"},
    )
    return Training(config, blobs(), DEV_LOSS, seed=2)


@pytest.mark.parametrize("form", ["tuple", "dict"])
def test_it_trains_and_measures_as_a_loop_by_hand(form: str) -> None:
    trial, data = begun(form), blobs()
    net = TwoHeads(5, 3, "tuple")
    net.load_state_dict(trial._nets[0]._net.state_dict())  # type: ignore[attr-defined]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    for _ in range(4):
        optimizer.zero_grad()
        of_tuple(net(x), y, 0.3).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    row = finished(trial).history[-1]
    x, y = torch.from_numpy(data.x_dev), torch.from_numpy(data.y_dev)
    with torch.no_grad():
        answer, aux = net(x)
    assert row["dev_loss"] == pytest.approx(float(of_tuple((answer, aux), y, 0.3).mean()), rel=1e-5)
    assert row["dev_accuracy"] == pytest.approx(float((answer.argmax(1) == y).float().mean()))
    assert row["dev_loss"] > float(cross_entropy(answer, y))


@pytest.mark.parametrize("form", ["tuple", "dict"])
def test_a_stopped_trial_goes_on_bit_for_bit(form: str) -> None:
    whole, again = finished(begun(form)), begun(form)
    again.restore(train(begun(form), 2).checkpoint())
    torch.testing.assert_close(finished(again).best_weights, whole.best_weights, rtol=0, atol=0)


def test_what_comes_besides_needs_a_loss_that_takes_it() -> None:
    with pytest.raises(NetError, match=r"several tensors, \(rows, 3\) and \(rows, 5\), which only"):
        begun(loss={"kind": "cross_entropy"})


def test_the_first_of_them_is_what_the_net_answers() -> None:
    with pytest.raises(NetError, match=r"must map 2 rows to shape \(2, 3\), not to \(2, 5\)"):
        begun(swapped=True)


def test_a_loss_that_takes_another_form_is_told() -> None:
    own = {"kind": "custom", "target": f"{PARTS}:of_dict", "options": {"weight": 0.3}}
    with pytest.raises(OwnFunctionError, match="raised TypeError"):
        begun(loss=own)
