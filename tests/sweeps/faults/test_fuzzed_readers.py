"""Whatever becomes of the bytes of a file, reading it never ends in a traceback.

`make faults` draws more of the same.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sweeps.faults.fuzzed_files import KEPT, READERS, REFUSALS

PREPARED = "final/refit/preprocessing.json"
# What drawing has found before.
FOUND = [
    ("plan.jsonl", b'"index":0', b'"index":1e999'),
    ("ledger.jsonl", b'"trial":0', b'"trial":1e999'),
    (PREPARED, b'"number_shape":[4]', b'"number_shape":[-1]'),
    (PREPARED, b'"number_shape":[4]', b'"number_shape":[2,2,100]'),
]


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_file_is_read_or_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    reader = READERS[name]
    content, options = data.draw(reader.files)
    with suppress(*REFUSALS):
        reader.read(tmp_path, content, options)


@pytest.mark.parametrize(("name", "before", "after"), FOUND)
def test_what_drawing_found_is_refused(
    tmp_path: Path, name: str, before: bytes, after: bytes
) -> None:
    whole = (KEPT / name).read_bytes()
    assert before in whole
    reader = READERS["weights" if name == PREPARED else name]
    with pytest.raises(REFUSALS):
        reader.read(tmp_path, whole.replace(before, after, 1), {"name": name})
