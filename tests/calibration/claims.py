"""Each sentence that the report can say: its statistic, and sweeps in which it should be silent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.calibration import gaps, plans, unseen_rows, worlds
from tests.sweeps.schedulers.plays import steady_losses

__all__ = ["CLAIMS", "Claim"]

World = Callable[[int], bool | None]


@dataclass(frozen=True)
class Claim:
    """A sentence that may be wrong.

    Attributes:
        covers: What says it: `analysis:` a field of `Analysis`, `diagnosis:` a finding, `wording:`
            a function of `findings/wording.py`, `test:` an interval of the test rows.
        nominal: How often it may be wrong.
        silent: Where it should not be said, or an interval should hold; by seed, whether it is
            wrong, or None where nothing was said.
        true: Where it should be said, and whether it is; None for an interval.
        runs: Simulations of each by `make calibration`.
        replayed: How many of these a test runs again.
        limit: Why it is more often wrong than it may be, and where the reader is told.
    """

    covers: tuple[str, ...]
    sentence: str
    statistic: str
    nominal: float
    silent_where: str
    silent: World
    true_where: str = ""
    true: World | None = None
    runs: int = 300
    replayed: int = 100
    limit: str = ""

    @property
    def name(self) -> str:
        """What the row is known by."""
        return f"{self.sentence} [{self.silent_where}]"


_PERMUTED = "difference of expected bests, permuted labels (Good 2005, ch. 3), Holm (1979)"
_GAIN = "unbiased expected best (Tang et al., ACL 2020); spacings (Renyi 1953)"
_BAND = "order statistics (Learned-Miller and DeStefano 2008; Lourie, Cho and He 2023)"
_LOWEST = "standard error of the gap to the lowest dev error, Bonferroni over trials"
_BOOTSTRAP = "studentised bootstrap (Efron and Tibshirani 1993, 12.5)"
_GROUPS = "studentised bootstrap over groups (Efron and Tibshirani 1993, 12.5)"
_KISH = "the same of groups as if all of their rows were one (Kish 1965, 8.2), Student's t"
_R2 = "standard error of ln(1 - R2), from that of R2 (Olkin and Finn 1995), beside a gap of .05"
_PROMISE = (
    "test interval, widened for dev rows (Schenker and Gentleman 2001) and moved by the luck of "
    "the best (order statistics)"
)
_PROMISE_OF_GROUPS = f"{_PROMISE}; independent rows of the groups (Kish 1965, 8.2)"
_EPOCHS = "the epochs lie in the range of `plan`"
_PLAYED = "the scheduler played on 40 random rankings, prediction interval of Student's t"
_WHOLE = "whole sweeps of 30 trials of up to 9 epochs on iris, scheduler"
_T_OF_ALL = "t, Bonferroni over candidates; its own spread, or that of all where it is larger"
_SKEWED = (
    "five repeats seldom show a long tail, and one candidate has no others that would show it; "
    "where they do, the figure and the table of the final say so"
)
_ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"

CLAIMS = (
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "2 equal options, 20 trials each", worlds.an_option_is_better((20, 20)),
        "one has 1.3 times the loss, 50 trials each", worlds.an_option_is_better((50, 50), 1.3),
        runs=1000,
    ),
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "2 equal options, 35 and 5 trials", worlds.an_option_is_better((35, 5)),
        "the rare one has twice the loss", worlds.an_option_is_better((35, 5), 2.0),
        runs=1000,
    ),
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "4 equal options, 15 trials each", worlds.an_option_is_better((15,) * 4),
        "one has twice the loss", worlds.an_option_is_better((15,) * 4, 2.0),
        runs=1000,
    ),
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "whole sweeps of 24 trials on wine, two schedules that are the same training",
        worlds.same_training_is_better, runs=200, replayed=0,
    ),
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "2 options, 20 trials each, equal on all groups there are; each is better on some of the "
        "10 groups that the dev rows come from",
        worlds.an_option_is_better_on_units({"group": "patient"}, 10),
        "one leads by 5 sd of a trial (never said where dev rows are cut by groups)",
        worlds.an_option_is_better_on_units({"group": "patient"}, 10, 0.05),
    ),
    Claim(
        ("analysis:comparisons",), "option X is better", _PERMUTED, 0.05,
        "2 options, 20 trials each, equal over all times; the dev rows are of 3 months, in each "
        "of which one is better",
        worlds.an_option_is_better_on_units({"order": "day"}, 3),
        "one leads by 5 sd of a trial (never said where dev rows are cut in time)",
        worlds.an_option_is_better_on_units({"order": "day"}, 3, 0.05),
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, "10 trials of 30 epochs, Ray's own ASHA",
        plans.epochs_of_rays_differ("asha", 10, 30, steady_losses),
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, "100 trials of 81 epochs, Ray's own ASHA",
        plans.epochs_of_rays_differ("asha", 100, 81, steady_losses),
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, "40 trials of 30 epochs, Ray's own median rule",
        plans.epochs_of_rays_differ("median", 40, 30, steady_losses), replayed=15,
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, "40 trials of 27 epochs, Ray's own HyperBand",
        plans.epochs_of_rays_differ("hyperband", 40, 27, steady_losses), replayed=15,
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, "40 trials of 27 epochs, no scheduler (Ray's)",
        plans.epochs_of_rays_differ("none", 40, 27, steady_losses), replayed=15,
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05, f"{_WHOLE} asha",
        plans.epochs_of_a_sweep_differ(_ASHA), runs=200, replayed=0,
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05,
        "whole sweeps of 12 trials of up to 9 epochs on iris, scheduler median",
        plans.epochs_of_a_sweep_differ("{scheduler: median, grace_epochs: 1}", 12),
        runs=200, replayed=0,
    ),
    Claim(
        ("plan:epochs",), _EPOCHS, _PLAYED, 0.05,
        "whole sweeps of 12 trials of up to 9 epochs on iris, scheduler hyperband",
        plans.epochs_of_a_sweep_differ("{scheduler: hyperband}", 12), runs=200, replayed=0,
    ),
    Claim(
        ("analysis:alarms",), "the best may lie beyond an end", "binomial test, ties shared", 0.02,
        "60 draws, nothing matters (2 ends at .01)", worlds.an_alarm_on_draws(1),
        "100 draws, the optimum is at 1.3", worlds.an_end_is_missed,
    ),
    Claim(
        ("analysis:alarms",), "the best may lie beyond an end", "binomial test, ties shared", 0.05,
        "60 draws, 12 ranges of which none matters", worlds.an_alarm_on_draws(12),
    ),
    Claim(
        ("analysis:alarms",), "the best may lie beyond an end", "binomial test, ties shared", 0.04,
        "a grid of ties: accuracy on 30 dev rows (4 ends at .01)", worlds.an_alarm_on_a_grid,
    ),
    Claim(
        ("analysis:alarms",), "the best may lie beyond an end", "binomial test, ties shared", 0.04,
        "whole sweeps: a grid of 36 on iris on which nothing matters, accuracy on 30 dev rows",
        worlds.an_alarm_on_a_trained_grid, runs=200, replayed=0,
    ),
    Claim(
        ("analysis:importances",), "X mattered most",
        "PED-ANOVA (Watanabe et al. 2023) beside 39 shuffles of the results", 0.05,
        "40 trials, 6 parameters, nothing matters", worlds.a_parameter_stands_out(0.0),
        "one moves the loss by 4 sd of the noise", worlds.a_parameter_stands_out(4.0),
        runs=200, replayed=8,
    ),
    Claim(
        ("analysis:tuning_curve",), "95 % band of the best of n", _BAND, 0.05,
        "20 trials, all n together", worlds.band_misses(20),
    ),
    Claim(
        ("analysis:tuning_curve",), "95 % band of the best of n", _BAND, 0.05,
        "60 trials, all n together", worlds.band_misses(60),
    ),
    Claim(
        ("analysis:tuning_curve",), "more trials would hardly help", _GAIN, 0.05,
        "40 trials, doubling brings 6 %",
        worlds.more_is_judged("hardly", worlds.floor_and_tail, 40),
        "100 trials, doubling brings 1 %", worlds.more_is_judged("hardly", worlds.plateau, 100),
    ),
    Claim(
        ("analysis:tuning_curve",), "more trials would probably still help", _GAIN, 0.05,
        "40 trials, doubling brings 2 %", worlds.more_is_judged("still", worlds.plateau, 40),
        "40 trials, doubling brings 25 %", worlds.more_is_judged("still", worlds.steep, 40),
    ),
    Claim(
        ("diagnosis:avoidable bias",), "avoidable bias (classes)", _LOWEST, 0.05,
        "accuracy .7 on 88 dev rows, as of 9 others; one more overfits",
        gaps.bias_is_said("classification", 0.0),
        "accuracy .5", gaps.bias_is_said("classification", 0.2),
    ),
    Claim(
        ("diagnosis:avoidable bias",), "avoidable bias (numbers)", _LOWEST, 0.05,
        "R2 .7 on 88 dev rows, as of 9 others; one more overfits",
        gaps.bias_is_said("regression", 0.0),
        "R2 .3", gaps.bias_is_said("regression", 0.4),
    ),
    Claim(
        ("diagnosis:avoidable bias",), "avoidable bias (classes)", _KISH, 0.05,
        "accuracy .8 on 10 groups of 40 rows, as of 9 others",
        gaps.bias_is_said_of_groups("classification", 0.0, 10),
        "accuracy .3", gaps.bias_is_said_of_groups("classification", 0.5, 10),
    ),
    Claim(
        ("diagnosis:avoidable bias",), "avoidable bias (numbers)", _KISH, 0.05,
        "R2 .8 on 40 groups of 40 rows, as of 9 others",
        gaps.bias_is_said_of_groups("regression", 0.0, 40),
        "R2 .3 (on 10 groups: never)", gaps.bias_is_said_of_groups("regression", 0.5, 40),
    ),
    Claim(
        ("diagnosis:variance",), "variance (classes)", "standard error of a share", 0.05,
        "dev accuracy .5 on 88 rows, no gap", gaps.variance_is_said("classification", 0.0),
        "a gap of .2", gaps.variance_is_said("classification", 0.2),
    ),
    Claim(
        ("diagnosis:variance",), "variance (numbers)", _R2, 0.05,
        "R2 .5 on 88 dev rows, no gap", gaps.variance_is_said("regression", 0.0),
        "a gap of .3", gaps.variance_is_said("regression", 0.3),
    ),
    Claim(
        ("diagnosis:variance",), "variance (numbers)", _R2, 0.05,
        "least squares on 10 columns, R2 .5 on 88 dev rows (a gap of .04)",
        gaps.variance_is_said_of_a_fit(10, 88),
        "on 100 columns (a gap of .5)", gaps.variance_is_said_of_a_fit(100, 88),
    ),
    Claim(
        ("diagnosis:variance",), "variance (numbers)", _R2, 0.05,
        "least squares on 2 columns, R2 .5 on 30 dev rows (a gap of .03)",
        gaps.variance_is_said_of_a_fit(2, 30),
        "on 40 columns (a gap of .7)", gaps.variance_is_said_of_a_fit(40, 30),
    ),
    Claim(
        ("diagnosis:variance",), "variance (classes)", _KISH, 0.05,
        "dev accuracy .5 on 10 groups of 40 rows, no gap",
        gaps.variance_is_said_of_groups("classification", 0.0, 10),
        "a gap of .4", gaps.variance_is_said_of_groups("classification", 0.4, 10),
    ),
    Claim(
        ("diagnosis:variance",), "variance (numbers)", _KISH, 0.05,
        "R2 .5 on 10 groups of 40 rows, no gap",
        gaps.variance_is_said_of_groups("regression", 0.0, 10),
        "a gap of .4", gaps.variance_is_said_of_groups("regression", 0.4, 10),
    ),
    Claim(
        ("wording:noise_sentence", "wording:winner_sentence"),
        "its lead is more than the noise of seeds", "Welch's t test", 0.05,
        "3 equal candidates, 5 seeds", worlds.lead_is_more_than_noise(0.0),
        "a lead of 2 sd of a seed", worlds.lead_is_more_than_noise(2.0),
    ),
    Claim(
        ("final:interval", "wording:winner_sentence"),
        "the winner's 95 % interval", _T_OF_ALL, 0.05,
        "10 equal candidates, 5 seeds", worlds.winner_interval_misses(10),
    ),
    Claim(
        ("final:interval",), "the winner's 95 % interval", _T_OF_ALL, 0.05,
        "3 equal candidates, 5 seeds, skewed: log-normal, sd of the log .5",
        worlds.winner_interval_misses(3, worlds.log_normal_seeds), runs=1000,
    ),
    Claim(
        ("final:interval",), "the winner's 95 % interval", _T_OF_ALL, 0.05,
        "3 equal candidates, 5 seeds, very skewed: exponential",
        worlds.winner_interval_misses(3, worlds.exponential_seeds), runs=1000,
    ),
    Claim(
        ("final:interval",), "the winner's 95 % interval", _T_OF_ALL, 0.05,
        "a single candidate, 5 seeds, very skewed: exponential",
        worlds.winner_interval_misses(1, worlds.exponential_seeds), runs=1000, limit=_SKEWED,
    ),
    Claim(
        ("final:interval",), "the winner's 95 % interval", _T_OF_ALL, 0.05,
        "3 equal candidates, 3 seeds, accuracy on 36 dev rows (none where all seeds agree)",
        worlds.winner_of_shares_misses(3),
    ),
    Claim(
        ("final:seeds",), "a few seeds did far worse than most",
        "skewness of all candidates' repeats, beside normal ones", 0.05,
        "3 candidates, 5 seeds, normal", worlds.a_long_tail_is_said(worlds.normal_seeds),
        "exponential", worlds.a_long_tail_is_said(worlds.exponential_seeds),
    ),
    Claim(
        ("wording:surprise_sentence",), "the test rows are worse than promised", _PROMISE, 0.05,
        "100 dev and test rows of one kind, accuracy .85, one trial",
        unseen_rows.test_rows_surprise(0, 1),
        "accuracy .65 on test rows", unseen_rows.test_rows_surprise(0.2, 1),
    ),
    Claim(
        ("wording:surprise_sentence",), "the test rows are worse than promised", _PROMISE, 0.05,
        "100 dev and test rows of one kind, accuracy .85, the best of 60 trials",
        unseen_rows.test_rows_surprise(0, 60),
        "accuracy .65 on test rows", unseen_rows.test_rows_surprise(0.2, 60),
    ),
    Claim(
        ("wording:surprise_sentence",), "the test rows are worse than promised", _PROMISE_OF_GROUPS,
        0.05, "10 groups of 10 dev rows, 10 of test rows, accuracy .85, the best of 20 trials",
        unseen_rows.test_groups_surprise(0, 20),
        "accuracy .45 on test rows", unseen_rows.test_groups_surprise(0.4, 20),
        replayed=15,
    ),
    Claim(
        ("test:accuracy", "wording:sentence_of_test_rows"),
        "test accuracy, 95 % interval", "Clopper and Pearson (1934)", 0.05,
        "36 rows, truth .97", unseen_rows.test_interval_misses("accuracy", 36, 0.97),
        replayed=15,
    ),
    Claim(
        ("test:loss",), "test loss, 95 % interval", _BOOTSTRAP, 0.05,
        "36 rows, accuracy .9", unseen_rows.test_interval_misses("loss", 36, 0.9),
        replayed=30,
    ),
    Claim(
        ("test:loss",), "test loss, 95 % interval", _BOOTSTRAP, 0.05,
        "114 rows, accuracy .97", unseen_rows.test_interval_misses("loss", 114, 0.97),
        replayed=30,
    ),
    Claim(
        ("test:accuracy",), "test accuracy, 95 % interval", _GROUPS, 0.05,
        "5 groups of 20 rows, accuracy .8", unseen_rows.grouped_interval_misses("accuracy", 5, 20),
        runs=250, replayed=10,
    ),
    Claim(
        ("test:loss",), "test loss, 95 % interval", _GROUPS, 0.05,
        "8 groups of 12 rows, accuracy .8", unseen_rows.grouped_interval_misses("loss", 8, 12),
        runs=250, replayed=10,
    ),
    Claim(
        ("test:accuracy",), "test subset accuracy, 95 % interval", "Clopper and Pearson (1934)",
        0.05, "60 rows of 3 labels, of which .9 are told right",
        unseen_rows.labels_interval_misses("subset_accuracy", 60), runs=200, replayed=15,
    ),
    Claim(
        ("test:loss",), "test Hamming loss, 95 % interval", _BOOTSTRAP, 0.05,
        "60 rows of 3 labels, of which .9 are told right",
        unseen_rows.labels_interval_misses("hamming_loss", 60), runs=200, replayed=15,
    ),
    Claim(
        ("test:loss",), "test loss of labels, 95 % interval", _BOOTSTRAP, 0.05,
        "60 rows of 3 labels, of which .9 are told right",
        unseen_rows.labels_interval_misses("loss", 60), runs=200, replayed=15,
    ),
    Claim(
        ("test:f1",), "test F1 of labels, 95 % interval", _BOOTSTRAP, 0.05,
        "60 rows of 3 labels, of which .9 are told right",
        unseen_rows.labels_interval_misses("f1", 60), runs=200, replayed=15,
    ),
    Claim(
        ("test:f1",), "test F1, 95 % interval", _BOOTSTRAP, 0.05,
        "114 rows, accuracy .97", unseen_rows.test_interval_misses("f1", 114, 0.97),
        replayed=15,
    ),
    Claim(
        ("test:mse",), "test MSE, 95 % interval", _BOOTSTRAP, 0.05,
        "89 rows, normal errors", unseen_rows.regression_interval_misses("mse", 89, math.inf),
        replayed=30,
    ),
    Claim(
        ("test:mse",), "test MSE, 95 % interval", _BOOTSTRAP, 0.05,
        "89 rows, errors of Student's t with 5 degrees",
        unseen_rows.regression_interval_misses("mse", 89, 5),
        replayed=30,
    ),
    Claim(
        ("test:mae",), "test MAE, 95 % interval", _BOOTSTRAP, 0.05,
        "89 rows, errors of Student's t with 5 degrees",
        unseen_rows.regression_interval_misses("mae", 89, 5),
        replayed=30,
    ),
    Claim(
        ("test:r2",), "test R2, 95 % interval", _BOOTSTRAP, 0.05,
        "89 rows, normal errors, R2 .5", unseen_rows.regression_interval_misses("r2", 89, math.inf),
        replayed=15,
    ),
    Claim(
        ("test:r2",), "test R2, 95 % interval", _BOOTSTRAP, 0.05,
        "89 rows, errors of Student's t with 5 degrees, R2 .5",
        unseen_rows.regression_interval_misses("r2", 89, 5),
        replayed=15,
    ),
    Claim(
        ("test:accuracy",), "test accuracy, 95 % interval", "Clopper and Pearson (1934)", 0.05,
        "whole sweeps: labels are tossed, and each row is there twice",
        worlds.twins_are_learned, runs=200, replayed=0,
    ),
)  # fmt: skip
