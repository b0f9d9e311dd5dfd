"""A search that learns can be killed, resumed, extended, repeated, and checked."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.analysis.evidence import gather
from sweeps.analysis.summary import analyse
from sweeps.analysis.tuning_curve import TuningCurve
from sweeps.cli.commands import main
from sweeps.errors import RequestError
from sweeps.findings.results import Results
from sweeps.record.ledger import Ledger, read_events
from sweeps.record.sweep_record import Outcome
from tests.sweeps.drivers import driver, wait_for
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

TPE = "{method: tpe, trials: 9, startup: 4}"
SPACE = space("{kind: linear}", "{kind: adam, lr: {float: [1.0e-4, 1.0], log: true}}", epochs=3)
# From the second proposal on a net waits until there is a file `go`.
WAITS = """        while not (HERE / 'go').exists():
            ledger = (HERE / 'runs/killed/ledger.jsonl').read_text()
            if ledger.count('"event":"proposed"') < 2: break
            time.sleep(0.01)
"""
TWO_RANGES = space(
    "{kind: linear}",
    "{kind: sgd, lr: {float: [1.0e-4, 1.0], log: true}, momentum: {float: [0.0, 0.9]}}",
)
RUNNERS = ["local", pytest.param("ray", marks=pytest.mark.ray)]


def learned(folder: Path, **sections: str) -> Path:
    return write_sweep(folder, **{"search": TPE, "space": SPACE, **sections})


def run(path: Path, runs: str = "runs", runner: Any = "local", **options: Any) -> Results:
    folder = path.parent / runs
    return sweeps.run(path, runs=folder, runner=runner, tracking_uri="none", **options)


def resume(path: Path, **options: Any) -> Results:
    return sweeps.resume(path, runner="local", tracking_uri="none", **options)


def plan_of(results: Results) -> list[Any]:
    return [one.trial for one in results.record.trials]


def proposals_of(path: Path) -> list[dict[str, Any]]:
    return [event for event in read_events(path / "ledger.jsonl") if event["event"] == "proposed"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(learned(tmp_path_factory.mktemp("unbroken")))


@pytest.mark.parametrize("runner", RUNNERS)
def test_with_one_worker_a_whole_sweep_repeats_exactly(
    unbroken: Results, tmp_path: Path, runner: str
) -> None:
    again = run(learned(tmp_path, resources="{workers: 1}"), runner=runner)
    assert plan_of(again) == plan_of(unbroken)
    assert [one.best_epoch for one in again.record.trials] == [
        one.best_epoch for one in unbroken.record.trials
    ]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("gp", "trials: 7, startup: 3"),
        ("cmaes", "trials: 12, startup: 3, popsize: 4"),
        ("nsga2", "trials: 12, population_size: 3"),
    ],
)
def test_another_method_that_was_stopped_goes_on_as_an_unbroken_one(
    tmp_path: Path, method: str, options: str
) -> None:
    path = learned(tmp_path, search=f"{{method: {method}, {options}}}")
    whole = run(path)
    part = run(path, "part", overrides=["budget.trials=6"])
    again = resume(part.path, overrides=["budget.trials=null"])
    assert plan_of(again) == plan_of(whole)
    assert [one["by"] for one in proposals_of(again.path)] == [method] * (len(plan_of(whole)) - 3)
    assert main(["replay", str(again.path)]) == 0


def test_each_proposal_is_in_the_ledger_before_its_trial_starts(unbroken: Results) -> None:
    lines = list(read_events(unbroken.folder.ledger))
    at = {
        (event["event"], event.get("trial", event.get("planned", {}).get("index"))): number
        for number, event in enumerate(lines)
    }
    assert all(at["proposed", index] < at["started", index] for index in range(4, 9))
    saw = [one["saw"] for one in proposals_of(unbroken.path)]
    assert saw == [{"results": index, "running": 0} for index in range(4, 9)]


@pytest.mark.ray
def test_with_two_workers_each_proposal_sees_who_runs_and_follows_from_the_ledger(
    tmp_path: Path,
) -> None:
    results = run(learned(tmp_path, resources="{workers: 2}"), runner="ray")
    saw = [one["saw"] for one in proposals_of(results.path)]
    assert all(one["running"] <= 1 for one in saw)
    assert [one["results"] + one["running"] for one in saw] == list(range(4, 9))
    assert results.record.outcomes[Outcome.COMPLETED] == 9
    assert main(["replay", str(results.path)]) == 0


def test_a_search_that_was_killed_goes_on_as_an_unbroken_one(tmp_path: Path) -> None:
    rate = "{kind: adam, lr: {float: [1.0e-4, 1.0], log: true}}"
    target = own_net(tmp_path, "waits_for_go", WAITS)
    path = write_sweep(tmp_path, search=TPE, space=space(custom_model(target), rate, epochs=4))
    killed = tmp_path / "runs" / "killed"
    words = ("run", path, "--runs", tmp_path / "runs", "--id", "killed", "--local")
    with driver(*words) as process:
        wait_for(lambda: len(_proposed(killed)) >= 2)
        process.signal(signal.SIGKILL)
        process.wait()
    (tmp_path / "go").touch()
    before = _proposed(killed)
    assert len(before) == 2
    resumed = resume(killed)
    unbroken = run(path, "whole")
    assert plan_of(resumed) == plan_of(unbroken)
    assert _proposed(killed)[: len(before)] == before


def _proposed(path: Path) -> list[Any]:
    ledger = path / "ledger.jsonl"
    return [one["planned"] for one in proposals_of(path)] if ledger.exists() else []


def test_an_extended_search_is_the_longer_one(unbroken: Results, tmp_path: Path) -> None:
    short = run(learned(tmp_path, search="{method: tpe, trials: 6, startup: 4}"))
    assert len(short.record.trials) == 6
    longer = sweeps.extend(short.path, 3, runner="local", tracking_uri="none")
    assert plan_of(longer) == plan_of(unbroken)
    assert longer.is_finished


def test_a_budget_stops_it_before_all_are_planned_and_a_resume_plans_the_rest(
    unbroken: Results, tmp_path: Path
) -> None:
    stopped = run(learned(tmp_path, budget="{trials: 6}"))
    assert len(stopped.record.trials) == 6
    assert not stopped.is_finished
    assert "budget.trials = 6" in str(stopped.record.stopped)
    whole = resume(stopped.path, overrides=["budget.trials=null"])
    assert plan_of(whole) == plan_of(unbroken)


def test_failed_trials_are_tried_again_and_none_is_planned(tmp_path: Path) -> None:
    target = own_net(
        tmp_path, "failing_one",
        "        if not (HERE / 'fixed').exists() and self.number: raise RuntimeError('broken')\n",
    )  # fmt: skip
    model = f"{{kind: custom, target: '{target}', options: {{number: {{choice: [0, 1]}}}}}}"
    rate = "{kind: adam, lr: {float: [1.0e-4, 1.0], log: true}}"
    path = write_sweep(
        tmp_path, search=TPE, space=space(model, rate, epochs=2), trial="{retries: 0}"
    )
    results = run(path)
    assert results.record.outcomes[Outcome.FAILED] > 0
    planned = plan_of(results)
    (tmp_path / "fixed").touch()
    again = sweeps.retry(results.path, runner="local", tracking_uri="none")
    assert plan_of(again) == planned
    assert again.record.outcomes[Outcome.COMPLETED] == 9
    assert main(["replay", str(results.path)]) == 0


@pytest.mark.parametrize(
    "stopping",
    [
        "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}",
        "{scheduler: median, grace_epochs: 1, min_samples: 2}",
    ],
)
def test_pruned_trials_are_told_and_the_rest_of_a_sweep_follows(
    tmp_path: Path, stopping: str
) -> None:
    sections = {"stopping": stopping, "final": "{top_k: 2, seeds: 2}"}
    results = run(learned(tmp_path, **sections))
    assert results.record.outcomes[Outcome.PRUNED] > 0
    assert results.final is not None
    assert main(["replay", str(results.path)]) == 0


def test_folds_give_a_search_one_value_a_trial(tmp_path: Path) -> None:
    results = run(learned(tmp_path, data="{source: iris, split: {folds: 3}}"))
    assert results.is_finished
    assert main(["replay", str(results.path)]) == 0


def test_a_plan_that_does_not_follow_from_its_ledger_is_found(
    unbroken: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unbroken.path, copy)
    lines = list(read_events(copy / "ledger.jsonl"))
    (copy / "ledger.jsonl").unlink()
    ledger = Ledger(copy / "ledger.jsonl")
    ledger.append(*map(_with_another_result, lines))
    ledger.close()
    assert main(["replay", str(copy)]) == 1
    assert "trial 5 does not follow" in capsys.readouterr().out
    assert main(["replay", str(unbroken.path)]) == 0
    assert "all 9 planned trials follow" in capsys.readouterr().out


def _with_another_result(event: dict[str, Any]) -> dict[str, Any]:
    """The worst of all for trial 4, which the proposal of trial 5 was the first to see."""
    if event["event"] == "report" and event["trial"] == 4:
        return event | {"epochs": [one | {"dev_loss": 99.0} for one in event["epochs"]]}
    return event


def test_the_plan_says_what_is_fixed_and_what_will_be_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(learned(tmp_path))
    assert main(["plan", path, "--no-probe"]) == 0
    shown = capsys.readouterr().out
    assert "blobs: 9 trials" in shown
    assert "the first 4 are fixed; the other 5 are proposed by tpe" in shown
    assert main(["plan", path, "--no-probe", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["trials"], answer["proposed"], len(answer["plan"])) == (9, 5, 4)


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("{method: tpe, trials: 3000}", "a proposal of tpe takes longer the more trials there are"),
        ("{method: gp, trials: 300}", "0.5 s after 300 trials"),
        ("{method: cmaes, trials: 3000}", "a resume tells it all of them anew"),
        ("{method: tpe, trials: 2999}", ""),
        ("{method: random, trials: 3000}", ""),
    ],
)
def test_the_plan_says_where_proposals_will_be_slow(
    tmp_path: Path, search: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, search=search, space=TWO_RANGES)
    assert main(["plan", str(path), "--no-probe"]) == 0
    shown = capsys.readouterr().out
    assert words in shown
    assert ("takes longer" in shown) == bool(words)


def test_the_plan_says_where_baselines_leave_nothing_to_propose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = ", ".join(f"{{optimizer: {{lr: {rate}}}}}" for rate in (0.01, 0.02, 0.03, 0.04))
    search = f"{{method: tpe, trials: 3, startup: 2, baseline: [{rates}]}}"
    assert main(["plan", str(learned(tmp_path, search=search)), "--no-probe"]) == 0
    assert "all are fixed, so tpe proposes none" in capsys.readouterr().out


def test_no_suggestion_is_made_from_trials_that_are_not_independent(unbroken: Results) -> None:
    from sweeps.service.answers import suggest

    with pytest.raises(RequestError, match="not independent draws"):
        suggest(unbroken.path)


def test_the_report_says_what_it_lacks_and_why(unbroken: Results) -> None:
    page = (unbroken.path / "report.html").read_text()
    assert "The search learned from its results." in page
    why = "tpe proposed all trials but the first 4 from the results before them"
    assert f"No tuning curve: {why}" in page
    assert f"No importances: {why}" in page
    assert f"No comparison: {why}" in page


@pytest.fixture(scope="module")
def before_learning(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A search that was stopped when its random draws had ended, before it proposed a trial."""
    folder = tmp_path_factory.mktemp("before")
    path = learned(folder, search="{method: tpe, trials: 30, startup: 12}")
    return run(path, overrides=["budget.trials=12"])


def test_random_draws_alone_have_the_figures_of_a_random_search(
    before_learning: Results, tmp_path: Path
) -> None:
    drawn = run(learned(tmp_path, search="{method: random, trials: 12}"))
    found, as_drawn = (analyse(gather(one.folder, one.record)) for one in (before_learning, drawn))
    assert plan_of(before_learning) == plan_of(drawn)
    assert isinstance(as_drawn.tuning_curve, TuningCurve)
    assert found.tuning_curve.sentence == as_drawn.tuning_curve.sentence  # type: ignore[union-attr]
    assert found.importances == as_drawn.importances


def test_the_report_of_random_draws_alone_says_that_nothing_was_learned(
    before_learning: Results, unbroken: Results
) -> None:
    page = (before_learning.path / "report.html").read_text()
    assert "Nothing has been learned yet: tpe begins with 12 trials" in page
    assert "The search learned from its results" not in page
    assert "Nothing has been learned" not in (unbroken.path / "report.html").read_text()


def test_a_suggestion_can_be_made_from_random_draws_alone(before_learning: Results) -> None:
    from sweeps.service.answers import suggest

    assert "Suggested from 12 trials" in suggest(before_learning.path)


def test_the_report_promises_the_same_trials_again_where_their_order_is_the_same(
    unbroken: Results,
) -> None:
    page = (unbroken.path / "report.html").read_text()
    assert "give the same trials again with one worker" in page


OBJECTIVES = "[{metric: dev_accuracy}, {metric: parameters}]"


@pytest.mark.parametrize(
    "search",
    ["{method: tpe, trials: 9, startup: 4}", "{method: nsga2, trials: 9, population_size: 3}"],
)
def test_a_search_for_several_objectives_is_resumed_and_replayed(
    tmp_path: Path, search: str
) -> None:
    path = learned(tmp_path, search=search, objective=OBJECTIVES)
    whole = run(path)
    part = run(path, "part", overrides=["budget.trials=6"])
    again = resume(part.path, overrides=["budget.trials=null"])
    assert plan_of(again) == plan_of(whole)
    assert main(["replay", str(again.path)]) == 0


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("{method: tpe, trials: 9, startup: 4}", "from the results before it, by all objectives"),
        ("{method: nsga2, trials: 9, population_size: 3}", "before it, by all objectives"),
        (
            "{method: gp, trials: 9, startup: 4}",
            "from the results before it, by dev_accuracy alone",
        ),
    ],
)
def test_plan_says_which_objectives_a_method_goes_by(
    tmp_path: Path, search: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plan", str(learned(tmp_path, search=search, objective=OBJECTIVES)), "--no-probe"])
    assert words in capsys.readouterr().out
