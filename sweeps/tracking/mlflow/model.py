"""Logs the net that a sweep ended with as an MLflow model, and registers that of a final."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import copy2
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from mlflow import pyfunc
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.utils import environment

from sweeps.definition.configurations import flatten
from sweeps.definition.own_files import distributions_of, files_of
from sweeps.infra.package import code_files, stage
from sweeps.models.answer_columns import answer_columns
from sweeps.models.data.items import ANY, TensorKind
from sweeps.models.own_code.roles import trial_functions
from sweeps.models.splits.preprocessing import Preprocessing, preprocessing_from_json
from sweeps.models.training.file_header import gives_predict
from sweeps.models.trial_kinds import is_own_training
from sweeps.record.final import FinalChoice, read_final
from sweeps.record.kept_weights import best_weights
from sweeps.record.net_files import refuse_lost_net
from sweeps.record.own_code import code_folders
from sweeps.record.run_folder import PREPROCESSING, RunFolder
from sweeps.record.sweep_record import SweepRecord
from sweeps.storage.files import fetch_file
from sweeps.tracking.mlflow.notes import FinalNote, version_note
from sweeps.tracking.mlflow.projection import Projection
from sweeps.tracking.mlflow.runs import MODEL_TAG
from sweeps.tracking.mlflow.store import translated_errors
from sweeps.tracking.mlflow.values import texts_of

__all__ = ["ModelSource", "log_model", "model_of"]

_SCRIPT = Path(__file__).with_name("winner_model.py")
_NEEDS = ("mlflow", "torch", "numpy", "pandas", "pydantic", "safetensors")
# With what own training that is Lightning's or Hugging Face's imports.
_PARTS = ("models", "lightning.py", "transformers.py")
_EXAMPLE_ROWS = 3
_NAME = "winner"
_OLD_MODEL_TAG = "sweeps.model"


@dataclass(frozen=True)
class ModelSource:
    """The net that a sweep ended with, and what is to become of it.

    Attributes:
        mark: Tells one net from another.
        step: The epoch at which its weights were taken.
        modules: The user's own files that the net needs, each with its path in the model.
        tags: Its trial, and how good it is.
        note: What is said of it where registered models are listed.
        registry_name: Under which it is registered; None for a search's best, which is not.
        alias: That the registered version gets, if any.
    """

    mark: str
    trial: int
    step: int
    configuration: Mapping[str, Any]
    weights: Path
    preprocessing: Path
    modules: Mapping[Path, Path]
    tags: Mapping[str, str]
    note: str = ""
    registry_name: str | None = None
    alias: str | None = None


def model_of(folder: RunFolder, record: SweepRecord) -> ModelSource | None:
    """Return the net of a sweep's final, or else its best; None while there is none.

    A sweep whose final is still to come has none yet, and own training has none at all.

    Raises:
        RunFolderError: The weights or the preprocessing are missing, or were damaged: what cannot
            be loaded is not logged.
    """
    choice, file = read_final(folder), folder.read_sweep()
    if record.best is None or (choice is None and file.final is not None):
        return None
    if choice is None or file.final is None:
        best = record.best
        source = ModelSource(
            mark=f"{best.trial.hash}:{best.best_epoch}",
            trial=best.trial.index,
            step=best.best_epoch or 0,
            configuration=best.trial.configuration,
            weights=best_weights(folder.weights, best),
            preprocessing=folder.path / PREPROCESSING,
            modules=_own_modules(best.trial.configuration, folder, record),
            tags=_tags(best.trial.index, record, None),
        )
    else:
        configuration = record.trials[choice.winner.trial].trial.configuration
        source = ModelSource(
            mark=choice.model.sha256,
            trial=choice.winner.trial,
            step=choice.model.epochs,
            configuration=configuration,
            weights=folder.path / choice.model.weights,
            preprocessing=folder.path / choice.model.preprocessing,
            modules=_own_modules(configuration, folder, record),
            tags=_tags(choice.winner.trial, record, choice),
            note=version_note(FinalNote.of(folder, record), record),
            registry_name=file.final.registry_name or file.name,
            alias=file.final.alias,
        )
    fetch_file(source.weights)
    is_open = choice is None and record.trials[source.trial].outcome is None
    if is_open and not source.weights.exists():
        return None  # a power cut took its later best; the session to come writes it again
    is_own = is_own_training(source.configuration)
    if is_own and not (source.weights.exists() and gives_predict(source.weights)):
        return None  # what it keeps answers nothing without the code around it
    refuse_lost_net(folder, record)
    return source


def _tags(trial: int, record: SweepRecord, choice: FinalChoice | None) -> dict[str, str]:
    metric = record.objective.metric if choice is None else choice.metric
    value = record.value(record.trials[trial]) if choice is None else choice.winner.mean
    known = {} if value is None else {metric: f"{value:.6g}"}
    return {"trial": str(trial), **known}


def _own_modules(
    configuration: Mapping[str, Any], folder: RunFolder, record: SweepRecord
) -> dict[Path, Path]:
    """Return the user's files without which the net cannot answer, each with its path."""
    needed = [own for own in trial_functions(configuration) if own.role.answers]
    folders = code_folders(folder, record) if needed else ()
    files: dict[Path, Path] = {}
    for own in needed:
        files |= files_of(own.target, folders)
    return files


def log_model(projection: Projection, source: ModelSource) -> str:
    """Log a net as the sweep run's model `winner`; returns its `models:/` URI.

    A model that a killed tracker left unfinished is deleted, and one that it had finished is kept.
    The input example is not tried: that would load torch into the tracker for what the tests hold.

    Raises:
        TrackingError: The store refuses.
    """
    client = projection.client
    # Columns and classes are the same in all folds.
    prepared = preprocessing_from_json(source.preprocessing.read_text(encoding="utf-8"))[0]
    with translated_errors(projection.uri), TemporaryDirectory() as temporary:
        model = _finished_model(projection, source)
        if model is None:
            model = client.create_logged_model(
                projection.experiment_id,
                name=_NAME,
                source_run_id=projection.parent_id,
                tags={MODEL_TAG: source.mark, **source.tags},
                params=texts_of(flatten(source.configuration)),
            )
            local = Path(temporary) / "model"
            # MLflow takes paths for addresses, in which the folder of a run may mean another.
            own_files = {"weights": source.weights, "preprocessing": source.preprocessing}
            files = {
                name: str(copy2(path, Path(temporary) / path.name))
                for name, path in own_files.items()
            }
            stage(source.modules, own := Path(temporary) / "own")
            stage(code_files(_PARTS), package := Path(temporary) / "package")
            files["package"] = str(package)
            code = _OwnCode(
                list(own.iterdir()) if own.exists() else [], distributions_of(source.modules)
            )
            _save(local, model, files, prepared, code)
            client.log_model_artifacts(model.model_id, str(local))
            client.finalize_logged_model(model.model_id, "READY")
        outputs = client.get_run(projection.parent_id).outputs
        if outputs is None or model.model_id not in {one.model_id for one in outputs.model_outputs}:
            output = LoggedModelOutput(model.model_id, step=source.step)
            client.log_outputs(projection.parent_id, models=[output])
        if source.registry_name is not None:
            _register(projection, source, source.registry_name, model)
    return f"models:/{model.model_id}"


def _finished_model(projection: Projection, source: ModelSource) -> Any:
    """Return this net's model where it is ready; delete what was left half done."""
    found = None
    condition = f"source_run_id = '{projection.parent_id}'"
    for model in projection.client.search_logged_models([projection.experiment_id], condition):
        if str(model.status) != "READY":
            projection.client.delete_logged_model(model.model_id)
        elif model.tags.get(MODEL_TAG) == source.mark:
            found = model
    return found


def _register(projection: Projection, source: ModelSource, name: str, model: Any) -> None:
    """Make the model a version of a registered one, once, and give it its alias."""
    client = projection.client
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'")
    marks = (MODEL_TAG, _OLD_MODEL_TAG)
    own = [one for one in versions if source.mark in {one.tags.get(mark) for mark in marks}]
    version_number = (
        own[0].version
        if own
        else client.create_model_version(
            name,
            source=model.artifact_location,
            run_id=projection.parent_id,
            tags={MODEL_TAG: source.mark, **source.tags},
            description=source.note,
            model_id=model.model_id,
        ).version
    )
    if source.alias is not None:
        client.set_registered_model_alias(name, source.alias, version_number)


@dataclass(frozen=True)
class _OwnCode:
    """The user's own modules, and the distributions that they import."""

    paths: Sequence[Path]
    needs: Sequence[str]


def _save(
    path: Path, model: Any, files: dict[str, str], prepared: Preprocessing, code: _OwnCode
) -> None:
    example = _example(prepared)
    about = Model(
        artifact_path=model.artifact_location,
        run_id=model.source_run_id,
        model_uuid=model.model_id,
        model_id=model.model_id,
    )
    with _needs_unchecked():
        pyfunc.save_model(
            path=str(path),
            mlflow_model=about,
            python_model=str(_SCRIPT),
            artifacts=files,
            code_paths=[str(one) for one in code.paths] or None,
            signature=_signature(prepared),
            metadata={"columns": _columns(prepared)},
            input_example=example,
            pip_requirements=[
                f"{name}=={version(name)}" for name in dict.fromkeys([*_NEEDS, *code.needs])
            ],
        )


@contextmanager
def _needs_unchecked() -> Iterator[None]:
    """The needs are read off what is installed, so they match; a check reads every package."""
    names = vars(environment)
    check = names["warn_dependency_requirement_mismatches"]
    names["warn_dependency_requirement_mismatches"] = lambda requirements: None
    try:
        yield
    finally:
        names["warn_dependency_requirement_mismatches"] = check


def _zeros(kind: TensorKind) -> np.ndarray[Any, Any]:
    sizes = (1 if size == ANY else size for size in kind.shape)
    return np.zeros((_EXAMPLE_ROWS, *sizes), dtype=kind.dtype)


def _example(
    prepared: Preprocessing,
) -> pd.DataFrame | np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]]:
    """Return rows at the training means, as a DataFrame with the training data's columns.

    Of a dataset's items the means are not known: zeros of their shape.
    """
    if isinstance(prepared.item, dict):
        return {name: _zeros(kind) for name, kind in prepared.item.items()}
    if prepared.item is not None:
        return _zeros(prepared.item)
    columns: dict[str, Any] = {
        name: np.full(_EXAMPLE_ROWS, mean)
        for name, mean in zip(prepared.number_names, prepared.means, strict=True)
    }
    for name, known in zip(prepared.word_names, prepared.categories, strict=True):
        columns[name] = np.array([known[0]] * _EXAMPLE_ROWS, dtype=object)
    return pd.DataFrame(columns)


def _signature(prepared: Preprocessing) -> ModelSignature:
    """Return the answer's columns and types; what goes in is checked by the model itself.

    MLflow's check refuses whole numbers in a column of `double`, and arrays where there are names;
    its type for anything would close the server to CSV.
    """
    return ModelSignature(outputs=infer_signature(_answer(prepared)).inputs)


def _columns(prepared: Preprocessing) -> dict[str, str]:
    """Return what each column of the training data held, for those who look at the model."""
    numbers = dict.fromkeys(prepared.number_names, "number")
    return numbers | dict.fromkeys(prepared.word_names, "word")


def _answer(prepared: Preprocessing) -> pd.DataFrame:
    """Return what models.prediction answers, by its columns and types alone."""
    columns = answer_columns(prepared, np.zeros((1, prepared.outputs)))
    texts = {name: one.astype(object) for name, one in columns.items() if one.dtype.kind == "U"}
    return pd.DataFrame(columns | texts)
