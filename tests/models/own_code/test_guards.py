from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from sweeps.models.errors import DataError
from sweeps.models.own_code.finding import call_function, find_function
from sweeps.models.own_code.guards import described_at
from sweeps.models.own_code.own_call import called

HERE = Path(__file__).name


def asks_a_library() -> object:
    return json.loads("{")


LINE = asks_a_library.__code__.co_firstlineno + 1


def raised_by(function: object) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        function()  # type: ignore[operator]
    return caught.value


def test_an_error_in_a_library_is_placed_where_the_user_called_it() -> None:
    assert described_at(raised_by(asks_a_library)).endswith(f" at {HERE}:{LINE}")
    net = nn.Linear(2, 2)
    error = raised_by(lambda: net(torch.zeros(3, 3)))
    assert f" at {HERE}:" in described_at(error)


def test_both_ways_to_call_the_users_code_place_its_errors() -> None:
    with pytest.raises(DataError, match=rf"must be so, but raised \(JSON.* at {HERE}:{LINE}\)"):
        call_function(asks_a_library, "must be so", DataError)
    with (
        pytest.raises(DataError, match=rf"must be so, but raised \(JSON.* at {HERE}:{LINE}\)"),
        called("must be so", DataError),
    ):
        asks_a_library()


def test_a_module_that_fails_is_placed_and_one_that_is_not_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_here.py").write_text("\n\nraise KeyError(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match=r"failing_here: KeyError: 7 at failing_here\.py:3"):
        find_function("failing_here:net", DataError, ())
    with pytest.raises(DataError, match="not_there_at_all") as caught:
        find_function("not_there_at_all:net", DataError, ())
    assert " at " not in str(caught.value).replace("not_there_at_all", "")
