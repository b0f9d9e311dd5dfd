from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError
from sweeps.models.splits.splits import split_dataset
from sweeps.models.training.item_data import ItemData
from sweeps.models.training.training import Training
from tests.models.own_datasets import Labelled, train_dev
from tests.models.trial_fixtures import DEV_LOSS, configuration, finished, without_times

CPU = torch.device("cpu")
SOURCE = "tests.models.training.test_item_loading:fatal"


class Fatal(Labelled):
    """One item, which is read in other processes than the trial's, ends, hangs or breaks them."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        if number == 31 and get_worker_info() is not None:
            return {"kill": self.kill, "hang": self.hang, "break": self.broken}[self.how](), 1
        return self.x[number], self.y[number]

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def hang(self) -> None:
        time.sleep(3600)

    def broken(self) -> Tensor:
        return torch.zeros(3)


def fatal(how: str) -> Fatal:
    return Fatal(how)


def trained(workers: int) -> Training:
    data = train_dev("noisy", loader={"workers": workers}, train_sample=20)
    with closing(Training(configuration(), data, DEV_LOSS, seed=3)) as training:
        return finished(training)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_curve_is_the_same_bits_with_any_number_of_loader_processes(workers: int) -> None:
    assert without_times(trained(workers)) == without_times(trained(0))


def test_a_trial_with_loader_processes_goes_on_as_if_never_stopped() -> None:
    data = train_dev("noisy", loader={"workers": 2})
    stopped = Training(configuration(), data, DEV_LOSS, seed=3)
    stopped.train_epoch()
    with closing(Training(configuration(), data, DEV_LOSS, seed=3)) as training:
        training.restore(stopped.checkpoint())
        stopped.close()
        assert without_times(finished(training)) == without_times(
            finished(Training(configuration(), train_dev("noisy"), DEV_LOSS, seed=3))
        )


def test_measuring_out_of_turn_changes_nothing_that_loader_processes_read_next() -> None:
    data = train_dev("noisy", loader={"workers": 2})
    with closing(ItemData(data, 16, CPU, seed=7)) as own, closing(ItemData(data, 16, CPU, 7)) as it:
        list(own.batches(0)), list(it.batches(0)), list(it.passes())
        assert all(map(torch.equal, own.passes(), it.passes()))
        pairs = zip(own.batches(1), it.batches(1), strict=True)
        assert all(torch.equal(one, other) for (one, *_), (other, *_) in pairs)


def test_loader_processes_end_with_the_trial_whatever_they_are_at() -> None:
    before = {*active_children()}
    data = ItemData(train_dev("blobs", loader={"workers": 2}), 8, CPU, seed=0)
    next(iter(data.batches(0)))
    assert len({*active_children()} - before) == 2
    data.close()
    assert {*active_children()} <= before


@pytest.mark.timeout(60)
def test_a_loader_process_that_was_killed_with_a_lock_in_hand_holds_up_nobody() -> None:
    data = ItemData(train_dev("blobs", loader={"workers": 2}), 8, CPU, seed=0)
    next(iter(data.batches(0)))
    stream = data._loading._stream
    assert stream is not None
    # As `Event.is_set` of torch's worker loop holds it, for an instant of each batch.
    stream._blocks._workers_done_event._cond.acquire()  # type: ignore[union-attr]
    data.close()
    assert not stream._processes


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("kill", "data.loader.workers: a loader process was "
         "killed by signal 9; got 2"),
        ("hang", f"data.loader.timeout_s: a batch of {SOURCE} was not read in time; got 0.5"),
        ("break", "data.source: x of every item must be float32 of 5, as the first is, and of item "
         "31 is float32 of 3"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_a_loader_process_is_one_clear_error(how: str, expected: str) -> None:
    # Only what hangs is held to a time: on a busy machine even a fork may take long.
    loader = {"workers": 2, "timeout_s": 0.5 if how == "hang" else 600}
    config = DataConfig.model_validate(
        {"source": SOURCE, "options": {"how": how}, "loader": loader}
    )
    cut = split_dataset(load_dataset(config, Path()), config, seed=0)
    data = ItemData(cut.train_dev(), 8, CPU, seed=1)
    with closing(data), pytest.raises(DataError) as caught:
        list(data.batches(0)), list(data.passes())
    assert str(caught.value).startswith(expected)


def test_loader_processes_are_for_functions_alone() -> None:
    with pytest.raises(ValueError, match="loader: only for functions"):
        DataConfig.model_validate({"source": "iris", "loader": {"workers": 2}})
    source = "tests.models.own_data_examples:grey_images"
    config = DataConfig.model_validate({"source": source, "loader": {"workers": 1}})
    with pytest.raises(
        DataError, match="loader processes read the items of a dataset; this function"
    ):
        load_dataset(config, Path())


def test_what_loader_processes_leave_goes_with_the_trial_or_with_the_next_that_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        abandoned = place / "swl-killed"
        abandoned.mkdir()
        (abandoned / "holder").touch()
        data = ItemData(train_dev("blobs", loader={"workers": 2}), 8, CPU, seed=0)
        next(iter(data.batches(0)))
        (held,) = place.iterdir()
        assert held != abandoned
        data.close()
        assert not [*place.iterdir()]


def test_items_are_read_where_the_temporary_folder_has_a_long_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    loader = {"workers": 1, "timeout_s": 60}
    data = ItemData(train_dev("blobs", loader=loader), 8, CPU, seed=0)
    assert len(next(iter(data.batches(0)))[0]) == 8
    data.close()
