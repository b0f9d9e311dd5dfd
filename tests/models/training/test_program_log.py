"""Of much that a program prints, its log has the begin, the end, and how much lies between."""

from __future__ import annotations

from pathlib import Path

from sweeps.models.training.program_log import ProgramLog


def printed(log: ProgramLog, text: str) -> None:
    with log.path.open("a") as file:
        file.write(text)
    log.keep_small()


def test_a_log_is_left_alone_while_it_is_small(tmp_path: Path) -> None:
    log = ProgramLog(tmp_path / "log", "train")
    printed(log, "x" * 7_000_000)
    assert log.path.stat().st_size == len("$ train\n") + 7_000_000


def test_the_middle_of_a_large_one_is_cut_out_and_counted(tmp_path: Path) -> None:
    log = ProgramLog(tmp_path / "log", "train")
    printed(log, "first\n" + "x" * 9_000_000 + "\nlast\n")
    kept = log.path.read_text()
    cut = len("$ train\nfirst\n\nlast\n") + 9_000_000 - 2_000_000
    assert f"\n[... {cut:,} bytes were cut out here ...]\n" in kept
    assert kept.startswith("$ train\nfirst\nxx")
    assert log.last_lines().endswith("\nlast")
    assert len(kept) < 2_000_100


def test_one_that_grows_again_is_cut_again_and_says_all_that_is_gone(tmp_path: Path) -> None:
    log = ProgramLog(tmp_path / "log", "train")
    printed(log, "x" * 9_000_000)
    printed(log, "y" * 9_000_000)
    kept = log.path.read_text()
    assert kept.count("bytes were cut out here") == 1
    assert "[... 16,000," in kept


def test_what_earlier_runs_printed_is_not_this_one_s(tmp_path: Path) -> None:
    printed(ProgramLog(tmp_path / "log", "train"), "earlier\n")
    log = ProgramLog(tmp_path / "log", "train")
    assert log.last_lines() == ""
    printed(log, "now\n")
    assert log.last_lines() == "now"
