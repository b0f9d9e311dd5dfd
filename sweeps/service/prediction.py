"""Predictions of a sweep's net for the rows of a file, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from pydantic import ValidationError

from sweeps.errors import RequestError, RunFolderError, SweepError
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.feature_checks import listed
from sweeps.models.data.items import kind_text
from sweeps.models.data.table_files import read_rows
from sweeps.models.errors import DataError, NetError, WeightsError
from sweeps.models.prediction import Predictor
from sweeps.models.training.file_header import gives_predict
from sweeps.models.trial_kinds import is_own_training, is_program
from sweeps.record.net_files import refuse_lost_net
from sweeps.record.own_code import import_as_trained
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predict_file"]

_TABLES = (".csv", ".parquet")
_DIALECT = {"missing_values", "separator", "decimal", "encoding"}


def predict_file(folder: RunFolder, record: SweepRecord, rows: Path) -> pd.DataFrame:
    """Return one row of answers for each row of a .csv or .parquet file; see service.predict."""
    import pandas as pd

    _refuse_unanswered(folder, record)
    if not rows.is_file():
        raise SweepError(f"no such file: {rows}")
    if rows.suffix.lower() not in _TABLES:
        raise SweepError(f"{rows}: a file of rows must end in {' or '.join(_TABLES)}")
    predictor = _predictor(folder, record)
    if predictor.preprocessing.item is not None:
        raise RequestError(
            f"{folder.name} was trained on a dataset, whose items are not rows of a table: load "
            f"its model from MLflow, or use in Python "
            f"sweeps.models.prediction.Predictor.load(weights, preprocessing).predict(x) with x of "
            f"{kind_text(predictor.preprocessing.item)} a row"
        )
    try:
        return pd.DataFrame(predictor.predict(_asked(rows, predictor, folder.read_sweep().data)))
    except DataError as err:
        got = "" if err.value is None else f", got {err.value!r}"
        choices = f"; the file has {listed(list(err.choices))}" if err.choices else ""
        hint = f"; {err.hint}" if err.hint else ""
        raise SweepError(f"{rows}: {err.rule}{got}{choices}{hint}") from err


def _refuse_unanswered(folder: RunFolder, record: SweepRecord) -> None:
    """Raise where own training gives nothing to answer rows by."""
    if not is_own_training(record.trials[0].trial.configuration):
        return
    if is_program(record.trials[0].trial.configuration):
        raise RequestError(
            f"{folder.name} runs programs, which save their nets themselves: {folder.programs}"
        )
    if not gives_predict(refuse_lost_net(folder, record).weights):
        raise RequestError(
            f"{folder.name} has no way to predict rows: pass predict=net to trial.epochs(evaluate, "
            f"predict=net), or write a method predict(self, x). Its weights are in {folder.weights}"
        )


def _asked(rows: Path, predictor: Predictor, data: DataConfig) -> dict[str, npt.NDArray[Any]]:
    """Return the columns that the net needs; a .csv file is written as that of the sweep was."""
    needed = predictor.preprocessing
    dialect = {} if data.kind != "file" else data.model_dump(include=_DIALECT)
    config = DataConfig.model_validate(
        {"source": rows.name, **(dialect if rows.suffix.lower() == ".csv" else {})}
    )
    return read_rows(rows, needed.number_names, needed.word_names, config)


def _predictor(folder: RunFolder, record: SweepRecord) -> Predictor:
    files = refuse_lost_net(folder, record)
    import_as_trained(folder, record)
    try:
        return Predictor.load(files.weights, files.preprocessing)
    except NetError as err:  # it says how to fix a user-defined net
        raise RunFolderError(f"the net of {folder.name} cannot be built: {err}") from err
    except (ValueError, KeyError, OSError) as err:  # ours, pydantic's and JSON's are ValueErrors
        raise RunFolderError(
            f"the net of {folder.name} cannot be loaded: {_what(err)}; {files.weights} and "
            f"{files.preprocessing} belong together: {files.way_out}"
        ) from err


def _what(error: Exception) -> str:
    """Return what is wrong with a file, on one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{error.title}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, WeightsError):
        return error.rule.splitlines()[0]
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
