"""What the report says that counts or repeats what happened, and estimates nothing."""

__all__ = ["COUNTS"]

COUNTS = {
    "analysis:diagnoses": "the findings below, by trial",
    "analysis:independence": "how the trials came to be: drawn, listed, proposed or copied",
    "analysis:savings": "epochs run of those planned",
    "diagnosis:still improving": "where the best epoch lies, and what the last fifth brought",
    "diagnosis:saturated early": "where the best epoch lies",
    "diagnosis:diverged": "the trial's outcome",
    "diagnosis:unstable": "the sum of the training loss's rises",
    "wording:audit_sentence": "pruned trials that would have beaten the best",
    "wording:choice_sentence": "what candidates were held to, and which no longer satisfied it",
    "wording:newer_candidates": "trials that ended after the final",
    "wording:words_of_test_rows": "evaluations on the test rows, here and in sweeps beside it",
    "wording:no_winner_words": "that no trial has a finite objective",
    "wording:one_error_sentence": "trials no farther from the best than its error over folds",
    "wording:searched_sentence": "what the best of so many trials came to, on so many rows",
    "wording:searched_words": "the same",
}
