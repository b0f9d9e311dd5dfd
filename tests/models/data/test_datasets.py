from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError

HERE = "tests.models.own_data_examples"


def test_a_file_is_found_from_the_base_folder(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,size,town,sold\n7,1,u,yes\n8,2,v,no\n9,3,u,no\n")
    config = DataConfig(source="t.csv", target="sold", exclude=("id",))
    dataset = load_dataset(config, tmp_path)
    assert (dataset.features.number_names, dataset.features.word_names) == (("size",), ("town",))
    assert dataset.target.class_names == ("no", "yes")
    np.testing.assert_array_equal(dataset.target.values, [1, 0, 0])


def test_one_array_of_an_npz_may_be_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", images=np.zeros((4, 3, 6, 6), dtype=np.uint8), y=[0, 1, 0, 1])
    dataset = load_dataset(DataConfig(source="t.npz", target="y"), tmp_path)
    assert dataset.features.numbers.shape == (4, 3, 6, 6)


def test_several_arrays_of_an_npz_are_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=[1.0, 2.0], town=["u", "v"], y=[0.5, 1.5])
    dataset = load_dataset(DataConfig(source="t.npz", target="y"), tmp_path)
    assert (dataset.features.number_names, dataset.features.word_names) == (("a",), ("town",))
    assert dataset.target.task == "regression"


def test_a_function_may_return_columns() -> None:
    dataset = load_dataset(DataConfig(source=f"{HERE}:shapes"), Path())
    assert dataset.features.word_names == ("colour",)
    assert dataset.target.class_names == ("circle", "square")


def test_features_and_target_have_the_same_rows() -> None:
    with pytest.raises(DataError, match="equal numbers of rows, not 4 and 3"):
        load_dataset(DataConfig(source=f"{HERE}:uneven"), Path())


def test_a_builtin_set_keeps_its_task() -> None:
    with pytest.raises(DataError, match="iris is a classification set") as caught:
        load_dataset(DataConfig(source="iris", task="regression"), Path())
    assert caught.value.key == ("task",)


def digest_of(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return load_dataset(DataConfig(source=name, target="y"), folder).digest


def test_the_digest_follows_the_contents_and_not_the_place(tmp_path: Path) -> None:
    first = digest_of(tmp_path, "a.csv", "x,y\n1,u\n2,v\n")
    assert digest_of(tmp_path, "b.csv", "x,y\n1,u\n2,v\n") == first
    assert digest_of(tmp_path, "c.csv", "x,y\n1,u\n3,v\n") != first
    assert digest_of(tmp_path, "d.csv", "z,y\n1,u\n2,v\n") != first


def test_a_function_may_return_a_data_frame() -> None:
    dataset = load_dataset(DataConfig(source=f"{HERE}:frame"), Path())
    assert (dataset.features.number_names, dataset.features.word_names) == (("a",), ("town",))
    assert dataset.features.words[:2, 0].tolist() == ["u", None]
