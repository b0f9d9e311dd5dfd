"""A file that is replaced as a whole, by whoever writes it and however many do."""

from __future__ import annotations

import threading
from pathlib import Path

from sweeps.infra.whole_file import replace_file

WRITERS, WRITES = 4, 50


def test_threads_that_write_one_file_do_not_take_each_others_half_written_one(
    tmp_path: Path,
) -> None:
    path, problems = tmp_path / "one", []

    def write(letter: bytes) -> None:
        try:
            for _ in range(WRITES):
                replace_file(path, letter * 10_000, durable=False)
        except OSError as err:
            problems.append(err)

    threads = [threading.Thread(target=write, args=(b"abcd"[n : n + 1],)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert path.read_bytes() in [letter * 10_000 for letter in (b"a", b"b", b"c", b"d")]
    assert list(tmp_path.iterdir()) == [path]
