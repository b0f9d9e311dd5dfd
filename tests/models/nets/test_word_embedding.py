"""The embedding of columns of words, held to torch's own modules put together by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sweeps.models.configuration import check_trial
from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.nets import build_net
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, train, words

COUNTS = (3, 40)


def mlp(**keys: Any) -> dict[str, Any]:
    return {"kind": "mlp", "hidden_units": 8, "embedding": "fastai", **keys}


def net_of(counts: tuple[int, ...] = COUNTS, numbers: int = 2, **keys: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_net(
        configuration(model=mlp(**keys)).model, (numbers + sum(counts),), 3, categories=counts
    )


def widths(net: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(w.shape) for name, w in net.named_parameters() if "columns" in name]


class ByHand(nn.Module):
    """Guo and Berkhahn's net as anyone writes it: indices into `nn.Embedding`, joined."""

    def __init__(self, sizes: list[tuple[int, int]], numbers: int, hidden: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.Embedding(*size) for size in sizes)
        self.first = nn.Linear(numbers + sum(width for _, width in sizes), hidden)
        self.last = nn.Linear(hidden, 3)

    def forward(self, numbers: Tensor, places: Tensor) -> Tensor:
        looked_up = [column(places[:, at]) for at, column in enumerate(self.columns)]
        joined = torch.cat([numbers, *looked_up], dim=1)
        return self.last(torch.relu(self.first(joined)))


def one_hot(numbers: Tensor, places: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Rows as the built-in nets get them: no 1 in a column is the place of unseen words."""
    blocks = [torch.eye(n + 1)[places[:, at]][:, :n] for at, n in enumerate(counts)]
    return torch.cat([numbers, *blocks], dim=1)


def test_a_net_trains_as_the_one_written_by_hand() -> None:
    ours = net_of()
    by_hand = ByHand([(4, 3), (41, 13)], numbers=2, hidden=8)
    by_hand.load_state_dict(
        dict(zip(by_hand.state_dict(), ours.state_dict().values(), strict=True))
    )
    drawn = torch.Generator().manual_seed(1)
    numbers = torch.randn(64, 2, generator=drawn)
    places = torch.stack([torch.randint(0, n + 1, (64,), generator=drawn) for n in COUNTS], dim=1)
    y = torch.randint(0, 3, (64,), generator=drawn)
    x = one_hot(numbers, places, COUNTS)
    for net, outputs in ((ours, lambda: ours(x)), (by_hand, lambda: by_hand(numbers, places))):
        optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
        for _ in range(5):
            optimizer.zero_grad()
            cross_entropy(outputs(), y).backward()
            optimizer.step()
    torch.testing.assert_close(ours(x), by_hand(numbers, places), rtol=0, atol=0)


def test_a_trial_has_the_curve_of_the_net_written_by_hand() -> None:
    data, places = words()
    training = Training(
        configuration(
            model=mlp(hidden_units=5),
            optimizer={"kind": "adam", "lr": 0.02},
            training={"epochs": 4, "batch_size": "full", "device": "cpu"},
        ),
        data, DEV_LOSS, seed=3,
    )  # fmt: skip
    first = train(training, 1).best_weights
    by_hand = ByHand([(4, 3), (3, 3)], numbers=2, hidden=5)
    by_hand.load_state_dict(dict(zip(by_hand.state_dict(), first.values(), strict=True)))
    dev = slice(len(data.y_train), None)
    with torch.no_grad():
        outputs = by_hand(torch.from_numpy(data.x_dev[:, :2]), torch.from_numpy(places[dev]))
    loss = cross_entropy(outputs, torch.from_numpy(data.y_dev)).item()
    assert training.history[0]["dev_loss"] == pytest.approx(loss, rel=1e-6)


# What fastai's emb_sz_rule gives, whose count has the place of unseen words, too.
@pytest.mark.parametrize(
    ("categories", "width"), [(1, 2), (2, 3), (3, 3), (9, 6), (99, 21), (999, 77)]
)
def test_a_width_is_that_of_fastai(categories: int, width: int) -> None:
    assert widths(net_of((categories,))) == [(categories + 1, width)]


def test_no_column_is_wider_than_it_has_places() -> None:
    assert widths(net_of(embedding=8)) == [(4, 4), (41, 8)]


def test_a_word_of_no_train_row_starts_as_zeros_and_is_not_moved_by_others() -> None:
    net = net_of((3,), numbers=0)
    x = torch.eye(3)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()
    table = net[0].columns[0].weight
    assert table[3].eq(0).all()
    assert table[:3].ne(0).all()
    unseen = net[1:](torch.zeros(1, table.shape[1]))
    torch.testing.assert_close(net(torch.zeros(1, 3)), unseen, rtol=0, atol=0)


def test_a_net_without_an_embedding_is_as_it_was() -> None:
    torch.manual_seed(0)
    plain = build_net(configuration(model={"kind": "mlp"}).model, (5,), 3, categories=(3,))
    torch.manual_seed(0)
    before = build_net(configuration(model={"kind": "mlp"}).model, (5,), 3)
    torch.testing.assert_close(plain.state_dict(), before.state_dict(), rtol=0, atol=0)


def test_a_configuration_without_an_embedding_is_written_as_it_was() -> None:
    assert "embedding" not in configuration(model={"kind": "mlp"}).model_dump()["model"]
    assert configuration(model=mlp()).model_dump()["model"]["embedding"] == "fastai"


def test_a_configuration_that_names_none_says_so() -> None:
    # Where it is one option of a choice, tables and analyses have to see it.
    named = configuration(model=mlp(embedding="none")).model_dump()
    assert named["model"]["embedding"] == "none"
    assert configuration(**named).model_dump() == named


def test_data_without_columns_of_words_have_nothing_to_embed() -> None:
    with pytest.raises(TrialConfigError, match="an embedding needs columns of words") as caught:
        check_trial(configuration(model=mlp()), blobs())
    assert caught.value.key == ("model", "embedding")


@pytest.mark.parametrize("width", ["wide", 0, True, 2.5])
def test_a_width_is_a_rule_or_a_whole_number(width: object) -> None:
    with pytest.raises(
        ValueError, match='must be a whole number, at least 1, or "fastai" or "none"'
    ):
        configuration(model=mlp(embedding=width))


def test_penalties_and_decay_act_on_what_is_embedded() -> None:
    data, _ = words()
    plain, decayed = (
        train(
            Training(
                configuration(
                    model=mlp(), optimizer={"kind": "sgd", "lr": 0.1}, regularization={"l2": l2}
                ),
                data, DEV_LOSS, seed=3,
            ),
            2,
        ).best_weights["0.columns.0.weight"]
        for l2 in (0.0, 1.0)
    )  # fmt: skip
    assert decayed[:3].norm() < 0.8 * plain[:3].norm()


def test_indices_of_rows_do_not_change_what_is_looked_up() -> None:
    x = torch.from_numpy(np.concatenate([words()[0].x_train, words()[0].x_dev]))
    net = net_of((3, 2)).eval()
    torch.testing.assert_close(net(x)[10:20], net(x[10:20]))
