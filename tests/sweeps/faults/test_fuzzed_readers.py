"""Whatever becomes of the bytes of a run folder's files, reading it never ends in a traceback."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sweeps
from sweeps.errors import SweepError
from sweeps.terminal.overview import overview_of

# Without checksums, so that what is wrong reaches whoever takes the values apart.
KEPT = Path(__file__).resolve().parents[2] / "data" / "format_1" / "finished"
FILES = ("sweep.json", "plan.jsonl", "ledger.jsonl", "openings.jsonl", "final/final.json")
PIECES = [b"", b"\n", b"null", b"-1", b"1e999", b'"', b"{", b"]", b"\xff", b"[" * 2000, b"NaN"]
pieces = st.one_of(st.sampled_from(PIECES), st.binary(max_size=4))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(KEPT, tmp_path_factory.mktemp("fuzzed") / "runs" / "finished"))


def read(run: Path) -> None:
    results = sweeps.open_run(run)
    overview_of(results.folder)
    assert len(results.epochs()) >= 0
    assert results.final is None or results.openings is not None
    assert isinstance(results.lost_net, str)
    assert results.is_finished in (True, False)


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.floats(0, 1), cut=st.integers(0, 30), piece=pieces)
def test_random_damage_is_a_sweep_error_or_none(
    run: Path, name: str, at: float, cut: int, piece: bytes
) -> None:
    whole = (KEPT / name).read_bytes()
    place = int(at * len(whole))
    (run / name).write_bytes(whole[:place] + piece + whole[place + cut :])
    try:
        with suppress(SweepError):
            read(run)
    finally:
        (run / name).write_bytes(whole)
