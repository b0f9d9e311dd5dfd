"""A small .npz file that claims, or unpacks to, more than the memory is refused by its size."""

from __future__ import annotations

import gc
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from sweeps.models.data import npz_files
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError

CONFIG = DataConfig(source="t.npz", target="y")


def header(shape: tuple[int, ...], kind: str = "<f8") -> bytes:
    file = io.BytesIO()
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, about)
    return file.getvalue()


def bomb(folder: Path, content: bytes, blocks: int = 0) -> None:
    """Write `t.npz`, in which `x` has this header and so many megabytes of zeros."""
    np.savez(folder / "t.npz", y=[0, 1, 0, 1])
    with zipfile.ZipFile(folder / "t.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content + bytes(blocks * 2**20))


@pytest.mark.parametrize("shape", [(10**12,), (4, 10**12), (2**62, 2**62)], ids=str)
def test_a_header_that_claims_more_than_the_file_has_is_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    bomb(tmp_path, header(shape))
    with pytest.raises(DataError, match=r"array 'x' of t\.npz must have the .* GB that its header"):
        load_dataset(CONFIG, tmp_path)


@pytest.mark.parametrize(
    ("shape", "kind"), [((10**11,), "<U0"), ((10**11,), "|V0"), ((0, 10**12), "<f8")], ids=str
)
def test_an_array_of_any_size_without_a_value_is_refused(
    tmp_path: Path, shape: tuple[int, ...], kind: str
) -> None:
    bomb(tmp_path, header(shape, kind))
    with pytest.raises(DataError, match=r"array 'x' of t\.npz must have values, not the shape \("):
        load_dataset(CONFIG, tmp_path)


def test_a_header_whose_bracket_stays_open_is_damage(tmp_path: Path) -> None:
    bomb(tmp_path, b"\x93NUMPY\x01\x00\x04\x00[[[\n")
    with pytest.raises(DataError, match=r"cannot read t\.npz as a \.npz file"):
        load_dataset(CONFIG, tmp_path)


def test_a_lone_array_under_the_name_of_an_archive_is_said(tmp_path: Path) -> None:
    with (tmp_path / "t.npz").open("wb") as file:
        np.save(file, [1.0, 2.0])
    with pytest.raises(DataError, match=r"t\.npz is one array of numpy"):
        load_dataset(CONFIG, tmp_path)


def test_a_damaged_file_is_closed_again(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / "t.npz").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(DataError, match=r"cannot read t\.npz as a \.npz file"):
        load_dataset(CONFIG, tmp_path)
    gc.collect()
    assert not recwarn.list


def test_an_array_larger_than_the_free_memory_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb(tmp_path, header((2**25,)), blocks=256)
    assert (tmp_path / "t.npz").stat().st_size < 1e6
    monkeypatch.setattr(npz_files, "_free_bytes", lambda: 2**27)
    started = time.process_time()
    with pytest.raises(DataError, match=r"'x' of t\.npz must fit into memory: it needs 0\.3 GB"):
        load_dataset(CONFIG, tmp_path)
    assert time.process_time() - started < 0.1


def test_an_array_that_is_left_out_may_have_any_size(tmp_path: Path) -> None:
    bomb(tmp_path, header((10**12,)))
    np.savez(tmp_path / "a.npz", a=[1.0, 2.0, 3.0, 4.0])
    with zipfile.ZipFile(tmp_path / "t.npz", "a") as archive:
        archive.writestr("a.npy", zipfile.ZipFile(tmp_path / "a.npz").read("a.npy"))
    left_out = DataConfig(source="t.npz", target="y", exclude=("x",))
    assert len(load_dataset(left_out, tmp_path)) == 4


def test_the_free_memory_is_part_of_the_machines() -> None:
    import psutil

    assert 0 < npz_files._free_bytes() <= psutil.virtual_memory().total


def test_what_is_no_archive_is_not_called_pickled(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_text("x y\n1 2\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"cannot read t\.npz as a \.npz file: [^\n]*not a zip file"
    ):
        load_dataset(CONFIG, tmp_path)
