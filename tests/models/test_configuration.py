from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from sweeps.models.configuration import TrialConfig, check_trial
from sweeps.models.errors import TrialConfigError
from sweeps.models.scoring.tasks import Task
from tests.models.trial_fixtures import configuration


class Shape(NamedTuple):
    task: Task
    outputs: int
    input_shape: tuple[int, ...]
    item: None = None
    category_counts: tuple[int, ...] = ()


def problems(**sections: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        configuration(**sections)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


def test_importing_configurations_imports_nothing_slow() -> None:
    code = (
        "import sys, models.configuration; "
        "print(sorted({'torch', 'ray', 'mlflow', 'pandas', 'sklearn', 'scipy'} & {*sys.modules}))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout == "[]\n", printed.stderr


def test_sections_with_defaults_may_be_left_out() -> None:
    config = configuration()
    assert config.schedule.kind == "constant"
    assert config.regularization.early_stopping is None


def test_a_configuration_is_read_back_from_what_it_writes() -> None:
    config = configuration(
        schedule={"kind": "plateau", "warmup_epochs": 1},
        regularization={"early_stopping": {"patience": 2}},
    )
    assert TrialConfig.model_validate(config.model_dump(mode="json")) == config


def test_whole_numbers_are_taken_for_floats() -> None:
    assert configuration(optimizer={"kind": "sgd", "lr": 1}).optimizer.lr == 1.0


def test_a_key_that_the_kind_does_not_have_is_refused_by_name() -> None:
    found = problems(optimizer={"kind": "adam", "momentum": 0.9})
    assert found == [(("optimizer", "adam", "momentum"), "Extra inputs are not permitted")]


@pytest.mark.parametrize(
    ("section", "values", "key"),
    [
        ("model", {"kind": "mlp", "hidden_layers": 0}, "hidden_layers"),
        ("model", {"kind": "mlp", "hidden_layers": "2"}, "hidden_layers"),
        ("model", {"kind": "mlp", "hidden_units": True}, "hidden_units"),
        ("model", {"kind": "mlp", "dropout": 1.0}, "dropout"),
        ("model", {"kind": "mlp", "activation": "rleu"}, "activation"),
        ("model", {"kind": "cnn", "kernel_size": 4}, "kernel_size"),
        ("model", {"kind": "custom", "target": "no_function"}, "target"),
        ("model", {"kind": "custom", "target": "a:b", "options": {"outputs": 1}}, "options"),
        ("optimizer", {"kind": "sgd", "lr": 0.0}, "lr"),
        ("optimizer", {"kind": "sgd", "lr": float("nan")}, "lr"),
        ("optimizer", {"kind": "sgd", "momentum": 1.0}, "momentum"),
        ("optimizer", {"kind": "sgd", "nesterov": True}, "nesterov"),
        ("optimizer", {"kind": "adam", "beta2": 1.0}, "beta2"),
        ("optimizer", {"kind": "adamw", "weight_decay": -0.1}, "weight_decay"),
        ("schedule", {"kind": "step", "gamma": 1.1}, "gamma"),
        ("schedule", {"kind": "one_cycle", "pct_start": 0.0}, "pct_start"),
        ("schedule", {"kind": "plateau", "factor": 1.0}, "factor"),
        ("regularization", {"l2": -1e-9}, "l2"),
        ("regularization", {"clip_norm": 0.0}, "clip_norm"),
        ("regularization", {"label_smoothing": 1.0}, "label_smoothing"),
        ("regularization", {"early_stopping": {"patience": 0}}, "patience"),
        ("training", {"epochs": 0}, "epochs"),
        ("training", {"epochs": 3, "batch_size": 0}, "batch_size"),
        ("training", {"epochs": 3, "batch_size": "all"}, "batch_size"),
        ("training", {"epochs": 3, "precision": "fp8"}, "precision"),
    ],
)
def test_an_illegal_value_is_refused_at_its_key(
    section: str, values: dict[str, Any], key: str
) -> None:
    [(place, _)] = problems(**{section: values})
    assert place[0] == section
    assert place[-1] == key


def test_warmup_that_lasts_as_long_as_training_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        configuration(schedule={"kind": "cosine", "warmup_epochs": 3})
    cause = caught.value.errors()[0]["ctx"]["error"]
    assert cause.key == ("schedule", "warmup_epochs")
    assert str(cause) == (
        "schedule.warmup_epochs: warm-up must be shorter than training (3 epochs); got 3"
    )


def test_batch_normalization_of_single_rows_is_refused() -> None:
    [(_, message)] = problems(
        model={"kind": "mlp", "normalization": "batch"}, training={"epochs": 1, "batch_size": 1}
    )
    assert "training.batch_size: batch normalization needs batches of at least 2 rows" in message


def test_a_cnn_whose_channels_grow_beyond_reason_is_refused() -> None:
    configuration(model={"kind": "cnn", "conv_layers": 13})
    [(_, message)] = problems(model={"kind": "cnn", "conv_layers": 14})
    assert "the last of 14 would have 131,072; got 14" in message


def test_label_smoothing_is_refused_for_regression() -> None:
    config = configuration(regularization={"label_smoothing": 0.1})
    check_trial(config, Shape("classification", 3, (4,)))
    with pytest.raises(TrialConfigError, match="label smoothing is for classification") as caught:
        check_trial(config, Shape("regression", 1, (4,)))
    assert caught.value.key == ("regularization", "label_smoothing")


@pytest.mark.parametrize(
    ("loss", "shape", "key", "words"),
    [
        ({"kind": "mae"}, Shape("classification", 3, (4,)), ("loss", "kind"), "cross_entropy, foc"),
        ({"kind": "focal"}, Shape("regression", 1, (4,)), ("loss", "kind"), "auto, mse, mae"),
        ({"kind": "cross_entropy", "class_weights": [1.0, 2.0]}, Shape("classification", 3, (4,)),
         ("loss", "class_weights"), "one weight for each of the 3 classes"),
    ],
)  # fmt: skip
def test_a_loss_must_suit_the_data(
    loss: dict[str, object], shape: Shape, key: tuple[str, ...], words: str
) -> None:
    with pytest.raises(TrialConfigError, match=words) as caught:
        check_trial(configuration(loss=loss), shape)
    assert caught.value.key == key


def test_label_smoothing_is_refused_for_another_loss() -> None:
    config = configuration(loss={"kind": "focal"}, regularization={"label_smoothing": 0.1})
    with pytest.raises(TrialConfigError, match="needs a cross-entropy loss; the loss is focal"):
        check_trial(config, Shape("classification", 3, (4,)))


def test_a_cnn_on_rows_that_are_not_images_is_refused() -> None:
    with pytest.raises(TrialConfigError, match=r"a row has shape \(64,\).*Use mlp or linear"):
        check_trial(configuration(model={"kind": "cnn"}), Shape("classification", 3, (64,)))


def test_more_pooling_than_pixels_is_refused() -> None:
    image = Shape("classification", 3, (1, 8, 9))
    check_trial(configuration(model={"kind": "cnn", "conv_layers": 3}), image)
    deeper = configuration(model={"kind": "cnn", "conv_layers": 4})
    with pytest.raises(TrialConfigError, match="there can be at most 3 convolutions; got 4"):
        check_trial(deeper, image)
