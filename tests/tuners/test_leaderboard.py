"""`trialstack.leaderboard` of a tuner: from its journal, without a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trialstack


def test_trials_of_a_tuner(tuner_of: Callable[..., Any], pretended: Any) -> None:
    def diverge(training: int, epoch: int) -> None:
        if training == 1 and epoch == 2:
            raise ValueError("no luck")

    pretended.epoch = diverge
    tuner = tuner_of(pretended, trials=4)
    tuner.search()
    frame = trialstack.leaderboard(tuner)

    scores = {trial_id: trial.score for trial_id, trial in tuner.oracle.trials.items()}
    assert len(frame) == 4
    best = frame["best_val_score"].tolist()[:3]
    assert best == sorted(best, reverse=True)
    for row in frame.itertuples():
        values = tuner.oracle.trials[row.trial_id].hyperparameters.values
        assert (row.units, row.bonus) == (values["units"], values["bonus"])
        assert row.trial == int(row.trial_id)
        if row.status == "FINISHED":
            assert row.best_val_score == scores[row.trial_id]
            assert (row.best_epoch, row.epochs_run, row.reason) == (1, 3, "")
    last = frame.iloc[-1]
    assert (last["status"], last["trial"]) == ("FAILED", 1)
    assert "no luck" in last["reason"]
    assert (frame["seconds"] >= 0).all()
    assert "run_id" not in frame

    again = trialstack.leaderboard(tuner_of(pretended, trials=4))
    assert again.equals(frame)


def test_a_tuner_that_has_not_searched_has_no_trials(
    tuner_of: Callable[..., Any], pretended: Any
) -> None:
    assert trialstack.leaderboard(tuner_of(pretended)).empty
