"""What can be asked of a sweep that has been run: predictions, report, comparison, what next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.definition.loading import check_text, read_values
from sweeps.definition.own_files import make_importable
from sweeps.errors import RequestError, SweepFileError, require_extra
from sweeps.infra.command_line import command
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.search_spaces.yaml_writer import write_yaml
from sweeps.service.running import open_sweep
from sweeps.session.environment import named_run
from sweeps.session.inputs import needs_modules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "home_of_suggestion", "predict", "suggest", "write_pictures", "write_report"]


def predict(path: str | Path, rows: str | Path) -> pd.DataFrame:
    """Return what the sweep's net answers for the rows of a CSV or Parquet file.

    The net is that of the final, or else the search's best. One row a row: `prediction`, and
    `probability_<class>` for classes.

    Raises:
        RequestError: The sweep has no winner yet.
        RunFolderError: Its files are missing.
        SweepError: The file cannot be read, lacks a column, or has values that cannot be used.
    """
    from sweeps.service.prediction import predict_file

    folder = RunFolder.open(named_run(path))
    return predict_file(folder, read_record(folder), Path(rows))


def write_report(path: str | Path, *, out: str | Path | None = None) -> Path:
    """Write the report of a sweep, as far as it has come; returns the HTML file.

    Args:
        path: A run folder.
        out: Where to write; None takes report.html in the run folder.
    """
    require_extra("report", "a report")
    from sweeps.report import report

    return report.write_report(RunFolder.open(named_run(path)), None if out is None else Path(out))


def compare(first: str | Path, second: str | Path, *, out: str | Path = "compare.html") -> Path:
    """Write a comparison of two sweeps to one HTML file; returns its path.

    Args:
        first, second: Run folders; names alone are looked for where run folders are made.

    Raises:
        RequestError: They have other objectives or other data.
    """
    require_extra("report", "a comparison")
    from sweeps.report.comparison import write_comparison

    one, other = (RunFolder.open(named_run(path)) for path in (first, second))
    return write_comparison(one, other, Path(out))


def suggest(path: str | Path) -> str:
    """Return the text of a sweep file to run next, each change with its reason as a comment.

    Raises:
        RequestError: The search learned: what follows from its trials it has tried itself. Or a
            population was trained.
        RunFolderError: The folder was damaged.
    """
    require_extra("report", "a suggestion")
    from sweeps.analysis.evidence import gather
    from sweeps.analysis.suggestion import suggest as suggest_next

    folder = open_sweep(path)
    file = folder.read_sweep()
    method = file.search
    if file.is_population:
        raise RequestError(
            f"{folder.name} trained a population, whose trials copy one another and change their "
            f"values on the way, so no range can be judged by them; search with another scheduler"
        )
    description = folder.read_description()
    base_dir = folder.base_dir()
    make_importable(*folder.module_folders())
    evidence = gather(folder, read_record(folder))
    if evidence.has_learned:
        raise RequestError(
            f"{folder.name} uses method {method.method}, whose trials are not independent draws, "
            f"so no range can be judged by them; continue it: "
            f"{command('extend', folder.path, '--trials', 'N')}"
        )
    written = read_values(folder.read_source(), str(folder.source), description.overrides)

    def is_legal(values: dict[str, Any]) -> bool:
        try:
            check_text(write_yaml(values, {}), "suggested", base_dir)
        except SweepFileError:
            return False
        return True

    return suggest_next(evidence, written, is_legal).text


def home_of_suggestion(path: str | Path) -> Path | None:
    """Return the folder that a suggested sweep file must lie in, as that of the sweep did.

    None where it may lie anywhere: it names neither data beside it nor user-defined modules.
    """
    folder = open_sweep(path)
    file = folder.read_sweep()
    data = file.data
    beside = data.kind == "file" and not data.path(Path()).is_absolute()
    if beside or needs_modules(file, folder.read_plan()):
        return folder.base_dir().resolve()
    return None


def write_pictures(path: str | Path) -> list[Path]:
    """Write the figures of a sweep's report as PNG files, into `figures/` of its folder.

    Raises:
        SweepError: No Chrome or Chromium is there to draw them.
    """
    for extra in ("report", "png"):
        require_extra(extra, "pictures of a report's figures")
    from sweeps.report import pictures

    return pictures.write_pictures(RunFolder.open(named_run(path)))
