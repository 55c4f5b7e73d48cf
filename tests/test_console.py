"""What `trialstack tune` prints at its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trialstack.console import print_result
from trialstack.pipeline.result import TrialCounts
from trialstack.tuners.trial_row import TrialRow

SCORES = {"log_loss": 0.25, "accuracy": 0.9, "balanced_accuracy": 0.875, "brier": 0.125}


def result(trials: TrialCounts, rows: int = 2) -> Any:
    board = [
        TrialRow(str(n), n, f"trial 00{n}", f"trial/{n}", {"units": 4 + n}, 0.875, 1, 5)
        for n in range(rows)
    ]
    return SimpleNamespace(
        leaderboard=board,
        trials=trials,
        objective="val_auc",
        final=SimpleNamespace(test={"auc": 0.95, "auc_ci": [0.9, 0.975], "rows": 40} | SCORES),
        baseline=SimpleNamespace(test={"auc": 0.75, "rows": 40} | SCORES),
        sentence="final better than baseline",
        model=SimpleNamespace(uri="models:/rings/1", alias="champion", reason="the first version"),
        links={"trials": "http://127.0.0.1:5000/#/"},
    )


def test_tables_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result(TrialCounts(2, 0, 0, 2)), "trialstack ui", "import mlflow")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "Best 2 of 2 trials"
    assert lines[3].split() == ["trial", "val_auc", "(from", "0)", "epochs", "units"]
    assert lines[5].split() == ["1", "000", "0.8750", "1", "5", "4"]
    assert "On 40 sealed test rows, with 95 % intervals" in lines
    assert any(
        line.split() == ["AUC", "0.7500", "0.9500", "(0.9000", "to", "0.9750)"] for line in lines
    )
    assert "Final better than baseline" in lines
    assert "Registered models:/rings/1 @champion: the first version" in lines


@pytest.mark.parametrize(
    ("trials", "rows", "heading"),
    [
        (TrialCounts(1, 0, 0, 0), 1, "Best 1 of 1 trial"),
        (TrialCounts(1, 5, 0, 0), 1, "Best 1 of 6 trials, 5 failed"),
        (TrialCounts(30, 0, 0, 0), 30, "Best 10 of 30 trials"),
    ],
)
def test_failed_trials_are_counted(
    trials: TrialCounts, rows: int, heading: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(result(trials, rows), "", "import mlflow")
    assert capsys.readouterr().out.splitlines()[0] == heading
