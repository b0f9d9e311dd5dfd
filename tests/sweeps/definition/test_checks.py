"""What is wrong with a sweep file is found before anything starts, all at once, in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep, check_text, load_sweep
from sweeps.errors import SweepFileError

ROOT = Path(__file__).resolve().parents[3]
GOOD = """\
name: t
data: {source: iris}
search: {method: random, trials: 4}
space:
  model: {kind: mlp, hidden_units: {int: [4, 16]}}
  optimizer: {kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}
  training: {epochs: 3}
"""

# What is changed in GOOD, what it becomes, and line, column, key path and words of the message.
WRONG = {
    "misspelt section": ("search:", "serch:", 3, 1, "serch", "did you mean 'search'?"),
    "misspelt key": ("trials: 4", "trails: 4", 3, 26, "search.trails", "did you mean 'trials'?"),
    "misspelt key in space": ("{epochs", "{epoch", 7, 14, "space.training.epoch", "'epochs'?"),
    "misspelt parameter": ("{int: [", "{itn: [", 5, 37, "space.model.hidden_units.itn", "'int'?"),
    "misspelt option": ("log: true", "lgo: true", 6, 57, "space.optimizer.lr.lgo", "'log'?"),
    "wrong type": ("trials: 4", "trials: four", 3, 34, "search.trials", "whole number, got 'four'"),
    "number as text": ("epochs: 3", 'epochs: "3"', 7, 22, "space.training.epochs", "quotes"),
    "reversed bounds": ("[4, 16]", "[16, 4]", 5, 42, "space.model.hidden_units.int", "swap"),
    "low end illegal": ("[4, 16]", "[0, 16]", 5, 43, "space.model.hidden_units.int.0", "least 1"),
    "high end illegal": ("1.0e-1]", "1.0e7]", 6, 48, "space.optimizer.lr.float.1", "at most"),
    "key of another optimizer": ("adam,", "adam, momentum: 0.9,", 6, 27,
                                 "space.optimizer.momentum", "allowed: groups, kind, lr, beta1"),
    "unknown kind": ("adam,", "admm,", 6, 21, "space.optimizer.kind", "did you mean 'adam'?"),
    "log at zero": ("[1.0e-3,", "[0,", 6, 40, "space.optimizer.lr.float.0", "log range"),
    "continuous grid": ("random, trials: 4", "grid", 6, 31, "space.optimizer.lr", "points"),
    "unknown metric": ("name: t", "name: t\nobjective: {metric: dev_f2}", 2, 21,
                       "objective.metric", "did you mean 'dev_f1'?"),
    "train metric": ("name: t", "name: t\nobjective: {metric: train_loss}", 2, 21,
                     "objective.metric", "overfitting"),
    "metric of another task": ("iris}", "diabetes}\nobjective: {metric: dev_accuracy}", 3, 21,
                               "objective.metric", "regression"),
    "metric that one class lacks": ("iris}", "iris}\nmetrics: [auc, f1_binary]", 3, 10,
                                    "metrics.f1_binary", "the target has 3 classes"),
    "unknown metric besides": ("name: t", "name: t\nmetrics: [auc, roc]", 2, 10,
                               "metrics.roc", "'roc' is not a metric for classification"),
    "quantile of no pinball": ("name: t", "name: t\nmetrics: {auc: {quantile: 0.9}}", 2, 27,
                               "metrics.auc.quantile", "only pinball has a quantile"),
    "quantile that is none": ("iris}", "diabetes}\nmetrics: {pinball: {quantile: 1.0}}", 3, 31,
                              "metrics.pinball.quantile", "less than 1"),
    "missing file": ("iris", "no.csv, target: y", 2, 16, "data.source", "no such file"),
    "unknown source": ("iris", "irsi", 2, 16, "data.source", "iris"),
    "split without training rows": ("iris", "iris, split: {dev: 0.6, test: 0.5}", 2, 29,
                                    "data.split", "below 1"),
    "folds and dev": ("iris}", "iris, split: {folds: 5, dev: 0.2}}", 2, 37,
                      "data.split.folds", "give either folds or dev, not both"),
    "too many folds": ("iris", "iris, split: {folds: 30}", 2, 37, "data.split.folds", "at most 20"),
    "fewer rows than folds": ("iris", "iris, split: {folds: 20, test: 0.7}", 2, 37,
                              "data.split.folds", "setosa (15)"),
    "cnn on rows": ("kind: mlp, hidden_units: {int: [4, 16]}", "kind: cnn", 5, 17,
                    "space.model.kind", "needs images"),
    "constraint on nothing": ("name: t", 'name: t\nconstraints: ["model.width < 3"]', 2, 15,
                              "constraints.0", "unknown name 'model.width'"),
    "constraint that is none": ("name: t", 'name: t\nconstraints: ["model <"]', 2, 15,
                                "constraints.0", "invalid syntax"),
    "constraints reject all": ("name: t", 'name: t\nconstraints: ["training.epochs > 9"]', 2, 14,
                               "constraints", "the constraints rejected all of 10,000 draws"),
    "section without its kind": ("training:", "schedule: {}\n  training:", 7, 13,
                                 "space.schedule", "missing key 'kind'"),
    "more trials than can be": ("trials: 4", "trials: 4000000", 3, 34, "search.trials",
                                "at most"),
    "rungs without end": ("name: t", "name: t\nstopping: {scheduler: asha, reduction_factor: 1}",
                          2, 47, "stopping.reduction_factor", "at least 1.1"),
    "more GPUs than a net can use": ("name: t", "name: t\nresources: {gpu: 2}", 2, 18,
                                     "resources.gpu", "one GPU, got 2; write `gpu: 1`"),
    "a part of a second GPU": ("name: t", "name: t\nresources: {gpu: 1.5}", 2, 18,
                               "resources.gpu", "at most 1"),
    "baseline incomplete": ("trials: 4", "trials: 4, baseline: [{}]", 3, 48,
                            "search.baseline.0.model", "holds a parameter"),
    "duplicate key": ("name: t", "name: t\nname: u", 2, 1, "", "(first on line 1)"),
}  # fmt: skip


def problems(text: str, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(SweepFileError) as caught:
        check_text(text, "f.yaml", Path.cwd(), overrides)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("metric", ["dev_auc", "dev_average_precision", "dev_brier"])
def test_any_metric_of_the_task_may_be_the_objective(metric: str) -> None:
    sweep, _ = check_text(f"{GOOD}objective: {{metric: {metric}}}\n", "f.yaml", Path.cwd())
    assert sweep.objective.metric == metric
    assert list(sweep.file.recorded_metrics) == [metric.removeprefix("dev_")]


@pytest.mark.parametrize("written", ["[auc, brier]", "{auc: , brier: {}}"])
def test_metrics_are_a_list_of_names_or_a_section(written: str) -> None:
    sweep, _ = check_text(f"{GOOD}metrics: {written}\n", "f.yaml", Path.cwd())
    assert list(sweep.file.recorded_metrics) == ["auc", "brier", "loss"]


def test_an_objective_that_the_dev_rows_cannot_measure_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{at},{'ab'[at % 2 * (at < 20)]},{'train' if at < 20 else 'dev'}\n"
                   for at in range(30))  # fmt: skip
    tests = "".join(f"{at},a,test\n" for at in range(30, 40))
    (tmp_path / "d.csv").write_text(f"x,y,part\n{rows}{tests}")
    text = GOOD.replace("source: iris", "source: d.csv, target: y, split: {given: part}")
    with pytest.raises(SweepFileError) as caught:
        check_text(f"{text}objective: {{metric: dev_auc}}\n", "f.yaml", tmp_path)
    assert "dev_auc cannot be measured: the dev rows are all of class 'a'" in str(caught.value)


def test_the_good_file_is_good() -> None:
    sweep, planned = check_text(GOOD, "f.yaml", Path.cwd())
    assert sweep.objective.metric == "dev_loss"
    assert len(planned) == 4


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_each_mistake_is_named_with_its_place(case: tuple[str, str, int, int, str, str]) -> None:
    old, new, line, column, path, words = case
    first = problems(GOOD.replace(old, new, 1))[0]
    assert first.startswith(f"f.yaml:{line}:{column}: {path}")
    assert words in first


@pytest.mark.parametrize("gpus", ["0", "0.25", "0.5", "1", "1.0"])
def test_a_trial_may_have_one_gpu_or_a_part_of_it(gpus: str) -> None:
    sweep, _ = check_text(GOOD + f"resources: {{gpu: {gpus}}}\n", "f.yaml", Path.cwd())
    assert sweep.file.resources.gpu == float(gpus)


OWN = """name: own
objective: {metric: dev_loss}
metrics: {loss: {goal: min}}
search: {method: random, trials: 1}
space: {training: {kind: program, command: "python train.py", epochs: 2}}
"""


@pytest.mark.parametrize("gpus", ["0.5", "1", "4"])
def test_own_training_and_programs_have_as_many_gpus_as_they_ask_for(
    tmp_path: Path, gpus: str
) -> None:
    (tmp_path / "train.py").touch()
    sweep, _ = check_text(OWN + f"resources: {{gpu: {gpus}}}\n", "f.yaml", tmp_path)
    assert sweep.file.resources.gpu == float(gpus)


def test_nobody_has_one_gpu_and_a_part_of_another(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    with pytest.raises(SweepFileError, match="must be a whole number, or a fraction of one GPU"):
        check_text(OWN + "resources: {gpu: 1.5}\n", "f.yaml", tmp_path)


def test_all_problems_are_shown_together_in_the_order_of_the_file() -> None:
    text = GOOD.replace("trials: 4", "trials: 0").replace("epochs: 3", "epochs: 0, bach_size: 3")
    text = text.replace("iris", "iris, split: {dev: 0.6, test: 0.5}")
    found = problems(text + "budget: {time_s: -1}\n")
    assert [line.split(": ")[1] for line in found] == [
        "data.split",
        "search.trials",
        "space.training.epochs",
        "space.training.bach_size",
        "budget.time_s",
    ]


def test_a_scheduler_that_never_decides_is_found_beside_a_mistake_in_another_section() -> None:
    text = GOOD.replace("adam,", "adam, momentum: 0.9,") + "stopping: {scheduler: median, "
    assert [one.split(":")[1] for one in problems(text + "grace_epochs: 9}\n")] == ["6", "8"]
    wrong = text.replace("epochs: 3", "epochs: three") + "grace_epochs: 9}\n"
    assert [one.split(":")[1] for one in problems(wrong)] == ["6", "7"]


def test_a_problem_inside_a_choice_of_sections_points_into_the_choice() -> None:
    choice = "{choice: [{kind: sgd, momentum: 1.5}, {kind: adam, momentum: 0.9}]}"
    old = "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}"
    found = problems(GOOD.replace(old, choice))
    assert found[0].startswith("f.yaml:6:46: space.optimizer.choice.0.momentum: must be less than")
    assert "space.optimizer.choice.1.momentum: unknown key" in found[1]


def test_a_grid_that_is_too_large_states_its_size_and_the_adjustable_limit() -> None:
    text = GOOD.replace("method: random, trials: 4", "method: grid, limit: 20")
    text = text.replace("log: true", "log: true, points: 5")
    assert "65 points; search.limit is 20" in problems(text)[0]
    assert len(check_text(text.replace("20", "65"), "f.yaml", Path.cwd())[1]) == 65


def test_more_trials_than_configurations_says_how_many_there_are() -> None:
    text = GOOD.replace("{float: [1.0e-3, 1.0e-1], log: true}", "0.1")
    text = text.replace("trials: 4", "trials: 40")
    assert "the space has 13 configurations" in problems(text)[0]


def test_a_class_too_rare_for_every_split_is_named(tmp_path: Path) -> None:
    rows = ["x,y", *(f"{i},a" for i in range(20)), "20,b"]
    (tmp_path / "rare.csv").write_text("\n".join(rows))
    text = GOOD.replace("iris", "rare.csv, target: y")
    with pytest.raises(SweepFileError, match=r"f.yaml:2:.*class"):
        check_text(text, "f.yaml", tmp_path)


def test_a_missing_column_is_named_with_the_ones_there_are(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("height,kind\n1,a\n2,b\n")
    text = GOOD.replace("iris", "two.csv, target: kin")
    with pytest.raises(SweepFileError, match=r"data\.target.*kind"):
        check_text(text, "f.yaml", tmp_path)


def test_rules_between_sections_ask_the_constraints_first() -> None:
    text = GOOD.replace(
        "training:", "schedule: {kind: constant, warmup_epochs: {int: [0, 9]}}\n  training:"
    )
    text = text.replace("epochs: 3}", "epochs: {int: [2, 9]}}")
    assert "warm-up must be shorter than training" in problems(text)[0]
    constrained = text + 'constraints: ["schedule.warmup_epochs < training.epochs"]\n'
    assert len(check_text(constrained, "f.yaml", Path.cwd())[1]) == 4


def test_an_override_is_checked_like_the_file_and_named_by_its_text() -> None:
    assert problems(GOOD, ("search.trials=x",)) == [
        "--set search.trials=x: search.trials: must be a whole number, got 'x'"
    ]
    sweep, _ = check_text(GOOD, "f.yaml", Path.cwd(), ("space.optimizer.lr={float: [0.1, 1]}",))
    assert sweep.file.space["optimizer"]["lr"] == {"float": [0.1, 1]}


@pytest.mark.parametrize("text", ["search", "=3", "a..b=3", "name.x.y=3", "search=[1"])
def test_an_override_that_cannot_be_put_anywhere_says_so(text: str) -> None:
    assert problems(GOOD, (text,))[0].startswith(f"--set {text}: ")


def test_a_file_can_be_named_by_a_text(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(GOOD)
    assert load_sweep(str(tmp_path / "f.yaml")).file.name == "t"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match="No such file"):
        load_sweep(tmp_path / "none.yaml")
    with pytest.raises(SweepFileError, match="this is a folder"):
        load_sweep(tmp_path)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "search_spaces" / "examples").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_example_can_be_run(path: Path) -> None:
    sweep, planned = check_sweep(path)
    assert planned
    assert path.read_text(encoding="utf-8").splitlines()[0].endswith("$schema=../sweep.schema.json")
    assert sweep.source == path.read_text(encoding="utf-8")


def test_validate_needs_none_of_the_slow_libraries_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(GOOD)
    code = (
        "import sys; from sweeps.cli.commands import main; code = main(['validate', 'f.yaml']);"
        "slow = {'torch', 'ray', 'mlflow', 'pandas', 'sklearn', 'scipy'} & set(sys.modules);"
        "print(code, sorted(slow))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    verdict, kinds, loaded = done.stdout.splitlines()
    assert (verdict, loaded) == ("f.yaml: valid; 4 trials", "0 []")
    assert kinds.startswith("  4 numbers (sepal length (cm), ")
    assert [path.name for path in tmp_path.iterdir()] == ["f.yaml"]


def test_a_wrong_file_ends_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(GOOD.replace("adam", "admm"))
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", "run", "f.yaml"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "1 problem; nothing was started" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["f.yaml"]
