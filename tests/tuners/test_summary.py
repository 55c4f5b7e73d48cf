"""Leaderboard and description, from trials written down by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from trialstack.tracking.base import NewRun
from trialstack.tracking.memory import MemoryTracker
from trialstack.trials import EpochBlock, Failed, Finished, Objective, TrialSpec
from trialstack.tuners.names import LONGEST_NAME, TrialNames
from trialstack.tuners.report import ExecutionReport
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import description, leaderboard, summarize

AUC = Objective("val_auc", "max")


def finished(number: int, score: float, best_epoch: int = 1, epochs: int = 3) -> Finished:
    history = {"val_auc": [score] * epochs}
    return Finished(str(number), 9.0, history, {"val_auc": score}, best_epoch)


def failed(number: int, reason: str = "ValueError: no", epochs: int = 0) -> Failed:
    return Failed(str(number), 9.0, reason, "Traceback", {"loss": [1.0] * epochs, "auc": []})


def ended(
    tmp_path: Path, *events: Finished | Failed, objective: Objective = AUC, **options: Any
) -> SearchRun:
    """A search in which these trials have ended, in this order."""
    run = SearchRun(MemoryTracker(), objective, TrialNames(), tmp_path, **options)
    run.tracker.start_run(NewRun(PARENT, "search", "a search", 0.0))
    for event in events:
        number = int(event.trial_id)
        values = {"units": 10 * number, "rate": 0.001} if number != 1 else {"units": 10}
        spec = TrialSpec(event.trial_id, number, values, (42, number))
        run.trial_started(spec, values, 1.0)
        if isinstance(event, Finished):
            run.epochs(spec, EpochBlock(event.trial_id, 0, [{"val_auc": 0.5}], [2.0]))
            run.trial_finished(spec, values, event)
        else:
            run.trial_failed(spec, values, event)
    return run


class TestRanking:
    def test_the_best_first_the_earlier_of_equals_first_failed_ones_last(
        self, tmp_path: Path
    ) -> None:
        run = ended(
            tmp_path,
            finished(3, 0.8),
            failed(2),
            finished(1, 0.8),
            finished(0, 0.5),
            finished(4, 0.9),
        )
        assert [row.trial_id for row in run.ranking()] == ["4", "1", "3", "0"]
        assert [row.trial_id for row in run.failures()] == ["2"]
        lowest = ended(
            tmp_path, finished(0, 0.5), finished(1, 0.4), objective=Objective("val_auc", "min")
        )
        assert [row.trial_id for row in lowest.ranking()] == ["1", "0"]

    def test_a_score_of_zero_is_a_score(self, tmp_path: Path) -> None:
        run = ended(tmp_path, finished(0, -1.0), finished(1, 0.0), failed(2))
        assert [row.trial_id for row in run.ranking()] == ["1", "0"]

    def test_the_best_so_far_counts_failures_as_steps(self, tmp_path: Path) -> None:
        run = ended(tmp_path, failed(0), finished(1, 0.5), failed(2), finished(3, 0.4))
        assert run.tracker[PARENT].metrics["search_best"] == {1: 0.5, 2: 0.5, 3: 0.5}

    def test_somebody_is_told_after_every_trial(self, tmp_path: Path) -> None:
        counts: list[int] = []
        told = {"on_trial_ended": lambda run: counts.append(len(run.rows))}
        ended(tmp_path, finished(0, 0.5), failed(1), **told)
        assert counts == [1, 2]


class TestLeaderboard:
    def test_columns(self, tmp_path: Path) -> None:
        run = ended(
            tmp_path, finished(0, 0.5), failed(2, epochs=2), finished(1, 0.75, best_epoch=0)
        )
        assert leaderboard(run) == {
            "rank": [1, 2, ""],
            "trial": ["001", "000", "002"],
            "best_val_auc": [0.75, 0.5, ""],
            "units": [10, 0, 20],
            "rate": ["", 0.001, 0.001],
            "best_epoch": [0, 1, ""],
            "epochs_run": [3, 3, 2],
            "status": ["FINISHED", "FINISHED", "FAILED"],
            "reason": ["", "", "ValueError: no"],
        }
        # MLflow's preview has room for six columns.
        assert list(leaderboard(run))[3:5] == ["units", "rate"]

    def test_a_hyperparameter_named_like_a_column_keeps_its_values(self, tmp_path: Path) -> None:
        run = SearchRun(MemoryTracker(), AUC, TrialNames(), tmp_path)
        run.tracker.start_run(NewRun(PARENT, "search", "a search", 0.0))
        spec = TrialSpec("0", 0, {"status": "hot", "trial": 3}, (1, 0))
        run.trial_started(spec, spec.hyperparameters, 1.0)
        run.trial_finished(spec, spec.hyperparameters, finished(0, 0.5))
        columns = leaderboard(run)
        assert (columns["status"], columns["hp_status"]) == (["FINISHED"], ["hot"])
        assert (columns["trial"], columns["hp_trial"]) == (["000"], [3])

    def test_the_file_quotes_what_needs_it(self, tmp_path: Path) -> None:
        run = ended(tmp_path, failed(0, 'ValueError: a "word", and more'), finished(1, 0.5))
        summarize(run)
        lines = run.tracker[PARENT].files["leaderboard.csv"].decode().split("\n")
        assert lines == [
            "rank,trial,best_val_auc,units,rate,best_epoch,epochs_run,status,reason",
            "1,001,0.5,10,,1,3,FINISHED,",
            ',000,,0,0.001,,0,FAILED,"ValueError: a ""word"", and more"',
            "",
        ]


class TestDescription:
    def test_the_best_trial_stands_in_the_first_line(self, tmp_path: Path) -> None:
        run = ended(tmp_path, finished(0, 0.5), failed(1), finished(2, 0.75))
        assert description(run).replace("&nbsp;", "").split("\n") == [
            "Best val_auc **0.7500**: trial 002 · units 20 · rate 0.001 (3 trials, 1 failed).",
            "",
            "| rank | trial | val_auc | units | rate | best epoch (from 0) | epochs |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            "| 1 | 002 | 0.7500 | 20 | 0.001 | 1 | 3 |",
            "| 2 | 000 | 0.5000 | 0 | 0.001 | 1 | 3 |",
            "",
            "Failed: trial 001 · units 10: ValueError: no",
        ]

    def test_a_result_given_stands_there_instead(self, tmp_path: Path) -> None:
        text = description(ended(tmp_path, finished(0, 0.5)), "AUC **0.99**", "More.")
        assert text.split("\n")[:3] == ["AUC **0.99**.", "", "1 trial. More."]

    def test_without_a_score(self, tmp_path: Path) -> None:
        text = description(ended(tmp_path, failed(0)))
        assert text.split("\n")[0] == "No trial came to a score (1 trial, 1 failed)."

    def test_only_ten_are_shown(self, tmp_path: Path) -> None:
        run = ended(tmp_path, *(finished(number, number / 20) for number in range(12)))
        text = description(run).replace("&nbsp;", "")
        rows = [line for line in text.split("\n") if line.startswith("| 1")]
        assert [row.split(" | ")[0] for row in rows] == ["| 1", "| 10"]


class TestSummary:
    @pytest.mark.parametrize(
        "events",
        [
            [finished(0, 0.5)],
            [failed(0)],
            [finished(0, 0.5), failed(1), finished(2, 0.5)],
            [finished(number, -(10.0**number)) for number in range(9)],
        ],
        ids=["one", "failed", "equal", "spread"],
    )
    def test_pictures_are_drawn_of_any_search(
        self, tmp_path: Path, events: list[Finished | Failed]
    ) -> None:
        run = ended(tmp_path, *events)
        summarize(run)
        parent = run.tracker[PARENT]
        assert {path for path in parent.files if path.startswith("plots/")} == {
            "plots/objective_over_trials.png",
            "plots/objective_by_hyperparameter.png",
        }
        assert list(parent.tables) == ["leaderboard.json"]


class TestNames:
    def test_a_long_name_is_cut(self) -> None:
        names = TrialNames()
        name = names.run_name(7, {f"hyperparameter_{n}": n for n in range(20)})
        assert len(name) == LONGEST_NAME
        assert name.startswith("trial 007 · hyperparameter_0 0 · ")
        assert name.endswith("…")

    def test_params_are_short_and_of_any_type(self) -> None:
        values = {"a": 1 / 3, "b": True, "c": "relu", "d": 7, "e": 1e-15, "f": math.inf}
        assert TrialNames().params(values) == {
            "a": "0.3333",
            "b": "true",
            "c": "relu",
            "d": "7",
            "e": "1e-15",
            "f": "inf",
        }

    def test_a_hypermodel_may_translate(self) -> None:
        class Own:
            def readable(self, values: Any) -> dict[str, Any]:
                return {"width": values["share"] * 100}

        assert TrialNames.of(Own()).params({"share": 0.5}) == {"width": "50"}
        assert TrialNames.of(object()).params({"share": 0.5}) == {"share": "0.5"}


def test_the_report_counts_trials() -> None:
    report = ExecutionReport()
    for stacked in (True, False, False):
        report.add(stacked=stacked)
    assert (report.stacked, report.one_by_one) == (1, 2)
