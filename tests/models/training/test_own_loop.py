"""Training of the user's own keeps what nets keep: it repeats, survives, and disturbs nothing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sweeps.models.errors import OwnTrainingError, WeightsError
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.own_trial import Rows, rows_of
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import blobs, finished, line, train, without_times

BOTH = {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}
LOSS_ALONE = {"loss": MetricOptions(goal="min")}


def own(name: str, options: dict[str, Any] | None = None, **sections: Any) -> OwnTrialConfig:
    training = {
        "kind": "custom",
        "target": f"tests.models.own_trainings:{name}",
        "options": options or {},
        "epochs": 6,
        **sections.pop("training", {}),
    }
    return OwnTrialConfig.model_validate({"training": training, **sections})


def begin(
    config: OwnTrialConfig, data: Any = (), seed: int = 7, declared: Any = LOSS_ALONE
) -> Training:
    return Training(config, data, Objective("dev_loss", "min", declared), seed)


CASES = [
    pytest.param(own("steps"), blobs(), BOTH, id="generator"),
    pytest.param(own("Steps"), blobs(), BOTH, id="class"),
    pytest.param(own("two_nets"), blobs(), LOSS_ALONE, id="two nets"),
    pytest.param(own("cuts_by_itself"), blobs(), BOTH, id="own rows"),
    pytest.param(own("Bandit"), (), LOSS_ALONE, id="without data"),
    pytest.param(own("steps"), [blobs(), blobs(120)], BOTH, id="folds"),
]
every_case = pytest.mark.parametrize(("config", "data", "declared"), CASES)


@every_case
def test_equal_seeds_give_equal_curves_and_others_do_not(
    config: OwnTrialConfig, data: Any, declared: Any
) -> None:
    first = finished(begin(config, data, 7, declared))
    torch.manual_seed(99)
    np.random.seed(99)
    again = finished(begin(config, data, 7, declared))
    other = finished(begin(config, data, 8, declared))
    assert without_times(first) == without_times(again)
    assert without_times(first) != without_times(other)


@every_case
@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_stopped_trial_goes_on_bit_for_bit(
    config: OwnTrialConfig, data: Any, declared: Any, stop: int
) -> None:
    whole = finished(begin(config, data, 7, declared))
    saved = train(begin(config, data, 7, declared), stop).checkpoint()
    continued = begin(config, data, 7, declared)
    continued.restore(saved)
    finished(continued)
    assert without_times(continued) == without_times(whole)
    assert continued.best_epoch == whole.best_epoch
    torch.testing.assert_close(continued.best_weights, whole.best_weights, rtol=0, atol=0)


@every_case
def test_a_restored_trial_saves_what_it_was_given_before_it_trains(
    config: OwnTrialConfig, data: Any, declared: Any
) -> None:
    saved = train(begin(config, data, 7, declared), 2)
    continued = begin(config, data, 7, declared)
    continued.restore(saved.checkpoint())
    again = begin(config, data, 7, declared)
    again.restore(continued.checkpoint())
    assert without_times(finished(again)) == without_times(finished(saved))


@every_case
def test_the_global_generators_are_left_as_they_were(
    config: OwnTrialConfig, data: Any, declared: Any
) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    finished(begin(config, data, 7, declared))
    assert (torch.rand(1), np.random.rand()) == expected


def test_both_forms_of_one_training_give_the_same_numbers() -> None:
    generator = finished(begin(own("steps"), blobs(), declared=BOTH))
    of_class = finished(begin(own("Steps"), blobs(), declared=BOTH))
    assert without_times(generator) == without_times(of_class)


def test_options_reach_the_training_as_keywords() -> None:
    slow = finished(begin(own("steps", {"lr": 1e-9}), blobs(), declared=BOTH))
    fast = finished(begin(own("steps", {"lr": 0.1}), blobs(), declared=BOTH))
    assert slow.history[0]["dev_loss"] != fast.history[0]["dev_loss"]


def test_patience_ends_own_training() -> None:
    early = {"early_stopping": {"patience": 2, "min_delta": 1000.0}}
    training = finished(begin(own("steps", regularization=early), blobs(), declared=BOTH))
    assert (training.outcome, training.epoch) == ("early_stopped", 3)


@pytest.mark.parametrize("name", ["steps", "Steps"])
@pytest.mark.parametrize("data", [blobs(), blobs(150, spread=4.0)], ids=["easy", "hard"])
def test_the_kept_weights_measure_what_the_best_epoch_did(name: str, data: TrainDev) -> None:
    training = finished(begin(own(name), data, declared=BOTH))
    assert training.best_row is not None
    dev = rows_of("dev", data.x_dev, data.y_dev, torch.device("cpu"))
    opened = OwnLoop(own(name), data, Objective("dev_loss", "min", BOTH), seed=3)
    found = opened.answer(training.best_weights, dev)
    assert found == {name: training.best_row[name] for name in ("dev_loss", "dev_hits")}


def test_without_nets_all_that_is_kept_is_what_is_best() -> None:
    training = finished(begin(own("Bandit")))
    opened = OwnLoop(own("Bandit"), None, Objective("dev_loss", "min", LOSS_ALONE), seed=3)
    found = opened.answer(training.best_weights, Rows("dev"))
    assert training.best_row is not None
    assert found == {"dev_loss": training.best_row["dev_loss"]}


def test_dev_and_test_draw_other_numbers() -> None:
    training = finished(begin(own("Bandit")))
    opened = OwnLoop(own("Bandit"), None, Objective("dev_loss", "min", LOSS_ALONE), seed=3)
    found = opened.answer(training.best_weights, Rows("test"))
    assert list(found) == ["test_loss"]
    assert found["test_loss"] != opened.answer(training.best_weights, Rows("dev"))["dev_loss"]


def test_a_metric_of_no_number_ends_the_trial_as_diverged() -> None:
    training = finished(begin(own("diverges"), declared=BOTH))
    assert (training.outcome, training.epoch) == ("diverged", 1)


WRONG = {
    "keeps_nothing": "must keep what training changes",
    "keeps_a_file": "cannot keep 'log', a ",
    "keeps_a_function": "cannot save a builtin_function_or_method, in the state of about/rule",
    "ends_early": "the loop stopped in epoch 3",
    "yields_twice": "it yielded again in epoch 1",
    "never_yields": "epoch 1 ended without",
    "has_no_epochs": "must yield inside its loop over trial.epochs",
    "exits": "must not exit the program (SystemExit: 3)",
    "differentiates": "evaluate runs without gradients, and needs some (RuntimeError: element",
    "returns_a_net": "or a training class, and it returned a Linear",
    "lacks_a_metric": "evaluate reports 'other', which `metrics` of the sweep file does not have",
    "misses_the_objective": "evaluate must report the objective, dev_loss",
    "measures_text": "the metric 'loss' must be a number, not a str",
    "measures_a_vector": "the metric 'loss' must be a number, not a Tensor",
    "measures_a_bare_number": "must return metrics by name",
    "changes_its_metrics": "must report the same metrics every epoch",
    "absent": "must have a function absent",
    "measures_more_than_a_float": "the metric 'loss' must be a number that a float can hold",
    "measures_by_its_part": "evaluate reports 'dev_loss', which `metrics` of the sweep file does "
    "not have: loss, hits. Report it as 'loss': its part of the data is known",
    "measures_with_a_space": "Report it as 'loss'",
    "yields_a_number": "must return metrics by name, such as {'loss': 0.5}; a yield gave a float",
    "yields_by_its_part": "a yield reports 'train_loss', which `metrics` of the sweep file does",
    "evaluates_by_nothing": "trial.epochs needs a function that evaluates rows, not no",
    "evaluates_by_metrics": "trial.epochs needs a function that evaluates rows, not a "
    "dict. Pass a function of the rows: trial.epochs(evaluate)",
    "keeps_without_a_name": "must be kept by name, as a Linear was not. Write trial.keep(net=net",
    "keeps_too_late": "before its loop over trial.epochs(...): it kept 'more' in epoch 2",
    "keeps_itself": "cannot save a recursive or too deeply nested object, in the state of about",
    "keeps_what_is_gone": "cannot keep 'memory': its state_dict() raised OSError: no such disk",
}


@pytest.mark.parametrize(("name", "words"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_with_own_training_is_said_in_words(name: str, words: str) -> None:
    alone = ("keeps", "ends", "yields", "never", "exits", "evaluates", "differentiates")
    one = LOSS_ALONE if name.startswith(alone) else BOTH
    with pytest.raises(OwnTrainingError) as caught:
        finished(begin(own(name), declared=one))
    assert words in str(caught.value)


def test_a_keyboard_interrupt_of_own_training_ends_no_command() -> None:
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with pytest.raises(OwnTrainingError, match="KeyboardInterrupt: of its own"):
            finished(begin(own("interrupts"), declared=LOSS_ALONE))
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("how", ["exits", "exits_hard", "yields"])
def test_what_a_finally_does_at_the_end_is_of_no_trial_any_more(how: str) -> None:
    training = train(begin(own("ends_badly", {"how": how})), 3)
    training.close()
    assert [row["dev_loss"] for row in training.history] == [1.0] * 3


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_that_comes_back_ends_with_its_epoch(tmp_path: Path) -> None:
    about = tmp_path / "epochs"
    training = finished(begin(own("forks", {"about": str(about)})))
    assert (training.outcome, training.epoch) == ("completed", 6)
    assert about.read_text() == "1 1 2 3 4 5 6 "


def test_a_declared_metric_that_nobody_reports_is_named() -> None:
    declared = {**BOTH, "reward": MetricOptions(goal="max")}
    with pytest.raises(OwnTrainingError, match="the metric 'reward' of the sweep file"):
        finished(begin(own("steps"), blobs(), declared=declared))


def test_rows_of_a_sweep_without_data_are_refused_by_name() -> None:
    with pytest.raises(OwnTrainingError, match="has no `data`, so there are no train rows"):
        finished(begin(own("steps"), declared=BOTH))


def test_a_checkpoint_of_other_shapes_is_refused() -> None:
    saved = train(begin(own("Steps"), blobs(), declared=BOTH), 1).checkpoint()
    other = begin(own("Steps"), blobs(columns=9), declared=BOTH)
    with pytest.raises((OwnTrainingError, WeightsError), match="must fit the Sequential"):
        other.restore(saved)


def test_training_may_change_its_rows_without_harm_to_the_next_trial() -> None:
    data = line()
    begin(own("Bandit"), data)._nets[0]._trial.train.x.zero_()  # type: ignore[attr-defined]
    assert data.x_train.any()


def test_a_trial_that_begins_again_keeps_nothing() -> None:
    config = own("keeps_nothing", training={"resume": "from_start"})
    assert not config.resumes
    assert finished(begin(config)).outcome == "completed"
