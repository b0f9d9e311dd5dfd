"""What follows a search: an audit of what was pruned, and the final choice with its one test.

Each step leaves something on disk and is skipped where that is there, so that a sweep which was
killed anywhere goes on from there. The order matters: the winner and its model are frozen before
the winner is evaluated on the test set.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.stage_plans import audit_plan, can_be_refitted, refit_plan, repeats_plan
from sweeps.definition.sweep_file import Final, SweepFile
from sweeps.errors import RunFolderError, StorageError
from sweeps.findings.choosing import Choosing
from sweeps.findings.final_ranking import (
    ALPHA,
    median_repeat,
    rank_candidates,
    refit_warning,
    welch_p_value,
)
from sweeps.findings.stages import Stage, make_stage, stage_folder, trials_to_audit
from sweeps.infra.command_line import command
from sweeps.models.configuration import TrialConfig
from sweeps.models.data.datasets import Dataset
from sweeps.models.errors import ModelError
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import Splits, refit_splits
from sweeps.models.trial_kinds import is_own_training, is_program, is_untested
from sweeps.record.final import (
    Candidate,
    FinalChoice,
    FinalModel,
    Interval,
    Opening,
    note_opened,
    note_result,
    read_final,
    read_openings,
    write_final,
)
from sweeps.record.final_files import unnoted
from sweeps.record.kept_weights import best_weights
from sweeps.record.own_code import import_as_trained, refuse_other_code
from sweeps.record.recorder import Recorder
from sweeps.record.run_folder import PREPROCESSING, RunFolder
from sweeps.record.seals import text_seal
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.record.uses_of_test import opened_before
from sweeps.session.environment import pull_runs
from sweeps.storage.files import fetch_file

__all__ = ["FollowUp"]

# The last epoch of a refit is its best, as no dev rows are left to choose by.
_LAST_EPOCH = Objective("epoch", "max")
_UNTESTED = "only the program has its test rows, and there is no training.test_command"


class Train(Protocol):
    """Trains a stage to its end; None says that it was interrupted."""

    def __call__(
        self, folder: RunFolder, splits: Sequence[Splits], last_epoch: int | None = None
    ) -> SweepRecord | None: ...


@dataclass(frozen=True)
class FollowUp:
    """The stages of one sweep, and what they need.

    Attributes:
        is_stopped: asked while a program measures its test rows.
    """

    folder: RunFolder
    file: SweepFile
    recorder: Recorder
    dataset: Dataset | None
    splits: Sequence[Splits]
    train: Train
    is_stopped: Callable[[], bool] = lambda: False

    @property
    def record(self) -> SweepRecord:
        """What is known of the search."""
        return self.recorder.record

    def run(self, set_title: Callable[[str], None]) -> None:
        """Run what is missing; returns early where it is interrupted.

        Raises:
            StorageError: The disk is full.
            RunFolderError: A stage's folder was damaged.
        """
        if self._audit() and self.file.final is not None and self.record.best is not None:
            self._final(self.file.final, set_title)

    def _audit(self) -> bool:
        pruned = trials_to_audit(self.file, self.record)
        if not pruned:
            return True
        folder = stage_folder(self.folder, "audit")
        if folder is None:
            number = self.file.stopping.audit
            plan = audit_plan([trial.trial for trial in pruned], number, self.file.seed)
            folder = make_stage(self.folder, "audit", plan, self.record.objective)
        return self.train(folder, self.splits) is not None

    def _final(self, final: Final, set_title: Callable[[str], None]) -> None:
        self._note()  # what a kill did not
        choice = read_final(self.folder) or self._choose(final)
        if choice is not None:
            set_title("evaluating on the test set")
            self._evaluate_on_test(choice)

    def _best(self, number: int) -> list[PlannedTrial]:
        """Return so many of the best; of copies that went on by the same values, one."""
        found: dict[str, PlannedTrial] = {}
        for one in self._choosing.ranked(self.record):
            found.setdefault(one.trial.hash, one.trial)
        return list(found.values())[:number]

    @property
    def _choosing(self) -> Choosing:
        return Choosing.of(self.file, self.record.objective)

    def _choose(self, final: Final) -> FinalChoice | None:
        folder, by = stage_folder(self.folder, "final"), self._choosing
        if folder is None:
            best = self._best(final.top_k)
            if not best:
                return None  # and `why_no_winner` says why
            plan = repeats_plan(best, final.seeds, self.file.seed)
            folder = make_stage(self.folder, "final", plan, self.record.objective)
        repeats = self.train(folder, self.splits)
        if repeats is None or repeats.best is None:
            return None
        candidates = rank_candidates(self.record, repeats, by)
        if not candidates:
            return None
        model = self._model(final, candidates[0], repeats)
        if model is None:
            return None
        p_value = welch_p_value(*candidates[:2]) if len(candidates) > 1 else None
        choice = FinalChoice(
            metric=by.objective.metric,
            mode=by.objective.mode,
            seeds=final.seeds,
            candidates=tuple(candidates),
            p_value=p_value,
            within_noise=None if p_value is None else p_value > ALPHA,
            model=model,
            frozen_at=round(time.time(), 3),
            cut=self.folder.read_description().data.cut,
            untested=_UNTESTED if self._is_untested else "",
            opened_before=self._opened_before(),
            where=by.where,
            left_out=_left_out(self.record, repeats, candidates),
        )
        write_final(self.folder, choice)
        self._note()
        return choice

    def _opened_before(self) -> tuple[str, ...]:
        """Return the other sweeps that opened the test rows, as far as the storage answers."""
        with suppress(StorageError):
            pull_runs(self.folder.path.parent)
        return opened_before(self.folder)

    def _model(self, final: Final, winner: Candidate, repeats: SweepRecord) -> FinalModel | None:
        """Return the net that the sweep ends with, or None where its training was interrupted."""
        median = median_repeat(winner, repeats, self._choosing)
        as_repeat = self._saved("final", "repeat", median)
        if self._is_of_programs:
            place = f"final/programs/{median.trial.index:06d}/checkpoints"
            return _with_note(as_repeat, f"what the program saved is in {place}")
        if not final.refit:
            return as_repeat
        if self.dataset is None:
            return _with_note(
                as_repeat, "your own training without data has no dev rows to refit on"
            )
        if not can_be_refitted(median.trial):
            why = "a plateau schedule needs dev rows, and a refit trains on them"
            return _with_note(as_repeat, why)
        of_winner = [one for one in repeats.trials if one.trial.hash == winner.hash]
        epochs = _median_epoch(of_winner)
        splits = refit_splits(self.dataset, self.file.data, self.file.seed)
        folder = stage_folder(self.folder, "final/refit")
        if folder is None:
            plan = refit_plan(self.record.trials[winner.trial].trial, self.file.seed)
            folder = make_stage(self.folder, "final/refit", plan, _LAST_EPOCH)
        record = self.train(folder, [splits], last_epoch=epochs)
        if record is None:
            return None
        [refit] = record.trials
        if refit.outcome is not Outcome.COMPLETED:
            was = "was " if refit.outcome is Outcome.REJECTED else ""
            return _with_note(as_repeat, f"the refit {was}{refit.outcome}: {refit.reason}")
        saved = self._saved("final/refit", "refit", refit)
        return _with_note(saved, refit_warning(refit, of_winner))

    @property
    def _is_of_programs(self) -> bool:
        return is_program(self.record.trials[0].trial.configuration)

    @property
    def _is_untested(self) -> bool:
        return is_untested(self.record.trials[0].trial.configuration)

    def _saved(self, stage: Stage, how: str, trial: TrialRecord) -> FinalModel:
        path = fetch_file(best_weights(RunFolder(self.folder.path / stage).weights, trial))
        weights = str(path.relative_to(self.folder.path))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        preprocessing = f"{stage}/{PREPROCESSING}"
        seal = text_seal((self.folder.path / preprocessing).read_bytes())
        return FinalModel(
            how, "", trial.best_epoch or 0, weights, preprocessing, digest, preprocessing_sum=seal
        )

    def _evaluate_on_test(self, choice: FinalChoice) -> None:
        """Test the frozen model, unless that has been done; it is noted before it takes place."""
        openings = read_openings(self.folder)
        own = choice.own(openings)
        if choice.untested or (own and own[-1].metrics):
            return
        is_own = is_own_training(self.record.trials[choice.winner.trial].trial.configuration)
        if is_own:  # which is asked as it is now
            refuse_other_code(self.folder, self.record, accept=False)
        if not own:
            about = (choice.winner.trial, choice.winner.hash, choice.model.sha256)
            rows = len(self.splits[0].test.rows) if self.splits else 0
            at = max(round(time.time(), 3), choice.frozen_at)  # a clock may have been set back
            note_opened(self.folder, Opening(at, *about, rows, {}))
            self._note()
        estimates = self._own_estimates(choice.model) if is_own else self._estimates(choice)
        if estimates:
            note_result(self.folder, estimates)
            self._note()

    def _note(self) -> None:
        """Have the ledger vouch for what the final's files have."""
        for event, values in list(unnoted(self.folder, self.record)):
            self.recorder.write(event, **values)

    def _own_estimates(self, model: FinalModel) -> dict[str, Interval]:
        """Return what the user's own code measures on the test rows; none where it is stopped."""
        measure = self._of_program if self._is_of_programs else self._of_own_evaluation
        try:
            found = measure(model)
        except ModelError as err:
            again = command("resume", self.folder.path)
            raise RunFolderError(
                f"{err}. Nothing was measured on the test rows; fix it and continue: {again}"
            ) from err
        note = "measured by your own training: no interval"
        return {name: Interval(value, None, None, note) for name, value in found.items()}

    def _of_own_evaluation(self, model: FinalModel) -> dict[str, float]:
        from sweeps.models.training.own_evaluation import evaluate_own

        goal = replace(self.record.objective, recorded=self.file.recorded_metrics)
        splits = self.splits
        if model.how == "refit" and self.dataset is not None:
            splits = [refit_splits(self.dataset, self.file.data, self.file.seed)]
        return evaluate_own(fetch_file(self.folder.path / model.weights), splits, goal)

    def _of_program(self, model: FinalModel) -> dict[str, float]:
        from sweeps.models.training.program_evaluation import evaluate_program
        from sweeps.models.training.program_run import FolderError, ProgramPlace, StopAskedError

        goal = replace(self.record.objective, recorded=self.file.recorded_metrics)
        place = ProgramPlace(
            RunFolder(self.folder.path / "final").programs,
            self.folder.base_dir(),
            math.ceil(self.file.resources.cpu),
            self.file.trial.timeout_s,
            self.is_stopped,
        )
        try:
            return evaluate_program(fetch_file(self.folder.path / model.weights), place, goal)
        except StopAskedError:
            return {}
        except FolderError as err:
            raise StorageError(f"cannot write {place.folder}: {err}") from err

    def _estimates(self, choice: FinalChoice) -> dict[str, Interval]:
        """Return what a net of the product's loop measures on the test rows, with intervals."""
        assert self.dataset is not None, "nets have data"
        test = self.splits[0].test
        rows = test.rows
        from sweeps.models.evaluation import Resampling, evaluate
        from sweeps.models.prediction import Predictor
        from sweeps.models.scoring.measured_metrics import measured_metrics

        import_as_trained(self.folder, self.record)
        model = choice.model
        predictor = Predictor.load(
            fetch_file(self.folder.path / model.weights), self.folder.path / model.preprocessing
        )
        target, asked = self.dataset.target.take(rows), self.dataset.raw(rows)
        config = self.record.trials[choice.winner.trial].trial.config
        loss = config.loss if isinstance(config, TrialConfig) else None
        measured = measured_metrics(target.task, self.file.recorded_metrics, loss)
        drawn = Resampling(self.file.seed, test.units)
        found = evaluate(predictor, asked, target, measured, drawn)
        return {f"test_{name}": Interval(**vars(one)) for name, one in found.items()}


def _with_note(model: FinalModel, note: str) -> FinalModel:
    return FinalModel(**{**vars(model), "note": note})


def _left_out(
    searched: SweepRecord, repeats: SweepRecord, kept: Sequence[Candidate]
) -> tuple[int, ...]:
    """Return the trials of the search that were repeated and are no candidates any more."""
    hashes = {one.trial.hash for one in repeats.trials} - {one.hash for one in kept}
    first = {one.trial.hash: one.trial.index for one in reversed(searched.trials)}
    return tuple(sorted(first[one] for one in hashes))


def _median_epoch(repeats: Sequence[TrialRecord]) -> int:
    """Return the median of the repeats' best epochs, rounded up."""
    return math.ceil(statistics.median(t.best_epoch for t in repeats if t.best_epoch))
