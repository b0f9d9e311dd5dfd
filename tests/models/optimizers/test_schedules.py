from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from sweeps.models.optimizers.schedules import Horizon, Schedule
from sweeps.models.scoring.metrics import Mode
from tests.models.trial_fixtures import configuration

LR = 0.5
EPOCHS, BATCHES = 12, 4
Build = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def schedule(mode: Mode = "min", epochs: int = EPOCHS, **keys: object) -> Schedule:
    config = configuration(training={"epochs": epochs}, schedule=keys).schedule
    return Schedule(config, LR, Horizon(epochs, BATCHES), mode)


def all_rates(laid_out: Schedule, epochs: int = EPOCHS) -> list[float]:
    return [rate for epoch in range(epochs) for rate in laid_out.rates(epoch)]


def torchs_rates(build: Build, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    scheduler = build(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("keys", "build"),
    [
        ({"kind": "constant"}, lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
        (
            {"kind": "step", "step_epochs": 5, "gamma": 0.3},
            lambda o: lr_scheduler.StepLR(o, step_size=5, gamma=0.3),
        ),
        (
            {"kind": "multi_step", "milestones": [3, 4, 9], "gamma": 0.3},
            lambda o: lr_scheduler.MultiStepLR(o, milestones=[3, 4, 9], gamma=0.3),
        ),
        ({"kind": "exponential", "gamma": 0.8}, lambda o: lr_scheduler.ExponentialLR(o, gamma=0.8)),
        (
            {"kind": "cosine", "final_fraction": 0.1},
            lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS, eta_min=0.1 * LR),
        ),
    ],
)
def test_epoch_schedules_equal_torchs_own(keys: dict[str, Any], build: Build) -> None:
    laid_out = schedule(**keys)
    expected = torchs_rates(build, EPOCHS)
    assert [laid_out.rates(epoch)[-1] for epoch in range(EPOCHS)] == pytest.approx(expected)
    assert laid_out.rates(1) == [laid_out.rates(1)[0]] * BATCHES


def test_one_cycle_equals_torchs_own_batch_by_batch() -> None:
    laid_out = schedule(kind="one_cycle", pct_start=0.4, div_factor=10.0, final_div_factor=100.0)

    def build(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        return lr_scheduler.OneCycleLR(
            optimizer, max_lr=LR, total_steps=EPOCHS * BATCHES, pct_start=0.4, div_factor=10.0,
            final_div_factor=100.0, cycle_momentum=False,
        )  # fmt: skip

    expected = torchs_rates(build, EPOCHS * BATCHES - 1)
    assert all_rates(laid_out)[:-1] == pytest.approx(expected)
    assert all_rates(laid_out)[-1] == pytest.approx(LR / 10 / 100)


@pytest.mark.parametrize("final", [0.0, 0.2])
def test_linear_equals_torchs_own_batch_by_batch(final: float) -> None:
    steps = EPOCHS * BATCHES
    expected = torchs_rates(
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=final, total_iters=steps),
        steps,
    )
    assert all_rates(schedule(kind="linear", final_fraction=final)) == pytest.approx(expected)


@pytest.mark.parametrize("milestones", [[], [0], [4, 3], [3, 3], [2.5]])
def test_milestones_are_ascending_epochs(milestones: list[float]) -> None:
    with pytest.raises(ValueError, match="milestones"):
        schedule(kind="multi_step", milestones=milestones)


def test_one_cycle_over_a_single_batch_has_the_full_rate() -> None:
    config = configuration(schedule={"kind": "one_cycle"}).schedule
    assert Schedule(config, LR, Horizon(1, 1), "min").rates(0) == [LR]


def test_warmup_equals_torchs_linear_rise_and_ends_at_the_rate() -> None:
    laid_out = schedule(kind="constant", warmup_epochs=2)
    steps = 2 * BATCHES
    expected = torchs_rates(
        lambda o: lr_scheduler.LinearLR(o, start_factor=1 / steps, total_iters=steps - 1), steps
    )
    assert all_rates(laid_out)[:steps] == pytest.approx(expected)
    assert laid_out.rates(2) == [LR] * BATCHES


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "step", "step_epochs": 2},
        {"kind": "multi_step", "milestones": [2, 5]},
        {"kind": "linear"},
        {"kind": "exponential"},
        {"kind": "cosine"},
        {"kind": "one_cycle"},
        {"kind": "plateau"},
    ],
)
def test_what_follows_warmup_is_the_schedule_over_the_epochs_left(keys: dict[str, Any]) -> None:
    warmed = schedule(warmup_epochs=3, **keys)
    alone = schedule(epochs=EPOCHS - 3, **keys)
    assert all_rates(warmed)[3 * BATCHES :] == all_rates(alone, EPOCHS - 3)


@pytest.mark.parametrize(
    ("mode", "objectives"),
    [
        ("min", [1.0, 0.9, 0.9, 0.89, 0.9, 0.95, 0.2, 0.2, 0.19999, 0.3, 0.3]),
        ("max", [0.1, 0.5, 0.5, 0.4, 0.5001, 0.51, 0.51, 0.51, 0.51, 0.51, 0.9]),
    ],
)
def test_plateau_equals_torchs_own(mode: Mode, objectives: list[float]) -> None:
    laid_out = schedule(mode, kind="plateau", factor=0.5, patience=1, threshold=1e-3)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode=mode, factor=0.5, patience=1, threshold=1e-3
    )
    for epoch, objective in enumerate(objectives):
        laid_out.observe(epoch, objective)
        theirs.step(objective)
        assert laid_out.rates(epoch + 1)[0] == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_does_not_count_warmup() -> None:
    laid_out = schedule(kind="plateau", patience=0, factor=0.5, warmup_epochs=3)
    laid_out.observe(0, 1.0)
    laid_out.observe(1, 2.0)
    laid_out.observe(2, 3.0)
    assert laid_out.rates(3) == [LR] * BATCHES


def test_a_plateau_continues_from_its_state() -> None:
    first = schedule(kind="plateau", patience=1, factor=0.5)
    first.observe(0, 1.0)
    first.observe(1, 1.0)
    second = schedule(kind="plateau", patience=1, factor=0.5)
    second.restore(first.state())
    second.observe(2, 1.0)
    assert second.rates(3) == [LR * 0.5] * BATCHES
