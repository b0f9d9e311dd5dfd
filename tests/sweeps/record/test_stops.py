"""Why a session stopped is a name, whatever the words beside it say."""

from __future__ import annotations

import pytest

from sweeps.record.stops import Stop, StopReason, read_stop


@pytest.mark.parametrize("reason", list(StopReason))
def test_no_words_change_what_is_read(reason: StopReason) -> None:
    event = {"event": "end", "reason": str(reason), "detail": "budget.time_s = 1 s is used up"}
    assert read_stop(event) == Stop(reason, "budget.time_s = 1 s is used up")


def test_an_end_with_nothing_left_has_no_stop() -> None:
    assert read_stop({"event": "end", "reason": None}) is None
    assert read_stop({"event": "end", "reason": ""}) is None  # format 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("interrupted by SIGINT", StopReason.INTERRUPTED),
        ("interrupted by SIGTERM", StopReason.INTERRUPTED),
        ("budget.time_s = 600 s is used up", StopReason.BUDGET_TIME),
        ("budget.trials = 2 trials have ended", StopReason.BUDGET_TRIALS),
        ("budget.target = 0.1 is reached", StopReason.BUDGET_TARGET),
        ("2 trials failed; budget.max_failures = 1", StopReason.MAX_FAILURES),
        ("another driver has this sweep", StopReason.TAKEN_OVER),
        ("the disk is full", StopReason.DISK_FULL),
        ("the cluster has lost its head", StopReason.CLUSTER_LOST),
        ("budget and more", StopReason.OTHER),
    ],
)
def test_the_texts_of_format_1_have_their_names(text: str, reason: StopReason) -> None:
    assert read_stop({"event": "end", "reason": text}) == Stop(reason, text)


def test_a_reason_that_there_is_not_is_damage() -> None:
    with pytest.raises(ValueError, match="bored"):
        read_stop({"event": "end", "reason": "bored", "detail": "so"})


def test_only_time_trials_and_target_end_a_search_so_that_its_final_may_follow() -> None:
    ends = {reason for reason in StopReason if Stop(reason, "").ends_search}
    assert ends == {StopReason.BUDGET_TIME, StopReason.BUDGET_TRIALS, StopReason.BUDGET_TARGET}
