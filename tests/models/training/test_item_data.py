from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sweeps.models.data.items import ItemRows
from sweeps.models.errors import DataError, NetError, OwnFunctionError, TrialConfigError
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.item_data import ItemData
from sweeps.models.training.own_trial import Trial
from sweeps.models.training.training import Training
from tests.models.own_datasets import Sentences, splits, train_dev
from tests.models.trial_fixtures import DEV_LOSS, configuration, finished, without_times

CPU = torch.device("cpu")
FULL = {"epochs": 3, "batch_size": "full", "device": "cpu"}


def items_of(rows: object) -> ItemRows:
    assert isinstance(rows, ItemRows)
    return rows


def in_memory(data: TrainDev) -> TrainDev:
    """The same rows as arrays."""
    train, dev = items_of(data.x_train), items_of(data.x_dev)
    x = train.items.dataset.x.numpy()
    return replace(data, x_train=x[train.numbers], x_dev=x[dev.numbers])


@pytest.mark.parametrize("train_sample", [None, 20])
def test_a_dataset_trains_bit_for_bit_as_arrays_of_its_rows_do(train_sample: int | None) -> None:
    items = train_dev("blobs", train_sample=train_sample)
    config = configuration(training=FULL, model={"kind": "mlp", "dropout": 0.2})
    trainings = [
        finished(Training(config, data, DEV_LOSS, seed=3)) for data in (items, in_memory(items))
    ]
    assert without_times(trainings[0]) == without_times(trainings[1])


def test_an_epoch_has_every_train_row_once_in_an_order_of_seed_and_epoch() -> None:
    data = train_dev("blobs")
    trials = [ItemData(data, 16, CPU, seed) for seed in (7, 7, 8)]
    first, again, other = ([y for _, y, _ in one.batches(0)] for one in trials)
    later = torch.cat([x for x, _, _ in trials[0].batches(1)])
    x = torch.cat([x for x, _, _ in trials[0].batches(0)])
    assert [len(y) for y in first] == [16, 16, 16, 6]
    assert torch.equal(torch.cat(first), torch.cat(again))
    assert not torch.equal(torch.cat(first), torch.cat(other))
    assert not torch.equal(x, later)
    assert sorted(x.tolist()) == sorted(later.tolist())


def test_no_trial_reads_a_test_item() -> None:
    cut = splits("labelled")
    data = cut.train_dev()
    dataset = items_of(data.x_train).items.dataset
    dataset.read.clear()
    finished(Training(configuration(), data, DEV_LOSS, seed=0))
    seen = items_of(data.x_train).numbers, items_of(data.x_dev).numbers
    assert {*dataset.read} == {*np.concatenate(seen).tolist()}
    assert not {*dataset.read} & {*cut.test.rows.tolist()}


def test_groups_of_items_stay_on_one_side() -> None:
    cut = splits("grouped", split={"group": "patient"})
    parts = [{*(part.rows // 3).tolist()} for part in (cut.train, cut.dev, cut.test)]
    assert sum(map(len, parts)) == 30


def test_a_built_in_net_refuses_items_that_are_no_floats() -> None:
    with pytest.raises(TrialConfigError, match="takes rows of float32; x of an item is int64"):
        Training(configuration(), train_dev("tokens"), DEV_LOSS, seed=0)


def test_own_nets_take_items_as_they_are() -> None:
    own = {"kind": "custom", "target": "tests.models.own_datasets:embedding"}
    training = Training(
        configuration(model=own), train_dev("tokens"), Objective("dev_accuracy", "max"), seed=0
    )
    assert finished(training).best_value is not None


def test_a_dictionary_trains_bit_for_bit_as_one_tensor_of_its_parts_does() -> None:
    joined = {"kind": "custom", "target": "tests.models.own_datasets:joined"}
    parts = Training(configuration(model=joined), train_dev("two_tensors"), DEV_LOSS, seed=3)
    whole = Training(configuration(model={"kind": "linear"}), train_dev("blobs"), DEV_LOSS, seed=3)
    assert without_times(finished(parts)) == without_times(finished(whole))


@pytest.mark.parametrize("name", ["two_tensors", "sentences"])
def test_a_built_in_net_refuses_items_by_name(name: str) -> None:
    with pytest.raises(TrialConfigError, match=r"takes rows of float32; x of an item is \{"):
        Training(configuration(), train_dev(name), DEV_LOSS, seed=0)


def test_an_own_net_without_the_names_of_the_items_says_which_they_are() -> None:
    own = {"kind": "custom", "target": "tests.models.own_datasets:mean_of_words"}
    with pytest.raises(NetError, match="must take near, far as keywords"):
        Training(configuration(model=own), train_dev("two_tensors"), DEV_LOSS, seed=0)


def test_a_batch_of_items_by_name_keeps_its_names() -> None:
    own = {"kind": "custom", "target": "tests.models.own_datasets:joined"}
    batch = {"target": "tests.models.own_datasets:nameless"}
    with pytest.raises(OwnFunctionError, match="a dictionary of near, far, not a Tensor"):
        Training(configuration(model=own, batch=batch), train_dev("two_tensors"), DEV_LOSS, seed=0)


def test_own_training_has_the_items_of_train_and_dev_as_its_dataset_gives_them() -> None:
    data = train_dev("sentences_by_name", split={"given": "part"})
    trial = Trial(data, seed=0, device=CPU, max_epochs=1)
    loader: DataLoader[Any] = DataLoader(
        trial.train.items, batch_size=48, collate_fn=Sentences().collate
    )
    [batch] = loader
    assert torch.equal(batch["labels"], trial.train.y)
    assert torch.equal(batch["ids"][:, 0], 1 + trial.train.y)
    assert (len(trial.train.items), len(trial.dev.items)) == (48, 12)


def test_an_item_that_raises_in_training_fails_its_trial_by_number() -> None:
    training = Training(configuration(), train_dev("lost", split={"seed": 1}), DEV_LOSS, seed=0)
    with pytest.raises(DataError, match=r"item 31 .*FileNotFoundError: 31\.jpg"):
        finished(training)


def test_duplicates_cannot_be_kept_together() -> None:
    with pytest.raises(DataError, match="items of a dataset are not compared"):
        splits("blobs", split={"duplicates": "together"})


# One GB of items, none of which is kept; VmHWM is the most memory that the process has had.
LARGE = """
import re
from pathlib import Path
from typing import Any
import torch
from sweeps.models.training.own_trial import Trial
from sweeps.models.training.training import Training
from tests.models.own_datasets import train_dev
from tests.models.trial_fixtures import DEV_LOSS, configuration, finished

def peak_mb():
    return int(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

torch.set_num_threads(1)
config = configuration(training={"epochs": 1, "batch_size": 16, "device": "cpu"})
finished(Training(config, train_dev("small"), DEV_LOSS, seed=0))
before = peak_mb()
training = finished(Training(config, train_dev("large", train_sample=32), DEV_LOSS, seed=0))
print(training.outcome, peak_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
def test_a_dataset_larger_than_the_memory_it_takes_trains() -> None:
    ran = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    outcome, grown_mb = ran.stdout.split()
    assert outcome == "completed"
    assert int(grown_mb) < 250
