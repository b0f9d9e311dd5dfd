from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sweeps.models.errors import DataError
from sweeps.models.own_code.finding import call_function, find_function
from sweeps.models.own_code.guards import described_at, guarded, is_ctrl_c, unheard
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


def speak() -> None:
    print("an answer that is none")
    print("a remark", file=sys.stderr)


def test_what_is_printed_goes_to_standard_error_and_unheard_nowhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with guarded():
        speak()
    assert capsys.readouterr() == ("", "an answer that is none\na remark\n")
    with unheard(), guarded():
        speak()
    with unheard():
        print("ours", file=sys.stderr)
    assert capsys.readouterr() == ("", "ours\n")


def interrupting() -> object:
    raise KeyboardInterrupt("of the code itself")


def test_a_keyboard_interrupt_of_the_code_itself_is_an_error_like_any_other() -> None:
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with pytest.raises(DataError, match=r"must be so, but raised \(KeyboardInterrupt: of"):
            call_function(interrupting, "must be so", DataError)
    finally:
        signal.signal(signal.SIGINT, before)


def test_under_pythons_own_handler_every_keyboard_interrupt_is_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert is_ctrl_c(KeyboardInterrupt())
        assert not is_ctrl_c(SystemExit())
    finally:
        signal.signal(signal.SIGINT, before)
