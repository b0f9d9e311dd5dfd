from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.models.data.configuration import BUILTIN_NAMES, DataConfig
from sweeps.models.splits.data_checks import check_data

OWN = "tests.models.own_data_examples"


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_builtin_set_passes_in_a_moment(name: str) -> None:
    check_data(DataConfig(source="iris"), Path(), seed=7)  # what is imported once
    start_s = time.process_time()
    report = check_data(DataConfig(source=name), Path(), seed=7)
    assert time.process_time() - start_s < 0.5
    assert report.summary is not None
    assert report.problems == ()


def test_a_summary_says_what_a_net_needs_to_know() -> None:
    summary = check_data(DataConfig(source="digits"), Path(), seed=7).summary
    assert summary is not None
    assert (summary.task, summary.outputs, summary.input_shape) == ("classification", 10, (1, 8, 8))
    assert (summary.train_rows, summary.dev_rows, summary.test_rows) == (1079, 359, 359)


def test_a_summary_of_folds_says_what_the_fullest_holds_out() -> None:
    config = DataConfig.model_validate({"source": "wine", "split": {"folds": 5}})
    summary = check_data(config, Path(), seed=7).summary
    assert summary is not None
    assert summary.fold_rows == (29, 29, 28, 28, 28)
    assert (summary.train_rows, summary.dev_rows, summary.test_rows) == (113, 29, 36)


def test_columns_of_words_count_with_their_categories() -> None:
    summary = check_data(DataConfig(source=f"{OWN}:shapes"), Path(), seed=0).summary
    assert summary is not None
    assert summary.input_shape == (4,)


def test_a_file_without_a_target_is_answered_with_its_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b\n")
    [problem] = check_data(DataConfig(source="t.csv"), tmp_path, seed=0).problems
    assert (problem.key, problem.choices) == (("target",), ("x", "y"))


def test_a_message_of_missing_values_counts_them_and_says_what_the_key_may_be(
    tmp_path: Path,
) -> None:
    (tmp_path / "t.csv").write_text("x,w,y\n1,u,a\n,,b\n,v,b\n")
    problem = check_data(DataConfig(source="t.csv", target="y"), tmp_path, seed=0).problems[0]
    assert problem.rule == (
        "with `missing: error` every feature must have a value; missing values: x (2), w (1)"
    )
    assert (problem.key, problem.value) == (("missing",), None)
    assert "or write missing: mean (a missing number becomes the mean" in problem.hint


def test_independent_problems_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n,a\n3,a\n4,b\n5,b\n")
    report = check_data(DataConfig(source="t.csv", target="y"), tmp_path, seed=0)
    assert report.summary is None
    assert [problem.key for problem in report.problems] == [("missing",), ("target",)]


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        ("x,y\n", {}, "the data must have at least one row"),
        (",x,y\n0,1,a\n1,2,b\n", {}, "none for column 1"),
        ("x,y\n1,a\n2,a\n", {}, "at least two classes"),
        ("y\na\nb\n", {}, "at least one column besides the target"),
        ("x,y\n" + "1,0.5\n2,1.5\n" * 3, {"split": {"test": 0.01}}, "at least one row"),
        ("x,y\n" + "1,a\n2,b\n" * 4, {"split": {"folds": 4}}, "fewer are left of a (3), b (3)"),
        ("x,w,y\n" + "1,,0.5\n2,,1.5\n" * 9, {"missing": "mean"}, r"and w has none"),
        ("x,y\n" + "inf,0.5\n2,1.5\n" * 9, {}, r"infinite values: x \(9\), first in row 1"),
    ],
)
def test_what_would_stop_a_sweep_is_found_first(
    tmp_path: Path, text: str, keys: dict[str, object], message: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    config = DataConfig.model_validate({"source": "t.csv", "target": "y", **keys})
    (problem,) = check_data(config, tmp_path, seed=0).problems
    assert message.replace("\\", "") in str(problem)


def test_a_check_of_tables_imports_no_pandas(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,w,y\n" + "1,u,a\n2,v,b\n,u,a\n" * 9)
    script = (
        "import sys; from pathlib import Path;"
        "from sweeps.models.splits.data_checks import check_data;"
        "from sweeps.models.data.configuration import DataConfig;"
        f"report = check_data(DataConfig(source='t.csv', target='y', missing='mean'),"
        f"                    Path({str(tmp_path)!r}), 7);"
        "assert report.summary, report.problems; print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_every_name_that_is_no_column_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,y\n1,2,0\n2,3,1\n")
    named = {"target": "z", "exclude": ["a", "q"], "weights": "w", "split": {"group": "g"}}
    config = DataConfig.model_validate({"source": "rows.csv", **named})
    problems = check_data(config, tmp_path, 0).problems
    found = {".".join(problem.key): problem.value for problem in problems}
    assert found == {"target": "z", "exclude": "q", "weights": "w", "split.group": "g"}
    assert {problem.choices for problem in problems} == {("a", "b", "y")}


def test_another_separator_is_one_problem_whatever_names_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x;w;day;y\n1;1;1;a\n2;1;2;b\n", encoding="utf-8")
    data = {"source": "t.csv", "target": "y", "exclude": ["x"], "weights": "w"}
    config = DataConfig.model_validate(data | {"split": {"group": "day"}})
    [problem] = check_data(config, tmp_path, seed=7).problems
    assert problem.key == ("separator",)
    assert "write separator: ';'" in problem.hint


def test_a_note_of_names_without_end_is_one_of_a_few_lines(tmp_path: Path) -> None:
    name = "a" * 10**5
    rows = "".join(f"{number},{name}{' ' * (number % 2)}\n" for number in range(40))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}", encoding="utf-8")
    config = DataConfig.model_validate({"source": "t.csv", "target": "y"})
    summary = check_data(config, tmp_path, seed=7).summary
    assert summary is not None
    assert summary.notes
    assert all(len(note) < 1100 for note in summary.notes)
