"""A key of another section is answered with that section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from sweeps.definition.key_homes import home_of
from sweeps.definition.loading import check_sweep
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import SweepFileError
from sweeps.models.configuration import TrialConfig
from tests.sweeps.sweep_files import write_sweep


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("space.regularization.dropout=0.5", "'dropout' is a key of `space.model`"),
        ("data.folds=3", "'folds' is a key of `data.split`"),
        ("epochs=3", "'epochs' is a key of `space.training`"),
        ("space.training.early_stopping={patience: 3}", "is a key of `space.regularization`"),
        ("space.training.gpu=1", "'gpu' is a key of `resources`"),
        ("search.constraints=[]", "'constraints' is a key of the file itself"),
        ("stopping.grace_epoch=3", "did you mean 'grace_epochs'?"),
        ("trials=3", "'trials' is a key of `search` and `budget`"),
        ("search.trial=3", "did you mean 'trials'?"),
        ("search.trial={timeout_s: 3}", "'trial' is a key of the file itself"),
        ("space.learning_rate=0.1", "'learning_rate' is `lr` here, a key of `space.optimizer`"),
        ("space.lr=0.1", "'lr' is a key of `space.optimizer`"),
        ("stopping.max_t=9", "'max_t' is `epochs` here, a key of `space.training`"),
        ("space.training.num_layers=2", "a key of `space.model`"),
        ("data.split.k=3", "did you mean 'folds'?"),
    ],
)
def test_a_key_of_another_section_is_answered_with_that_section(
    tmp_path: Path, override: str, answer: str
) -> None:
    path = write_sweep(tmp_path, stopping="{scheduler: asha}")
    with pytest.raises(SweepFileError, match=re.escape(answer)):
        check_sweep(path, [override])


@pytest.mark.parametrize(
    ("override", "way_out"),
    [
        (
            "stopping.scheduler=none",
            "--set 'stopping={scheduler: none}' replaces the whole section",
        ),
        ("search.method=grid", "--set 'search={method: grid}' replaces the whole section"),
    ],
)
def test_an_override_of_the_kind_alone_is_answered_with_one_of_the_section(
    tmp_path: Path, override: str, way_out: str
) -> None:
    path = write_sweep(
        tmp_path,
        stopping="{scheduler: asha, grace_epochs: 1}",
        search="{method: random, trials: 3}",
    )
    with pytest.raises(SweepFileError, match=re.escape(way_out)):
        check_sweep(path, [override])
    with pytest.raises(SweepFileError) as caught:
        check_sweep(path, ["stopping.grace_epoch=3"])
    assert "whole section" not in str(caught.value)


def test_nothing_is_said_of_a_key_that_several_sections_have_or_that_is_of_an_own_model() -> None:
    assert home_of("options", {}, TrialConfig) == ""
    assert home_of("zzz", 3, SweepFile) == ""
    assert home_of("dropout", 0.5, BaseModel) == ""
