"""Files that people could hand over, damaged or odd in any way, and who reads each of them.

Each kind has how such files are drawn, and a reading that may end well or in an error of ours.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import sweeps
from sweeps.definition.loading import check_sweep
from sweeps.errors import SweepError
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.table_files import read_rows
from sweeps.models.errors import ModelError
from sweeps.models.splits.data_checks import check_data
from sweeps.terminal.overview import overview_of

__all__ = ["KEPT", "READERS", "REFUSALS", "Reader", "damaged"]

REFUSALS = (SweepError, ModelError)
_SPACES = Path(__file__).resolve().parents[3] / "search_spaces"
# Without checksums, so that what is wrong reaches whoever takes the values apart.
KEPT = Path(__file__).resolve().parents[2] / "data" / "format_1" / "finished"
_OF_RUN = ("sweep.json", "plan.jsonl", "ledger.jsonl", "openings.jsonl", "final/final.json")
_OF_NET = (
    "final/refit/weights/000000-0003.safetensors",
    "final/refit/preprocessing.json",
)
_ROWS = """\
sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)
5.1,3.5,1.4,0.2
"""
_PIECES = [b"", b"\n", b"null", b"-1", b"1e999", b'"', b"{", b"]", b"\xff", b"[" * 2000, b"NaN"]
# Values of a sweep file, none with a space.
_ODD = r"""
1e400 .nan -.inf 0o777 1_000 2024-01-01 ~ '' true [] {} [[[]]] &a[*a] *b !!python/name:os -0.0 1.
+1 0 1 -1 100000000000 iris os:abort ../../x /dev/zero é "\0" "\uD800" "\x1b[31m" {1:2} {.nan:1}
{<<:{a:1}} {choice:[]} {choice:[1,1]} {choice:{a:1}} {normal:[0,0]} {float:[1,0]} {float:[.nan,1]}
{float:[1e-320,1],log:true} {float:[-1e308,1e308]} {int:[0,1e300]} {int:[1,9],step:0} \ufeff
"""
_VALUES = [
    *_ODD.replace(":", ": ").split("\n"),
    "0x" + "f" * 5000,
    "9" * 399,
    "[" * 70,
    "x" * 20_000,
]
# Cells of a table.
_CELLS = """
0|1|-1|+5|1.5|1e3|1e-320|1e400|-inf|nan|NA|null|?|-|1,234|0,5|5%|$5|1_000|0x10|00501|1.0|true|FALSE
yes|9007199254740993|18446744073709551616|2020-01-01|12:30|1 000|"q"|1.|.5|--1|#REF!|=1+1| |
\uff11|\0|\x1b[31m|\u2028|\ufeff|a\r\nb
"""
_KINDS = ["<f4", ">f8", "<f2", "<i1", ">i8", "<u8", "?", "<c8", "<U3", "S3", "<M8[D]", "<m8[s]"]
_SHAPES = [(30,), (30, 1), (30, 2), (30, 2, 2), (), (31,), (0,), (30, 0), (1, 30)]
_HEADERS = [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % 10**12,
    b"{'descr': '<U0', 'fortran_order': False, 'shape': (%d,), }" % 10**12,
    b"{'descr': '<f8', 'fortran_order': True, 'shape': (-1,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, %d), }" % 10**12,
    b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    b"[" * 3000,
    b"__import__('os').abort()",
]


@dataclass(frozen=True)
class Reader:
    """Files of one kind.

    Attributes:
        files: Draws the bytes of such files, and how they are to be read.
        read: Reads one in a folder of its own.
    """

    files: st.SearchStrategy[tuple[bytes, dict[str, Any]]]
    read: Callable[[Path, bytes, dict[str, Any]], object]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw bytes of which some are lost and some are others."""
    place, cut = draw(st.integers(0, len(whole))), draw(st.integers(0, 30))
    piece = draw(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)))
    return whole[:place] + piece + whole[place + cut :]


@st.composite
def _maybe_damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    return draw(damaged(whole)) if draw(st.integers(0, 2)) == 0 else whole


@st.composite
def _sweep_files(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    lines = draw(st.sampled_from(_texts())).splitlines()
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        key, colon, rest = lines[place].rpartition(":")
        closing = rest[len(rest.rstrip("}] ")) :]
        lines[place] = f"{key}{colon} {draw(st.sampled_from(_VALUES))}{closing}"
    text = "\n".join(lines)
    encoding = draw(st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "latin-1"]))
    return draw(_maybe_damaged(text.encode(encoding, "replace"))), {}


def _texts() -> list[str]:
    folders = ("examples", "gallery")
    files = [path for name in folders for path in sorted((_SPACES / name).glob("*.yaml"))]
    return [path.read_text(encoding="utf-8") for path in files]


def _read_sweep(folder: Path, content: bytes, _options: Mapping[str, Any]) -> None:
    (folder / "f.yaml").write_bytes(content)
    check_sweep(folder / "f.yaml", run_code=False)


@st.composite
def _tables(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    words = st.one_of(st.sampled_from(_CELLS), st.text(max_size=4), st.floats().map(repr))
    names = draw(st.lists(words, min_size=1, max_size=3))
    pools = [draw(st.lists(words, min_size=1, max_size=4)) for _ in [*names, "y"]]
    rows = draw(st.sampled_from([0, 1, 5, 40]))
    separator = draw(st.sampled_from(",,;\t"))
    file = io.StringIO()
    writer = csv.writer(
        file, delimiter=separator, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    writer.writerow([*names, "y"])
    writer.writerows([pool[row % len(pool)] for pool in pools] for row in range(rows))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    options = {
        "separator": draw(st.sampled_from([separator, separator, ","])),
        "encoding": draw(st.sampled_from([encoding.removesuffix("-sig"), "utf-8"])),
        "missing": draw(st.sampled_from(["error", "mean"])),
        "exclude": draw(st.sampled_from([[], [names[0]]])),
    }
    return draw(_maybe_damaged(file.getvalue().encode(encoding, "replace"))), options


def _read_table(folder: Path, content: bytes, options: Mapping[str, Any]) -> None:
    (folder / "t.csv").write_bytes(content)
    config = DataConfig.model_validate({"source": "t.csv", "target": "y", **options})
    try:
        check_data(config, folder, 0)
    finally:
        read_rows(folder / "t.csv", ["y"], ["0", "1"], config)


@st.composite
def _archives(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    size = draw(st.sampled_from([1.0, 1e30, 1e-30, np.nan]))
    with np.errstate(all="ignore"):
        values = np.resize(np.arange(120.0) * size, draw(st.sampled_from(_SHAPES)))
        array = values.astype(draw(st.sampled_from(_KINDS)))
    targets = {"i": np.arange(30) % 3, "U": np.resize(["a", "b"], 30), "f": np.arange(30.0)}
    file = io.BytesIO()
    x = np.asfortranarray(array) if draw(st.booleans()) else array
    np.savez(file, x=x, y=targets[draw(st.sampled_from("iUf"))])
    if draw(st.booleans()):
        header = draw(st.sampled_from(_HEADERS)) + b"\n"
        length = len(header).to_bytes(2, "little")
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("z.npy", b"\x93NUMPY\x01\x00" + length + header)
    options = {"missing": draw(st.sampled_from(["error", "mean"]))}
    return draw(_maybe_damaged(file.getvalue())), options


def _read_archive(folder: Path, content: bytes, options: Mapping[str, Any]) -> None:
    (folder / "t.npz").write_bytes(content)
    check_data(DataConfig.model_validate({"source": "t.npz", "target": "y", **options}), folder, 0)


@st.composite
def _trained(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[bytes, dict[str, Any]]:
    name = draw(st.sampled_from(names))
    content = (KEPT / name).read_bytes()
    number = re.search(rb"[0-9]+(?=[],}])", content)  # of a shape, a place, a size
    if number and draw(st.booleans()):
        odd = draw(st.sampled_from([b"-1", b"1e999", b"null", b"[]", b"9" * 30]))
        return content[: number.start()] + odd + content[number.end() :], {"name": name}
    return draw(damaged(content)), {"name": name}


def _ask_net(folder: Path, content: bytes, options: Mapping[str, Any]) -> None:
    run = Path(shutil.copytree(KEPT, folder / "finished", dirs_exist_ok=True))
    (folder / "rows.csv").write_text(_ROWS, encoding="utf-8")
    (run / options["name"]).write_bytes(content)
    sweeps.predict(run, folder / "rows.csv")


def _open_run(folder: Path, content: bytes, options: Mapping[str, Any]) -> None:
    run = Path(shutil.copytree(KEPT, folder / "finished", dirs_exist_ok=True))
    (run / options["name"]).write_bytes(content)
    results = sweeps.open_run(run)
    overview_of(results.folder)
    assert len(results.epochs()) >= 0
    assert results.final is None or results.openings is not None
    assert isinstance(results.lost_net, str)
    assert results.is_finished in (True, False)


READERS = {
    "sweep file": Reader(_sweep_files(), _read_sweep),
    "csv": Reader(_tables(), _read_table),
    "npz": Reader(_archives(), _read_archive),
    "weights": Reader(_trained(_OF_NET), _ask_net),
} | {name: Reader(_trained((name,)), _open_run) for name in _OF_RUN}
